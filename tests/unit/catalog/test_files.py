from collections.abc import Callable

import pytest

from meshctl.catalog.files import EDITIONS, DefaultsFile, MeshFile
from meshctl.catalog.keys.bind import Bind
from meshctl.catalog.source import read_source
from meshctl.units import Duration


def test_a_mesh_has_a_domain_and_an_egress_without_saying_so() -> None:
    mesh = read_source("mesh.yaml", b"format: 1\nedition: 2026.11\nname: example\n").entry
    assert mesh == MeshFile(format=1, edition="2026.11", name="example")
    assert isinstance(mesh, MeshFile)
    assert (mesh.domain, mesh.egress) == ("mesh", Bind("127.0.0.1", 15_001))


def test_defaults_are_those_of_services() -> None:
    defaults = read_source(
        "defaults.yaml", b"service: {timeouts: {request: 3s}, retries: {attempts: 1}}"
    ).entry
    assert isinstance(defaults, DefaultsFile)
    assert defaults.service is not None
    assert defaults.service.timeouts is not None
    assert defaults.service.timeouts.request == Duration(3_000)


@pytest.mark.parametrize(
    ("file", "text", "lines"),
    [
        ("mesh.yaml", "format: 2\nedition: 2026.1\nname: X\ndomain: mesh.\negress: 15001\n", [
            "1:9: MSH0204 2 is not a known format; write 1",
            f"2:10: MSH0211 '2026.1' is not known here; write {EDITIONS[-1]}",
            "3:7: MSH0205 'X' is not a name: a name has a-z, 0-9 and '-' within, at most 63 of them; write x",
            "4:9: MSH0208 'mesh.' is not a host name; write mesh",
            "5:9: MSH0207 '15001' has no address before its port;"
            ' write "0.0.0.0:15001", or "127.0.0.1:15001"']),
        ("defaults.yaml", "gateway: {}\nservice: {port: 1}\n", [
            "1:1: MSH0201 defaults.yaml has no key 'gateway'; its keys are service, protocol",
            "2:11: MSH0201 service has no key 'port'; its keys are"
            " timeouts, retries, circuit_breakers, health, load_balancing, outliers"]),
        ("defaults.yaml", "{}", [
            "1:1: MSH0221 there is no default here; write service: {…}, or delete the file"]),
    ],
)  # fmt: skip
def test_what_the_mesh_cannot_be_is_told(
    told: Callable[..., list[str]], file: str, text: str, lines: list[str]
) -> None:
    assert told(text, file) == lines
