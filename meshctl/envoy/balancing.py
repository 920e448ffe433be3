"""How Envoy chooses an endpoint of a cluster. Envoy: config.cluster.v3.LoadBalancingPolicy.

May import the mesh's settings.
"""

from collections.abc import Iterator
from typing import assert_never

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
        case Policy.RING_HASH:
            yield _ring()
        case Policy.MAGLEV:
            yield _one("maglev", pb.Maglev())
            yield _ring()  # gRPC's client knows it, and not maglev
        case _:
            assert_never(said.policy)
    yield _one("round_robin", pb.RoundRobin())


def _least(window: Duration | None) -> pb.LeastRequest:
    # Else Envoy compares two that chance picks: of two endpoints it is often the same one twice. Where
    # weights differ, it looks at none: it divides each weight by the requests under way, which spares a slow
    # endpoint less (of weight 2 beside one of 1, it got 18 of 36 requests of six callers, and 24 in turns).
    scan = pb.LeastRequest.FULL_SCAN
    return pb.LeastRequest(selection_method=scan, slow_start_config=_slowly(window))


def _ring() -> pb.LoadBalancingPolicy.Policy:
    # gRPC's client refuses a ring that does not name its hash.
    return _one("ring_hash", pb.RingHash(hash_function=pb.RingHash.XX_HASH))


def _slowly(window: Duration | None) -> pb.SlowStartConfig | None:
    return None if window is None else pb.SlowStartConfig(slow_start_window=pb.duration(window))


def _one(name: str, message: pb.Message) -> pb.LoadBalancingPolicy.Policy:
    config = pb.TypedExtensionConfig(name=f"{_NAME}{name}", typed_config=pb.pack(message))
    return pb.LoadBalancingPolicy.Policy(typed_extension_config=config)
