"""Options that several commands take, and the types of their values.

May import click, `names`, `units` and the pure part of a bootstrap.
"""

from collections.abc import Callable
from typing import Any, TypeVar

import click

from meshctl.envoy.bootstrap import CONTROL_PLANE, is_ip, parse_address
from meshctl.names import SHORT_NAMES
from meshctl.units import Duration

Decorated = TypeVar("Decorated", bound=Callable[..., Any])


STATE = ".meshctl"
"""The folder beside the catalog where `meshctl serve` keeps its last good state, if none is named."""


class Address(click.ParamType[str]):
    """HOST:PORT; `http://` before it does no harm."""

    name = "HOST:PORT"

    def convert(self, value: str, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """The address without a scheme; refuses what has no port."""
        scheme, _, address = value.rpartition("://")
        if scheme not in ("", "http"):
            self.fail(f"{value!r}: no {scheme} is spoken here; write {address.partition('/')[0]}", param, ctx)
        address = address.removesuffix("/")
        try:
            parse_address(address)
        except ValueError as error:
            self.fail(str(error), param, ctx)
        return address


class BindAddress(Address):
    """IP:PORT: what one can listen on."""

    name = "IP:PORT"

    def convert(self, value: str, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """The address; refuses a name."""
        address = super().convert(value, param, ctx)
        host, port = parse_address(address)
        if not is_ip(host):
            self.fail(f"{host!r} is a name; write an IP address, such as 127.0.0.1:{port}", param, ctx)
        return address


class IpAddress(click.ParamType[str]):
    """An IP address without a port."""

    name = "IP"

    def convert(self, value: str, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """The address without brackets; refuses a name, and a port."""
        address = value.removeprefix("[").removesuffix("]")
        if not is_ip(address):
            self.fail(f"{value!r} is not an IP address; write one, such as 127.0.0.2", param, ctx)
        return address


class Port(click.ParamType[int]):
    """A port that one can listen on."""

    name = "PORT"

    def convert(self, value: str | int, param: click.Parameter | None, ctx: click.Context | None) -> int:
        """The number; refuses what is none, or none of a port."""
        text = str(value)
        if not (text.isascii() and text.isdigit() and 1 <= int(text[:9]) <= 65_535):
            self.fail(f"{text!r} is not a port; write a number of 1 to 65535", param, ctx)
        return int(text)


class DurationType(click.ParamType[Duration]):
    """A length of time with its unit."""

    name = "DURATION"

    def convert(
        self, value: str | Duration, param: click.Parameter | None, ctx: click.Context | None
    ) -> Duration:
        """Read `1h`."""
        try:
            return value if isinstance(value, Duration) else Duration.parse(value)
        except ValueError as error:
            self.fail(str(error), param, ctx)


def catalog_option(command: Decorated) -> Decorated:
    """`--catalog DIR`."""
    option = click.option(
        "--catalog",
        "catalog",
        metavar="DIR",
        default=".",
        show_default="catalog/ here",
        envvar="MESHCTL_CATALOG",
        show_envvar=True,
        help="The catalog, or the folder that holds catalog/.",
    )
    return option(command)


def server_option(command: Decorated) -> Decorated:
    """`--server HOST:PORT`, the local one by default."""
    return _server(CONTROL_PLANE)(command)


def optional_server_option(command: Decorated) -> Decorated:
    """`--server HOST:PORT`, None by default."""
    return _server(None)(command)


def _server(default: str | None) -> Callable[[Decorated], Decorated]:
    return click.option(
        "--server",
        type=Address(),
        default=default,
        show_default=True,
        envvar="MESHCTL_SERVER",
        show_envvar=True,
        help="The xDS address of `meshctl serve`.",
    )


def types_option(command: Decorated) -> Decorated:
    """`--type TYPE`, as often as one likes; none means all."""
    option = click.option(
        "--type",
        "types",
        type=click.Choice(tuple(SHORT_NAMES)),
        multiple=True,
        help="Only this type; repeatable.",
    )
    return option(command)


def output_option(*forms: str) -> Callable[[Decorated], Decorated]:
    """`--output FORM`, the first form being the default."""
    return click.option(
        "-o",
        "--output",
        "form",
        type=click.Choice(forms),
        default=forms[0],
        show_default=True,
        help="How to write the result.",
    )
