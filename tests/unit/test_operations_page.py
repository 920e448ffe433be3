"""docs/operations.md holds what it promises: every event, every alert, and no metric that does not exist."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from meshctl.fleet.fleet import NodeState
from tests.support.logs import logged

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "operations.md").read_text(encoding="utf-8")
METRICS = (ROOT / "docs" / "metrics.md").read_text(encoding="utf-8")
ALERTS = ROOT / "deploy" / "prometheus" / "alerts.yaml"


def alerts() -> list[dict[str, Any]]:
    [group] = yaml.safe_load(ALERTS.read_text(encoding="utf-8"))["groups"]
    rules: list[dict[str, Any]] = group["rules"]
    return rules


def section(title: str) -> str:
    return PAGE.split(f"\n## {title}\n")[1].split("\n## ")[0]


def test_events_that_are_logged_are_those_of_the_table() -> None:
    told = set(re.findall(r"(?m)^\| `([^`]+)` \|", section("The log")))
    assert {call.event for call in logged()} | {"library"} == told


def test_every_state_of_a_node_is_told() -> None:
    told = set(re.findall(r"(?m)^\| `(\w+)` \|", section("States of a node")))
    assert told == {state.value for state in NodeState}


@pytest.mark.parametrize("alert", alerts(), ids=lambda alert: alert["alert"])
def test_every_alert_has_its_line_and_uses_metrics_that_exist(alert: dict[str, Any]) -> None:
    name = alert["alert"]
    assert alert["annotations"]["runbook"] == f"docs/operations.md#{name.lower()}"
    line = PAGE.split(f"\n### {name}\n")[1].split("\n#")[0]
    assert len(line.split()) > 10
    used = re.findall(r"\bmeshctl_\w+", alert["expr"])
    known = set(re.findall(r"(?m)^\| `(meshctl_\w+)` \|", METRICS))
    assert [one for one in used if re.sub(r"_(bucket|sum|count)$", "", one) not in known] == []


def test_every_line_has_its_alert() -> None:
    headed = re.findall(r"(?m)^### (\w+)$", section("Alerts"))
    assert headed == [alert["alert"] for alert in alerts()]


def test_metrics_that_the_page_names_exist() -> None:
    known = set(re.findall(r"(?m)^\| `(meshctl_\w+)` \|", METRICS))
    assert set(re.findall(r"\bmeshctl_\w+", PAGE)) <= known


def test_links_within_the_docs_lead_somewhere() -> None:
    headings = {
        re.sub(r"[^\w -]", "", line).replace(" ", "-").lower() for line in re.findall(r"(?m)^#+ (.*)$", PAGE)
    }
    for target in re.findall(r"\]\(([^)]+)\)", PAGE + METRICS):
        file, _, anchor = target.partition("#")
        assert not file or (ROOT / "docs" / file).exists(), target
        assert not anchor or anchor in headings, target
