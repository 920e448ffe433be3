"""`mesh.yaml` and `defaults.yaml`: what holds for the whole mesh.

Imports `catalog.inherited`, `catalog.key`, the keys, `catalog.problems`, `catalog.scalars` and
`catalog.takes`.
"""

from collections.abc import Container, Iterator, Mapping
from typing import Annotated

from meshctl.catalog.inherited import Inherited
from meshctl.catalog.key import Checks, Entry, Scalar, field, required, run
from meshctl.catalog.keys.bind import Bind
from meshctl.catalog.keys.choice import choose
from meshctl.catalog.keys.names import Host, Name
from meshctl.catalog.keys.protocol import ProtocolKey
from meshctl.catalog.keys.waves import Waves
from meshctl.catalog.problems import NOTHING_SAID, UNKNOWN_WORD, Mistake
from meshctl.catalog.scalars import whole
from meshctl.catalog.suits import unsuited
from meshctl.catalog.takes import one_word

FORMAT = 1
"""The format of catalogs that this release reads."""
EDITIONS = ("2026.11",)
"""The dated sets of defaults that this release knows, oldest first."""


class MeshFile(Entry):
    """What holds for the whole mesh."""

    format: Annotated[int, whole(FORMAT, FORMAT, "a known format")] = required(
        doc="The catalog's format.", example=str(FORMAT)
    )
    edition: Annotated[str, Scalar(lambda word: choose(word, EDITIONS), one_word(EDITIONS, UNKNOWN_WORD))] = (
        required(doc="The set of defaults; a new release never changes what one means.", example=EDITIONS[-1])
    )
    name: Name = required(doc="The mesh's name.", example="example")
    domain: Host = field(doc="Services are also reached as NAME.DOMAIN.", example="mesh", default="mesh")
    egress: Bind = field(
        doc="Where sidecars listen for the calls of their service.",
        example='"127.0.0.1:15001"',
        default=Bind("127.0.0.1", 15_001),
    )
    waves: Waves | None = field(
        doc="To how many nodes of a kind a change goes before the rest, and how long each wave is watched.",
        example="[1, 10%, 100%]",
    )


class DefaultsFile(Entry):
    """What holds where services say nothing."""

    service: Inherited | None = field(
        doc="What services have that do not say otherwise.", example="{timeouts: {request: 15s}}"
    )
    protocol: Mapping[ProtocolKey, Inherited] = field(
        doc="The same by what they speak; it comes before what holds for all services.",
        example="{grpc: {timeouts: {idle: 2h}}}",
        default={},
    )

    def mistakes(self, broken: Container[str]) -> Iterator[Mistake]:
        """A file that says nothing."""
        yield from run(_CHECKS, self, broken)


def _anything(defaults: DefaultsFile) -> Iterator[Mistake]:
    if defaults.service is None and not defaults.protocol:
        yield Mistake(NOTHING_SAID, "there is no default here", "write service: {…}, or delete the file")


def _protocols(defaults: DefaultsFile) -> Iterator[Mistake]:
    for protocol, said in defaults.protocol.items():
        yield from unsuited(protocol, said, ("protocol", protocol.value))


_CHECKS: Checks[DefaultsFile] = ((("service", "protocol"), _anything), (("protocol",), _protocols))
