"""What others see of the loaded files while a change of them is made in a thread."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

from meshctl.catalog.source import Kind, read_source
from meshctl.operations.resolve import Resolver
from tests.support.catalogs import service

FILE = "a/web.yaml"


@contextmanager
def seen_at_each_line(resolver: Resolver) -> Iterator[list[tuple[bool, bool]]]:
    """Whether the service is declared, and its file loaded, at each line that is run meanwhile."""
    seen: list[tuple[bool, bool]] = []

    def look(_frame: FrameType, _event: str, _value: object) -> object:
        seen.append((resolver.declares(Kind.SERVICE, "web"), FILE in resolver.sources))
        return look

    before = sys.gettrace()
    sys.settrace(look)  # type: ignore[arg-type]
    try:
        yield seen
    finally:
        sys.settrace(before)


def test_name_is_declared_all_the_time_while_its_file_is_loaded_anew() -> None:
    resolver = Resolver()
    resolver.change({FILE: read_source(FILE, service("web"))})
    with seen_at_each_line(resolver) as seen:
        resolver.change({FILE: read_source(FILE, service("web") + b"timeouts: {request: 7s}\n")})
    assert set(seen) == {(True, True)}


def test_name_of_another_kind_is_declared_no_more() -> None:
    resolver = Resolver()
    resolver.change({FILE: read_source(FILE, service("web"))})
    resolver.change({FILE: read_source(FILE, b"gateway: web\nlisteners: []\n")})
    assert not resolver.declares(Kind.SERVICE, "web")
    assert resolver.declares(Kind.GATEWAY, "web")
    resolver.change({FILE: None})
    assert not resolver.declares(Kind.GATEWAY, "web")
    assert FILE not in resolver.sources
