"""Requests that are too large to be parsed, told from large ones that are not."""

import subprocess
import sys
from dataclasses import replace

import pytest
from envoy.config.core.v3.base_pb2 import Node
from envoy.service.discovery.v3.discovery_pb2 import DeltaDiscoveryRequest, DiscoveryRequest

from meshctl.names import CLUSTER
from meshctl.xds import delta, sotw
from meshctl.xds.identity import is_introduced
from meshctl.xds.limits import LIMITS, Limits, Overstepped, StreamEnd
from meshctl.xds.wire import Garbled, Layout

MIB = 1 << 20
WEB = Node(id="web@host", cluster="web")


def refused(data: bytes, limits: Limits = LIMITS) -> StreamEnd:
    with pytest.raises(Overstepped) as error:
        delta.decode(data, limits)
    return error.value.cause


def test_the_largest_request_of_a_node_is_taken() -> None:
    versions = {f"service-{number}/{'v' * 40}": f"{number:064}" for number in range(LIMITS.names)}
    message = DeltaDiscoveryRequest(type_url=CLUSTER, initial_resource_versions=versions)
    message.node.id = "web@host"
    assert delta.decode(message.SerializeToString()).weight == LIMITS.names


@pytest.mark.parametrize(
    ("layout", "known"),
    [
        (delta.LAYOUT, DeltaDiscoveryRequest(node=WEB)),
        (sotw.LAYOUT, DiscoveryRequest(version_info="7", node=WEB)),
    ],
    ids=["delta", "sotw"],
)
def test_who_sends_megabytes_says_first_who_it_is(
    layout: Layout, known: DeltaDiscoveryRequest | DiscoveryRequest
) -> None:
    name = bytes([min(layout.names) << 3 | 2, 100]) + b"x" * 100
    node, names = known.SerializeToString(), name * (LIMITS.first_message // 100)
    assert is_introduced(node + names, layout, LIMITS)
    assert not is_introduced(names + node, layout, LIMITS)
    assert not is_introduced(names, layout, LIMITS)


def test_a_refusal_with_megabytes_of_words_is_taken() -> None:
    message = DeltaDiscoveryRequest(type_url=CLUSTER, response_nonce="1")
    message.error_detail.message = "no good " * MIB
    assert delta.decode(message.SerializeToString()).request.error is not None


def test_more_names_than_the_limit_are_refused_in_small_and_large_requests() -> None:
    few = replace(LIMITS, names=3)
    for words in (["a", "b", "c", "d"], ["a" * 1_000] * 2_000):
        names = DeltaDiscoveryRequest(type_url=CLUSTER, resource_names_subscribe=words)
        assert refused(names.SerializeToString(), few) is StreamEnd.NAMES
        whole = DiscoveryRequest(type_url=CLUSTER, resource_names=words)
        with pytest.raises(Overstepped, match=r"3 are the most|more than 3 names"):
            sotw.decode(whole.SerializeToString(), few)


def test_names_and_versions_of_unreasonable_length_are_refused() -> None:
    long = "x" * (LIMITS.name + 1)
    for message in (
        DeltaDiscoveryRequest(type_url=CLUSTER, resource_names_subscribe=[long]),
        DeltaDiscoveryRequest(type_url=CLUSTER, initial_resource_versions={"a": long}),
    ):
        assert refused(message.SerializeToString()) is StreamEnd.NAMES


def test_64_megabytes_of_empty_names_are_refused_before_they_are_parsed() -> None:
    assert refused(b"\x1a\x00" * (32 * MIB)) is StreamEnd.NAMES


def test_an_error_with_thousands_of_empty_details_is_refused_before_it_is_parsed() -> None:
    details = b"\x1a\x00" * 600_000
    field = b"\x3a" + _varint(len(details)) + details
    assert refused(field) is StreamEnd.MALFORMED


def test_a_node_of_megabytes_is_refused_before_it_is_parsed() -> None:
    message = DeltaDiscoveryRequest(type_url=CLUSTER)
    message.node.metadata.update({"x": "y" * (10 * MIB)})
    assert refused(message.SerializeToString()) is StreamEnd.NODE_SIZE


@pytest.mark.parametrize(
    "data",
    [
        b"\xff" * (2 * MIB),
        b"\x1a\x7f" + b"x" * 10,
        b"\x0b" * (2 * MIB),
        b"\x1a\xff\xff\xff\x7f" + bytes(2 * MIB),
    ],
    ids=["no number ends", "shorter than it says", "groups", "longer than the message"],
)
def test_bytes_that_are_no_request_are_told_so(data: bytes) -> None:
    with pytest.raises(Garbled):
        delta.decode(data)


def _varint(value: int) -> bytes:
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes((*out, value))


_PEAK = """
import re, sys
import subprocess
import sys
from dataclasses import replace
from meshctl.xds import delta
from meshctl.xds.limits import LIMITS, Overstepped
try:
    delta.decode(b"\\x1a\\x00" * (8 << 20), replace(LIMITS, names=int(sys.argv[1])))
except Overstepped:
    pass
print(re.search(r"VmHWM:\\s+(\\d+) kB", open("/proc/self/status").read())[1])
"""


def test_control_without_the_limit_16_megabytes_of_empty_names_take_100_more_of_memory() -> None:
    def peak(names: int) -> int:
        """The most memory, in kB, that a process has had after it was sent them."""
        return int(subprocess.check_output((sys.executable, "-c", _PEAK, str(names))))

    assert peak(names=1 << 30) - peak(LIMITS.names) > 100 << 10
