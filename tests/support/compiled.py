"""Catalogs as texts, compiled with a view for every service and gateway."""

from collections.abc import Mapping

from meshctl.operations.admit import Admission
from meshctl.operations.compile import CLIENT, WATCHED, Compiler, view_keys
from meshctl.operations.resolve import Resolver


def compiled(texts: Mapping[str, bytes], client: str = CLIENT) -> Compiler:
    """What is right in these files, all views open and published; what is wrong is left out."""
    resolver = Resolver(WATCHED)
    compiler = Compiler(resolver)
    Admission(resolver).change(texts)
    for key in view_keys(resolver, client):
        compiler.open(key)
    compiler.publish()
    return compiler
