"""What of a publication goes to all nodes of a view at once, and what in waves.

May import `envoy.weights` and `snapshot`. Endpoints, weights between versions that every node has, and a way
back go at once; all else may be wrong though it is valid, and a first node shall show it.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import lru_cache

from meshctl.envoy import weights
from meshctl.names import CLUSTER, ENDPOINTS, ROUTES, Ref
from meshctl.snapshot import Overlay, Part, Resource

Change = Mapping[Ref, tuple[Resource | None, Resource | None]]
"""What one publication changes in one view: the newest before and after by name; None: absent."""

Content = Callable[[Ref], Resource | None]
"""What somebody holds under each name."""

_REMEMBERED = 1024  # pairs of parts: a part is judged once, however many callers share it


def waved(change: Change, settled: Content, before: Overlay) -> frozenset[Ref]:
    """The names that go in waves.

    `settled` is what nodes hold that no wave has reached, `before` what the change that ran last replaced.
    """
    found = {
        ref
        for ref, (old, new) in change.items()
        if ref.type != ENDPOINTS and not shifts_alone(old, new, settled)
    }
    found |= frozenset(_endpoints(change, found))
    return frozenset() if _goes_back(change, found, before) else frozenset(found)


def shifts_alone(old: Resource | None, new: Resource | None, settled: Content) -> bool:
    """Whether routes change in nothing but the shares of clusters that every node has, with endpoints."""
    if old is None or new is None or new.key.type != ROUTES or old.head != new.head:
        return False
    if [part.name for part in old.parts] != [part.name for part in new.parts]:
        return False
    pairs = list(changed_parts(old, new))
    if not all(differ_in_weights_alone(*pair) for pair in pairs):
        return False
    needs = {need for _, part in pairs for need in part.needs}
    return all(settled(need) and settled(Ref(ENDPOINTS, need.name)) for need in needs)


def changed_parts(old: Resource, new: Resource) -> Iterator[tuple[Part, Part]]:
    """The parts that differ, of two resources that have parts of the same names."""
    for before, after in zip(old.parts, new.parts, strict=True):
        if before is not after and before != after:
            yield before, after


@lru_cache(_REMEMBERED)
def differ_in_weights_alone(old: Part, new: Part) -> bool:
    """Whether two virtual hosts differ in nothing but clusters and weights."""
    return weights.differ_in_weights_alone(weights.host_of(old.body), weights.host_of(new.body))


def _endpoints(change: Change, others: Iterable[Ref]) -> Iterator[Ref]:
    """Load assignments that go with a cluster, or with routes to it, that go in waves."""
    if not any(ref.type == ENDPOINTS for ref in change):
        return
    bound = {need for ref in others for need in _clusters(ref, *change[ref])}
    for ref, (old, new) in change.items():
        if ref.type == ENDPOINTS and (old is None or new is None or Ref(CLUSTER, ref.name) in bound):
            yield ref


def _clusters(ref: Ref, old: Resource | None, new: Resource | None) -> Iterator[Ref]:
    if ref.type == CLUSTER:
        yield ref
    kept = set(old.parts if old else ()) & set(new.parts if new else ())
    for resource in (old, new):
        for part in resource.parts if resource else ():
            yield from part.needs if part not in kept else ()


def _goes_back(change: Change, found: Iterable[Ref], before: Overlay) -> bool:
    """Whether all of it is as it was before the change that ran last."""
    return all(_is_back(ref, *change[ref], before) for ref in found)


def _is_back(ref: Ref, old: Resource | None, new: Resource | None, before: Overlay) -> bool:
    if ref.type == ENDPOINTS and old is not None and new is not None:
        return True  # newer endpoints are no reason to wait
    if ref not in before:
        return False
    was = before[ref]
    if ref.type == ENDPOINTS:
        return (was is None) == (new is None)
    return was == new
