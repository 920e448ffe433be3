"""`routes`: what happens with which requests; the first match wins.

Imports the keys `match`, `to` and `respond`, `catalog.key` and `catalog.problems`.
"""

from collections.abc import Iterator, Sequence

from meshctl.catalog.key import CheckedKey, field
from meshctl.catalog.keys.match import Match
from meshctl.catalog.keys.respond import Respond
from meshctl.catalog.keys.to import Target
from meshctl.catalog.problems import EXCLUSIVE, UNREACHABLE_ROUTE, Mistake


class Route(CheckedKey):
    """What happens with which requests. Envoy: config.route.v3.Route."""

    match: Match | None = field(
        doc="Which requests; without the key: all.",
        example="{path: /calls/**}",
        envoy=["config.route.v3.Route.match"],
        codes=["MSH0221"],
    )
    to: Target | None = field(
        doc="The service, its version, or several with their weights, that get them.",
        example="voice/v2",
        envoy=["config.route.v3.RouteAction.cluster", "config.route.v3.RouteAction.weighted_clusters"],
        codes=["MSH0214", "MSH0216", "MSH0220", "MSH0301", "MSH0302", "MSH0322"],
    )
    respond: Respond | None = field(
        doc="The proxy's own answer.",
        example="{status: 200, body: pong}",
        envoy=["config.route.v3.Route.direct_response"],
        codes=["MSH0212"],
    )

    def mistakes(self) -> Iterator[Mistake]:
        """Not exactly one of `to` and `respond`."""
        if self.to is None and self.respond is None:
            message = "the route says not what happens"
            yield Mistake(EXCLUSIVE, message, "write to: SERVICE, or respond: {status: 404}")
        elif self.to is not None and self.respond is not None:
            message = "the route has both to and respond"
            fix = "keep one of the two"
            yield Mistake(EXCLUSIVE, message, fix, ("respond",), on_key=True, also=(("to",),))


def unreachable(routes: Sequence[Route]) -> Iterator[Mistake]:
    """Routes after one that takes every request, or the same ones; paths lead from the routes' parent."""
    first: dict[Match | None, int] = {}
    for index, route in enumerate(routes):
        earlier = first.get(None, first.get(route.match))
        if earlier is not None:
            message = f"no request reaches this route: route {earlier + 1} takes them"
            fix = "put the one that takes more requests last, or remove one of the two"
            yield Mistake(UNREACHABLE_ROUTE, message, fix, ("routes", index), also=(("routes", earlier),))
        everything = route.match is None or route.match.everything
        first.setdefault(None if everything else route.match, index)
