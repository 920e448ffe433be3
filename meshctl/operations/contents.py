"""How the contents of a view change: a publication folded into a run that goes on, and a run that ends.

May import `envoy.weights`, `snapshot` and its neighbour. Pure: who leads is decided by `fleet.waves`.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import lru_cache

from meshctl.envoy import weights
from meshctl.names import CLUSTER, ENDPOINTS, Ref
from meshctl.operations.at_once import Change, Content, changed_parts, differ_in_weights_alone, waved
from meshctl.snapshot import HEAD, Contents, Overlay, Part, Resource, Tombstone, View
from meshctl.snapshot.encode import assemble, encode_part

_REMEMBERED = 1024  # parts that were followed: one is encoded once, however many callers share it


@dataclass(frozen=True, slots=True)
class Folded:
    """What a publication makes of a view's contents; `anew`: a run that was stopped begins again with it."""

    contents: Contents
    anew: bool = False


def fold(
    contents: Contents, change: Change, old_head: Content, supersedes: Callable[[frozenset[Ref]], bool]
) -> Folded:
    """Take a publication into the contents of a view; who leads stays as it is.

    What goes in waves joins no run that goes on, since its own first node has to show it: it waits, and runs
    next. `supersedes` says of the names that wait whether they make a run pointless that was stopped; then
    all runs anew.
    """
    late = waved(change, over(contents.settled, old_head), contents.before)
    settled, leading, before = dict(contents.settled), dict(contents.leading), dict(contents.before)
    for ref, (old, new) in change.items():
        if ref in late:
            if contents.running:
                leading.setdefault(ref, old)
            settled.setdefault(ref, old)
        elif old is not None and new is not None and old.parts and _is_shift(old, new):
            for overlay in (settled, leading, before):
                _follow(overlay, ref, old, new)
        else:
            for overlay in (settled, leading):
                _let_through(overlay, ref, new)
    anew = bool(late) and contents.running and supersedes(late)
    if anew:
        leading.clear()
    _drop_equal(settled, leading, change)
    head = after(change, old_head)
    for overlay, known in ((settled, contents.settled), (leading, contents.leading)):
        close(overlay, head, over(known, old_head), change)
    for ref in leading:
        settled.setdefault(ref, head(ref))  # the newest has no more of it, and what leaders have needs it
    if not settled:
        return Folded(_at_rest(contents, before))
    return Folded(replace(contents, settled=settled, leading=leading, before=before), anew)


def ended(contents: Contents) -> Contents:
    """The run is over: all have what its leaders had, and what waited runs next, with nobody leading yet."""
    moved = {ref: contents.settled[ref] for ref in contents.moving}
    return replace(_at_rest(contents, moved), settled=contents.leading)


def overtaken(contents: Contents, head: Content) -> Contents:
    """A run that is stopped ends where it is, and what waited runs with it, as one; who leads stays.

    `head` is what all have in the end: the newest, but for what is held back.
    """
    settled = {ref: one for ref, one in contents.settled.items() if one != head(ref)}
    if not settled:
        return _at_rest(contents, contents.before)
    return replace(contents, settled=settled, leading=HEAD)


def skipped(contents: Contents) -> Contents:
    """Nothing waits any more: all have the newest, but for what is held back."""
    return _at_rest(contents, contents.settled) if contents.running else contents


def with_contents(view: View, contents: Contents, revision: int) -> View:
    """The view with these contents, as it is published at `revision`.

    What somebody held by the contents before, and nobody is given now, becomes a tombstone of that revision.
    """
    stones = dict(view.tombstones)
    for old, new in ((view.contents.waiting, contents.waiting), (view.contents.led, contents.led)):
        for ref, resource in old.items():
            if resource is not None and new.get(ref) is None and ref not in view.keys:
                stones[ref] = Tombstone(resource, revision)
    return replace(view, contents=contents, tombstones=stones)


def _at_rest(contents: Contents, before: Overlay) -> Contents:
    """Nothing runs; `before` is what the last change replaced."""
    return replace(contents, settled=HEAD, leading=HEAD, before=before, leaders=frozenset())


def _let_through(overlay: dict[Ref, Resource | None], ref: Ref, new: Resource | None) -> None:
    """Give the newest to those who had another version; endpoints only to who has the cluster."""
    if ref in overlay and (ref.type != ENDPOINTS or (overlay[ref] is not None and new is not None)):
        del overlay[ref]


def _is_shift(old: Resource, new: Resource) -> bool:
    names = [part.name for part in old.parts] == [part.name for part in new.parts]
    return names and all(differ_in_weights_alone(*pair) for pair in changed_parts(old, new))


def _follow(overlay: dict[Ref, Resource | None], ref: Ref, old: Resource, new: Resource) -> None:
    """Shift the weights of an older version of routes as those of the newest were shifted."""
    kept = overlay.get(ref)
    if kept is None:
        return
    moved = {before.name: (before, after) for before, after in changed_parts(old, new)}
    parts = [_followed(part, *moved[part.name]) if part.name in moved else part for part in kept.parts]
    overlay[ref] = assemble(kept.key, kept.head, parts, _own_needs(kept), by_name=kept.by_name)


@lru_cache(_REMEMBERED)
def _followed(kept: Part, old: Part, new: Part) -> Part:
    if kept == old:
        return new
    to = weights.moved(weights.host_of(old.body), weights.host_of(new.body))
    host = weights.follow(weights.host_of(kept.body), to)
    return encode_part(kept.name, host, [Ref(CLUSTER, name) for name in weights.clusters_of(host)])


def _own_needs(routes: Resource) -> list[Ref]:
    of_parts = {need for part in routes.parts for need in part.needs}
    return [need for need in routes.needs if need not in of_parts]


def _drop_equal(
    settled: dict[Ref, Resource | None], leading: dict[Ref, Resource | None], change: Change
) -> None:
    """What went back to what nobody ever lost goes at once, and what the leaders have already waits not."""
    for ref, (_, new) in change.items():
        if ref in settled and settled[ref] == new:
            del settled[ref]
            leading.pop(ref, None)
        elif ref in leading and leading[ref] == new:
            del leading[ref]


def close(overlay: dict[Ref, Resource | None], head: Content, known: Content, change: Change) -> None:
    """Complete a content: whatever something in it needs is in it, the newest or as it was known before.

    `known` is the same content before the publication.
    """
    held = over(overlay, head)
    open_ = [one for one in overlay.values() if one is not None]
    open_ += [new for ref, (_, new) in change.items() if new is not None and ref not in overlay]
    while open_:
        one = open_.pop()
        is_known = known(one.ref) == one
        for need in _needs(one):
            if held(need) is not None:
                continue
            newest, older = head(need), known(need)
            if need.type == CLUSTER and older is None and (is_known or newest is None):
                overlay[need] = None  # it was held back as a new name: what needs it goes without that part
            elif newest is not None:
                del overlay[need]
                open_.append(newest)
            elif older is not None:
                overlay[need] = older
                open_.append(older)


def _needs(resource: Resource) -> Iterator[Ref]:
    yield from resource.needs
    if resource.key.type == CLUSTER:
        yield Ref(ENDPOINTS, resource.key.name)


def over(overlay: Overlay, head: Content) -> Content:
    """What somebody holds who is given this overlay."""
    return lambda ref: overlay[ref] if ref in overlay else head(ref)


def after(change: Change, old_head: Content) -> Content:
    """The head once a publication has changed it."""
    return lambda ref: change[ref][1] if ref in change else old_head(ref)
