"""`health`: what is asked of endpoints, to know that they can serve before a request does.

Imports `catalog.key`, `catalog.keys.choice`, `catalog.problems`, `catalog.scalars`, `catalog.takes`, `units`.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum
from typing import Annotated, TypeAlias

from meshctl.catalog.key import CheckedKey, Key, Scalar, field, refuse
from meshctl.catalog.keys.choice import choose
from meshctl.catalog.problems import EXCLUSIVE, UNKNOWN_WORD, WRONG_NUMBER, WRONG_PATH, Mistake, shown
from meshctl.catalog.scalars import Time, limited, read_text, whole
from meshctl.catalog.takes import one_word, plain_text
from meshctl.units import Duration

_FIELDS = "config.core.v3.HealthCheck"
_PATH = r"/[!-\"$-~]{0,1023}"
_CONNECT = "connect"
_LONGEST = Duration(60_000)


@dataclass(frozen=True, slots=True)
class HttpCheck:
    """A GET of this path is answered with 200."""

    path: str


@dataclass(frozen=True, slots=True)
class GrpcCheck:
    """The method Check of grpc.health.v1.Health answers SERVING for this service; "" for the whole server."""

    service: str


@dataclass(frozen=True, slots=True)
class TcpCheck:
    """A connection is taken."""


Check: TypeAlias = HttpCheck | GrpcCheck | TcpCheck


class CheckedFrom(Enum):
    """Who asks."""

    GATEWAYS = "gateways"
    """There are few of them, and all endpoints of the mesh behind them."""
    CALLERS = "callers"
    """Each sidecar, too: as many times as there are callers."""
    NOBODY = "nobody"
    """Where defaults.yaml says otherwise."""


_FROM = tuple(one.value for one in CheckedFrom)


def _read_from(written: object) -> CheckedFrom:
    return written if isinstance(written, CheckedFrom) else CheckedFrom(choose(written, _FROM))


def _read_path(written: object) -> str:
    text = read_text(written, "a path")
    if re.fullmatch(_PATH, text) is None:
        slash = "" if text.startswith("/") else "/"
        fix = f"write {slash}{text}" if re.fullmatch(_PATH, slash + text) else "write one such as /healthz"
        refuse(Mistake(WRONG_PATH, f"{shown(text)} is not a path to ask for", fix))
    return text


def _read_connect(written: object) -> TcpCheck:
    if not isinstance(written, TcpCheck):
        choose(written, (_CONNECT,))
    return TcpCheck()


class GrpcHealth(Key):
    """A service with gRPC's own health service."""

    service: Annotated[str, limited(256)] | None = field(
        doc="The service that is asked for; without the key: the whole server.",
        example="voice.v1.Voice",
        envoy=[f"{_FIELDS}.GrpcHealthCheck.service_name"],
    )


class Health(CheckedKey):
    """What is asked of endpoints from time to time. Those that do not answer it get no requests."""

    path: Annotated[str, Scalar(_read_path, plain_text("a path", _PATH, WRONG_PATH))] | None = field(
        doc="A GET of this path has to be answered with 200.",
        example="/healthz",
        envoy=[f"{_FIELDS}.HttpHealthCheck.path"],
    )
    grpc: GrpcHealth | None = field(
        doc="The method Check of grpc.health.v1.Health has to answer SERVING.",
        example="{service: voice.v1.Voice}",
        envoy=[f"{_FIELDS}.grpc_health_check"],
        codes=["MSH0212"],
    )
    tcp: Annotated[TcpCheck, Scalar(_read_connect, one_word([_CONNECT], UNKNOWN_WORD))] | None = field(
        doc="A connection has to be taken; where there is a target_port, the sidecar takes it, whatever the"
        " process does.",
        example=_CONNECT,
        envoy=[f"{_FIELDS}.tcp_health_check"],
        codes=["MSH0212"],
    )
    interval: Time | None = field(
        doc="How long after one answer the next is asked for.",
        example="5s",
        envoy=[f"{_FIELDS}.interval", f"{_FIELDS}.no_traffic_interval"],
    )
    timeout: Time | None = field(
        doc="How long an answer may take.", example="1s", envoy=[f"{_FIELDS}.timeout"], codes=["MSH0204"]
    )
    unhealthy_after: Annotated[int, whole(1, 100, "a number of answers")] | None = field(
        doc="After so many failures, one after the other, an endpoint gets no more requests, as long as"
        " another one answers; after the first, where gRPC's health service says NOT_SERVING.",
        example="2",
        envoy=[f"{_FIELDS}.unhealthy_threshold"],
    )
    healthy_after: Annotated[int, whole(1, 100, "a number of answers")] | None = field(
        doc="After so many good answers it gets requests again; a new one after the first.",
        example="1",
        envoy=[f"{_FIELDS}.healthy_threshold"],
    )
    from_: Annotated[CheckedFrom, Scalar(_read_from, one_word(_FROM, UNKNOWN_WORD))] | None = field(
        doc="Who asks: only gateways, all callers, or nobody.",
        example="gateways",
        envoy=["config.cluster.v3.Cluster.health_checks"],
    )

    @property
    def check(self) -> Check | None:
        """What is asked; None where that is left to what stands above."""
        if self.path is not None:
            return HttpCheck(self.path)
        return GrpcCheck(self.grpc.service or "") if self.grpc is not None else self.tcp

    def mistakes(self) -> Iterator[Mistake]:
        """More than one thing that is asked, and an answer that is waited for too long."""
        if self.timeout and self.timeout > _LONGEST:
            message = f"{self.timeout} is too long to wait for: a gateway that starts waits for it"
            yield Mistake(WRONG_NUMBER, message, f"write at most {_LONGEST}", ("timeout",))
        said = [name for name in ("path", "grpc", "tcp") if getattr(self, name) is not None]
        for name in said[1:]:
            message = f"{said[0]} and {name} both say what is asked"
            fix = "keep one of the two"
            yield Mistake(EXCLUSIVE, message, fix, (name,), on_key=True, also=((said[0],),))
