"""How Envoy chooses an endpoint of a cluster. Envoy: config.cluster.v3.LoadBalancingPolicy.

May import the mesh's settings.
"""

from collections.abc import Iterator

from meshctl.catalog.keys.load_balancing import Policy
from meshctl.envoy import pb
from meshctl.mesh.settings import LoadBalancing
from meshctl.units import Duration

_NAME = "envoy.load_balancing_policies."


def policy(said: LoadBalancing) -> pb.LoadBalancingPolicy:
    """The policy, and round robin for clients that do not know it: they take the first that they know."""
    return pb.LoadBalancingPolicy(policies=_policies(said))


def _policies(said: LoadBalancing) -> Iterator[pb.LoadBalancingPolicy.Policy]:
    slow = said.slow_start if isinstance(said.slow_start, Duration) else None
    match said.policy:
        case Policy.ROUND_ROBIN:
            yield _one("round_robin", pb.RoundRobin(slow_start_config=_slowly(slow)))
            return
        case Policy.LEAST_REQUEST:
            yield _one("least_request", _least(slow))
        case Policy.RANDOM:
            yield _one("random", pb.Random())
    yield _one("round_robin", pb.RoundRobin())


def _least(window: Duration | None) -> pb.LeastRequest:
    # Else Envoy compares two that chance picks: of two endpoints it is often the same one twice.
    scan = pb.LeastRequest.FULL_SCAN
    return pb.LeastRequest(selection_method=scan, slow_start_config=_slowly(window))


def _slowly(window: Duration | None) -> pb.SlowStartConfig | None:
    return None if window is None else pb.SlowStartConfig(slow_start_window=pb.duration(window))


def _one(name: str, message: pb.Message) -> pb.LoadBalancingPolicy.Policy:
    config = pb.TypedExtensionConfig(name=f"{_NAME}{name}", typed_config=pb.pack(message))
    return pb.LoadBalancingPolicy.Policy(typed_extension_config=config)
