"""What golden cases say of the keys of the catalog: who uses one, what becomes of it, what is wrong there."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from json import dumps

from meshctl.catalog.declared import Declared, Path, declared, follow, written
from meshctl.catalog.source import MODELS, Kind, Source, read_source
from meshctl.catalog.yaml import MappingNode, Node, SequenceNode, parse
from meshctl.operations.validate import validate
from meshctl.problems import Place, Problem
from tests.golden.case import Case, Section, cases
from tests.golden.test_cases import CATALOG, FOLDER, came_out, compiler_of

KEYS = {written(key.path): key for key in declared()}
"""The keys by the path that they are known by."""


@cache
def in_resources() -> frozenset[str]:
    """The keys that cases use which show resources."""
    return frozenset(
        written(key.path) for case in whole_cases() for source in _sources(case) for key in _used(source)
    )


def using(name: str) -> Iterator[Case]:
    """The cases that show resources and use a key."""
    for case in whole_cases():
        if any(KEYS[name] in _used(source) for source in _sources(case)):
            yield case


@cache
def whole_cases() -> Sequence[Case]:
    """The cases that show resources, and have no problems."""
    found = map(Case.read, cases(FOLDER))
    return [
        case
        for case in found
        if any(section.words[1] and section.body for section in _expected(case))
        and not any(section.title == "problems" and section.body for section in case.sections)
    ]


def outcome(case: Case) -> Sequence[Section]:
    """What the catalog of a case becomes; of one with problems, these alone."""
    compiler = compiler_of(case)
    if problems := validate(compiler.resolver).findings:
        return [Section("problems", str(problems))]
    return [came_out(compiler, section) for section in _expected(case)]


def without(case: Case, key: Declared) -> Case:
    """The same case, whose catalog does not say the key."""
    return Case(case.purpose, tuple(_cut(section, key) for section in case.sections))


def _cut(section: Section, key: Declared) -> Section:
    if not section.title.startswith(CATALOG):
        return section
    source = read_source(section.title.removeprefix(CATALOG), section.body.encode())
    root = parse(source.file, source.text).root
    assert source.kind
    assert root
    return Section(section.title, _flow(root, source.kind, key, ()))


def _flow(node: Node, kind: Kind, key: Declared, path: Path) -> str:
    """A tree as YAML in one line, without the key."""
    if isinstance(node, MappingNode):
        kept = {name: (*path, name) for name in node.entries if _at(kind, (*path, name)) is not key}
        items = (f"{dumps(name)}: {_flow(node.entries[name][1], kind, key, at)}" for name, at in kept.items())
        return f"{{{', '.join(items)}}}"
    if isinstance(node, SequenceNode):
        return f"[{', '.join(_flow(item, kind, key, path) for item in node.items)}]"
    return node.text if node.plain and node.text.isdecimal() else dumps(node.text)


@cache
def mistaken() -> Mapping[str, set[str]]:
    """The codes of the mistakes that golden cases have at each key."""
    found: dict[str, set[str]] = defaultdict(set)
    for path in cases(FOLDER):
        resolver = compiler_of(Case.read(path)).resolver
        for problem in resolver.problems():
            if key := _key_of(problem, resolver.sources[problem.file]):
                found[written(key.path)].add(problem.code.code)
    return found


def _expected(case: Case) -> Iterator[Section]:
    return (section for section in case.sections if not section.title.startswith(CATALOG))


def _sources(case: Case) -> Iterator[Source]:
    for section in case.sections:
        if section.title.startswith(CATALOG):
            yield read_source(section.title.removeprefix(CATALOG), section.body.encode())


def _used(source: Source) -> Iterator[Declared]:
    root = parse(source.file, source.text).root
    assert source.kind
    assert root
    return (key for words in _paths(root) if (key := _at(source.kind, words)))


def _paths(node: Node) -> Iterator[Path]:
    """The ways to all parts of a tree, without places in lists."""
    if isinstance(node, MappingNode):
        for key, (_, value) in node.entries.items():
            yield (key,)
            yield from ((key, *rest) for rest in _paths(value))
    elif isinstance(node, SequenceNode):
        for item in node.items:
            yield from _paths(item)


def _key_of(problem: Problem, source: Source) -> Declared | None:
    """The key that a problem is at; where it is within a value, the key of that value."""
    if source.kind is None or not isinstance(problem.at, Place):
        return None
    words = tuple(step for step in problem.at.path if isinstance(step, str))
    for length in range(len(words), 0, -1):
        if key := _at(source.kind, words[:length]):
            return key
    return None


def _at(kind: Kind, words: Path) -> Declared | None:
    found = follow(MODELS[kind], words)
    return _BY_MODEL[found] if found else None


_BY_MODEL = {(key.model, key.name): key for key in KEYS.values()}
