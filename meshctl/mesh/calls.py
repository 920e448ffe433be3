"""Stratum `bound`: the services that a sidecar's service may call; every name of `uses` bound.

May import the catalog and the graph.
"""

from meshctl.catalog.source import Kind
from meshctl.graph import Look, Rule
from meshctl.mesh.facts import Calls
from meshctl.mesh.inputs import DECLARED, service_entry
from meshctl.mesh.interface import INTERFACE
from meshctl.mesh.problems import UNKNOWN_SERVICE
from meshctl.problems import Place, Problem


def unknown_service(name: str, place: Place) -> Problem:
    """The problem of a name that no service has."""
    return Problem(
        UNKNOWN_SERVICE,
        place,
        f"no service is named {name!r}",
        fix=f"add it: meshctl catalog add {name} --port PORT --endpoint ADDRESS",
        missing=name,
        among=(Kind.SERVICE.value,),
    )


def _calls(look: Look, name: str) -> Calls | None:
    found = service_entry(look, name)
    if found is None:
        return None
    declared, service = found
    bound = set()
    for index, used in enumerate(service.uses):
        if not look(DECLARED, (Kind.SERVICE, used)):
            look.report(unknown_service(used, Place(declared.file, ("uses", index))))
        elif look(INTERFACE, used) is not None:
            bound.add(used)
    return Calls(tuple(sorted(bound)))


CALLS: Rule[str, Calls | None] = Rule("calls", 5, _calls)
"""What a service's sidecar may call, by the service's name; None where it has no entry."""
