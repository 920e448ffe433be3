"""One incremental graph: keyed cells, a rule each, recorded reads, early stop.

May import `problems`. A cell is computed by its rule from other cells; what it read is recorded, a
cell that was absent too. When an input changes, only the cells that read it are computed again, and a
value that comes out equal stops there. Rules have strata, and a rule reads lower strata only: so there
are no cycles, and a change is worked off from the bottom up. Nothing else remembers anything.
"""

import heapq
from collections.abc import Callable, Hashable, Iterable
from dataclasses import dataclass, field
from itertools import count
from typing import Any, Generic, TypeVar, cast

from meshctl.problems import Problem

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


@dataclass(frozen=True, eq=False)
class Source(Generic[K, V]):
    """Cells that are put in from outside; a key that was never put reads as None."""

    name: str
    stratum: int = field(default=0, init=False)


@dataclass(frozen=True, eq=False)
class Index(Generic[K, V]):
    """Cells that collect what other cells claim: a tuple of items, sorted; nothing claimed reads as ()."""

    name: str
    stratum: int


@dataclass(frozen=True, eq=False)
class Rule(Generic[K, V]):
    """Cells that are computed; `compute` may read cells of lower strata only, and nothing else."""

    name: str
    stratum: int
    compute: "Callable[[Look, K], V]"


AnyRule = Source[Any, Any] | Index[Any, Any] | Rule[Any, Any]
CellName = tuple[AnyRule, Hashable]


class _Cell:
    __slots__ = ("claims", "dirty", "kept", "key", "problems", "readers", "reads", "rule", "value")

    def __init__(self, rule: AnyRule, key: Hashable, value: object) -> None:
        self.rule = rule
        self.key = key
        self.value = value
        self.reads: dict[_Cell, None] = {}  # a dict, not a set: the order must not depend on hashes
        self.readers: dict[_Cell, None] = {}
        self.claims: dict[tuple[Index[Any, Any], Hashable], tuple[Any, ...]] = {}
        self.problems: tuple[Problem, ...] = ()
        self.kept = 0
        self.dirty = False


class Look:
    """What a rule sees of the graph while it computes one cell."""

    __slots__ = ("_cell", "_graph", "claims", "problems", "reads")

    def __init__(self, graph: "Graph", cell: _Cell) -> None:
        self._graph = graph
        self._cell = cell
        self.reads: dict[_Cell, None] = {}
        self.claims: dict[tuple[Index[Any, Any], Hashable], list[Any]] = {}
        self.problems: list[Problem] = []

    def __call__(self, rule: Rule[K, V], key: K) -> V:
        """The value of a computed cell; it is computed first if nobody has asked before."""
        return cast("V", self._read(rule, key))

    def given(self, source: Source[K, V], key: K) -> V | None:
        """An input's value, or None if there is none."""
        return cast("V | None", self._read(source, key))

    def claimed(self, index: Index[K, V], key: K) -> tuple[V, ...]:
        """All that was claimed under `key`, sorted."""
        return cast("tuple[V, ...]", self._read(index, key))

    def claim(self, index: Index[K, V], key: K, item: V) -> None:
        """Put `item` under `key` of the index for as long as this cell says so."""
        self.claims.setdefault((index, key), []).append(item)

    def report(self, problem: Problem) -> None:
        """Say that something is wrong with an input; it stays until the cell is computed again."""
        self.problems.append(problem)

    def _read(self, rule: AnyRule, key: Hashable) -> object:
        if rule.stratum >= self._cell.rule.stratum:
            raise AssertionError(f"{self._cell.rule.name} may not read {rule.name}: not a lower stratum")
        cell = self._graph.cell(rule, key)
        self.reads[cell] = None
        return cell.value


class Graph:
    """The cells, and the work of keeping them true."""

    def __init__(self, watched: Iterable[Rule[Any, Any]] = ()) -> None:
        self._cells: dict[CellName, _Cell] = {}
        self._dirty: list[tuple[int, int, _Cell]] = []
        self._order = count()  # breaks ties in the heap, so that cells need no order of their own
        self._changed: dict[AnyRule, dict[Hashable, None]] = {rule: {} for rule in watched}
        self._troubled: dict[_Cell, None] = {}

    def put(self, source: Source[K, V], key: K, value: V | None) -> None:
        """Set an input; None takes it away."""
        cell = self._cells.get((source, key))
        if cell is None:
            if value is None:
                return
            cell = self._cells[source, key] = _Cell(source, key, None)
        if cell.value != value:
            self._become(cell, value)
            self._drop_if_idle(cell)

    def keep(self, rule: Rule[K, V], key: K) -> V:
        """Ask for a cell and keep it up to date, read or not, until `release`."""
        self.settle()
        cell = self.cell(rule, key)
        cell.kept += 1
        self.settle()
        return cast("V", cell.value)

    def release(self, rule: Rule[K, V], key: K) -> None:
        """Take one `keep` back; a cell that nobody keeps or reads is dropped."""
        cell = self._cells[rule, key]
        cell.kept -= 1
        self._drop_if_idle(cell)

    def value(self, rule: Rule[K, V], key: K) -> V:
        """The value of a cell that is kept or read by one that is."""
        self.settle()
        return cast("V", self._cells[rule, key].value)

    def settle(self) -> None:
        """Compute again what the inputs' changes concern, from the lowest stratum up."""
        while self._dirty:
            cell = heapq.heappop(self._dirty)[2]
            if cell.dirty:
                self._compute(cell)

    def take_changed(self, rule: Rule[K, V]) -> list[K]:
        """Settle, and give the keys of a watched rule that came, went or changed since last asked."""
        self.settle()
        changed, self._changed[rule] = self._changed[rule], {}
        return cast("list[K]", list(changed))

    def current(self, rule: Source[K, V] | Rule[K, V], key: K) -> V | None:
        """The value of a cell if it exists, or None."""
        cell = self._cells.get((rule, key))
        return None if cell is None else cast("V", cell.value)

    def problems(self) -> list[Problem]:
        """Settle, and give all that is wrong now."""
        self.settle()
        return [problem for cell in self._troubled for problem in cell.problems]

    def cell(self, rule: AnyRule, key: Hashable) -> _Cell:
        """The cell, made and computed if need be. For `Look`; others use `keep` and `value`."""
        cell = self._cells.get((rule, key))
        if cell is None:
            cell = self._cells[rule, key] = _Cell(rule, key, () if isinstance(rule, Index) else None)
            if isinstance(rule, Rule):
                self._tell(cell)
                self._compute(cell)
        elif cell.dirty:
            self._compute(cell)
        return cell

    def _compute(self, cell: _Cell) -> None:
        cell.dirty = False
        if self._cells.get((cell.rule, cell.key)) is not cell or not isinstance(cell.rule, Rule):
            return
        look = Look(self, cell)
        value = cell.rule.compute(look, cell.key)
        self._connect(cell, look.reads)
        self._claim(cell, {slot: tuple(items) for slot, items in look.claims.items()})
        self._note(cell, tuple(look.problems))
        if value != cell.value:
            self._become(cell, value)

    def _become(self, cell: _Cell, value: object) -> None:
        cell.value = value
        self._tell(cell)
        for reader in cell.readers:
            if not reader.dirty:
                reader.dirty = True
                heapq.heappush(self._dirty, (reader.rule.stratum, next(self._order), reader))

    def _tell(self, cell: _Cell) -> None:
        watched = self._changed.get(cell.rule)
        if watched is not None:
            watched[cell.key] = None

    def _connect(self, cell: _Cell, reads: dict[_Cell, None]) -> None:
        before, cell.reads = cell.reads, reads
        for read in reads:
            read.readers[cell] = None
        for read in before:
            if read not in reads:
                del read.readers[cell]
                self._drop_if_idle(read)

    def _claim(self, cell: _Cell, claims: dict[tuple[Index[Any, Any], Hashable], tuple[Any, ...]]) -> None:
        before, cell.claims = cell.claims, claims
        for slot in {**before, **claims}:
            old, new = before.get(slot, ()), claims.get(slot, ())
            if old != new:
                self._reindex(slot, old, new)

    def _reindex(
        self, slot: tuple[Index[Any, Any], Hashable], old: Iterable[Any], new: Iterable[Any]
    ) -> None:
        index = self._cells.get(slot)
        if index is None:
            index = self._cells[slot] = _Cell(slot[0], slot[1], ())
        items = list(cast("tuple[Any, ...]", index.value))
        for item in old:
            items.remove(item)
        items.extend(new)
        value = tuple(sorted(items))
        if value != index.value:
            self._become(index, value)
        self._drop_if_idle(index)

    def _note(self, cell: _Cell, problems: tuple[Problem, ...]) -> None:
        cell.problems = problems
        if problems:
            self._troubled[cell] = None
        else:
            self._troubled.pop(cell, None)

    def _drop_if_idle(self, cell: _Cell) -> None:
        if cell.readers or cell.kept:
            return
        if not isinstance(cell.rule, Rule) and cell.value:
            return  # an input or a claim stands, whoever reads it
        if self._cells.pop((cell.rule, cell.key), None) is None:
            return
        if isinstance(cell.rule, Rule):
            self._tell(cell)
            self._connect(cell, {})
            self._claim(cell, {})
            self._note(cell, ())

    def empty(self) -> None:
        """Let go of all cells, one by one: they hold each other, and would wait for the collector else.

        For a graph that is not used any more, in a thread: to let go of all at once would hold up the others.
        """
        while self._cells:
            _, cell = self._cells.popitem()
            cell.reads.clear()
            cell.readers.clear()
        self._troubled.clear()
        self._dirty.clear()

    def __len__(self) -> int:
        return len(self._cells)
