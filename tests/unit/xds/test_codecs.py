from envoy.service.discovery.v3.discovery_pb2 import (
    DeltaDiscoveryRequest,
    DeltaDiscoveryResponse,
    DiscoveryRequest,
    DiscoveryResponse,
)
from rpds import HashTrieMap

from meshctl.names import CLUSTER, ENDPOINTS
from meshctl.snapshot import Resource
from meshctl.xds import delta, sotw
from meshctl.xds.events import Amend, Replace, Send
from meshctl.xds.frames import Frames
from tests.support.xds_world import cluster, endpoints

A, B = cluster("a/v1"), cluster("b/v1")


def test_a_delta_request_is_read_whole() -> None:
    message = DeltaDiscoveryRequest(
        type_url=CLUSTER,
        resource_names_subscribe=["a"],
        resource_names_unsubscribe=["b"],
        initial_resource_versions={"c": "1"},
        response_nonce="7",
    )
    message.error_detail.message = "no"
    incoming = delta.decode(message.SerializeToString())
    assert incoming.request.names == Amend(frozenset("a"), frozenset("b"), {"c": "1"})
    assert (incoming.request.nonce, incoming.request.error, incoming.holds_state) == ("7", "no", True)


def test_a_refusal_without_words_is_a_refusal() -> None:
    message = DiscoveryRequest(type_url=CLUSTER)
    message.error_detail.SetInParent()
    assert sotw.decode(message.SerializeToString()).request.error == ""


def test_a_state_of_the_world_request_is_read_whole() -> None:
    message = DiscoveryRequest(type_url=ENDPOINTS, resource_names=["a", "a"], version_info="v")
    incoming = sotw.decode(message.SerializeToString())
    assert incoming.request.names == Replace(frozenset("a"), "v")
    assert (incoming.request.error, incoming.holds_state) == (None, True)


def test_a_delta_answer_is_a_message_like_any_other() -> None:
    data = delta.encode(Send(CLUSTER, "3", (A, B), ("c/v1",)), "meshctl/1")
    message = DeltaDiscoveryResponse.FromString(data)
    assert (message.type_url, message.nonce, list(message.removed_resources)) == (CLUSTER, "3", ["c/v1"])
    assert message.control_plane.identifier == "meshctl/1"
    assert [(one.name, one.version, one.resource.value) for one in message.resources] == [
        (one.key.name, one.version, one.body) for one in (A, B)
    ]


def test_a_complete_answer_holds_the_state_in_a_fixed_order() -> None:
    one = HashTrieMap({"a/v1": A, "b/v1": B})
    other = HashTrieMap({"b/v1": B, "a/v1": A})
    answers = [sotw.encode(Send(CLUSTER, "3", (), state=state), "m") for state in (one, other)]
    assert answers[0] == answers[1]
    message = DiscoveryResponse.FromString(answers[0])
    assert [any_.value for any_ in message.resources] == [A.body, B.body]
    assert {any_.type_url for any_ in message.resources} == {CLUSTER}


def test_a_partial_answer_holds_what_changed() -> None:
    message = DiscoveryResponse.FromString(sotw.encode(Send(ENDPOINTS, "3", (endpoints("a/v1"),)), "m"))
    assert [any_.value for any_ in message.resources] == [endpoints("a/v1").body]


def test_no_version_is_used_again_after_a_refusal() -> None:
    state = HashTrieMap({"a/v1": A})
    versions = {
        DiscoveryResponse.FromString(sotw.encode(Send(CLUSTER, "3", (), (), state, n), "m")).version_info
        for n in range(3)
    }
    assert len(versions) == 3


def test_a_resource_is_framed_once_and_kept_within_the_limit() -> None:
    framed = list[str]()

    def frame(resource: Resource) -> bytes:
        framed.append(resource.version)
        return b"x" * 10

    frames = Frames(frame, limit=20)
    for resource in (A, A, B, A, endpoints("a/v1"), B):
        frames.of(resource)
    assert framed == [A.version, B.version, endpoints("a/v1").version, B.version]
