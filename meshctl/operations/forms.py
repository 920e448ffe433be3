"""The ways to serve a file: as it stands on disk, by its last good text, by its name alone, or not at all.

May import the catalog.
"""

from dataclasses import dataclass, replace

from meshctl.catalog.folder import MESH_FILE
from meshctl.catalog.source import Source, read_source

NAME_ONLY = b""
"""Served in place of a text that never was good: the file's name is bound, and nothing else. No entry is
empty, so it cannot be mistaken for one."""

FOUNDATION = frozenset({MESH_FILE, "defaults.yaml"})
"""What every entry is read through: they can be the reason of a problem that does not name them."""


@dataclass(frozen=True, slots=True)
class Form:
    """One way to serve a file: its text, None for not at all; and what is loaded, if that is read already."""

    text: bytes | None
    source: Source | None = None

    def load(self, file: str) -> Source | None:
        """What is loaded of the file when it is served so."""
        return None if self.text is None else self.source or served_source(file, self.text)


def served_source(file: str, text: bytes) -> Source:
    """A served text as it is loaded; of `NAME_ONLY` the name alone."""
    source = read_source(file, text)
    return _name_of(source) if text == NAME_ONLY else source


def served_form(good: bytes | None, loaded: Source | None) -> Form:
    """A last good text; what is loaded of the file is that, unless it is only a name."""
    return Form(good, loaded if good and loaded and loaded.text == good else None)


def forms(file: str, before: Form, wanted: Source | None) -> tuple[Form, ...]:
    """From the text on disk (None: deleted) to what cannot break anything; `before` is what is served now."""
    good, first = before.text, Form(None) if wanted is None else Form(wanted.text, wanted)
    if wanted is not None and (good == NAME_ONLY or (good is None and file not in FOUNDATION)):
        named = Form(NAME_ONLY, _name_of(wanted))
        return (first, named) if good == NAME_ONLY else (first, named, Form(None))
    return (first, before)


def _name_of(source: Source) -> Source:
    return replace(source, entry=None, problems=())
