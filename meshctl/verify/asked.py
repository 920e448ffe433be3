"""A catalog's report with what a real Envoy says of all that would be served; nothing of it is running.

May import the operations and its neighbours.
"""

from collections.abc import Callable
from dataclasses import replace

from meshctl.operations.compile import Compiler, view_keys
from meshctl.operations.problems import REFUSED_BY_ENVOY
from meshctl.operations.validate import Report
from meshctl.problems import Place, Problem
from meshctl.verify.acceptance import Refused, refused, size
from meshctl.verify.reader import Reader

Progress = Callable[[int, int], None]
"""Told how many resources of how many were read."""

_FIX = "say it in another way, and report it: meshctl should have found this by itself"


def read_by_envoy(compiler: Compiler, report: Report, reader: Reader, progress: Progress) -> Report:
    """The report on a catalog in which nothing is wrong, with what the Envoy of `reader` refuses of it.

    Every view is opened. Raises ReaderFailed.
    """
    client = reader.version().rpartition(".")[0]
    for key in view_keys(compiler.resolver, client):
        compiler.open(key)
    snapshot = compiler.publish()
    total, read = size(snapshot), 0

    def more(count: int) -> None:
        nonlocal read
        read += count
        progress(read, total)

    found = [_problem(compiler, one) for one in refused(snapshot, reader.refusal, more)]
    codes = (REFUSED_BY_ENVOY,) if found else ()
    return replace(report, findings=tuple(compiler.resolver.findings(found)), codes=codes)


def _problem(compiler: Compiler, one: Refused) -> Problem:
    what = f"the virtual host {one.host!r} of {one.ref.name}" if one.host else one.ref.name
    at, *also = _places(compiler, one) or [Place("mesh.yaml")]
    message = f"Envoy refuses {what}: {one.words}"
    return Problem(REFUSED_BY_ENVOY, at, message, fix=_FIX, also=tuple(also))


def _places(compiler: Compiler, one: Refused) -> list[Place]:
    views = compiler.snapshot.views
    view = next((name for name in sorted(views) if one.ref in views[name].keys), "")
    place = None if one.route is None else compiler.route_place(view, one.ref, one.host, one.route)
    return [place] if place else compiler.places(view, one.ref, f"{one.words} {one.host}")[:1]
