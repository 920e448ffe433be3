"""Every code that a mistake in a catalog may have.

Imports the modules that declare codes.
"""

from collections.abc import Mapping

from meshctl.catalog import problems as of_entries
from meshctl.mesh import problems as of_the_mesh
from meshctl.operations import problems as of_envoy
from meshctl.problems import Code

CODES: Mapping[str, Code] = {
    code.code: code
    for module in (of_entries, of_the_mesh, of_envoy)
    for code in vars(module).values()
    if isinstance(code, Code)
}
"""Codes by what they are called, in the order in which problems are found."""
