"""The running control plane, built and wired: runs until it is told to stop, then drains.

May import everything below. It binds its ports first, so that a taken one is told at once; streams are
answered once the catalog, or the last good state, is loaded.
"""

import asyncio
import gc
import logging
import signal
import sys
from collections.abc import Callable, Coroutine, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import grpc

import meshctl
from meshctl.catalog.folder import NoCatalog
from meshctl.envoy.bootstrap import CONTROL_PLANE
from meshctl.envoy.decode import same_resource
from meshctl.fleet.fleet import Fleet, NodeStatus
from meshctl.fleet.pace import RETURN
from meshctl.operations.entries import suggested
from meshctl.operations.keep import Same
from meshctl.serve.addresses import CannotServe, allow_connections, bound
from meshctl.serve.background import advance, follow, tend
from meshctl.serve.catalog import Made
from meshctl.serve.gauges import Gauges, StateGauges
from meshctl.serve.http import HttpServer, application
from meshctl.serve.journal import Journal
from meshctl.serve.lines import Lines
from meshctl.serve.metrics import Metrics
from meshctl.serve.publish import Publisher
from meshctl.serve.save import Saver
from meshctl.serve.standing import guarded_words
from meshctl.serve.watch import Watch
from meshctl.snapshot.disk import Disk
from meshctl.snapshot.folder import StateUnavailable
from meshctl.units import Duration
from meshctl.xds.limits import LIMITS, Limits
from meshctl.xds.ordering import NeedsOrder, Ordering
from meshctl.xds.server import AdsServer, options
from meshctl.xds.status import add_status

__all__ = ["CannotServe", "Service", "Settings", "run", "serve"]

log = logging.getLogger(__name__)

Service = Callable[[grpc.aio.Server, Publisher, Fleet, AdsServer], None]
"""Adds a gRPC service to the xDS address, which shows what is published, who is connected, who has what."""

_STALE_LIMIT = Duration.parse("1h")
_GRACE_S = 2.0  # for calls that are being answered when the server stops


@dataclass(frozen=True, slots=True)
class Settings:
    """What one server is started with; the defaults are those of the command line.

    `stale_limit`: a state on disk that was last known current longer ago is given to nobody. `ordering`
    decides when what goes to a node, `same` what need not go, `limits` what a peer may ask for, and
    `returns_s` within how many seconds all nodes are back after a restart; they are no settings of the
    command line.
    """

    catalog: Path
    xds: str = CONTROL_PLANE
    http: str = "127.0.0.1:18080"
    state: Path | None = None
    stale_limit: Duration = _STALE_LIMIT
    ordering: Ordering = field(default_factory=NeedsOrder)
    limits: Limits = LIMITS
    same: Same = same_resource
    returns_s: float = RETURN


async def run(settings: Settings, services: Sequence[Service] = ()) -> None:
    """Serve until SIGTERM or SIGINT, then drain. Raises CannotServe when it cannot start."""
    allow_connections()
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    stderr = logging.StreamHandler()
    stderr.setFormatter(Lines())
    logging.basicConfig(handlers=[stderr], level=logging.INFO)
    for noisy in ("uvicorn", "watchfiles"):
        logging.getLogger(noisy).setLevel(logging.WARNING)
    await serve(settings, services, stop)


async def serve(settings: Settings, services: Sequence[Service], stop: asyncio.Event) -> None:
    """Serve until `stop` is set, then drain. Raises CannotServe when it cannot start."""
    disk = await asyncio.to_thread(_open_state, settings.state)
    try:
        await _Server(settings, disk, stop).run(services)
    except BaseExceptionGroup as group:  # of one error at the start: who called expects the error itself
        if len(group.exceptions) > 1:
            raise
        raise group.exceptions[0] from None
    finally:
        if disk is not None:
            disk.close()


class _Server:
    """The parts of one server, and how they start and end."""

    def __init__(self, settings: Settings, disk: Disk | None, stop: asyncio.Event) -> None:
        self._settings, self._stop = settings, stop
        self._metrics = Metrics()
        self._fleet = Journal(self._metrics)
        self._saver = None if disk is None else Saver(disk)
        self._has_state = disk is not None and disk.state is not None
        self._publisher = Publisher(
            self._fleet,
            disk.state if disk else None,
            stale_limit=settings.stale_limit,
            save=self._saver.save if self._saver else None,
            same=settings.same,
            now=asyncio.get_running_loop().time,
            returns_s=settings.returns_s,
        )
        self._fleet.places, self._fleet.heard = self._publisher.catalog.places, self._publisher.hear
        waves, holds = self._publisher.waves, self._publisher.holds
        self._metrics.watch(Gauges(lambda: self._publisher.standing, self._nodes, waves.progress, holds.all))
        if self._saver is not None:
            self._metrics.watch(StateGauges(self._saver))
        self._watch = Watch(settings.catalog)
        self._ads = AdsServer(
            self._publisher,
            self._fleet,
            ordering=settings.ordering,
            identifier=f"meshctl {meshctl.__version__}",
            limits=settings.limits,
            refused=lambda cause: self._metrics.refused.labels(cause.value).inc(),
        )
        self._publisher.holds.holding = self._ads.holding

    async def run(self, services: Sequence[Service]) -> None:
        """Start, wait for `stop`, drain."""
        with bound(self._settings.http, "--http") as listening:
            http = HttpServer(application(self._not_ready, self._notes, self._metrics.text), listening)
            grpc_server = self._grpc_server(services)
            async with asyncio.TaskGroup() as tasks:
                answering = tasks.create_task(http.run_until_stopped())
                await grpc_server.start()
                async with self._publisher.turn:
                    self._publisher.begin(*await asyncio.to_thread(self._read))
                if not self._stop.is_set():
                    self._announce()
                background = [tasks.create_task(one) for one in self._work()]
                await self._stop.wait()
                await self._drain(grpc_server)
                for task in background:
                    task.cancel()
                await asyncio.gather(*background, return_exceptions=True)
                if self._saver is not None:
                    await self._saver.flush()
                http.stop()
                await answering

    def _work(self) -> Iterator[Coroutine[None, None, None]]:
        yield follow(self._watch, self._publisher, self._metrics)
        yield tend(self._publisher, self._metrics, self._tell_rest)
        yield advance(self._publisher, self._metrics)
        if self._saver is not None:
            yield self._saver.run()

    async def _drain(self, grpc_server: grpc.aio.Server) -> None:
        """End the streams, so that nodes connect elsewhere, and then what else is being answered."""
        log.info("draining: streams=%d", sum(status.connected for status in self._nodes()))
        await self._ads.drain()
        await grpc_server.stop(_GRACE_S)
        self._tell_rest()

    def _tell_rest(self) -> None:
        self._fleet.tell_rest()
        self._ads.tell_rest()

    def _grpc_server(self, services: Sequence[Service]) -> grpc.aio.Server:
        bound(self._settings.xds, "--xds").close()  # grpc would say it in three lines of its own
        server = grpc.aio.server(options=options(self._settings.limits))
        self._ads.add_to(server)
        add_status(server, self._ads)
        for add in services:
            add(server, self._publisher, self._fleet, self._ads)
        try:
            server.add_insecure_port(self._settings.xds)
        except RuntimeError as error:
            raise CannotServe(f"cannot listen on {self._settings.xds}: {error}") from None
        return server

    def _read(self) -> tuple[Made, str]:
        """Read the whole catalog; what it makes stays, so the collector need not look at it ever again.

        Says with it what is wrong where nothing could be read.
        """
        gc.disable()
        try:
            return self._publisher.catalog.read(self._watch.look()), self._watch.lacks()
        except NoCatalog as error:  # what cannot be listed must not look deleted
            if not self._has_state:  # nothing to wait with: rather a mistake than a disk that is away
                raise CannotServe(str(error)) from None
            return self._publisher.catalog.read({}), str(error)
        finally:
            gc.collect()
            gc.freeze()
            gc.enable()

    def _nodes(self) -> Sequence[NodeStatus]:
        return self._publisher.shown(self._fleet.nodes(asyncio.get_running_loop().time()))

    def _not_ready(self) -> str:
        standing = self._publisher.standing
        if self._stop.is_set():
            return "draining"
        return "" if standing.live else standing.reason

    def _notes(self) -> Iterator[str]:
        guarded = self._publisher.standing.guarded
        if guarded.files:
            yield f"guarded: {guarded_words(guarded)}"
        if problem := self._unsaved():
            yield f"state not saved: {problem}"

    def _unsaved(self) -> str:
        return "" if self._saver is None else self._saver.problem

    def _announce(self) -> None:
        settings, why = self._settings, self._not_ready()
        name = suggested(self._publisher.catalog.resolver) or "NAME"
        reached = settings.xds.replace("0.0.0.0", "127.0.0.1").replace("[::]", "[::1]")
        there = "" if reached == CONTROL_PLANE else f" --control-plane {reached}"
        say = (
            f"xDS and fleet on {settings.xds}, /readyz and /metrics on http://{settings.http};"
            f" watching {settings.catalog}",
            f"not ready: {why}"
            if why
            else f"next, in another terminal: meshctl bootstrap sidecar --service {name}{there}"
            f" > {name}.yaml && envoy -c {name}.yaml",
        )
        print(*say, sep="\n", file=sys.stderr, flush=True)


def _open_state(directory: Path | None) -> Disk | None:
    try:
        return None if directory is None else Disk.open(directory)
    except StateUnavailable as error:
        raise CannotServe(str(error)) from None
