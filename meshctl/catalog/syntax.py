"""What the YAML parser stumbled over, said in the words of somebody who writes entries.

Imports `catalog.problems` and `problems`.
"""

from typing import NamedTuple

from yaml import Mark, YAMLError
from yaml.error import MarkedYAMLError

from meshctl.catalog.problems import NOT_YAML, SEVERAL_DOCUMENTS
from meshctl.problems import Code, Span


class _Words(NamedTuple):
    """A complaint of libyaml by parts of its words, and ours; `at_start`: the mistake is where it began."""

    context: str
    problem: str
    message: str
    fix: str
    at_start: bool = False
    code: Code = NOT_YAML


_QUOTE = "put the whole value in quotes"
_INDENT = "indent it like the line that it belongs with, and write one 'key: value' a line"

_TABLE = (
    _Words("flow sequence", "", "the list that begins here has no ']' where it should end",
           "close it with ']', or put a text that holds [, ], {, } or ',' in quotes", at_start=True),
    _Words("flow mapping", "", "the mapping that begins here has no '}' where it should end",
           "close it with '}', or put a text that holds [, ], {, } or ',' in quotes", at_start=True),
    _Words("quoted scalar", "end of stream", "the quote that begins here is not closed",
           "write the closing quote", at_start=True),
    _Words("quoted scalar", "document indicator", "the quote that begins here is not closed",
           "write the closing quote", at_start=True),
    _Words("quoted scalar", "escape", "there is no such escape in double quotes",
           "write '\\\\' for a backslash, or use single quotes"),
    _Words("quoted scalar", "hexdecimal", "the escape has too few hexadecimal digits",
           "write '\\\\' for a backslash, or use single quotes"),
    _Words("an alias", "", "'*' begins an alias in YAML, so this is no text", _QUOTE, at_start=True),
    _Words("an anchor", "", "'&' begins an anchor in YAML, so this is no text", _QUOTE, at_start=True),
    _Words("a tag", "", "'!' begins a tag in YAML, so this is no text", _QUOTE, at_start=True),
    _Words("", "tag handle", "'!' begins a tag in YAML, so this is no text", _QUOTE),
    _Words("", "tab character", "there is a tab, and YAML is indented with spaces", "write spaces"),
    _Words("", "undefined alias", "'*' begins an alias in YAML, and no anchor has that name", _QUOTE),
    _Words("duplicate anchor", "", "this anchor's name stands in the file already", "name it differently"),
    _Words("single document", "", "a second document begins here", "write it in a file of its own",
           code=SEVERAL_DOCUMENTS),
    _Words("", "<document start>", "the entry has ended above, and more follows",
           "write it in a file of its own", code=SEVERAL_DOCUMENTS),
    _Words("", "mapping values", "a ':' stands where no key can be",
           "put a text that holds ': ' in quotes, or " + _INDENT),
    _Words("", "block sequence entries", "a '-' stands where no list can begin",
           "write the list below its key, one '- item' a line, or as [item, item]"),
    _Words("simple key", "", "this line is neither 'key: value' nor '- item'",
           "write 'key: value', or " + _INDENT, at_start=True),
    _Words("block collection", "", "this line does not belong to the list above it", _INDENT),
    _Words("block mapping", "", "this does not belong to the keys above it", _INDENT),
    _Words("block scalar", "", "nothing but '|' or '>' can stand here", "begin the text on the next line"),
    _Words("directive", "", "'%' begins a directive, which catalogs do not use", "remove the line"),
    _Words("", "YAML document", "catalogs are YAML 1.2", "remove the line"),
    _Words("", "directive", "'%' begins a directive, which catalogs do not use", "remove the line"),
    _Words("node", "node content", "a value is missing here", "write the value, or put it in quotes"),
)  # fmt: skip
_UNKNOWN = _Words("", "", "the YAML cannot be understood from here on",
                  "look at the brackets, quotes and indentation of this line and the one above")  # fmt: skip


def explained(file: str, text: str, error: YAMLError) -> tuple[Code, Span, str, str]:
    """Code, place, message and fix of a parser's error. `text` is what it read."""
    context = str(getattr(error, "context", None) or "")
    problem = str(getattr(error, "problem", None) or "")
    mark = error.problem_mark if isinstance(error, MarkedYAMLError) else None
    if "start any token" in problem and mark is not None:
        return _character(file, text, mark)
    words = next((w for w in _TABLE if w.context in context and w.problem in problem), _UNKNOWN)
    if words.at_start and isinstance(error, MarkedYAMLError):
        mark = error.context_mark or mark
    return words.code, _span(file, text, mark), words.message, words.fix


def _character(file: str, text: str, mark: Mark) -> tuple[Code, Span, str, str]:
    span = _span(file, text, mark)
    lines = text.splitlines()
    line = lines[span.line - 1] if span.line <= len(lines) else ""
    character = line[span.column - 1 : span.column]
    if character == "\t":
        return NOT_YAML, span, "there is a tab, and YAML is indented with spaces", "write spaces"
    return NOT_YAML, span, f"no value begins with {character!r}", _QUOTE


def _span(file: str, text: str, mark: Mark | None) -> Span:
    """The mark's place; for the end of the text, that of its last line."""
    if mark is None:
        return Span(file, 1, 1)
    lines = text.rstrip("\n").count("\n") + 1
    return Span(file, mark.line + 1, mark.column + 1) if mark.line < lines else Span(file, lines, 1)
