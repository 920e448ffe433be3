"""What may be written for a value: in words for people, as JSON Schema (draft 7) for editors.

Imports only `meshctl.problems`. A schema never refuses what the reader beside it takes; it may take more,
where a check needs arithmetic or other parts of the file. Patterns keep to what Python, ECMA 262 with the
flag `u`, and RE2 read alike.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from meshctl.problems import Code

Schema = Mapping[str, object]

_TEXT = ("string", "number", "boolean")
"""A text without quotes may look like a number or a truth value to a reader that guesses types."""
_INTEGER = re.compile(r"[-+]?[0-9]+")
_DECIMAL = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")
_TRUTHS = {"true": True, "True": True, "TRUE": True, "false": False, "False": False, "FALSE": False}


@dataclass(frozen=True, slots=True)
class Takes:
    """What may be written. `words` reads as in "takes {words}"; `codes` are what is said of all else."""

    words: str
    schema: Schema
    codes: tuple[Code, ...] = ()


def plain_text(words: str, pattern: str = "", *codes: Code, longest: int | None = None) -> Takes:
    """A text of a pattern (all of it), which may look like a number, of so many letters."""
    limits = {"minLength": 1, "maxLength": longest} if longest else {}
    return Takes(words, {"type": list(_TEXT), **_pattern(pattern, words), **limits}, codes)


def marked(words: str, pattern: str, *codes: Code) -> Takes:
    """A text of a pattern (all of it) that looks like no number: it has a unit, a slash or the like."""
    return Takes(words, {"type": "string", **_pattern(pattern, words)}, codes)


def integer(words: str, low: int, high: int, *codes: Code) -> Takes:
    """A whole number within limits."""
    return Takes(words, {"type": "integer", "minimum": low, "maximum": high}, codes)


def one_word(known: Sequence[str], *codes: Code) -> Takes:
    """One of a few words."""
    said = known[0] if len(known) == 1 else f"{', '.join(known[:-1])} or {known[-1]}"
    return Takes(said, {"enum": enum(known)}, codes)


def either(words: str, *forms: Takes) -> Takes:
    """A value in one of several forms."""
    codes = dict.fromkeys(code for form in forms for code in form.codes)
    return Takes(words, {"anyOf": [dict(form.schema) for form in forms]}, tuple(codes))


def listed(words: str, item: Takes, *codes: Code) -> Takes:
    """A list that is not empty."""
    return Takes(words, {"type": "array", "items": dict(item.schema), "minItems": 1}, (*item.codes, *codes))


def mapped(words: str, name: Takes, value: Takes, *codes: Code, least: int = 1) -> Takes:
    """A mapping of names to values."""
    schema = {"type": "object", **names(name), "additionalProperties": dict(value.schema)}
    least_of = {"minProperties": least} if least else {}
    return Takes(words, {**schema, **least_of}, (*name.codes, *value.codes, *codes))


def names(name: Takes) -> Schema:
    """What a schema says of the keys of a mapping, which are texts always."""
    said = {key: value for key, value in name.schema.items() if key != "type"}
    return {"propertyNames": said} if said else {}


def enum(known: Sequence[str]) -> list[object]:
    """Words as they are, and as readers that guess types see them: `2026.11` is a number to those."""
    return [form for one in known for form in dict.fromkeys((one, guessed(one)))]


def guessed(written: str) -> object:
    """A plain text as the core schema of YAML 1.2 resolves it, but for null: editors see values so."""
    if written in _TRUTHS:
        return _TRUTHS[written]
    if _INTEGER.fullmatch(written):
        return int(written)
    return float(written) if _DECIMAL.fullmatch(written) else written


def _pattern(pattern: str, words: str) -> Schema:
    """`patternErrorMessage` is what the YAML language server says instead of the pattern."""
    return {"pattern": f"^(?:{pattern})$", "patternErrorMessage": f"not {words}"} if pattern else {}
