"""The RPC behind `meshctl plan`: what it takes in, and that it is no burden."""

import asyncio
import threading
from collections.abc import AsyncIterator, Mapping

import grpc
import pytest

from meshctl.api import plan as api
from meshctl.api.plan import Plans
from meshctl.catalog.folder import Unreadable
from meshctl.cli import client
from meshctl.cli.errors import Failure, TimedOut
from meshctl.cli.planned import Planned
from meshctl.fleet.fleet import Fleet
from meshctl.operations.proposal import Basis, Proposal, propose
from meshctl.serve.publish import Publisher
from meshctl.units import Duration
from meshctl.v1 import fleet_pb2 as pb
from tests.support.catalogs import MESH, service
from tests.support.planning import answering, published, sidecar

TEXTS = {"mesh.yaml": MESH, "a/web.yaml": service("web", "users"), "a/users.yaml": service("users")}
NODES = (sidecar("web", 1), sidecar("web", 2))
OTHER = {**TEXTS, "a/users.yaml": service("users", endpoints="127.0.0.1:9002")}


async def asked(texts: Mapping[str, bytes], publisher: Publisher | None = None) -> Planned:
    made, fleet = published(TEXTS, NODES)
    async with answering(publisher or made, fleet) as server:
        return await asyncio.to_thread(client.plan, server, texts)


async def test_nodes_are_told_by_view() -> None:
    planned = await asked(OTHER)
    assert planned["views"] == [{"view": "sidecar/web@1.40", "nodes": 2, "ids": ["web@1", "web@2"]}]
    assert [one["views"] for one in planned["resources"]] == [["sidecar/web@1.40"]]


async def test_file_that_cannot_be_read_is_no_file_that_is_gone() -> None:
    planned = await asked({**TEXTS, "a/users.yaml": Unreadable("cannot be read: Permission denied")})
    assert [(one["sign"], one["outcome"]) for one in planned["entries"]] == [("~", "held")]
    assert "cannot be read: Permission denied" in planned["problems"][0]["message"]


BOMB = b"a: &a [x, x]\n" + b"".join(b"b%d: &b%d [*a, *a]\n" % (n, n) for n in range(99))


@pytest.mark.parametrize(
    "text", [b"\xff\xfe", b"# " + b"x" * (1 << 20), BOMB, b"[" * 100_000, b""], ids=lambda text: str(text[:9])
)
async def test_garbage_is_a_problem_of_its_entry(text: bytes) -> None:
    planned = await asked({**OTHER, "a/web.yaml": text})
    assert {one["location"]["file"] for one in planned["problems"]} == {"a/web.yaml"}
    assert [one["name"] for one in planned["resources"]] == ["users/v1"]


async def test_path_that_is_none_of_a_catalog_is_refused() -> None:
    with pytest.raises(Failure, match=r"'\.\./passwd\.yaml' is no file of a catalog"):
        await asked({**TEXTS, "../passwd.yaml": b""})


@pytest.mark.parametrize("limit", ["MOST_FILES", "MOST_BYTES"])
async def test_more_than_a_catalog_has_is_refused(limit: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(api, limit, 2)
    with pytest.raises(Failure, match="are the most of a catalog"):
        await asked(TEXTS)


async def test_server_that_serves_nothing_says_why() -> None:
    fleet = Fleet()
    empty = Publisher(fleet, None, stale_limit=Duration.parse("1h"))
    empty.begin(empty.catalog.read({}))
    with pytest.raises(Failure, match=r"the catalog has no mesh\.yaml"):
        await asked(TEXTS, empty)


async def test_client_that_says_nothing_does_not_keep_the_others_waiting(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(api, "PATIENCE_S", 0.0)
    with pytest.raises(TimedOut):
        await asked(TEXTS)


class Call:
    """A call whose files come when a test says so."""

    def __init__(self) -> None:
        self.go, self.read = asyncio.Event(), False

    async def files(self) -> AsyncIterator[pb.CatalogFile]:
        self.read = True
        await self.go.wait()
        for file, text in OTHER.items():
            yield pb.CatalogFile(file=file, text=text)

    async def abort(self, code: grpc.StatusCode, words: str) -> None:
        raise AssertionError(f"{code}: {words}")


def answered(plans: Plans, call: Call) -> asyncio.Future[pb.PlanResponse]:
    return asyncio.ensure_future(plans.answer(call.files(), call))  # type: ignore[arg-type]


async def test_client_whose_files_do_not_come_keeps_nobody_waiting() -> None:
    plans, stalled, other = Plans(*published(TEXTS, NODES)), Call(), Call()
    one, two = answered(plans, stalled), answered(plans, other)
    other.go.set()
    planned = await two
    assert stalled.read
    assert not one.done()
    stalled.go.set()
    assert await one == planned


async def test_files_of_few_plans_are_in_memory() -> None:
    plans, calls = Plans(*published(TEXTS, NODES)), [Call() for _ in range(api.AT_ONCE + 1)]
    answers = [answered(plans, call) for call in calls]
    await asyncio.wait(answers, timeout=0)
    assert [call.read for call in calls] == [True] * api.AT_ONCE + [False]
    calls[0].go.set()
    await answers[0]
    for call in calls:
        call.go.set()
    await asyncio.gather(*answers)
    assert calls[-1].read


async def test_plans_are_made_one_after_the_other(monkeypatch: pytest.MonkeyPatch) -> None:
    begun, go = threading.Semaphore(0), threading.Event()

    def slow(basis: Basis, texts: Mapping[str, bytes], now: float) -> Proposal:
        begun.release()
        go.wait()
        return propose(basis, texts, now)

    monkeypatch.setattr(api, "propose", slow)
    plans, calls = Plans(*published(TEXTS, NODES)), (Call(), Call())
    for call in calls:
        call.go.set()
    answers = [answered(plans, call) for call in calls]
    await asyncio.to_thread(begun.acquire)
    for _ in range(10):  # whatever else could begin has begun after these
        await asyncio.to_thread(int)
    both = begun.acquire(blocking=False)
    go.set()
    one, two = await asyncio.gather(*answers)
    assert one == two
    assert not both


async def test_plan_whose_client_has_gone_ends_before_the_next_begins(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    begun, go = threading.Event(), threading.Event()

    def slow(basis: Basis, texts: Mapping[str, bytes], now: float) -> Proposal:
        begun.set()
        go.wait()
        return propose(basis, texts, now)

    monkeypatch.setattr(api, "propose", slow)
    plans, call = Plans(*published(TEXTS, NODES)), Call()
    call.go.set()
    gone = answered(plans, call)
    await asyncio.to_thread(begun.wait)
    gone.cancel()
    following = answered(plans, call)
    await asyncio.wait([gone, following], timeout=0)
    assert not gone.done()
    go.set()
    assert [one.name for one in (await following).resources] == ["users/v1"]
    assert gone.cancelled()
