"""Everything that is wrong with a catalog, in one run and without a server.

May import the catalog and the mesh; no protobuf.
"""

import re
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import PurePosixPath

from meshctl.catalog.source import Kind, read_source
from meshctl.operations.resolve import Resolver
from meshctl.problems import Code, Finding, findings

STDIN = "-"
"""How an entry that was piped in is called in findings."""

_NAME_LINE = re.compile(rb"^(?:service|gateway)[ \t]*:[ \t]*[\"']?([a-z0-9-]+)", re.MULTILINE)
_MESH_LINE = re.compile(rb"^edition[ \t]*:", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Report:
    """How many services and gateways there are, and what is wrong, in the order of a reader.

    `codes` are those of the findings, with their explanations.
    """

    services: int
    gateways: int
    findings: tuple[Finding, ...]
    codes: tuple[Code, ...]

    @property
    def valid(self) -> bool:
        """Whether nothing is wrong."""
        return not self.findings


def validate(resolver: Resolver) -> Report:
    """Report on a loaded catalog."""
    problems = resolver.problems()
    kinds = Counter(source.kind for source in resolver.sources.values())
    codes = {problem.code.code: problem.code for problem in problems}
    return Report(
        services=kinds[Kind.SERVICE],
        gateways=kinds[Kind.GATEWAY],
        findings=tuple(resolver.findings(problems)),
        codes=tuple(codes[code] for code in sorted(codes)),
    )


def validate_entry(text: bytes) -> Report:
    """Report on one entry by itself: its text, keys and values, but nothing that it refers to."""
    source = read_source(_likely_file(text), text)
    found = findings(source.problems, source.locate)
    codes = {problem.code.code: problem.code for problem in source.problems}
    return Report(
        services=int(source.kind is Kind.SERVICE),
        gateways=int(source.kind is Kind.GATEWAY),
        findings=tuple(renamed(finding, lambda _file: STDIN) for finding in found),
        codes=tuple(codes[code] for code in sorted(codes)),
    )


def renamed(finding: Finding, rename: Callable[[str], str]) -> Finding:
    """The same finding with other names for its files: as the reader knows them."""
    at, *also = (replace(span, file=rename(span.file)) for span in (finding.span, *finding.also))
    return replace(finding, span=at, also=tuple(also))


def _likely_file(text: bytes) -> str:
    """A path at which nothing is wrong with the place of an entry: named after it, in a team's folder."""
    if _MESH_LINE.search(text) and not _NAME_LINE.search(text):
        return "mesh.yaml"
    named = _NAME_LINE.search(text)
    return str(PurePosixPath("team", f"{named[1].decode() if named else 'entry'}.yaml"))
