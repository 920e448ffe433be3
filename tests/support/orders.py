"""Other orders than the one that meshctl keeps: what tests compare it with."""

from meshctl.names import ENDPOINTS, Ref, TypeUrl
from meshctl.snapshot import Resource
from meshctl.xds.ordering import KnownNode, NeedsOrder, Verdict


class AtOnce:
    """Everything goes out, and leaves, as soon as it can; endpoints half a second late.

    So a route reaches a node before the endpoints of its new cluster do. That is how a control plane loses
    requests that sends what changed without looking at what needs what.
    """

    grace = 0.0

    def offer(self, resource: Resource, node: KnownNode) -> Verdict:
        """All of it, whatever it needs."""
        return Verdict(resource)

    def may_leave(self, ref: Ref, node: KnownNode) -> bool:
        """Yes, whatever needs it."""
        return True

    def earliest(self, type_url: TypeUrl, since: float) -> float:
        """At once, but for endpoints."""
        return since + 0.5 if type_url == ENDPOINTS else since


class Withholding(NeedsOrder):
    """The order by needs, but for endpoints, which wait for as long as it is told to keep them back."""

    def __init__(self, grace: float) -> None:
        super().__init__(grace)
        self.withholds = False

    def earliest(self, type_url: TypeUrl, since: float) -> float:
        """At once, or in an hour."""
        return since + 3_600.0 if self.withholds and type_url == ENDPOINTS else since
