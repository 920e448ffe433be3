"""What a valid change of the catalog would take away, and whether that waits until somebody confirms it.

May import the catalog. Pure: entries in, a list of losses out; time is an argument, in seconds.

What is compared is what is served with what the files on disk say. Services that went one by one in the last
hour count as if they went now, or a folder that empties slowly would pass; after a confirmation, and at a
start, the count begins anew.
"""

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from types import MappingProxyType

from meshctl.catalog.service import Service
from meshctl.catalog.source import Kind, Source

WINDOW_S = 3_600.0
"""For so long a service that went unguarded counts together with those that go later."""

LEAST, SHARE = 2, 10
"""Services are guarded when at least so many go, and more than so many percent of all."""


class NotGuarded(Exception):
    """A confirmation of losses that do not wait; `current` is the hash of those that do, "" if none does."""

    def __init__(self, current: str) -> None:
        super().__init__(current)
        self.current = current


@dataclass(frozen=True, slots=True)
class Losses:
    """What would vanish, such as `service users`, and for each the files whose last good text keeps it."""

    files: Mapping[str, frozenset[str]] = field(default_factory=lambda: MappingProxyType({}))

    @property
    def names(self) -> tuple[str, ...]:
        """The losses, sorted."""
        return tuple(sorted(self.files))

    @property
    def kept(self) -> frozenset[str]:
        """The files that stay at their last good text."""
        return frozenset[str]().union(*self.files.values())

    @property
    def hash(self) -> str:
        """Names exactly this list; "" where nothing is lost."""
        return sha256("\n".join(self.names).encode()).hexdigest()[:12] if self.files else ""


Entries = Mapping[str, Source | None]
"""Files with what they hold; None: nothing."""


class Guard:
    """Weighs one change after the other; remembers what went lately, and what was confirmed."""

    def __init__(self) -> None:
        self.losses = Losses()
        self._confirmed: frozenset[str] = frozenset()
        self._leaving: frozenset[str] = frozenset()
        self._gone: dict[str, float] = {}  # services that went unguarded, and when

    def copy(self) -> "Guard":
        """Another one that remembers the same, for changes that are only thought of."""
        made = Guard()
        made._confirmed, made._gone = self._confirmed, dict(self._gone)
        return made

    def weigh(
        self,
        before: Entries,
        after: Entries,
        services: Callable[[], Collection[str]],
        used: Callable[[], Collection[str]],
        now: float,
    ) -> Losses:
        """The losses that wait if these files, served as `before`, were served as `after`.

        `services` are the names of all that are served, `used` of those that some node can reach.
        """
        lost = _lost(before, after)
        # A confirmation is used up when what it took is gone, or has come back by itself.
        self._confirmed &= lost.keys()
        new = lost.keys() - self._confirmed
        self._gone = {name: at for name, at in self._gone.items() if now - at < WINDOW_S}
        self._leaving = frozenset(name for name in new if name.startswith(_SERVICE))
        waiting = {name for name in new if name.startswith(_GATEWAY)}
        if self._leaving and _is_many(len(self._leaving | self._gone.keys()), len(self._gone), services):
            waiting |= self._leaving
        if drained := {name for name in new if name.startswith(_ENDPOINTS)}:
            waiting |= drained & {f"{_ENDPOINTS}{name}" for name in used()}
        self.losses = Losses(MappingProxyType({name: lost[name] for name in sorted(waiting)}))
        return self.losses

    def settle(self, services: Callable[[], Collection[str]], now: float) -> None:
        """Note what of the change that was weighed last is gone: `services` are those that are left."""
        if self._leaving or self._gone:
            left = {f"{_SERVICE}{name}" for name in services()}
            self._gone.update(dict.fromkeys(self._leaving - left, now))
            self._gone = {name: at for name, at in self._gone.items() if name not in left}

    def confirm(self, digest: str) -> Losses:
        """Let go exactly what waits under this hash, with the next change. Raises NotGuarded."""
        if not self.losses.files or digest != self.losses.hash:
            raise NotGuarded(self.losses.hash)
        self._confirmed |= self.losses.files.keys()
        self._gone.clear()
        return self.losses


_SERVICE, _GATEWAY, _ENDPOINTS = "service ", "gateway ", "endpoints of "


def _is_many(going: int, gone: int, services: Callable[[], Collection[str]]) -> bool:
    return going >= LEAST and going * 100 > (len(services()) + gone) * SHARE


def _lost(before: Entries, after: Entries) -> dict[str, frozenset[str]]:
    """Everything that `before` gives and `after` does not, with the files that give it."""
    had, has = _given(before), _given(after)
    lost = {name: files for name, files in had.items() if name not in has}
    gone = {f"{_ENDPOINTS}{name.removeprefix(_SERVICE)}" for name in lost if name.startswith(_SERVICE)}
    return {name: frozenset(files) for name, files in lost.items() if name not in gone}


def _given(entries: Entries) -> dict[str, set[str]]:
    given: dict[str, set[str]] = {}
    for file, source in entries.items():
        for name in _gives(source):
            given.setdefault(name, set()).add(file)
    return given


def _gives(source: Source | None) -> Iterable[str]:
    if source is None or source.entry is None:
        return
    if source.kind is Kind.GATEWAY:
        yield f"{_GATEWAY}{source.name}"
    elif isinstance(source.entry, Service):
        yield f"{_SERVICE}{source.name}"
        if _is_reachable(source.entry):
            yield f"{_ENDPOINTS}{source.name}"


def _is_reachable(service: Service) -> bool:
    """Whether a version that gets requests has endpoints."""
    if service.versions is None:
        return service.endpoints is not None and service.endpoints.known
    names = service.serving.weights if service.serving else service.versions
    return any(service.versions[name].endpoints.known for name in names if name in service.versions)
