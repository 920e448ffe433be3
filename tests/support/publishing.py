"""What a server does in small steps, done at once: for tests that look at what comes of it."""

from collections.abc import Mapping
from types import MappingProxyType

from meshctl.catalog.source import Source
from meshctl.operations.guard import Losses
from meshctl.serve.publish import Publisher
from meshctl.serve.slices import finish


def change(
    publisher: Publisher,
    texts: Mapping[str, bytes | None],
    sources: Mapping[str, Source] = MappingProxyType({}),
) -> None:
    """Take in files that came, changed or went (None), and publish what that changes."""
    finish(publisher.settling(publisher.catalog.change(texts, sources)))


def confirm(publisher: Publisher, digest: str, who: str) -> Losses:
    """Let go what is guarded under this hash, and say what that was. Raises NotGuarded."""
    taken, made = publisher.confirmed(digest, who)
    finish(publisher.settling(made))
    return taken


def advance(publisher: Publisher) -> None:
    """Begin, end and hold back what is due."""
    finish(publisher.advancing())


def skip_waves(publisher: Publisher, who: str) -> list[str]:
    """Give all nodes the newest, and say in which views."""
    views = publisher.skippable()
    finish(publisher.skipping(views, who))
    return views


def tend(publisher: Publisher) -> None:
    """Let go of what no node of the last hour needs."""
    finish(publisher.tending())
