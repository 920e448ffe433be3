"""The HTTP address: /healthz, /readyz and /metrics.

May import starlette, uvicorn and what it shows.
"""

import contextlib
import socket
from collections.abc import Callable, Iterable, Iterator

import uvicorn
from prometheus_client.exposition import CONTENT_TYPE_LATEST
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route


class HttpServer(uvicorn.Server):
    """uvicorn on a socket that is bound already, leaving the signals to whoever started it."""

    def __init__(self, app: Starlette, bound: socket.socket) -> None:
        # No access log: these are asked every few seconds by machines.
        super().__init__(
            uvicorn.Config(
                app, log_config=None, access_log=False, lifespan="off", timeout_graceful_shutdown=1
            )
        )
        self._bound = bound

    async def run_until_stopped(self) -> None:
        """Answer until `stop`."""
        await self.serve(sockets=[self._bound])

    def stop(self) -> None:
        """Answer what is asked, and end."""
        self.should_exit = True

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave them alone."""
        yield


def application(
    not_ready: Callable[[], str], notes: Callable[[], Iterable[str]], metrics: Callable[[], bytes]
) -> Starlette:
    """The three pages.

    `not_ready` says why nodes are not served from the catalog, "" when they are; `notes` what an operator
    should look at all the same, in lines.
    """

    async def healthz(_request: Request) -> Response:
        """The process runs and its loop turns."""
        return PlainTextResponse("ok\n")

    async def readyz(_request: Request) -> Response:
        """Nodes are served from the catalog."""
        why = not_ready()
        if why:
            return PlainTextResponse(f"{why}\n", status_code=503)
        return PlainTextResponse("".join(f"{line}\n" for line in ("ready", *notes())))

    async def all_metrics(_request: Request) -> Response:
        """For Prometheus."""
        return Response(metrics(), headers={"content-type": CONTENT_TYPE_LATEST})

    return Starlette(
        routes=[
            Route("/healthz", healthz),
            Route("/readyz", readyz),
            Route("/metrics", all_metrics),
        ]
    )
