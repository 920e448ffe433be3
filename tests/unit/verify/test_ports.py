"""Free ports."""

import socket
from pathlib import Path

import pytest

from meshctl.verify import ports as module
from meshctl.verify.ports import HIGHEST, LOWEST, free_ports


def test_no_port_is_given_twice_by_one_process() -> None:
    # Of some 20,000 at random, so that twins are certain without a memory.
    ports = [port for _ in range(20) for port in free_ports(50)]
    assert len(set(ports)) == 1_000


def test_ports_of_one_batch_differ_and_can_be_bound() -> None:
    ports = free_ports(50)
    assert len(set(ports)) == 50
    for port in ports:
        with socket.socket() as listener:
            listener.bind(("127.0.0.1", port))


def test_a_port_that_is_taken_is_not_given(monkeypatch: pytest.MonkeyPatch) -> None:
    [taken, free] = free_ports(2)
    monkeypatch.setattr(module, "_given", [])
    monkeypatch.setattr(module, "_candidates", lambda: [taken, free])
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", taken))
        assert free_ports(1) == (free,)


@pytest.mark.parametrize(
    ("text", "lowest", "highest"),
    [
        ("32768\t60999\n", LOWEST, 32_767),
        ("10000\t50000\n", 50_001, HIGHEST),
        ("1024\t65535\n", LOWEST, HIGHEST),  # nothing is left beside them
        ("a file that says something else", LOWEST, 32_767),
    ],
)
def test_no_port_is_one_of_outgoing_connections(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str, lowest: int, highest: int
) -> None:
    (tmp_path / "range").write_text(text)
    monkeypatch.setattr(module, "_EPHEMERAL", tmp_path / "range")
    ports = free_ports(200)
    assert lowest <= min(ports)
    assert max(ports) <= highest
