"""`sni`: which service gets the connections in TLS for which name.

Imports `catalog.key`, the keys `names` and `weights`, `catalog.problems` and `catalog.takes`.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar, Self

from pydantic_core import PydanticCustomError

from meshctl.catalog.key import Written, refuse, wrong_value
from meshctl.catalog.keys.names import HOST_PATTERN_FORM, NAME_FORM, read_host_pattern, read_name
from meshctl.catalog.keys.weights import mistakes_at
from meshctl.catalog.problems import LISTED_TWICE, NOTHING_SAID, Mistake, shown
from meshctl.catalog.takes import Takes, mapped

_NO_NAME = ("this is no name", "write a host, and the name of its service")


@dataclass(frozen=True, slots=True)
class Sni(Written):
    """Services by the names that clients ask for. Envoy: config.listener.v3.FilterChainMatch.server_names."""

    takes: ClassVar[Takes] = mapped(
        "hosts with the service of each", HOST_PATTERN_FORM, NAME_FORM, LISTED_TWICE, NOTHING_SAID
    )

    services: Mapping[str, str]

    @classmethod
    def read(cls, written: object) -> Self:
        """Read `{voice.example.com: voice, "*.x.com": x}`."""
        if isinstance(written, cls):
            return written
        if not isinstance(written, dict):
            wrong_value("a mapping of hosts to services")
        if not written:
            refuse(Mistake(NOTHING_SAID, "there is no host here", "write a host with its service"))
        services: dict[str, str] = {}
        mistakes: list[Mistake] = []
        for key, value in written.items():
            mistakes += _read(key, value, services)
        if mistakes:
            refuse(*mistakes)
        return cls(services)

    def __hash__(self) -> int:
        return hash(frozenset(self.services.items()))


def _read(key: str, value: object, services: dict[str, str]) -> list[Mistake]:
    try:
        host = read_host_pattern(key)
    except PydanticCustomError as error:
        return mistakes_at(error, key, _NO_NAME, on_key=True)
    if host in services:
        message = f"the host {shown(host)} stands here already, in other letters"
        return [Mistake(LISTED_TWICE, message, "remove one of the two", (key,), on_key=True)]
    try:
        services[host] = read_name(value)
    except PydanticCustomError as error:
        return mistakes_at(error, key, _NO_NAME, on_key=False)
    return []
