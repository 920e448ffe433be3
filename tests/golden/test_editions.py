"""The example mesh under every edition, by the hashes of what its nodes are sent.

The list changes with the example catalog, and where an edition comes. Else it stays as it is.
"""

import re
from collections.abc import Iterator
from pathlib import Path

from meshctl.catalog.files import EDITIONS
from meshctl.catalog.folder import MESH_FILE, read_folder
from meshctl.fleet.node import GRPC
from meshctl.names import SHORT_NAMES, Role
from meshctl.operations.compile import CLIENT, WATCHED, Compiler, view_keys
from meshctl.operations.load import resolved
from tests.golden.case import Case, Section
from tests.golden.conftest import Golden

LIST = Path(__file__).with_name("editions.txt")
EXAMPLE = Path(__file__).parents[2] / "catalog"
MEANING = """
What a released edition emits has changed: an upgrade of meshctl would change the proxies of everybody who
named this edition. A release never does that: a new default belongs in a new edition, in mesh/edition.py.
`make golden` writes the list anew where catalog/ itself changed, where the edition is not released yet, and
where a new protobuf writes the same messages in other bytes, which running meshes do not take over.
"""


def test_what_the_example_mesh_emits_under_each_edition_stays(golden: Golden) -> None:
    sections = tuple(Section(f"edition {edition}", "".join(_lines(edition))) for edition in EDITIONS)
    golden.check(LIST, Case(Case.read(LIST).purpose, sections), MEANING)


def _lines(edition: str) -> Iterator[str]:
    """A line for each resource of each view: its hash last, so that a difference is one word."""
    texts = read_folder(EXAMPLE)
    named = re.sub(rb"(?m)^edition: .*$", f"edition: {edition}".encode(), texts[MESH_FILE])
    compiler = Compiler(resolved({**texts, MESH_FILE: named}, WATCHED))
    api = (key for key in view_keys(compiler.resolver, GRPC) if key.role is Role.SIDECAR)
    for view in (*view_keys(compiler.resolver, CLIENT), *api):
        compiler.open(view)
    snapshot, shorts = compiler.publish(), {url: short for short, url in SHORT_NAMES.items()}
    for name in sorted(snapshot.views.keys()):
        for ref, key in sorted(snapshot.views[name].keys.items()):
            yield f"{name} {shorts[ref.type]} {ref.name} {snapshot.resources[key].version}\n"
