"""`meshctl explain`: what a key, a kind of entry or a code means.

May import the operation and its neighbours; no protobuf.
"""

from collections.abc import Iterator, Mapping, Sequence

import click
from click.shell_completion import CompletionItem

from meshctl.cli.errors import Failure
from meshctl.cli.options import output_option
from meshctl.cli.output import write
from meshctl.operations.explain import (
    KeyPage,
    KindPage,
    NoSuchKey,
    Page,
    Several,
    explain,
    names,
    without,
)
from meshctl.problems import Code


class _Name(click.ParamType[str]):
    """A name that can be explained; a shell completes it."""

    name = "KEY|CODE"

    def shell_complete(
        self, ctx: click.Context, param: click.Parameter, incomplete: str
    ) -> list[CompletionItem]:
        """All that begins so, whole or without the kind of entry before it."""
        known = [name.replace("[]", "") for name in names()]
        shorter = [name.partition(".")[2] for name in known if "." in name]
        return [
            CompletionItem(name) for name in dict.fromkeys((*known, *shorter)) if name.startswith(incomplete)
        ]


@click.command("explain")
@click.argument("name", metavar="KEY|CODE", type=_Name())
@output_option("text", "json", "yaml")
def command(name: str, form: str) -> None:
    """Say what a key of the catalog, a kind of entry or an error means.

    KEY is the way to a key, such as timeouts.request or gateway.sites.routes.match, or a kind of entry:
    service, gateway, mesh or defaults. CODE is the code of an error, such as MSH0206.
    """
    try:
        page = explain(name)
    except (NoSuchKey, Several) as error:
        raise Failure(
            str(error), then="meshctl explain service" if isinstance(error, NoSuchKey) else ""
        ) from None
    if form != "text":
        return write(_data(page), form)
    for line in _lines(page):
        click.echo(line)
    return None


def _lines(page: Page) -> Iterator[str]:
    match page:
        case Code():
            yield from _code(page)
        case KindPage():
            yield f"{page.kind}: {page.means} It stands in {page.file}."
            yield ""
            yield from _columns(page.keys)
            yield ""
            yield f"more: meshctl explain {page.keys[-1][0].replace('[]', '')}"
        case KeyPage():
            yield from _key(page)


def _code(code: Code) -> Iterator[str]:
    yield f"{code.code}: {code.title}"
    yield ""
    yield code.why
    for title, text in (("instead of", code.bad), ("write", code.good)):
        yield ""
        yield f"{title}:"
        yield from (f"  {line}" for line in text.splitlines())


def _key(page: KeyPage) -> Iterator[str]:
    yield page.path
    yield ""
    yield page.means
    yield ""
    yield from _columns(_facts(page))
    if page.below:
        yield ""
        yield "its keys:"
        yield from (f"  {line}" for line in _columns(page.below))
    yield ""
    yield "example:"
    yield from (f"  {line}" for line in page.example.splitlines())


def _facts(page: KeyPage) -> Iterator[tuple[str, str]]:
    yield "takes", page.takes
    if page.required:
        yield "", "must be there"
    elif said := without(page):
        yield "without it", said
    for title, values in (
        ("also at", page.also),
        ("Envoy", page.envoy),
        ("mistakes", tuple(f"{code.code} {code.title}" for code in page.mistakes)),
    ):
        yield from zip((title, *[""] * len(values)), values, strict=False)


def _columns(rows: Sequence[tuple[str, str]] | Iterator[tuple[str, str]]) -> Iterator[str]:
    rows = list(rows)
    width = max(len(name) for name, _ in rows) + 2
    yield from (f"{name.ljust(width)}{text}" for name, text in rows)


def _data(page: Page) -> Mapping[str, object]:
    match page:
        case Code():
            return {
                "code": page.code,
                "title": page.title,
                "why": page.why,
                "bad": page.bad,
                "good": page.good,
            }
        case KindPage():
            return {
                "kind": page.kind,
                "means": page.means,
                "file": page.file,
                "keys": [{"key": key, "means": means} for key, means in page.keys],
            }
        case KeyPage():
            return {
                "key": page.path,
                "means": page.means,
                "takes": page.takes,
                "required": page.required,
                "default": {"edition": page.edition, "by_protocol": dict(page.without)},
                "example": page.example,
                "envoy": list(page.envoy),
                "mistakes": [code.code for code in page.mistakes],
                "also": list(page.also),
                "keys": [{"key": key, "means": means} for key, means in page.below],
            }
