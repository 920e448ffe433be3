"""`gateway`: one edge proxy, its addresses, and its sites by host.

Imports `catalog.key`, the keys, `catalog.problems` and `catalog.scalars`.
"""

from collections.abc import Container, Iterator, Mapping

from meshctl.catalog.key import CheckedKey, Checks, Entry, field, required, run
from meshctl.catalog.keys.bind import Bind
from meshctl.catalog.keys.names import HostPattern, Name
from meshctl.catalog.keys.path import PathPattern
from meshctl.catalog.keys.route import Route, unreachable
from meshctl.catalog.keys.sni import Sni
from meshctl.catalog.problems import EXCLUSIVE, NOTHING_SAID, Mistake
from meshctl.catalog.scalars import Words, twice


class Listener(CheckedKey):
    """An address that the gateway listens on. Envoy: config.listener.v3.Listener."""

    bind: Bind = required(
        doc="The IP address and port.",
        example='"0.0.0.0:80"',
        envoy=["config.listener.v3.Listener.address"],
        codes=["MSH0315"],
    )
    tcp: Name | None = field(
        doc="The service that gets every connection as it is; without the key, requests go by the sites.",
        example="mysql-voice",
        envoy=["extensions.filters.network.tcp_proxy.v3.TcpProxy.cluster"],
        codes=["MSH0301", "MSH0322"],
    )
    sni: Sni | None = field(
        doc="The services that get connections in TLS as they are, by the name that the client asks for.",
        example='{voice.example.com: voice, "*.chat.example.com": chat}',
        envoy=["config.listener.v3.FilterChainMatch.server_names"],
        codes=["MSH0212", "MSH0301", "MSH0322"],
    )

    @property
    def passes_on(self) -> bool:
        """Whether connections that come there are passed on as they are."""
        return self.tcp is not None or self.sni is not None

    def mistakes(self) -> Iterator[Mistake]:
        """Two ways for the same connections."""
        if self.tcp is not None and self.sni is not None:
            message = "the listener has both tcp and sni"
            yield Mistake(EXCLUSIVE, message, "keep one of the two", ("sni",), on_key=True, also=(("tcp",),))


class Site(CheckedKey):
    """Hosts and what happens with their requests. Envoy: config.route.v3.VirtualHost."""

    hosts: tuple[HostPattern, ...] = required(
        doc="The hosts, or *.example.com for all below.",
        example="[www.example.com]",
        envoy=["config.route.v3.VirtualHost.domains"],
        codes=["MSH0221", "MSH0313"],
    )
    open_to: Mapping[Name, tuple[PathPattern, ...]] = field(
        doc="Teams or services that may expose themselves here, and on which paths.",
        example='{voice: ["/calls/**"]}',
        default={},
        codes=["MSH0215", "MSH0221", "MSH0304"],
    )
    routes: tuple[Route, ...] = field(
        doc="The site's own routes, after what is exposed; the first match wins.",
        example="[{to: web}]",
        default=(),
        envoy=["config.route.v3.VirtualHost.routes"],
        codes=["MSH0212", "MSH0217"],
    )

    def mistakes(self) -> Iterator[Mistake]:
        """Sites that serve nobody or nothing, and routes that no request can reach."""
        if not self.hosts:
            yield Mistake(NOTHING_SAID, "the site has no host", "write the hosts, or remove it", ("hosts",))
        if not self.open_to and not self.routes:
            yield Mistake(NOTHING_SAID, "the site has no routes and is open to nobody", "add routes")
        for name, patterns in self.open_to.items():
            yield from twice(patterns, "open_to", name)
            if not patterns:
                message = f"no path is open to {name}"
                yield Mistake(NOTHING_SAID, message, 'write ["/**"] for every path', ("open_to", name))
        yield from unreachable(self.routes)


class Gateway(Entry):
    """One edge proxy."""

    gateway: Name = required(
        doc="The gateway's name, the same as the file's.", example="edge", codes=["MSH0110", "MSH0311"]
    )
    description: Words | None = field(doc="What it is, for people.", example="Public edge")
    listeners: tuple[Listener, ...] = required(
        doc="The addresses that it listens on.", example='[{bind: "0.0.0.0:80"}]', codes=["MSH0221"]
    )
    sites: tuple[Site, ...] = field(
        doc="Hosts and their routes; the more exact host wins.",
        example="[{hosts: [www.example.com], routes: [{to: web}]}]",
        default=(),
        codes=["MSH0221"],
    )

    def mistakes(self, broken: Container[str]) -> Iterator[Mistake]:
        """What does not fit together in this gateway."""
        yield from run(_CHECKS, self, broken)


def _listeners(gateway: Gateway) -> Iterator[Mistake]:
    if not gateway.listeners:
        message = "the gateway listens nowhere"
        yield Mistake(NOTHING_SAID, message, 'write [{bind: "0.0.0.0:80"}]', ("listeners",))


def _sites(gateway: Gateway) -> Iterator[Mistake]:
    if gateway.sites and all(listener.passes_on for listener in gateway.listeners):
        message = "no request reaches the sites: every listener passes connections on"
        fix = 'add {bind: "0.0.0.0:80"} to the listeners, or remove the sites'
        yield Mistake(NOTHING_SAID, message, fix, ("sites",), on_key=True)


_CHECKS: Checks[Gateway] = ((("listeners",), _listeners), (("listeners", "sites"), _sites))
