"""The entries of a catalog as a team asks for them: what there is, whose it is, who uses whom.

May import the catalog; no protobuf.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from meshctl.catalog.gateway import Gateway
from meshctl.catalog.keys.endpoints import NONE
from meshctl.catalog.service import Service
from meshctl.catalog.source import Kind, Source
from meshctl.operations.resolve import Resolver
from meshctl.problems import nearest


class UnknownEntry(Exception):
    """No entry has this name; the message names the nearest one."""


@dataclass(frozen=True, slots=True)
class Summary:
    """One service or gateway. `problems` counts what is wrong in its file; then most of the rest is empty.

    `versions` are the endpoints by version, `serving` the shares of the versions that get requests. `used_by`
    are services, `gateways` those that lead to it.
    """

    name: str
    kind: Kind
    team: str
    file: str
    problems: int
    description: str = ""
    protocol: str = ""
    port: int | None = None
    egress_port: int | None = None
    target_port: int | None = None
    versions: Mapping[str, tuple[str, ...]] | None = None
    serving: Mapping[str, str] | None = None
    uses: tuple[str, ...] = ()
    used_by: tuple[str, ...] = ()
    gateways: tuple[str, ...] = ()
    listeners: tuple[str, ...] = ()
    hosts: tuple[str, ...] = ()


def teams(resolver: Resolver) -> tuple[str, ...]:
    """The teams that have entries, sorted."""
    return tuple(sorted({source.team for source in resolver.sources.values()} - {""}))


def suggested(resolver: Resolver) -> str | None:
    """The service whose sidecar is best started first: one that calls others, if there is one."""
    services = [one for one in summaries(resolver) if one.kind is Kind.SERVICE]
    return next((one.name for one in (*(one for one in services if one.uses), *services)), None)


def summaries(resolver: Resolver) -> list[Summary]:
    """All services and gateways, by team and name."""
    users, gateways = _users(resolver), _gateways(resolver)
    found = (
        _summary(source, source.kind, users.get(source.name, ()), gateways.get(source.name, ()))
        for source in resolver.sources.values()
        if source.kind in (Kind.SERVICE, Kind.GATEWAY)
    )
    return sorted(found, key=lambda summary: (summary.team, summary.name, summary.file))


def summary(resolver: Resolver, name: str) -> Summary:
    """One service or gateway by its name. Raises UnknownEntry."""
    every = summaries(resolver)
    for one in every:
        if one.name == name:
            return one
    near = nearest(name, (one.name for one in every))
    raise UnknownEntry(f"there is no entry {name!r}" + (f"; the nearest name is {near!r}" if near else ""))


def _users(resolver: Resolver) -> dict[str, tuple[str, ...]]:
    users: dict[str, list[str]] = {}
    for source in resolver.sources.values():
        for used in source.entry.uses if isinstance(source.entry, Service) else ():
            users.setdefault(used, []).append(source.name)
    return {used: tuple(sorted(callers)) for used, callers in users.items()}


def _gateways(resolver: Resolver) -> dict[str, tuple[str, ...]]:
    """The gateways by the services that they lead to, or where these expose something."""
    found: dict[str, set[str]] = {}
    for source in resolver.sources.values():
        if isinstance(source.entry, Gateway):
            for service in _leads_to(source.entry):
                found.setdefault(service, set()).add(source.name)
        elif isinstance(source.entry, Service) and source.entry.expose:
            found.setdefault(source.name, set()).update(one.on for one in source.entry.expose)
    return {service: tuple(sorted(gateways)) for service, gateways in found.items()}


def _leads_to(gateway: Gateway) -> Iterator[str]:
    for site in gateway.sites:
        for route in site.routes:
            yield from (to.service for to in (route.to.destinations if route.to else ()))
    for listener in gateway.listeners:
        if listener.tcp is not None:
            yield listener.tcp
        if listener.sni is not None:
            yield from listener.sni.services.values()


def _summary(source: Source, kind: Kind, used_by: tuple[str, ...], gateways: tuple[str, ...]) -> Summary:
    entry = source.entry
    bare = Summary(source.name, kind, source.team, source.file, len(source.problems))
    if isinstance(entry, Service):
        return replace(
            bare,
            description=entry.description or "",
            protocol=entry.protocol.value if entry.protocol else "",
            port=entry.port,
            egress_port=entry.egress_port,
            target_port=entry.target_port,
            versions=dict(_versions(entry)),
            serving=_serving(entry),
            uses=entry.uses,
            used_by=used_by,
            gateways=gateways,
        )
    if isinstance(entry, Gateway):
        return replace(
            bare,
            description=entry.description or "",
            listeners=tuple(str(listener.bind) for listener in entry.listeners),
            hosts=tuple(str(host) for site in entry.sites for host in site.hosts),
        )
    return replace(bare, used_by=used_by, gateways=gateways)


def _versions(service: Service) -> Iterator[tuple[str, tuple[str, ...]]]:
    for name in service.version_names:
        endpoints = service.versions[name].endpoints if service.versions else service.endpoints or NONE
        yield name, endpoints.words()


def _serving(service: Service) -> dict[str, str]:
    if service.serving is None:
        return {service.version_names[0]: "100%"}
    return {version: str(weight) for version, weight in service.serving.weights.items()}
