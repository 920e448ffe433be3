"""One real Envoy on resources that a test edits by hand, and connections through it that are held open.

A backend answers with the number of the connection that a request came over, so that a test sees whether
Envoy still uses the one that it had.
"""

import asyncio
import itertools
import json
from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import grpc

from meshctl.envoy.bootstrap import Identity, bootstrap
from meshctl.fleet.fleet import Fleet, NodeState
from meshctl.fleet.node import Node
from meshctl.fleet.tally import Version
from meshctl.names import Role
from meshctl.snapshot import Resource, ViewSnapshot
from meshctl.verify.connection import Connection, Outcome, connect
from meshctl.verify.http1 import Response, request_bytes
from meshctl.verify.ports import free_ports
from meshctl.verify.processes import Envoy
from meshctl.xds.ordering import NeedsOrder
from meshctl.xds.server import AdsServer, options
from tests.support.waiting import LIMIT_S, eventually
from tests.support.xds_world import Published

HOST = "users"


class Backend:
    """Answers each request with the number of its connection; never closes one."""

    def __init__(self) -> None:
        self.open: set[int] = set()
        self._numbers = itertools.count(1)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection, to its end."""
        number = next(self._numbers)
        self.open.add(number)
        try:
            while True:
                await reader.readuntil(b"\r\n\r\n")
                body = str(number).encode()
                writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n%s" % (len(body), body))
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            self.open.discard(number)
            writer.close()


class _Seat:
    """A place that shows what is published. Each node looks for culprits by itself."""

    provisional, has_turn = False, True

    def __init__(self, views: "_Views", wake: Callable[[], None]) -> None:
        self._views, self.wake = views, wake

    def view(self) -> ViewSnapshot | None:
        return self._views.world.view

    def is_found(self, version: Version) -> bool:
        return False

    def tell(self, refused: frozenset[Version], *, in_doubt: bool) -> None:
        pass

    def close(self) -> None:
        self._views.seats.remove(self)


class _Views:
    """One view for everybody."""

    def __init__(self) -> None:
        self.world, self.seats = Published(), list[_Seat]()

    def open(self, node: Node, wake: Callable[[], None]) -> _Seat:
        self.seats.append(_Seat(self, wake))
        return self.seats[-1]


@dataclass(frozen=True, slots=True)
class Ports:
    """What listens on 127.0.0.1."""

    egress: int
    admin: int
    xds: int


class LiveEnvoy:
    """The Envoy, the backend behind it, and the plane that serves them."""

    def __init__(self, envoy: Envoy, backend: Backend, views: _Views, fleet: Fleet) -> None:
        self.envoy, self.backend = envoy, backend
        self._views, self._fleet = views, fleet

    async def publish(self, resources: Iterable[Resource]) -> NodeState:
        """Serve exactly these, and wait until Envoy uses them, draining nothing any more, or refuses one."""
        self._views.world.publish(resources)
        for seat in self._views.seats:
            seat.wake()
        await eventually(self.settled, "Envoy uses what was published")
        return self._state()[0]

    def _state(self) -> tuple[NodeState, int]:
        (node,) = self._fleet.nodes(asyncio.get_running_loop().time())
        return node.state, node.revision

    async def settled(self) -> bool:
        """Whether it has taken all that is published, or refused some of it, and nothing is under way."""
        state, revision = self._state()
        if state is NodeState.REFUSED:
            return True
        if (state, revision) != (NodeState.SYNCED, self._views.world.snapshot.revision):
            return False
        return await is_quiet(self.envoy)


async def is_quiet(envoy: Envoy) -> bool:
    """Whether nothing warms or drains in it."""
    dump: Any = await envoy.config_dump()
    if any(_is_busy(one) for one in dump["configs"]):
        return False
    draining = await envoy.stats(r"total_(listeners|filter_chains)_draining$")
    return sum(draining.values()) == 0


def _is_busy(dump: Mapping[str, Any]) -> bool:
    listeners = dump.get("dynamic_listeners", ())
    waits = any("warming_state" in one or "draining_state" in one for one in listeners)
    return waits or bool(dump.get("dynamic_warming_clusters"))


class Held:
    """A client's connection that is kept open."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def ask(self) -> int:
        """The number of the backend's connection that a request came over. Raises ConnectionError."""
        if not self._connection.usable:
            raise ConnectionError("the connection is closed")
        answered: asyncio.Future[Outcome] = asyncio.get_running_loop().create_future()
        self._connection.send(request_bytes("/", {"host": HOST}), answered.set_result, LIMIT_S)
        outcome = await answered
        if not isinstance(outcome, Response) or outcome.status != 200:
            raise ConnectionError(str(outcome))
        return int(outcome.body)

    @property
    def closed(self) -> bool:
        """Whether Envoy has closed it."""
        return self._connection.closed.done()

    def close(self) -> None:
        """Close it."""
        self._connection.close()


@asynccontextmanager
async def held(port: int) -> AsyncIterator[Held]:
    """A new connection, closed at the end."""
    connection = Held(await connect("127.0.0.1", port, LIMIT_S))
    try:
        yield connection
    finally:
        connection.close()


@asynccontextmanager
async def live_envoy(
    folder: Path, made: Callable[[Ports, tuple[int, int]], Iterable[Resource]]
) -> AsyncIterator[tuple[LiveEnvoy, Ports]]:
    """A sidecar on what `made` makes of the ports, two of them the backend's. It drains within a second."""
    ports = Ports(*free_ports(3))
    backend, views, fleet = Backend(), _Views(), Fleet()
    one, two = [await asyncio.start_server(backend.serve, "127.0.0.1", 0) for _ in range(2)]
    there = [server.sockets[0].getsockname()[1] for server in (one, two)]
    views.world.publish(made(ports, (there[0], there[1])))
    server = grpc.aio.server(options=options())
    ads = AdsServer(views, fleet, ordering=NeedsOrder(1.0), identifier="meshctl/test")
    ads.add_to(server)
    server.add_insecure_port(f"127.0.0.1:{ports.xds}")
    await server.start()
    config = bootstrap(Identity(Role.SIDECAR, ("web",), "web@host"), f"127.0.0.1:{ports.xds}", ports.admin)
    try:
        async with await Envoy.run("envoy", json.dumps(config), ports.admin, folder, drain_time_s=1) as envoy:
            await envoy.wait_ready()
            live = LiveEnvoy(envoy, backend, views, fleet)
            await eventually(live.settled, "Envoy has its first configuration")
            yield live, ports
    finally:
        await ads.drain()
        await server.stop(None)
        one.close()
        two.close()
