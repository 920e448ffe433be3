"""The garbage collector waits while something is made that stays, and is not needed for what went."""

import gc
from collections.abc import AsyncIterator, Iterator
from weakref import ref

import pytest
from envoy.service.discovery.v3.discovery_pb2 import DeltaDiscoveryRequest

from meshctl.fleet.fleet import Fleet
from meshctl.names import CLUSTER
from meshctl.serve.collector import Collector
from meshctl.serve.publish import Publisher
from meshctl.units import Duration
from meshctl.xds.ordering import NeedsOrder
from meshctl.xds.session import DELTA, Host, Session
from tests.support.catalogs import MESH, service
from tests.support.waiting import eventually


@pytest.fixture
def uncollected() -> Iterator[None]:
    """What is in a cycle stays, as all that was there when a large change was spared."""
    gc.disable()
    yield
    gc.enable()


def test_collector_waits_until_the_last_of_those_that_overlap_is_done() -> None:
    collector = Collector()
    with collector.waits():
        with collector.waits():
            assert not gc.isenabled()
        assert not gc.isenabled()
    assert gc.isenabled()


def test_collector_goes_on_after_what_failed() -> None:
    collector = Collector()
    with pytest.raises(ZeroDivisionError), collector.waits():
        _ = 1 // 0
    assert gc.isenabled()


@pytest.mark.usefixtures("uncollected")
async def test_stream_that_ended_is_gone_without_the_collector() -> None:
    publisher = Publisher(Fleet(), None, stale_limit=Duration.parse("1h"))
    publisher.begin(publisher.catalog.read({"mesh.yaml": MESH, "a/web.yaml": service("web")}))
    session = Session(DELTA, Host(publisher, Fleet(), NeedsOrder(), "test"))
    left, answers = ref(session), list[bytes]()

    async def requests() -> AsyncIterator[bytes]:
        yield _first_request()

    async def write(answer: bytes) -> None:
        answers.append(answer)

    async def gone() -> bool:
        return left() is None

    await session.run(requests(), write)
    del session
    await eventually(gone, "the session is gone")


def _first_request() -> bytes:
    message = DeltaDiscoveryRequest(type_url=CLUSTER)
    message.node.id, message.node.cluster = "web@1", "web"
    message.node.metadata.update({"role": "sidecar", "services": ["web"]})
    return message.SerializeToString()
