import asyncio
import re
import socket
from collections.abc import AsyncIterator, Callable, Collection, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import grpc
import pytest

from meshctl.api.fleet import add_fleet
from meshctl.serve import save
from meshctl.serve.app import CannotServe, Settings, serve
from meshctl.snapshot.disk import Disk
from meshctl.v1 import fleet_pb2 as pb
from meshctl.v1.fleet_pb2_grpc import FleetStub
from meshctl.verify.connection import get
from meshctl.verify.ports import free_ports
from tests.support.catalogs import MESH, service
from tests.support.full_disk import full_disk
from tests.support.waiting import eventually

if TYPE_CHECKING:
    from meshctl.v1.fleet_pb2_grpc import FleetAsyncStub  # known to type checkers only

EDGE = b"gateway: edge\nlisteners: [{bind: 127.0.0.1:10000}]\n"
CATALOG = {"mesh.yaml": MESH, "a/web.yaml": service("web", "users"), "a/users.yaml": service("users")}


@dataclass
class Running:
    """A server within this process."""

    settings: Settings
    http_port: int
    fleet: "FleetAsyncStub"

    def write(self, texts: Mapping[str, bytes]) -> None:
        write(self.settings.catalog, texts)

    async def answers(self, status: int, words: str = "") -> str:
        """Wait until /readyz answers so, in these words, and return all that it says."""
        said = ""

        async def asked() -> bool:
            nonlocal said
            try:
                answer = await get(self.http_port, "/readyz")
            except OSError:
                return False
            said = answer.body.decode()
            return answer.status == status and words in said

        await eventually(asked, f"/readyz answers {status} {words}")
        return said

    async def says(self, words: str, *, but: str = "\0") -> None:
        """Wait until /readyz says these words, and not those."""

        async def said() -> bool:
            page = await self.answers(200)
            return words in page and but not in page

        await eventually(said, f"/readyz says {words!r}")

    async def knows(self, files: Collection[str]) -> None:
        """Wait until it has read exactly these files."""

        async def read() -> bool:
            listed = await self.fleet.ListEntries(pb.ListEntriesRequest())
            return {entry.file for entry in listed.entries} == set(files)

        await eventually(read, f"{len(files)} files are read")

    async def catalog(self, state: str) -> pb.Catalog:
        """Wait until the fleet's service says so of the catalog."""
        catalog = pb.Catalog()

        async def told() -> bool:
            nonlocal catalog
            catalog = (await self.fleet.ListNodes(pb.ListNodesRequest())).catalog
            return catalog.state == state

        await eventually(told, f"the catalog is {state}")
        return catalog


def write(root: Path, texts: Mapping[str, bytes]) -> None:
    for file, text in texts.items():
        (root / file).parent.mkdir(parents=True, exist_ok=True)
        beside = root / file.replace(".yaml", ".tmp")  # as editors do: never half a file
        beside.write_bytes(text)
        beside.replace(root / file)


@asynccontextmanager
async def running(folder: Path, texts: Mapping[str, bytes]) -> AsyncIterator[Running]:
    (folder / "catalog").mkdir(exist_ok=True)
    write(folder / "catalog", texts)
    async with started(folder) as server:
        yield server


@asynccontextmanager
async def started(folder: Path) -> AsyncIterator[Running]:
    xds, http = free_ports(2)
    settings = Settings(folder / "catalog", f"127.0.0.1:{xds}", f"127.0.0.1:{http}", folder / "state")
    stop = asyncio.Event()
    serving = asyncio.create_task(serve(settings, [add_fleet], stop))
    try:
        async with grpc.aio.insecure_channel(settings.xds) as channel:
            yield Running(settings, http, FleetStub(channel))
    finally:
        stop.set()
        await serving


async def test_server_is_ready_once_the_catalog_is_published(tmp_path: Path) -> None:
    async with running(tmp_path, CATALOG) as server:
        assert await server.answers(200) == "ready\n"
        assert (await get(server.http_port, "/healthz")).status == 200
        metrics = (await get(server.http_port, "/metrics")).body.decode()
        assert "meshctl_catalog_live 1.0" in metrics
        assert (await server.catalog("current")).broken == []


async def test_broken_entry_is_shown_with_its_line_and_what_is_served(tmp_path: Path) -> None:
    async with running(tmp_path, CATALOG) as server:
        await server.answers(200)
        server.write({"a/web.yaml": CATALOG["a/web.yaml"] + b"prot: 1\n"})
        broken = (await server.catalog("broken")).broken[0]
        assert (broken.location.file, broken.location.line, broken.code) == ("a/web.yaml", 5, "MSH0201")
        assert broken.serving == "last good"
        server.write(CATALOG)
        assert (await server.catalog("current")).reason == ""


async def test_guarded_losses_are_told_everywhere_and_confirmed(tmp_path: Path) -> None:
    async with running(tmp_path, {**CATALOG, "edge/edge.yaml": EDGE}) as server:
        assert await server.answers(200) == "ready\n"
        (tmp_path / "catalog/edge/edge.yaml").unlink()  # one file: of two, one may be missed for a moment
        guarded = (await server.catalog("guarded")).guarded
        assert list(guarded.losses) == ["gateway edge"]
        told = await server.answers(200)
        assert told.startswith("ready\nguarded: ")
        assert guarded.hash in told
        page = (await get(server.http_port, "/metrics")).body.decode()
        assert "\nmeshctl_guarded_losses 1.0\n" in page
        with pytest.raises(grpc.aio.AioRpcError, match=guarded.hash) as error:
            await server.fleet.Confirm(pb.ConfirmRequest(hash="0" * 12))
        assert error.value.code() is grpc.StatusCode.FAILED_PRECONDITION
        taken = await server.fleet.Confirm(pb.ConfirmRequest(hash=guarded.hash, user="ann"))
        assert list(taken.losses) == ["gateway edge"]
        assert not (await server.catalog("current")).HasField("guarded")
        assert await server.answers(200) == "ready\n"
        with pytest.raises(grpc.aio.AioRpcError, match="nothing is guarded") as error:
            await server.fleet.Confirm(pb.ConfirmRequest(hash=guarded.hash))
        assert error.value.code() is grpc.StatusCode.NOT_FOUND


async def test_restart_without_the_catalog_is_not_ready_and_says_why(tmp_path: Path) -> None:
    async with running(tmp_path, CATALOG) as server:
        await server.answers(200)
    for file in CATALOG:
        (tmp_path / "catalog" / file).unlink()
    async with running(tmp_path, {}) as server:
        await server.answers(503, "the catalog has no mesh.yaml")
        assert "the others keep what they have" in (await server.catalog("unusable")).reason
        server.write(CATALOG)
        await server.answers(200)


def unmounted(root: Path) -> None:
    """The folder is not there."""
    root.rename(root.with_name("aside"))


def unlistable(root: Path) -> None:
    """The folder is there and cannot be listed: as without permission, but for root, too."""
    unmounted(root)
    root.symlink_to(root)


@pytest.mark.parametrize(
    ("fault", "words"), [(unmounted, "is not there; nodes that"), (unlistable, "cannot be read: Too many")]
)
async def test_start_without_a_folder_waits_for_it_with_the_last_good_state(
    tmp_path: Path, fault: Callable[[Path], None], words: str
) -> None:
    async with running(tmp_path, CATALOG) as server:
        await server.answers(200)
    fault(tmp_path / "catalog")
    async with started(tmp_path) as server:
        told = await server.answers(503, words)
        assert "nodes that hold nothing get the last good state" in told
        (tmp_path / "catalog").unlink(missing_ok=True)
        (tmp_path / "aside").rename(tmp_path / "catalog")
        await server.answers(200)


async def test_start_on_a_folder_that_cannot_be_listed_fails_where_there_is_nothing_to_wait_with(
    tmp_path: Path,
) -> None:
    (tmp_path / "catalog").symlink_to(tmp_path / "catalog")
    xds, http = free_ports(2)
    settings = Settings(tmp_path / "catalog", f"127.0.0.1:{xds}", f"127.0.0.1:{http}", tmp_path / "state")
    with pytest.raises(CannotServe, match="cannot be read: Too many levels"):
        await serve(settings, [], asyncio.Event())


async def test_misspelt_target_is_not_found_and_the_nearest_is_named(tmp_path: Path) -> None:
    async with running(tmp_path, CATALOG) as server:
        await server.answers(200)
        found = await server.fleet.GetTarget(pb.GetTargetRequest(role="sidecar", names=["web"]))
        assert (found.address, list(found.hosts)) == ("127.0.0.1:15001", ["users"])
        with pytest.raises(grpc.aio.AioRpcError, match="nearest name is 'users'") as error:
            await server.fleet.GetTarget(pb.GetTargetRequest(role="sidecar", names=["usres"]))
        assert error.value.code() is grpc.StatusCode.NOT_FOUND
        with pytest.raises(grpc.aio.AioRpcError, match="no node has the id 'web@1'"):
            await server.fleet.GetNode(pb.GetNodeRequest(id="web@1"))


async def test_server_starts_on_a_full_disk_says_so_and_saves_when_there_is_space(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(save, "STAMP_S", 0.05)  # tried again so often, instead of each minute
    write(tmp_path / "catalog", CATALOG)
    with full_disk():
        async with running(tmp_path, CATALOG) as server:
            await server.says("state not saved: ")
            metrics = (await get(server.http_port, "/metrics")).body.decode()
            assert re.search(r"(?m)^meshctl_state_failures_total [1-9]", metrics)
            assert (await server.catalog("current")).broken == []
    async with running(tmp_path, CATALOG) as server:
        await server.answers(200)
    disk = Disk.open(tmp_path / "state")
    disk.close()
    assert disk.state is not None
    assert set(disk.state.texts) == set(CATALOG)


async def test_server_whose_disk_fills_while_it_runs_goes_on_and_saves_when_there_is_space(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(save, "STAMP_S", 0.05)
    more = {f"a/s{number}.yaml": service(f"s{number}") for number in range(100)}
    async with running(tmp_path, CATALOG) as server:
        assert await server.answers(200) == "ready\n"
        with full_disk():
            server.write(more)
            await server.knows({*CATALOG, *more})  # so many files come in more than one batch
            await server.says("state not saved: ")
            assert (await server.catalog("current")).broken == []
        await server.says("ready\n", but="not saved")
    disk = Disk.open(tmp_path / "state")
    disk.close()
    assert disk.state is not None
    assert set(disk.state.texts) == {*CATALOG, *more}


async def test_state_of_another_server_is_refused(tmp_path: Path) -> None:
    async with running(tmp_path, CATALOG) as server:
        await server.answers(200)
        with pytest.raises(CannotServe, match=r"another meshctl serve .*runs on this catalog"):
            await serve(server.settings, [], asyncio.Event())


@pytest.mark.parametrize("option", ["xds", "http"])
async def test_taken_port_is_told_in_one_line(tmp_path: Path, option: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        other = f"127.0.0.1:{free_ports(1)[0]}"
        settings = Settings(
            tmp_path, xds=address if option == "xds" else other, http=address if option == "http" else other
        )
        words = f"cannot listen on {address}: Address already in use; choose another with --{option}"
        with pytest.raises(CannotServe, match=words):
            await serve(settings, [], asyncio.Event())


@pytest.mark.parametrize("address", ["nowhere", "127.0.0.1:http", "no such host:80"])
async def test_address_that_is_none_is_told(tmp_path: Path, address: str) -> None:
    with pytest.raises(CannotServe, match="is no address"):
        await serve(Settings(tmp_path, http=address), [], asyncio.Event())
