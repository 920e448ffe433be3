"""What one peer may ask of the server, and what is said to a peer that goes beyond it.

Imports the standard library. Sizes are in bytes, times in seconds. No settings of the command line: the
defaults are far above what an Envoy does, and far below what would disturb the others.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum


class StreamEnd(Enum):
    """Why a stream was ended or not taken; the words are a metric's label."""

    MALFORMED = "malformed"
    MESSAGE_SIZE = "message_size"
    NAMES = "names"
    NODE_SIZE = "node_size"
    VIEWS = "views"
    STREAMS = "streams"
    RATE = "rate"
    REPLACED = "replaced"
    SILENT = "silent"
    SLOW = "slow"
    NOT_READY = "not_ready"
    FAILED = "failed"


class Overstepped(Exception):
    """A request that goes beyond a limit; the message says which, with the figure."""

    def __init__(self, cause: StreamEnd, details: str) -> None:
        super().__init__(details)
        self.cause, self.details = cause, details


@dataclass(frozen=True, slots=True)
class Limits:
    """The limits of one server.

    `first_message` holds until the node is known, `message` from then on; a request that begins with its
    node makes it known. A request of Envoy 1.40 has 61 kB of node, for the list of its extensions; one that
    reconnects adds about 80 bytes for each resource that it holds. `waiting`: large requests that have yet to
    be taken in, of all nodes together; of one host as much as one `message`. `names`: in one request, and
    asked for on one stream; `name`: characters of one, or a version.
    """

    first_message: int = 4 << 20
    message: int = 64 << 20
    waiting: int = 256 << 20
    names: int = 100_000
    name: int = 1_024
    node: int = 1 << 20
    metadata: int = 64 << 10

    streams: int = 10_000
    """Streams at one time: idle ones cost about 50 kB each (grpc.aio)."""
    streams_per_node: int = 2
    """Of one Envoy: while it restarts hot, its parent has one too. Beyond: `admission.most_streams`."""
    streams_per_client: int = 64
    """Of one gRPC process, which opens a stream for each of its targets (measured on grpcio 1.85)."""
    streams_per_connection: int = 128

    new_streams: float = 150.0
    """New streams in a second that are served; more of them wait. See decision 0010."""
    burst: int = 150
    patience: float = 10.0
    """How long a new stream waits for its turn; beyond that it is told to try again, or elsewhere."""

    first_request: float = 15.0
    """How long a stream may say nothing before it says who it is."""
    write: float = 30.0
    """How long one answer may take to leave, before a node that does not read is let go."""
    connection_age: float = 1_800.0
    """How long a connection lives, ±10 %: nodes spread again over replicas that came and went."""
    connection_grace: float = 30.0
    """How long its streams live on after that."""

    request_rate: float = 100_000.0
    """Names in a second that one stream is read for; one that says more is read more slowly."""
    request_burst: float = 200_000.0
    request_cost: float = 100.0
    """What a request without names counts for, in names."""

    def check_names(self, names: Iterable[str], count: int) -> None:
        """Raises Overstepped where a request has too many names, or one that is too long."""
        if count > self.names:
            raise Overstepped(StreamEnd.NAMES, f"{count} names in a request; {self.names} are the most")
        if (longest := max(map(len, names), default=0)) > self.name:
            raise Overstepped(StreamEnd.NAMES, f"a name of {longest} characters; {self.name} are the most")


LIMITS = Limits()
