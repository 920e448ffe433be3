"""Writes docs/reference/ from what keys and codes declare. `pages` makes the texts, for the test of them."""

import re
from collections.abc import Iterator, Mapping
from pathlib import Path

from meshctl.catalog.declared import places, written
from meshctl.catalog.source import Kind
from meshctl.operations.codes import CODES
from meshctl.operations.explain import KeyPage, key_page, kind_page, without
from meshctl.problems import Code

FOLDER = Path(__file__).parents[1] / "docs" / "reference"

_MADE = "<!-- Made by `make reference` from what meshctl/catalog declares: edit that. -->"
_GROUPS = {
    "MSH01": "The text of a file",
    "MSH02": "Keys and values of one entry",
    "MSH03": "Entries beside each other",
    "MSH04": "Found by Envoy",
}
_HEADINGS = frozenset(key for kind in Kind for key, _ in kind_page(kind).keys)
_PLACES = {written(path): path for path in places()}


def pages() -> Mapping[str, str]:
    """The files of the reference by their names."""
    made = {"README.md": _contents(), "errors.md": _errors()}
    made |= {f"{kind.value}.md": _kind(kind) for kind in Kind}
    return {name: "\n".join((_MADE, "", *lines, "")) for name, lines in made.items()}


def _contents() -> Iterator[str]:
    yield "# Reference"
    yield ""
    yield "Every kind of entry, every key and every error, as `meshctl explain` tells them."
    yield ""
    for kind in Kind:
        page = kind_page(kind)
        yield f"- [{kind.value}]({kind.value}.md), in `{page.file}`: {page.means}"
    yield "- [errors](errors.md): the codes of what can be wrong."


def _kind(kind: Kind) -> Iterator[str]:
    page = kind_page(kind)
    yield f"# {kind.value}"
    yield ""
    yield f"{page.means} It stands in `{page.file}`. Keys that begin with `x-` are free, everywhere."
    yield ""
    yield "| key | means |"
    yield "|---|---|"
    for key, means in page.keys:
        yield f"| [`{key}`](#{_anchor(key)}) | {_cell(means)} |"
    for key, _ in page.keys:
        yield from _key(key)


def _key(key: str) -> Iterator[str]:
    declared = places()[_PLACES[key]]
    yield ""
    yield f"## `{key}`"
    yield ""
    if declared.path != _PLACES[key]:
        yield f"The same as {_link(written(declared.path))}."
        return
    page = key_page(declared, declared.path)
    yield page.means
    yield ""
    yield from _facts(page)
    yield ""
    yield "```yaml"
    yield page.example.rstrip()
    yield "```"


def _facts(page: KeyPage) -> Iterator[str]:
    yield f"- Takes {_cell(page.takes)}."
    if page.required:
        yield "- Must be there."
    elif said := without(page):
        yield f"- Without it: {_cell(said)}."
    if page.also:
        yield f"- Also at {', '.join(map(_link, page.also))}."
    if page.envoy:
        yield f"- Envoy: {', '.join(f'`{one}`' for one in page.envoy)}."
    if page.mistakes:
        codes = (f"[{code.code}](errors.md#{code.code.lower()}) {code.title}" for code in page.mistakes)
        yield f"- Mistakes: {'; '.join(codes)}."


def _errors() -> Iterator[str]:
    yield "# Errors"
    group = ""
    for code in sorted(CODES.values(), key=lambda code: code.code):
        if code.code[:5] != group:
            group = code.code[:5]
            yield ""
            yield f"## {_GROUPS[group]}"
        yield from _code(code)


def _code(code: Code) -> Iterator[str]:
    yield ""
    yield f"### {code.code}"
    yield ""
    yield f"**{code.title[0].upper()}{code.title[1:]}.** {code.why}"
    for title, text in (("Instead of", code.bad), ("write", code.good)):
        yield ""
        yield title
        yield ""
        yield "```text"
        yield text
        yield "```"


def _link(key: str) -> str:
    """Below a key that several entries share, keys have headings at its first place only."""
    return f"[`{key}`]({key.partition('.')[0]}.md#{_anchor(key)})" if key in _HEADINGS else f"`{key}`"


def _anchor(heading: str) -> str:
    """As code hosts make it of a heading."""
    return re.sub(r"[^a-z0-9_-]", "", heading.lower())


def _cell(text: str) -> str:
    """Without what Markdown would take for marks of its own."""
    return re.sub(r"([*|<>\[\]_])", r"\\\1", text)


def main() -> None:
    """Write all pages, and remove those that nothing makes any more."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    made = pages()
    for old in FOLDER.iterdir():
        if old.name not in made:
            old.unlink()
    for name, text in made.items():
        (FOLDER / name).write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
