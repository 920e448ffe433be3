"""Who is refused where a refusal names nobody: what goes out on one channel to find that out.

Imports nothing of meshctl. Names stand with the hashes of their bytes. What was refused together is in doubt:
it stays as the client has it until some of it changes, or others found one of it, or the node has its turn.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

IsFound = Callable[[str, str], bool]
"""Whether another node refused a name, alone, at this hash."""

Versions = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Culprit:
    """A name that the client refused at a hash, though it was not sent alone; and the refusal's reason."""

    name: str
    version: str
    reason: str


@dataclass(frozen=True, slots=True)
class _Batch:
    """Names that go out next, and alone.

    `apart` were refused together with them, and stay behind. If only `accused` did, and the rest is accepted
    with the same bytes, it is the culprit.
    """

    versions: Versions
    apart: Versions
    accused: Culprit | None = None


@dataclass(frozen=True, slots=True)
class _Doubt:
    """Names that were refused together."""

    versions: Versions
    reason: str


class Trials:
    """What is in doubt on one channel, and what goes out next to find the culprits in it."""

    def __init__(self) -> None:
        self._batches: list[_Batch] = []
        self._doubts: list[_Doubt] = []
        self._doubted: frozenset[str] = frozenset()

    @property
    def batch(self) -> frozenset[str] | None:
        """The names that may be sent now, None: all but those in doubt."""
        return frozenset(self._batches[-1].versions) if self._batches else None

    @property
    def pending(self) -> bool:
        """Whether it is not known yet who is refused."""
        return bool(self._batches or self._doubts)

    @property
    def reason(self) -> str:
        """The words of a refusal that named nobody, while its names wait; else ""."""
        return self._doubts[0].reason if self._doubts else ""

    def holds(self, name: str) -> bool:
        """Whether a name stays as the client has it."""
        return name in self._doubted

    def over(self) -> None:
        """Nothing of the batch has to be sent any more."""
        self._put_back(self._batches.pop())
        self._note()

    def accepted(self, sent: Versions) -> Culprit | None:
        """An answer with these names was accepted. Returns the culprit, if that shows who it is."""
        if not self._batches:
            return None
        batch = self._batches.pop()
        if batch.accused is not None and sent == batch.versions:
            return batch.accused
        self._put_back(batch)
        self._note()
        return None

    def refused(self, sent: Versions, culprits: frozenset[str], reason: str) -> frozenset[str]:
        """An answer with these names was refused, and these are blamed. Returns the culprits found.

        With nobody blamed, a single name is the culprit, and several are in doubt.
        """
        if self._batches:
            self._put_back(self._batches.pop())
        found = frozenset(sent) if len(sent) == 1 else culprits
        rest = {name: version for name, version in sent.items() if name not in found}
        if rest and found:
            self._batches.append(_Batch(rest, {}))
        elif rest:
            self._doubts.append(_Doubt(rest, reason))
        self._note()
        return found

    def go_on(self, is_found: IsFound, *, turn: bool) -> frozenset[str]:
        """Make a batch of what is in doubt, where there is none: the names that may go out.

        All but what others found; or one half after the other, if it is the node's turn.
        """
        if self._batches or not self._doubts:
            return frozenset()
        before = self._doubted
        if not self._leave_out(is_found) and turn:
            self._halve(self._doubts.pop(0))
        self._note()
        return before - self._doubted

    def changed(self, name: str) -> frozenset[str]:
        """A name has other bytes now: what was refused with it is in doubt no longer. Returns those names."""
        self._batches = [_without(batch, name) for batch in self._batches]
        if name not in self._doubted:
            return frozenset()
        before = self._doubted
        self._doubts = [one for one in self._doubts if name not in one.versions]
        self._note()
        return before - self._doubted

    def _leave_out(self, is_found: IsFound) -> bool:
        for doubt in self._doubts:
            apart = {name: version for name, version in doubt.versions.items() if is_found(name, version)}
            if apart and len(apart) < len(doubt.versions):
                self._doubts.remove(doubt)
                (name, version), *others = apart.items()
                accused = None if others else Culprit(name, version, doubt.reason)
                rest = {one: doubt.versions[one] for one in doubt.versions.keys() - apart.keys()}
                self._batches.append(_Batch(rest, apart, accused))
                return True
        return False

    def _halve(self, doubt: _Doubt) -> None:
        ordered = sorted(doubt.versions.items())
        middle = len(ordered) // 2
        halves = [dict(ordered[middle:]), dict(ordered[:middle])]
        self._batches += [_Batch(half, {}) for half in halves if half]

    def _put_back(self, batch: _Batch) -> None:
        """Those that stayed behind are found one by one."""
        self._doubts += [_Doubt({name: version}, "") for name, version in batch.apart.items()]

    def _note(self) -> None:
        self._doubted = frozenset(name for one in self._doubts for name in one.versions)


def _without(batch: _Batch, name: str) -> _Batch:
    if name not in batch.apart:
        return batch
    left = {one: version for one, version in batch.apart.items() if one != name}
    return replace(batch, apart=left, accused=None)
