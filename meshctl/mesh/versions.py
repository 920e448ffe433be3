"""A service's versions: their endpoints, and what share of the traffic each of them gets.

May import the catalog, `names` and the facts.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from meshctl.catalog.keys.endpoints import NONE, Endpoints
from meshctl.catalog.keys.weights import ALL
from meshctl.catalog.service import FIRST_VERSION, Service
from meshctl.mesh.facts import DnsFacts, EndpointFacts, VersionFacts, Weight
from meshctl.names import TCP
from meshctl.problems import KeyPath, Place

_PARTS = 100
"""So many times as fine as shares are the weights of endpoints that share one."""


def versions_of(file: str, service: Service) -> tuple[VersionFacts, ...]:
    """The versions by name, each with its endpoints."""
    if service.versions is None:
        path: KeyPath = ("endpoints",)
        return (_version(FIRST_VERSION, service.endpoints or NONE, service.port, Place(file, path)),)
    return tuple(
        _version(name, version.endpoints, service.port, Place(file, ("versions", name, "endpoints")))
        for name, version in sorted(service.versions.items())
    )


def _version(name: str, endpoints: Endpoints, port: int, origin: Place) -> VersionFacts:
    bound = (
        EndpointFacts(
            one.address,
            port if one.port is None else one.port,
            one.weight,
            replace(origin, path=(*origin.path, number)),
        )
        for number, one in enumerate(endpoints.listed)
    )
    dns = DnsFacts(endpoints.dns.host, endpoints.dns.port or port) if endpoints.dns else None
    return VersionFacts(name, tuple(bound), dns, origin)


def split_of(service: Service, versions: tuple[VersionFacts, ...]) -> tuple[Weight, ...]:
    """The serving versions by weight; one without endpoints gets none while another has some."""
    weights = service.serving.weights if service.serving else {versions[0].name: ALL}
    wanted = [v for v in versions if v.name in weights and weights[v.name].basis_points]
    able = [v for v in wanted if v.able] or wanted
    return tuple(Weight(service.service, v.name, weights[v.name].basis_points) for v in able)


def joined(
    service: str, versions: Sequence[VersionFacts], split: Sequence[Weight]
) -> tuple[tuple[VersionFacts, ...], tuple[Weight, ...]]:
    """All that gets connections as one version, with the split in the weights of its endpoints.

    Weights between clusters would stand in a listener, and a listener that changes closes connections; those
    of endpoints concern new connections alone.
    """
    shares = {part.version: part.weight for part in split}
    able = [version for version in versions if version.name in shares]
    if len(able) == 1:
        whole = replace(able[0], name=TCP)
    else:
        origin = replace(able[0].origin, path=("versions",))
        whole = VersionFacts(TCP, tuple(_shared(able, shares)), None, origin)
    return (whole,), (Weight(service, TCP, ALL.basis_points),)


def _shared(versions: Sequence[VersionFacts], shares: Mapping[str, int]) -> Iterator[EndpointFacts]:
    for version in versions:
        whole = sum(endpoint.weight for endpoint in version.endpoints)
        for one in version.endpoints:
            yield replace(one, weight=max(1, shares[version.name] * one.weight * _PARTS // whole))
