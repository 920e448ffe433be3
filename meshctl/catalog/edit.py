"""The text of new files, as a good team would write them.

Imports `catalog.scalars`. Values that are wrong are written as they are: reading them back says so.
"""

import json
import re
from collections.abc import Sequence

from meshctl.catalog.scalars import NULLS

_PLAIN = re.compile(r"[A-Za-z0-9/](?:[A-Za-z0-9 ._/+()-]|:(?=[A-Za-z0-9]))*(?<! )")
"""Texts that need no quotes, in a list too. Everything else gets them, whether it needs them or not."""


def service_text(
    name: str,
    *,
    port: int,
    endpoints: Sequence[str],
    uses: Sequence[str] = (),
    protocol: str | None = None,
    egress_port: int | None = None,
    description: str | None = None,
) -> str:
    """The file of a new service."""
    lines = [f"service: {_scalar(name)}"]
    if description is not None:
        lines.append(f"description: {_scalar(description)}")
    if protocol is not None:
        lines.append(f"protocol: {_scalar(protocol)}")
    lines.append(f"port: {port}")
    if egress_port is not None:
        lines.append(f"egress_port: {egress_port}")
    lines += [f"endpoints: {_list(endpoints)}"]
    if uses:
        lines.append(f"uses: {_list(uses)}")
    return "\n".join(lines) + "\n"


def mesh_text(name: str, edition: str) -> str:
    """The `mesh.yaml` of a new mesh."""
    return (
        "# What holds for the whole mesh.\n"
        "format: 1\n"
        f"edition: {_scalar(edition)}  # the set of defaults; a new release never changes what it means\n"
        f"name: {_scalar(name)}\n"
    )


def hello_text() -> str:
    """The file `hello.yaml` of a new mesh's first service."""
    first = "# One file is one service, in its team's folder. Callers reach this one as `hello`.\n"
    return first + service_text("hello", port=8080, endpoints=["127.0.0.1:9000"], description="Says hello")


def _scalar(text: str) -> str:
    if _PLAIN.fullmatch(text) and text not in NULLS:
        return text
    quoted = json.dumps(text, ensure_ascii=False)
    return "".join(sign if sign.isprintable() else f"\\U{ord(sign):08x}" for sign in quoted)


def _list(items: Sequence[str]) -> str:
    return f"[{', '.join(map(_scalar, items))}]"
