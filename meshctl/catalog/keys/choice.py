"""Keys that take one of a few words.

Imports `catalog.key`, `catalog.problems` and `catalog.scalars`.
"""

from meshctl.catalog.key import refuse
from meshctl.catalog.problems import UNKNOWN_WORD, Mistake, near, shown
from meshctl.catalog.scalars import read_text


def choose(written: object, words: tuple[str, ...]) -> str:
    """The one of `words` that was written."""
    text = read_text(written, "a word")
    if text in words:
        return text
    if close := near(text.lower(), words):
        fix = f"write {close}"
    else:
        fix = f"write {words[0]}" if len(words) == 1 else f"write one of {', '.join(words)}"
    refuse(Mistake(UNKNOWN_WORD, f"{shown(text)} is not known here", fix))
