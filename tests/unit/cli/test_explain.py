"""A shell completes what can be explained."""

import pytest

from meshctl.cli.main import run


@pytest.mark.parametrize(
    ("typed", "offered"),
    [
        ("service.timeouts.re", ["service.timeouts.request"]),
        ("timeouts.re", ["timeouts.request"]),
        ("MSH010", [f"MSH010{number}" for number in range(1, 10)]),
        ("gateway.sites.routes.res", ["gateway.sites.routes.respond"]),
        ("defa", ["defaults"]),
    ],
)
def test_shell_completes_keys_and_codes(
    typed: str, offered: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("_MESHCTL_COMPLETE", "bash_complete")
    monkeypatch.setenv("COMP_WORDS", f"meshctl explain {typed}")
    monkeypatch.setenv("COMP_CWORD", "2")
    with pytest.raises(SystemExit):
        run([])
    found = [line.rpartition(",")[2] for line in capsys.readouterr().out.splitlines()]
    assert [name for name in found if name in offered] == offered
    assert all(name.startswith(typed) for name in found)
