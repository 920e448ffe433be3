"""What is held back in a view: a resource that too many nodes refused, until it changes to other bytes, and
a change that the first nodes left unanswered, until one of them speaks.

May import `snapshot`, the streams' holdings and its neighbours. Pure: that something is to be
held back is decided elsewhere. Waves run over the *seen* head: the newest resources, with what is held back
as it was before.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import replace

from meshctl.names import CLUSTER, ENDPOINTS, Ref
from meshctl.operations.at_once import Change, Content
from meshctl.operations.contents import after, close, over
from meshctl.snapshot import HEAD, Contents, Held, Overlay, Resource
from meshctl.xds.holding import Holding

Version = tuple[Ref, str]
"""A name, and the hash of its bytes; "" where it goes."""


def seen(contents: Contents, head: Content) -> Content:
    """The head as it is for nodes that have no wave to wait for."""
    return over(contents.instead, head)


def carried(contents: Contents, change: Change, old_head: Content) -> tuple[Contents, Change]:
    """What stays held back after a publication, and the publication as nodes see it.

    Other bytes, or none, end it: they go out as any other change, from what was given meanwhile. Of what
    was left unanswered nobody knows which part is to blame: where one is another now, all of it goes out.
    """
    if not contents.held:
        return contents, change
    head = after(change, old_head)
    ended = {ref for ref, one in contents.held.items() if _version(head(ref)) != one.version}
    # Endpoints change by themselves, and repair nothing.
    repaired = {_moment(contents.held[ref]) for ref in ended if ref.type != ENDPOINTS} - {None}
    ended |= {ref for ref, one in contents.held.items() if _moment(one) in repaired}
    return _held_no_more(contents, ended, change, old_head)


def let_go(contents: Contents, head: Content, names: Collection[Ref]) -> tuple[Contents, Change]:
    """The contents without these being held back, and what that changes, as nodes see it."""
    return _held_no_more(contents, names, {}, head)


def hold(contents: Contents, head: Content, new: Mapping[Ref, Held]) -> Contents:
    """Nobody is given the head's versions of these names any more; all else goes on as it does."""
    held = {**contents.held, **new}
    beside = _beside(held, head, over(contents.waiting, head))
    # Both contents are now what is seen: what stays in the overlays is what runs beside it.
    names = {*new, *beside}
    settled, leading = _without(contents.settled, names), _without(contents.leading, names)
    return _as_running(replace(contents, held=held, beside=beside, settled=settled, leading=leading))


def hush(contents: Contents, head: Content, why: Held, but: Collection[Version]) -> Contents:
    """Nobody is given what the leaders have otherwise than the others, because they left it unanswered.

    `why` is how each of it is held; not held are the versions of `but`, which a node took after all.
    """
    led = over(contents.led, head)
    names = {ref for ref in contents.moving if (ref, _version(led(ref))) not in but}
    newest = {ref for ref in names if head(ref) == led(ref)}
    new = {ref: replace(why, version=_version(head(ref)), kept=contents.settled[ref]) for ref in newest}
    contents = hold(contents, head, new) if new else contents
    for ref in sorted((names - newest) & contents.moving):
        contents = give_up(contents, head, ref)
    return contents


def give_up(contents: Contents, head: Content, ref: Ref) -> Contents:
    """Leaders go back to what the others have of this name; something newer of it waits already."""
    newest = seen(contents, head)
    settled = over(contents.settled, newest)
    leading = {**contents.leading, ref: settled(ref)}
    _go_along(leading, contents.settled, newest)
    close(leading, newest, settled, {})
    return replace(contents, leading={name: one for name, one in leading.items() if name in contents.settled})


def last_good(contents: Contents, version: Version, held: Iterable[Holding]) -> Resource | None:
    """What to give in place of a refused version; None: nothing, since the name is new.

    It is what nodes have that no wave has reached; else another version that a node accepted, those that
    refused this one asked first (`held`: what each node has under the name); or what the change that ran last
    replaced. Raises LookupError where a node may have one that nobody here knows.
    """
    ref, digest = version
    if ref in contents.settled:
        return contents.settled[ref]
    unknown = False
    for one in held:
        if one.accepted is not None and one.accepted.version != digest:
            return one.accepted
        unknown |= one.may_be_other_than(digest)
    before = contents.before.get(ref)
    if before is not None and before.version != digest:
        return before
    # Endpoints change at once, and what they were is remembered by nodes alone.
    if unknown or (ref.type == ENDPOINTS and (ref not in contents.before or before is not None)):
        raise LookupError(ref)
    return None


def _held_no_more(
    contents: Contents, names: Collection[Ref], change: Change, old_head: Content
) -> tuple[Contents, Change]:
    head = after(change, old_head)
    held = {ref: one for ref, one in contents.held.items() if ref not in names}
    before = contents.instead
    carried = replace(contents, held=held, beside=_beside(held, head, over(before, old_head)))
    old, new = over(before, old_head), over(carried.instead, head)
    moved = {**change, **before, **carried.instead}
    return carried, {ref: (old(ref), new(ref)) for ref in moved if old(ref) != new(ref)}


def _moment(held: Held) -> tuple[float, frozenset[str]] | None:
    """What all parts of one change have in common that was left unanswered; None for what was refused."""
    return (held.since, held.nodes) if held.silent else None


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
