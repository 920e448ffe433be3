"""YAML text to nodes with positions, within limits; text stays untouched until somebody wants a type.

Imports `catalog.problems`, `catalog.syntax` and `problems`. PyYAML's C parser composes; its resolver of
YAML 1.1 is switched off, so `on`, `no` and a version `1.10` stay the text that was written.
"""

import re
from dataclasses import dataclass, field
from typing import NoReturn, TypeAlias

from yaml import MappingNode as YamlMapping
from yaml import Node as YamlNode
from yaml import ScalarNode as YamlScalar
from yaml import SequenceNode as YamlSequence
from yaml import YAMLError
from yaml._yaml import CParser

from meshctl.catalog.problems import (
    DUPLICATE_KEY,
    NO_ENTRY,
    NOT_TEXT,
    TOO_LARGE,
    UNUSED_YAML,
    shown,
)
from meshctl.catalog.syntax import explained
from meshctl.problems import Code, Problem, Span

MAX_BYTES = 1 << 20
"""An entry is a page of text; a gateway of a thousand routes has about 200 KiB."""
MAX_DEPTH = 64
"""The keys need 8; below the stack that the C parser's recursion has."""
MAX_NODES = 100_000
"""With every use of an alias counted, so that aliases of aliases cannot fill the memory."""

_UNPRINTABLE = re.compile("[^\t\n\r\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufefe\uff00-\ufffd\U00010000-\U0010ffff]")


@dataclass(frozen=True, slots=True)
class ScalarNode:
    """A text as it was written; `plain`: without quotes."""

    text: str
    plain: bool
    line: int
    column: int


@dataclass(frozen=True, slots=True)
class SequenceNode:
    """A list."""

    items: tuple["Node", ...]
    line: int
    column: int


@dataclass(frozen=True, slots=True)
class MappingNode:
    """Keys and their values in the order of the file; of a key that is written twice, the first."""

    entries: dict[str, tuple[ScalarNode, "Node"]]
    line: int
    column: int


Node: TypeAlias = ScalarNode | SequenceNode | MappingNode


@dataclass(frozen=True, slots=True)
class Document:
    """What could be read of a file: its tree, None where there is none, and what is wrong with the text."""

    root: Node | None
    problems: tuple[Problem, ...]


def parse(file: str, text: bytes) -> Document:
    """Read one file. Never raises; whatever is wrong stands in the document's problems."""
    try:
        return _Reader(file).read(_decoded(file, text))
    except _Refused as refused:
        return Document(None, (refused.problem,))


class _Refused(Exception):
    """The file cannot be read any further."""

    def __init__(self, code: Code, at: Span, message: str, fix: str) -> None:
        super().__init__(message)
        self.problem = Problem(code, at, message, fix)


def _decoded(file: str, text: bytes) -> str:
    if len(text) > MAX_BYTES:
        message = f"the file has {len(text):,} bytes, more than {MAX_BYTES:,}"
        raise _Refused(TOO_LARGE, Span(file, 1, 1), message, "write one entry a file")
    try:
        decoded = text.decode("utf-8").removeprefix("\ufeff")
    except UnicodeDecodeError as error:
        before = text[: error.start].decode("utf-8")
        message = f"byte 0x{text[error.start]:02x} is not UTF-8"
        raise _Refused(NOT_TEXT, _end(file, before), message, "save the file as UTF-8") from None
    if found := _UNPRINTABLE.search(decoded):
        message = f"there is a character U+{ord(found[0]):04X}, which is no text"
        fix = "remove it, or write it as an escape in double quotes"
        raise _Refused(NOT_TEXT, _end(file, decoded[: found.start()]), message, fix)
    return decoded


def _end(file: str, text: str) -> Span:
    lines = text.split("\n")
    return Span(file, len(lines), len(lines[-1]) + 1)


class _TooMuch(Exception):
    """Raised inside the C parser's recursion, before it goes any deeper."""


class _Composer(CParser):
    """Composes without resolving types, counting the depth and the nodes as it goes."""

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self._depth = 0
        self._nodes = 0

    def resolve(self, kind: object, value: object, implicit: object) -> None:
        """No tag: the type is the one that is wanted where the text stands."""

    def descend_resolver(self, parent: YamlNode | None, index: object) -> None:
        """Called before each node; raises _TooMuch beyond the limits."""
        self._depth += 1
        self._nodes += 1
        if self._depth > MAX_DEPTH or self._nodes > MAX_NODES:
            raise _TooMuch(parent)

    def ascend_resolver(self) -> None:
        """Called after each node."""
        self._depth -= 1


@dataclass(slots=True)
class _Reader:
    """One file being read."""

    file: str
    problems: list[Problem] = field(default_factory=list)
    nodes: int = 0

    def read(self, text: str) -> Document:
        root = self._composed(text)
        if root is None:
            fix = "write the entry, such as service: NAME, or delete the file"
            raise _Refused(NO_ENTRY, Span(self.file, 1, 1), "the file is empty", fix)
        return Document(self._node(root, 1), tuple(self.problems))

    def _composed(self, text: str) -> YamlNode | None:
        try:
            node: YamlNode | None = _Composer(text).get_single_node()
        except YAMLError as error:
            raise _Refused(*explained(self.file, text, error)) from None
        except _TooMuch as too_much:
            self._too_much(too_much.args[0])
        return node

    def _too_much(self, node: YamlNode) -> NoReturn:
        message = f"the file is more than {MAX_DEPTH} levels deep, or has more than {MAX_NODES:,} parts"
        raise _Refused(TOO_LARGE, self._span(node), message, "write one entry a file, without nested aliases")

    def _span(self, node: YamlNode) -> Span:
        return Span(self.file, node.start_mark.line + 1, node.start_mark.column + 1)

    def _node(self, node: YamlNode, depth: int) -> Node:
        self.nodes += 1
        if depth > MAX_DEPTH or self.nodes > MAX_NODES:
            self._too_much(node)
        if node.tag is not None:
            tag = node.tag.replace("tag:yaml.org,2002:", "!!")
            message = f"tags such as {shown(tag)} have no meaning here"
            self._problem(UNUSED_YAML, node, message, "remove the tag; the key decides the type")
        mark = node.start_mark
        if isinstance(node, YamlScalar):
            return ScalarNode(node.value, not node.style, mark.line + 1, mark.column + 1)
        if isinstance(node, YamlSequence):
            items = tuple([self._node(item, depth + 1) for item in node.value])
            return SequenceNode(items, mark.line + 1, mark.column + 1)
        assert isinstance(node, YamlMapping)
        return MappingNode(self._entries(node, depth), mark.line + 1, mark.column + 1)

    def _entries(self, node: YamlMapping, depth: int) -> dict[str, tuple[ScalarNode, Node]]:
        entries: dict[str, tuple[ScalarNode, Node]] = {}
        for key_node, value_node in node.value:
            key = self._node(key_node, depth + 1)
            if not isinstance(key, ScalarNode):
                self._problem(UNUSED_YAML, key_node, "a key is a text, not a list or mapping", "write a text")
                continue
            value = self._node(value_node, depth + 1)
            if key.plain and key.text == "<<":
                message, fix = "merge keys '<<' are not part of YAML 1.2", "write the keys out here"
                self._problem(UNUSED_YAML, key_node, message, fix)
            elif first := entries.get(key.text):
                message = f"the key {shown(key.text)} stands in line {first[0].line} already"
                self._problem(DUPLICATE_KEY, key_node, message, "keep one of the two")
            else:
                entries[key.text] = (key, value)
        return entries

    def _problem(self, code: Code, node: YamlNode, message: str, fix: str) -> None:
        self.problems.append(Problem(code, self._span(node), message, fix))
