"""A server's catalog as people read it, in lines: what is published, what goes in waves, and what is held.

May import click, the output and the shapes beside it.
"""

from collections.abc import Iterator
from datetime import datetime

import click

from meshctl.cli.answers import Catalog, Held, Wave, place, wave_name, wave_reach, wave_waits
from meshctl.cli.output import ago, ahead, plural
from meshctl.envoy.bootstrap import CONTROL_PLANE


def catalog_lines(catalog: Catalog, server: str, now: datetime) -> Iterator[str]:
    """All that is to be said of the catalog at `server`: its state, its waves, and what is not served."""
    published = ago(catalog.get("published_at", ""), now)
    what = f", revision {catalog['revision']} published {published}" if catalog["revision"] else ""
    told_below = catalog["broken"] or "guarded" in catalog
    why = "" if told_below else catalog["reason"]
    yield f"catalog: {catalog['state']}{what}" + (f"; {why}" if why else "")
    for wave in catalog["waves"]:
        yield f"  {_wave(wave, now)}"
    for held in catalog["held"]:
        yield f"  {_held(held, now)}"
    for line in unserved_lines(catalog, server):
        yield f"  {line}"


def unserved_lines(catalog: Catalog, server: str) -> Iterator[str]:
    """What is not served as it stands on disk, with its line, or with what to type if it is meant."""
    for broken in catalog["broken"]:
        problem = f"{broken['code']} {broken['message']}" + (f"; {broken['fix']}" if broken["fix"] else "")
        yield f"{place(broken['location'])}: {problem} (serving: {broken['serving']})"
    if guarded := catalog.get("guarded"):
        there = "" if server == CONTROL_PLANE else f" --server {server}"
        for loss in guarded["losses"]:
            yield f"would vanish, and stays served: {loss}"
        yield f"if that is meant: meshctl confirm {guarded['hash']}{there}"


def _wave(wave: Wave, now: datetime) -> str:
    """How far a change is; or why it does not go on, and the lines that it is about."""
    far = f"{wave_name(wave)}, begun {ago(wave.get('since', ''), now)}: {wave_reach(wave)}"
    if wave["stopped"]:
        refusal = wave.get("refusal")
        places = "".join(f" ({place(one)})" for one in refusal["locations"]) if refusal else ""
        return f"{far}; {click.style('stopped', fg='red')}: {wave['stopped']}{places}"
    goes_on = ahead(wave.get("goes_on_at", ""), now)
    return far + wave_waits(wave) + (f" ({goes_on})" if goes_on else "")


def _held(held: Held, now: datetime) -> str:
    """What is given to nobody, since when, why, and the lines that it is about."""
    places = "".join(f" ({place(one)})" for one in held["locations"])
    why = "not answered" if held["cause"] == "silent" else "refused"
    who = f"{held['type']} {held['resource']}, {why} by {plural(held['nodes'], 'node')}"
    since = ago(held.get("since", ""), now)
    return f"held for {held['view']} {since}: {who}: {held['reason']}{places} (serving: {held['serving']})"
