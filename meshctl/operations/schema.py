"""The schema of a catalog's files for editors, with what holds where a key is not written.

May import the catalog and the mesh; no protobuf.
"""

import json
from collections.abc import Sequence

from meshctl.catalog.declared import declared
from meshctl.catalog.key import Key
from meshctl.catalog.schema import schema
from meshctl.catalog.source import Kind
from meshctl.operations.explain import key_page, without


def schema_text(kinds: Sequence[Kind] = tuple(Kind)) -> str:
    """The schema of entries of these kinds, as it stands in a file."""
    return json.dumps(schema(kinds, _without), indent=2, ensure_ascii=False) + "\n"


def _without(model: type[Key], name: str) -> str:
    """What the edition says in place of a key; other values stand in the schema as its default."""
    for key in declared():
        if key.name == name and issubclass(model, key.model):
            page = key_page(key, key.path)
            return without(page) if page.edition else ""
    return ""
