"""The alerts, checked and played by the real promtool."""

import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

FOLDER = Path(__file__).parents[2] / "deploy" / "prometheus"


def promtool(*words: str) -> subprocess.CompletedProcess[str]:
    """Run it beside the rules. Raises FileNotFoundError if it is missing; `make setup` says how to get it."""
    return subprocess.run(["promtool", *words], cwd=FOLDER, capture_output=True, text=True, check=False)


def test_promtool_accepts_the_rules_and_their_cases() -> None:
    for words in (("check", "rules", "alerts.yaml"), ("test", "rules", "alerts.test.yaml")):
        ran = promtool(*words)
        assert ran.returncode == 0, ran.stdout + ran.stderr


def test_promtool_notices_an_alert_that_does_not_fire(tmp_path: Path) -> None:
    rules = (FOLDER / "alerts.yaml").read_text(encoding="utf-8")
    (tmp_path / "alerts.yaml").write_text(
        rules.replace("_held_entries > 0", "_held_entries > 5"), encoding="utf-8"
    )
    cases = tmp_path / "alerts.test.yaml"
    cases.write_text((FOLDER / "alerts.test.yaml").read_text(encoding="utf-8"), encoding="utf-8")
    assert promtool("test", "rules", str(cases)).returncode != 0


def _names(kind: str) -> list[str]:
    cases: Any = yaml.safe_load((FOLDER / "alerts.test.yaml").read_text(encoding="utf-8"))
    checks = [check for case in cases["tests"] for check in case["alert_rule_test"]]
    return [one["alertname"] for one in checks if bool(one["exp_alerts"]) is (kind == "fires")]


@pytest.mark.parametrize("kind", ["fires", "is silent"])
def test_every_alert_has_a_case_in_which_it(kind: str) -> None:
    [group] = yaml.safe_load((FOLDER / "alerts.yaml").read_text(encoding="utf-8"))["groups"]
    assert {rule["alert"] for rule in group["rules"]} <= set(_names(kind))
