"""The order by needs: what may go to a node now, and what may leave it.

May import `snapshot` and `names`. Two rules, and no phases: nothing is sent to a node before it has what
that needs; nothing is removed that something which the node holds, or may hold, still needs. Time passes
neither: a deadline raises an alarm and lets nothing through. See docs/architecture.md.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Protocol

from meshctl.names import CLUSTER, ENDPOINTS, ROUTES, Ref, TypeUrl
from meshctl.snapshot import Part, Resource, ViewSnapshot
from meshctl.snapshot.encode import assemble
from meshctl.xds.holding import Holding

GRACE = 30.0
"""Seconds that something stays after nobody needs it: requests that began before are still using it."""


class KnownNode(Protocol):
    """What an order may ask about a node."""

    @property
    def view(self) -> ViewSnapshot:
        """What the node shall hold."""

    def held(self, ref: Ref) -> Holding | None:
        """What it has, or may have, under this name."""

    def wants(self, ref: Ref) -> bool:
        """Whether its subscriptions cover this name."""

    def refuses(self, ref: Ref) -> bool:
        """Whether it refused this name as the view has it."""

    def may_have_older(self, ref: Ref) -> bool:
        """Whether it came with this name in another version than its view has."""

    def is_untold(self, type_url: TypeUrl) -> bool:
        """Whether it came with resources of this type and could not say which, so that all may be older."""

    def may_ask(self, ref: Ref) -> bool:
        """Whether it asked for this name, or may be about to."""

    def may_need(self, ref: Ref) -> bool:
        """Whether something that it holds, or may hold, needs this name, or cannot be known not to."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What may go out now: the resource or, where a part of it has to stay behind, a variant.

    None: nothing, because of `waits_for`; `hopeless`: all of which the node refused.
    """

    resource: Resource | None
    waits_for: tuple[Ref, ...] = ()
    hopeless: bool = False


class Ordering(Protocol):
    """Decides when what goes to a node. One object serves all streams, so it remembers nothing."""

    @property
    def grace(self) -> float:
        """Seconds from when something may leave until it does."""

    def offer(self, resource: Resource, node: KnownNode) -> Verdict:
        """What of this resource may go to the node now."""

    def may_leave(self, ref: Ref, node: KnownNode) -> bool:
        """Whether the node can do without this name now."""

    def earliest(self, type_url: TypeUrl, since: float) -> float:
        """When an answer of this type may go out that has something to say since `since`."""


class NeedsOrder:
    """The order that meshctl keeps."""

    def __init__(self, grace: float = GRACE) -> None:
        """`grace` in seconds. Raises ValueError unless it is above 0: what was needed until now is in use."""
        if grace <= 0:
            raise ValueError(f"a grace of {grace:g} s would take away what requests are using")
        self._grace = grace

    @property
    def grace(self) -> float:
        """Seconds from when something may leave until it does."""
        return self._grace

    def earliest(self, type_url: TypeUrl, since: float) -> float:
        """At once, whatever the type: only needs decide."""
        return since

    def may_leave(self, ref: Ref, node: KnownNode) -> bool:
        """Rule two: nothing that the node still holds needs it."""
        return not node.may_need(ref)

    def offer(self, resource: Resource, node: KnownNode) -> Verdict:
        """Rule one: everything, once the node has the clusters; without a part if that cannot come."""
        if _must_not_warm(resource, node):
            endpoints = Ref(ENDPOINTS, resource.key.name)
            return Verdict(None, (endpoints,), hopeless=node.refuses(endpoints))
        behind = _behind_routes(resource, node)
        lacking = _lacking((*resource.needs, *sorted(behind)), node)
        if not lacking:
            return Verdict(resource)
        hopeless = frozenset(need for need in lacking if _is_refused(need, node))
        pending = tuple(need for need in lacking if need not in hopeless)
        if pending:
            return Verdict(None, pending)
        if resource.parts:
            return _without(hopeless, resource, node)
        if hopeless.isdisjoint(resource.needs):
            return Verdict(resource)
        return Verdict(None, lacking, hopeless=True)


def has(ref: Ref, node: KnownNode) -> bool:
    """Whether the node has this cluster ready for traffic.

    It accepted the cluster, in any version, and its endpoints if the view has them. Envoy acknowledges a
    cluster whose endpoints it refused, so the cluster's own ACK says nothing (measured on 1.40).
    """
    cluster = node.held(ref)
    if cluster is None or cluster.accepted is None:
        return False
    its_endpoints = Ref(ENDPOINTS, ref.name)
    wanted = node.view.get(its_endpoints)
    if wanted is None:
        return not node.view.holds_back(its_endpoints)
    endpoints = node.held(its_endpoints)
    if endpoints is None or endpoints.accepted is None:
        return False
    return wanted.empty or not any(one.empty for one in endpoints.versions())


def _must_not_warm(resource: Resource, node: KnownNode) -> bool:
    """Whether a changed cluster could be left without endpoints: some must be accepted first.

    They are repeated after it, and if they were refused then, Envoy would take the changed cluster without
    any, or wait 15 s for more. So a cluster whose first endpoints are on their way, or were refused, waits;
    and a node that reconnects is sent its endpoints before its changed clusters.
    """
    ref = Ref(ENDPOINTS, resource.key.name)
    view = node.view
    if resource.key.type != CLUSTER or not node.may_ask(ref):
        return False
    if view.get(ref) is None and ref not in view.view.tombstones:
        return False
    endpoints = node.held(ref)
    if endpoints is not None and endpoints.accepted is not None:
        return False
    if node.is_untold(CLUSTER):
        return not node.refuses(ref)
    return endpoints is not None or node.may_have_older(resource.ref)


def _lacking(needs: Iterable[Ref], node: KnownNode) -> tuple[Ref, ...]:
    """The clusters among `needs` that the node asked for, so that it can get them, and does not have.

    Only clusters are waited for: Envoy asks for routes after their listener, for endpoints after their
    cluster. A gRPC client asks for clusters after routes, by name.
    """
    return tuple(need for need in needs if need.type == CLUSTER and node.wants(need) and not has(need, node))


def _is_refused(cluster: Ref, node: KnownNode) -> bool:
    return node.refuses(cluster) or node.refuses(Ref(ENDPOINTS, cluster.name))


def _behind_routes(listener: Resource, node: KnownNode) -> frozenset[Ref]:
    """The clusters that a listener leads to through routes, which hold their virtual hosts back alone."""
    routes = (node.view.get(need) for need in listener.needs if need.type == ROUTES)
    return frozenset(need for one in routes if one is not None for need in one.needs)


def _without(hopeless: frozenset[Ref], routes: Resource, node: KnownNode) -> Verdict:
    """The routes with each virtual host that needs a refused cluster as the node has it, or not at all."""
    own = set(routes.needs).difference(need for part in routes.parts for need in part.needs)
    if own & hopeless:
        return Verdict(None, tuple(sorted(own & hopeless)), hopeless=True)
    holding = node.held(routes.ref)
    before = {} if holding is None or holding.accepted is None else _by_name(holding.accepted.parts)
    parts: list[Part] = []
    for part in routes.parts:
        if hopeless.isdisjoint(part.needs):
            parts.append(part)
        elif part.name in before:
            old = before[part.name]
            if lacking := _lacking(old.needs, node):
                return Verdict(None, lacking, hopeless=all(_is_refused(one, node) for one in lacking))
            parts.append(old)
    variant = assemble(routes.key, routes.head, parts, sorted(own), by_name=routes.by_name)
    if holding is not None and holding.accepted is None and holding.claimed != variant.version:
        # It may hold the virtual host in a version that we do not have: taking it away would be worse.
        return Verdict(None, tuple(sorted(hopeless)), hopeless=True)
    return Verdict(variant)


def _by_name(parts: Iterable[Part]) -> dict[str, Part]:
    return {part.name: part for part in parts}
