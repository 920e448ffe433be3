"""A plan as people and programs read it: tables and a line on stdout, or the documented data.

May import click, the output and the shapes beside it. docs/plan.md tells the data; a test holds it to that.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict
from pathlib import Path

import click

from meshctl.cli.output import plural, table
from meshctl.cli.planned import Planned, PlannedResource, PlannedView
from meshctl.problems import Finding, Span

COLORS = {"+": "green", "~": "yellow", "-": "red"}

_NAMED = 3  # nodes in a cell
_OUTCOMES = {"taken": "", "held": "held back", "guarded": "guarded"}
_CONNECTIONS = {
    "pool rebuild": "connections to endpoints are replaced, once their requests are answered",
    "listener drain": "clients' connections close after Envoy's drain time",
    "refused": "Envoy does not take it while it runs, and keeps what it has",
}


def summary(signs: Iterable[str]) -> str:
    """How much changes, in a line."""
    counted = list(signs)
    words = (("+", "add"), ("~", "change"), ("-", "remove"))
    return f"Plan: {', '.join(f'{counted.count(sign)} to {word}' for sign, word in words)}."


def findings(planned: Planned) -> list[Finding]:
    """What keeps entries from being served, by the paths within the catalog."""
    return sorted(
        Finding(Span(**one["location"]), one["code"], one["message"], one["fix"])
        for one in planned["problems"]
    )


def text(planned: Planned, root: Path) -> str:
    """What people read, but for the problems."""
    blocks = (_entries(planned, root), _resources(planned), [*_guarded(planned)], [_total(planned)])
    return "\n\n".join("\n".join(block) for block in blocks if block)


def data(planned: Planned, root: Path) -> Mapping[str, object]:
    """What programs read: the shape of docs/plan.md."""
    views = _by_name(planned)
    return {
        "revision": planned["revision"],
        "live": planned["live"],
        "wanted": planned["wanted"],
        "impact": planned["impact"],
        "entries": [{**one, "file": str(root / one["file"])} for one in planned["entries"]],
        "resources": [
            {**one, "nodes": sum(views[view]["nodes"] for view in one["views"])}
            for one in planned["resources"]
        ],
        "views": planned["views"],
        "problems": [
            {
                **one["location"],
                "file": str(root / one["location"]["file"]),
                "code": one["code"],
                "message": one["message"],
                "fix": one["fix"],
                "serving": one["serving"],
            }
            for one in planned["problems"]
        ],
        "guarded": planned.get("guarded"),
    }


def finding_data(finding: Finding) -> dict[str, object]:
    """A problem for programs, as in the plan's data."""
    return {
        **asdict(finding.span),
        "code": finding.code,
        "message": finding.message,
        "fix": finding.fix,
    }


def _entries(planned: Planned, root: Path) -> list[str]:
    rows = [
        [
            _colored(one["sign"]),
            f"{one['kind']} {one['name']}".strip(),
            str(root / one["file"]),
            _OUTCOMES[one["outcome"]],
        ]
        for one in planned["entries"]
    ]
    return [table(("", "entry", "file", ""), rows)] if rows else []


def _resources(planned: Planned) -> list[str]:
    views = _by_name(planned)
    rows = [_row(one, views) for one in planned["resources"]]
    head = ("", "type", "resource", "impact", "goes", "nodes", "fields")
    return [table(head, rows), *_closed(planned, views)] if rows else []


def _total(planned: Planned) -> str:
    entries = planned["entries"]
    waiting = sum(one["outcome"] != "taken" for one in entries)
    more = f" Not served as they stand: {waiting:,} of these." if waiting else ""
    return summary(one["sign"] for one in entries) + more


def _row(one: PlannedResource, views: Mapping[str, PlannedView]) -> list[str]:
    told = _nodes(one["views"], views)
    fields = ", ".join(one["fields"])
    return [_colored(one["sign"]), one["type"], one["name"], one["impact"], one["goes"], told, fields]


def _closed(planned: Planned, views: Mapping[str, PlannedView]) -> Iterator[str]:
    """What ends, and at how many nodes, the gravest first."""
    for impact, words in reversed(_CONNECTIONS.items()):
        at = {view for one in planned["resources"] if one["impact"] == impact for view in one["views"]}
        if at:
            count = sum(views[view]["nodes"] for view in at)
            yield f"{impact} at {plural(count, 'connected node')}: {words}"


def _guarded(planned: Planned) -> Iterator[str]:
    if "guarded" in planned:
        for loss in planned["guarded"]["losses"]:
            yield f"would vanish, and stays served: {loss}"
        yield f"if that is meant, once the server has it: meshctl confirm {planned['guarded']['hash']}"


def _nodes(names: Iterable[str], views: Mapping[str, PlannedView]) -> str:
    """The nodes of some views: by id where they are few."""
    found = [views[name] for name in names]
    count = sum(one["nodes"] for one in found)
    if count > _NAMED:
        return plural(count, "node")
    return ", ".join(sorted(node for one in found for node in one["ids"])) or "none connected"


def _by_name(planned: Planned) -> Mapping[str, PlannedView]:
    return {one["view"]: one for one in planned["views"]}


def _colored(sign: str) -> str:
    return click.style(sign, fg=COLORS[sign])
