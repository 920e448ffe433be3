"""Requests of any kind, through the session as the shell runs it: it answers or refuses, and leaves nothing.

Bytes without sense, and real requests that were cut, repeated, changed and put out of order.
"""

import asyncio
from collections.abc import AsyncIterator, Sequence
from typing import NamedTuple

import pytest
from envoy.service.discovery.v3.discovery_pb2 import DeltaDiscoveryRequest, DiscoveryRequest
from hypothesis import given, settings
from hypothesis import strategies as st

from meshctl.fleet.fleet import Fleet
from meshctl.names import CLUSTER, ENDPOINTS, LISTENER, ROUTES
from meshctl.xds.limits import Overstepped
from meshctl.xds.ordering import NeedsOrder
from meshctl.xds.quarantine import blamed, reason
from meshctl.xds.session import Host, Session, Variant
from meshctl.xds.types import TYPES
from tests.support.views import Views
from tests.support.xds_run import VARIANTS
from tests.support.xds_world import cluster, endpoints, listener, routes

FUZZ = settings(max_examples=6 * settings().max_examples)

WORLD = (
    cluster("a/v1"),
    endpoints("a/v1"),
    routes("egress", {"a": ["a/v1"]}),
    listener("l", routes="egress"),
)

texts = st.one_of(st.text(max_size=20), st.sampled_from(("", "*", "a/v1", "egress", "l", "\n", "x" * 2_000)))
types = st.one_of(st.sampled_from((CLUSTER, ENDPOINTS, LISTENER, ROUTES)), texts)
nonces = st.one_of(st.integers(0, 9).map(str), texts)
names = st.lists(texts, max_size=6)
metadata = st.dictionaries(
    st.one_of(st.sampled_from(("role", "services", "egress")), texts),
    st.recursive(
        st.one_of(texts, st.floats(allow_nan=False), st.none(), st.sampled_from(("sidecar", "gateway"))),
        lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(texts, inner, max_size=3)),
        max_leaves=8,
    ),
    max_size=4,
)


@st.composite
def requests(draw: st.DrawFn) -> bytes:
    """A request that could be one, in either variant; which of the two is for the stream to see."""
    message = draw(st.one_of(deltas(), wholes()))
    if draw(st.booleans()):
        message.node.id, message.node.cluster = draw(texts), draw(texts)
        message.node.metadata.update(draw(metadata))
        message.node.user_agent_build_version.version.minor_number = draw(st.integers(0, 2_000))
    if draw(st.booleans()):
        message.error_detail.message = draw(texts)
    return message.SerializeToString()


@st.composite
def deltas(draw: st.DrawFn) -> DeltaDiscoveryRequest:
    return DeltaDiscoveryRequest(
        type_url=draw(types),
        response_nonce=draw(nonces),
        resource_names_subscribe=draw(names),
        resource_names_unsubscribe=draw(names),
        initial_resource_versions=draw(st.dictionaries(texts, texts, max_size=3)),
    )


@st.composite
def wholes(draw: st.DrawFn) -> DiscoveryRequest:
    return DiscoveryRequest(
        type_url=draw(types),
        response_nonce=draw(nonces),
        resource_names=draw(names),
        version_info=draw(texts),
    )


@st.composite
def spoilt(draw: st.DrawFn) -> bytes:
    """A request of which something was cut out, put in twice, or changed."""
    data = draw(requests())
    at = draw(st.integers(0, len(data)))
    length = draw(st.integers(0, 12))
    middle = draw(st.sampled_from((b"", data[at : at + length] * 2, draw(st.binary(max_size=12)))))
    return data[:at] + middle + data[at + length :]


def introduced(variant: Variant) -> bytes:
    """The first request of a node that is as it should be."""
    message = DeltaDiscoveryRequest() if variant.name == "delta" else DiscoveryRequest()
    message.type_url, message.node.id, message.node.cluster = CLUSTER, "web@host", "web"
    return message.SerializeToString()


class Outcome(NamedTuple):
    """How many answers there were, why the stream was refused (or ""), and what is left of it."""

    answers: int
    refused: str
    views: Views
    fleet: Fleet


async def play(variant: Variant, data: Sequence[bytes]) -> Outcome:
    """Run one session on these requests."""
    views, fleet, answers = Views(), Fleet(), list[bytes]()
    views.put(*WORLD)

    async def incoming() -> AsyncIterator[bytes]:
        for number, request in enumerate(data):
            yield request
            if number % 3 == 2:
                views.put(*WORLD[1:], cluster("a/v1", number))
            await asyncio.sleep(0)

    async def write(answer: bytes) -> None:
        answers.append(answer)

    session = Session(variant, Host(views, fleet, NeedsOrder(), "fuzz"))
    try:
        await session.run(incoming(), write)
    except Overstepped as over:
        return Outcome(len(answers), over.details, views, fleet)
    return Outcome(len(answers), "", views, fleet)


@pytest.mark.parametrize("variant", VARIANTS, ids=lambda one: one.name)
@FUZZ
@given(
    data=st.lists(st.one_of(requests(), spoilt(), st.binary(max_size=200)), max_size=12), known=st.booleans()
)
def test_whatever_a_client_sends_is_answered_or_refused_and_leaves_nothing_behind(
    variant: Variant, data: list[bytes], known: int
) -> None:
    done = asyncio.run(play(variant, [introduced(variant)] * known + data))
    assert done.answers <= len(TYPES) * 2 * (len(data) + 1)
    assert len(done.refused) < 1_000
    assert done.views.seats == []
    assert [one.connected for one in done.fleet.nodes(0.0)] in ([], [False])


@FUZZ
@given(text=st.text(alphabet=st.sampled_from('a\n: ,"{}[]()/\\x00é'), max_size=400), name=texts)
def test_a_refusal_in_any_words_is_read(text: str, name: str) -> None:
    assert blamed(text, [name]) <= {name}
    assert 0 < len(reason(text)) <= 400
    assert "\n" not in reason(text)


@FUZZ
@given(depth=st.integers(1, 200))
def test_metadata_of_any_depth_is_taken_or_refused(depth: int) -> None:
    inner = b""
    for _ in range(depth):  # Value{list_value{values: ...}}
        inner = _field(6, _field(1, inner))
    entry = _field(1, b"services") + _field(2, inner)
    node = _field(1, b"web@host") + _field(2, b"web") + _field(3, _field(1, entry))
    asyncio.run(play(VARIANTS[0], [_field(1, node) + _field(2, CLUSTER.encode())]))


def _field(number: int, content: bytes) -> bytes:
    size, out = len(content), bytearray([number << 3 | 2])
    while size > 0x7F:
        out.append(size & 0x7F | 0x80)
        size >>= 7
    return bytes((*out, size)) + content
