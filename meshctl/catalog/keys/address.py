"""IP addresses with and without a port, as endpoints and listeners have them.

Imports `catalog.key` and `catalog.problems`.
"""

import ipaddress
import re
from typing import NamedTuple

from meshctl.catalog.key import refuse
from meshctl.catalog.problems import WRONG_ADDRESS, Mistake, shown

_PARTS = re.compile(r"\[([^\[\]]*)\](?::(.*))?|([^:\[\]]*)(?::([^:]*))?", re.DOTALL)
_PORT = re.compile(r"[0-9]{1,5}")
_LABELS = re.compile(r"[a-zA-Z0-9_.-]*[a-zA-Z_-][a-zA-Z0-9_.-]*")
_IP = r"(?:[0-9]{1,3}\.){3}[0-9]{1,3}"
ADDRESS = rf"{_IP}(?::[0-9]{{1,5}})?|\[[0-9A-Fa-f:.]+\](?::[0-9]{{1,5}})?|[0-9A-Fa-f]*:[0-9A-Fa-f:.]*"
"""The form of an address, without its arithmetic; see `read_address`."""
_LOCAL = frozenset({"localhost", "localhost.localdomain", "ip6-localhost"})


class Address(NamedTuple):
    """An IP address in its shortest spelling, and its port where one is written."""

    ip: str
    port: int | None

    def __str__(self) -> str:
        if self.port is None:
            return self.ip
        return f"[{self.ip}]:{self.port}" if ":" in self.ip else f"{self.ip}:{self.port}"


def read_address(text: str, what: str, sample: str, by_name: str = "") -> Address:
    """Take an address apart. `what` names it in messages ("an endpoint"), `sample` is a right one.

    `by_name` is what to write where a host name is meant, with a place for it.
    """
    if text.count(":") > 1 and not text.startswith("["):
        host, port = text, None
    else:
        match = _PARTS.fullmatch(text)
        host, port = (match[1] or match[3] or "", match[2] or match[4]) if match else (text, None)
    ip = _ip(host)
    if ip is None:
        refuse(Mistake(WRONG_ADDRESS, *_no_ip(text, host, port, what, sample, by_name)))
    if port is None and text.rstrip().endswith(":") and "::" not in text:
        port = ""
    if port is None:
        return Address(ip, None)
    return Address(ip, read_port(port, text, sample))


def read_port(port: str, text: str, sample: str) -> int:
    """The port that stands behind the address in `text`."""
    if _PORT.fullmatch(port) is None or not 1 <= int(port) <= 65_535:
        message = f"{shown(text)} has no port of 1 to 65535 after its address"
        refuse(Mistake(WRONG_ADDRESS, message, f"write {sample}"))
    return int(port)


def is_ip(text: str) -> bool:
    """Whether this is an IP address, without brackets or a port."""
    return _ip(text) is not None


def _ip(host: str) -> str | None:
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return None
    return None if isinstance(address, ipaddress.IPv6Address) and address.scope_id else str(address)


def _no_ip(text: str, host: str, port: str | None, what: str, sample: str, by_name: str) -> tuple[str, str]:
    after = f":{port}" if port else ""
    if "://" in text:
        rest = text.partition("://")[2].split("/")[0]
        return f"{what} is an IP address, not the URL {shown(text)}", f"write {rest or sample}"
    if host.lower() in _LOCAL:
        return f"{what} is an IP address, not the name {shown(host)}", f"write 127.0.0.1{after}"
    if _LABELS.fullmatch(host):
        addresses = f"write the IP addresses behind it, such as 10.0.1.10{after}"
        fix = by_name.format(f"{host}{after}") if by_name else addresses
        return f"{what} is an IP address, not the name {shown(host)}", fix
    return f"{shown(text)} is not an IP address", f"write one such as {sample}"
