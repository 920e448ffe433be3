"""What is held back in a view: a resource that too many nodes refused, until it changes to other bytes.

May import `snapshot` and its neighbours. Pure: that something is to be held back is decided elsewhere. Waves
run over the *seen* head: the newest resources, with what is held back as it was before.
"""

from collections.abc import Iterable, Mapping
from dataclasses import replace

from meshctl.names import CLUSTER, ENDPOINTS, Ref
from meshctl.operations.at_once import Change, Content
from meshctl.operations.contents import after, close, over
from meshctl.snapshot import HEAD, Contents, Held, Overlay, Resource


def seen(contents: Contents, head: Content) -> Content:
    """The head as it is for nodes that have no wave to wait for."""
    return over(contents.instead, head)


def carried(contents: Contents, change: Change, old_head: Content) -> tuple[Contents, Change]:
    """What stays held back after a publication, and the publication as nodes see it.

    Other bytes, or none, end it: they go out as any other change, from what was given meanwhile.
    """
    if not contents.held:
        return contents, change
    head = after(change, old_head)
    held = {ref: one for ref, one in contents.held.items() if _version(head(ref)) == one.version}
    before = contents.instead
    carried = replace(contents, held=held, beside=_beside(held, head, over(before, old_head)))
    old, new = over(before, old_head), over(carried.instead, head)
    names = {**change, **before, **carried.instead}
    return carried, {ref: (old(ref), new(ref)) for ref in names if old(ref) != new(ref)}


def hold(contents: Contents, head: Content, ref: Ref, one: Held) -> Contents:
    """Nobody is given the head's version of this name any more; all else goes on as it does."""
    held = {**contents.held, ref: one}
    beside = _beside(held, head, over(contents.waiting, head))
    # Both contents are now what is seen: what stays in the overlays is what runs beside it.
    names = {ref, *beside}
    settled, leading = _without(contents.settled, names), _without(contents.leading, names)
    return _as_running(replace(contents, held=held, beside=beside, settled=settled, leading=leading))


def give_up(contents: Contents, head: Content, ref: Ref) -> Contents:
    """Leaders go back to what the others have of this name; something newer of it waits already."""
    newest = seen(contents, head)
    settled = over(contents.settled, newest)
    leading = {**contents.leading, ref: settled(ref)}
    _go_along(leading, contents.settled, newest)
    close(leading, newest, settled, {})
    return replace(contents, leading={name: one for name, one in leading.items() if name in contents.settled})


def last_good(contents: Contents, ref: Ref, accepted: Iterable[Resource]) -> Resource | None:
    """What to give in place of a refused resource; None: nothing. Raises LookupError where nobody knows.

    It is what nodes have that no wave has reached; else what one of those that refused accepted before, or
    what the change that ran last replaced.
    """
    if ref in contents.settled:
        return contents.settled[ref]
    known = next(iter(accepted), None) or contents.before.get(ref)
    if known is None:
        raise LookupError(ref)
    return known


def _beside(held: Mapping[Ref, Held], head: Content, known: Content) -> Overlay:
    """What the kept resources need and the head has no more, as it is known from before.

    And not a cluster whose first endpoints are held back: an Envoy that starts would wait for them (15 s).
    """
    kept = {ref: one.kept for ref, one in held.items()}
    bare = (ref.name for ref, one in kept.items() if ref.type == ENDPOINTS and one is None)
    found: dict[Ref, Resource | None] = {Ref(CLUSTER, name): None for name in bare}
    open_ = [one for one in kept.values() if one is not None]
    while open_:
        one = open_.pop()
        needs = (*one.needs, Ref(ENDPOINTS, one.key.name)) if one.key.type == CLUSTER else one.needs
        for need in needs:
            if need in kept or need in found or head(need) is not None:
                continue
            if (older := known(need)) is not None:
                found[need] = older
                open_.append(older)
    return found or HEAD


def _without(overlay: Overlay, names: Iterable[Ref]) -> Overlay:
    gone = frozenset(names)
    return {ref: one for ref, one in overlay.items() if ref not in gone}


def _as_running(contents: Contents) -> Contents:
    if contents.settled:
        return contents
    return replace(contents, settled=HEAD, leading=HEAD, leaders=frozenset())


def _version(resource: Resource | None) -> str:
    return "" if resource is None else resource.version


def _go_along(leading: dict[Ref, Resource | None], settled: Overlay, newest: Content) -> None:
    """What needs something that the leaders have no more goes back with it: routes to a new cluster."""
    led, found = over(leading, newest), True
    while found:
        gone = {ref for ref, one in leading.items() if one is None}
        held = {ref: led(ref) for ref in settled.keys() - gone}
        back = {ref for ref, one in held.items() if one is not None and not gone.isdisjoint(one.needs)}
        found = any(held[ref] != settled[ref] for ref in back)
        leading.update((ref, settled[ref]) for ref in back)
