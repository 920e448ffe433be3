"""Names of services, gateways, versions and hosts.

Imports `catalog.key`, `catalog.problems`, `catalog.scalars`, `catalog.takes` and `names`.
"""

import re
from typing import Annotated

from meshctl.catalog.key import Scalar, refuse
from meshctl.catalog.problems import WRONG_HOST, WRONG_NAME_FORM, Mistake, shown
from meshctl.catalog.scalars import read_text
from meshctl.catalog.takes import plain_text
from meshctl.names import NAME, RESERVED_NAMES, VERSION, is_name, is_version

_LABEL = r"[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?"
_HOST = re.compile(rf"{_LABEL}(?:\.{_LABEL})*")
_LONGEST_HOST = 253
"""Octets of a host name in text. Source: RFC 1035 §2.3.4."""
_HOST_FORM = "write a host name such as api.example.com"
_WILDCARD_FORM = "write '*' as the first label alone, such as *.example.com"


def read_name(written: object) -> str:
    """The name of a service, a gateway or a team."""
    text = read_text(written, "a name")
    if is_name(text):
        return text
    if text in RESERVED_NAMES:
        refuse(Mistake(WRONG_NAME_FORM, f"the name {shown(text)} is reserved", "take another name"))
    better = re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")
    form = "a name has a-z, 0-9 and '-' within, at most 63 of them"
    fix = f"write {better}" if is_name(better) else form
    refuse(Mistake(WRONG_NAME_FORM, f"{shown(text)} is not a name: {form}", fix))


def read_version(written: object) -> str:
    """The name of a version; also with '.' and '_' within."""
    text = read_text(written, "a version's name")
    if is_version(text):
        return text
    better = re.sub(r"[^a-z0-9._]+", "-", text.lower()).strip("-._")
    form = "a version has a-z, 0-9 and '-', '.', '_' within, at most 63 of them"
    fix = f"write {better}" if is_version(better) else form
    refuse(Mistake(WRONG_NAME_FORM, f"{shown(text)} is not a version's name: {form}", fix))


def read_host(written: object) -> str:
    """A host name in lower case, without scheme, port, path or wildcard."""
    text = read_text(written, "a host name")
    host = text.lower() if text.isascii() else text
    if len(host) <= _LONGEST_HOST and _HOST.fullmatch(host):
        return host
    fix = "write the whole name, without '*'" if "*" in host else _host_fix(host)
    refuse(Mistake(WRONG_HOST, f"{shown(text)} is not a host name", fix))


def read_host_pattern(written: object) -> str:
    """A host name, or `*.example.com`: every name below `example.com`, but not itself."""
    text = read_text(written, "a host name")
    if "*" not in text:
        return read_host(text)
    rest = (text.lower() if text.isascii() else text)[2:]
    if text.startswith("*.") and len(rest) <= _LONGEST_HOST - 2 and _HOST.fullmatch(rest):
        return f"*.{rest}"
    refuse(Mistake(WRONG_HOST, f"{shown(text)} is not a host name", _host_fix(rest, "*.")))


def _host_fix(host: str, before: str = "") -> str:
    bare = host.rpartition("://")[2].split("/")[0].split("?")[0]
    bare = re.sub(r":\d*$", "", bare).rstrip(".")
    if not bare.isascii():
        try:
            bare = bare.encode("idna").decode()
        except UnicodeError:
            return _HOST_FORM
    if bare != host and len(bare) <= _LONGEST_HOST and _HOST.fullmatch(bare):
        return f"write {before}{bare}"
    return _WILDCARD_FORM if before else _HOST_FORM


HOST_TEXT = rf"{_LABEL}(?:\.{_LABEL})*".replace("a-z", "A-Za-z")
"""The form of a host name, without its length."""
NAME_FORM = plain_text("a name (a-z, 0-9 and '-' within, at most 63)", NAME, WRONG_NAME_FORM)
VERSION_FORM = plain_text("a version's name (a-z, 0-9 and '-', '.', '_' within)", VERSION, WRONG_NAME_FORM)

Name = Annotated[str, Scalar(read_name, NAME_FORM)]
VersionName = Annotated[str, Scalar(read_version, VERSION_FORM)]
Host = Annotated[str, Scalar(read_host, plain_text("a host name", HOST_TEXT, WRONG_HOST))]
HOST_PATTERN_FORM = plain_text(
    "a host name, or *.example.com for all below", rf"(?:\*\.)?(?:{HOST_TEXT})", WRONG_HOST
)
HostPattern = Annotated[str, Scalar(read_host_pattern, HOST_PATTERN_FORM)]
