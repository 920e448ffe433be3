import pytest

from meshctl.envoy import listener, pb
from meshctl.envoy.decode import same_resource
from meshctl.names import CLUSTER, LISTENER
from tests.support import builds


def door(bind: str = "127.0.0.1:80") -> bytes:
    return listener.gateway_listener("edge", bind).SerializeToString(deterministic=True)


def with_reversed_maps(monkeypatch: pytest.MonkeyPatch) -> bytes:
    builds.with_maps_reversed(monkeypatch)
    return builds.backwards(listener.gateway_listener("edge", "127.0.0.1:80"))


def cluster(**fields: object) -> pb.Cluster:
    return pb.Cluster(name="a", **fields)  # type: ignore[arg-type]


def same(one: pb.Message, other: pb.Message) -> bool:
    return same_resource(CLUSTER, one.SerializeToString(), other.SerializeToString())


def test_the_order_of_maps_says_nothing_however_deep_they_are_packed(monkeypatch: pytest.MonkeyPatch) -> None:
    builds.with_maps(monkeypatch)
    straight = door()
    reverse = with_reversed_maps(monkeypatch)
    assert straight != reverse
    assert same_resource(LISTENER, straight, reverse)


def test_another_word_in_a_packed_map_is_another_message(monkeypatch: pytest.MonkeyPatch) -> None:
    builds.with_maps(monkeypatch)
    straight = door()
    other = with_reversed_maps(monkeypatch).replace(b"%REQ(X-KEY)%", b"%REQ(X-KEE)%", 1)
    assert not same_resource(LISTENER, straight, other)


def test_another_address_is_another_message() -> None:
    assert not same_resource(LISTENER, door(), door("127.0.0.1:81"))


def test_absent_and_false_are_two_things() -> None:
    circuit = pb.CircuitBreakers.Thresholds
    without = cluster(circuit_breakers=pb.CircuitBreakers(thresholds=[circuit()]))
    zero = cluster(circuit_breakers=pb.CircuitBreakers(thresholds=[circuit(max_retries=pb.uint32(0))]))
    assert not same(without, zero)


def test_the_order_of_a_list_says_something() -> None:
    filters = [pb.Filter(name="one"), pb.Filter(name="two")]
    chains = [pb.FilterChain(filters=order) for order in (filters, filters[::-1])]
    one, other = (pb.Listener(filter_chains=[chain]).SerializeToString() for chain in chains)
    assert not same_resource(LISTENER, one, other)


def test_fields_that_this_build_does_not_know_are_compared() -> None:
    known = cluster().SerializeToString()
    one, other = known + b"\xfa\xff\x03\x01a", known + b"\xfa\xff\x03\x01b"
    assert same_resource(CLUSTER, one, one)
    assert not same_resource(CLUSTER, one, other)
    assert not same_resource(CLUSTER, one, known)


@pytest.mark.parametrize("value", [b"two", b"\xff"])
def test_what_cannot_be_unpacked_is_compared_as_bytes(value: bytes) -> None:
    def option(value: bytes, kind: str) -> pb.Cluster:
        packed = pb.Any(type_url=f"type.googleapis.com/{kind}", value=value)
        return cluster(typed_extension_protocol_options={"x": packed})

    assert same(option(value, "no.Such"), option(value, "no.Such"))
    assert not same(option(b"one", "no.Such"), option(value, "no.Such"))
    assert not same(option(b"", "envoy.config.route.v3.Route"), option(value, "envoy.config.route.v3.Route"))
