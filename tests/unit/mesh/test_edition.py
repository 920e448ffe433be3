"""Editions: every one that a mesh.yaml may name has defaults for every protocol that a service may speak."""

from meshctl.catalog.files import EDITIONS as NAMES
from meshctl.catalog.keys.protocol import Protocol
from meshctl.mesh.edition import EDITIONS


def test_every_edition_that_may_be_named_has_defaults_for_every_protocol() -> None:
    wanted = {name: set(Protocol) for name in NAMES}
    assert {name: set(defaults) for name, defaults in EDITIONS.items()} == wanted
