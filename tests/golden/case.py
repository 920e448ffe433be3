"""One golden case, one text file: a sentence of purpose, then sections, each below a line `--- title`."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Self

_MARK = "--- "


@dataclass(frozen=True, slots=True)
class Section:
    """A title, and the text below it: empty, or whole lines."""

    title: str
    body: str = ""

    @property
    def words(self) -> tuple[str, str]:
        """The title's first word, and the rest of it."""
        first, _, rest = self.title.partition(" ")
        return first, rest


@dataclass(frozen=True, slots=True)
class Case:
    """What a case is for, and its sections in the order of the file."""

    purpose: str
    sections: tuple[Section, ...]

    @classmethod
    def read(cls, path: Path) -> Self:
        """Read a file. Raises ValueError where a case does not say what it is for."""
        purpose, *rest = f"\n{path.read_text(encoding='utf-8')}".split(f"\n{_MARK}")
        if not purpose.strip():
            raise ValueError(f"{path} begins with a section; its first line says what the case is for")
        return cls(purpose.strip(), tuple(map(_section, rest)))

    @property
    def text(self) -> str:
        """The case as its file has it."""
        sections = (f"{_MARK}{section.title}\n{section.body}" for section in self.sections)
        return f"{self.purpose}\n{''.join(sections)}"


def _section(text: str) -> Section:
    title, _, body = text.partition("\n")
    return Section(title.strip(), f"{body.rstrip()}\n" if body.strip() else "")


def cases(folder: Path) -> Sequence[Path]:
    """The files of a folder of cases."""
    return sorted(folder.glob("*.txt"))
