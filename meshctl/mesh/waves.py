"""In which waves changes go to the nodes of a view: what mesh.yaml says, and what the edition says else.

May import the catalog and the graph.
"""

from meshctl.catalog.files import EDITIONS
from meshctl.graph import Look, Rule
from meshctl.mesh import edition
from meshctl.mesh.edition import Waves
from meshctl.mesh.inputs import mesh_file


def _waves(look: Look, _key: str) -> Waves:
    mesh = mesh_file(look)
    default = edition.WAVES[EDITIONS[-1] if mesh is None else mesh.edition]
    said = None if mesh is None else mesh.waves
    if said is None:
        return default
    hold = default.hold if said.hold is None else said.hold
    return Waves(default.shares if said.shares is None else said.shares, hold)


WAVES: Rule[str, Waves] = Rule("waves", 1, _waves)
"""The waves of the whole mesh; its one key is the empty string."""
