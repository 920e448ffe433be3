"""What a catalog costs: reading, compiling cold, memory, edits, and trouble, at three sizes.

    python bench/compile.py [SIZE ...]

Every service has 10 endpoints and uses a hub and two others. An edit is timed from the new text of one
file to the bytes of the next snapshot, with every sidecar's view open; each figure is the median of
several edits, in milliseconds. "half read" and "half" are new endpoints in every other file at once: to
read them, which any thread can do, and to take them in. "held" is an edit while another file is held back
for a misspelt name; "chain" removes half of a ring of services of which each uses the next, so that all of
them come back, one after the other. "restart" compiles all over what is served; "other bytes" does so over
equal messages in other bytes, each of which is judged and keeps them. "plan" is what `meshctl plan` takes, in
a thread but for "its copy"; "meanwhile" is an edit while it is made, "at worst" the slowest of them. Each
size runs in a process of its own, so that memory is its own.
"""

import gc
import json
import resource
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from statistics import median

from meshctl.catalog.source import read_source
from meshctl.operations.admit import Admission, read_sources
from meshctl.operations.compile import WATCHED, Compiler, view_keys
from meshctl.operations.proposal import Basis, propose
from meshctl.operations.resolve import Resolver
from meshctl.snapshot import Snapshot
from meshctl.snapshot.encode import assemble

SIZES = (100, 1_000, 5_000)
ENDPOINTS = 10
EDITS = 15
_PAUSE_S = 0.03  # between edits while a plan is made
_ANOTHER_NAME = b"\x0a\x01x"  # a name is field 1 of every resource
MESH = "format: 1\nedition: 2026.11\nname: bench\n"


def service_text(number: int, services: int, *, endpoint: int = 0, alias: str = "") -> str:
    """The file of one service; number 0 is the hub that all others use."""
    uses = sorted({0, (number + 1) % services, (number + 7) % services} - {number}) if number else []
    addresses = [
        f"10.{number >> 8}.{number & 255}.{1 + (last + endpoint) % 250}" for last in range(ENDPOINTS)
    ]
    lines = [f"service: {name(number)}", "port: 8080", f"endpoints: [{', '.join(addresses)}]"]
    lines += [f"uses: [{', '.join(map(name, uses))}]"] if uses else []
    lines += [f"aliases: [{alias}]"] if alias else []
    return "\n".join(lines) + "\n"


def name(number: int) -> str:
    """The name of a service by its number."""
    return f"s{number}" if number else "hub"


def measure(services: int) -> dict[str, float]:
    """All figures at one size, in milliseconds and MB."""
    texts = {"mesh.yaml": MESH} | {f"team/{name(n)}.yaml": service_text(n, services) for n in range(services)}
    gc.disable()
    start = time.perf_counter()
    for file, text in texts.items():
        read_source(file, text.encode())
    read = time.perf_counter()
    resolver = Resolver(WATCHED)
    compiler, admission = Compiler(resolver), Admission(resolver)
    admission.change({file: text.encode() for file, text in texts.items()})
    for key in view_keys(resolver):
        compiler.open(key)
    snapshot = compiler.publish()
    compiled = time.perf_counter()
    if resolver.problems():
        raise SystemExit(f"the catalog of the benchmark has problems: {resolver.problems()[0]}")
    gc.freeze()
    gc.enable()
    return {
        "services": services,
        "resources": len(snapshot.resources),
        "read": 1000 * (read - start),
        "compile": 1000 * (compiled - read) - 1000 * (read - start),  # admission reads the texts once more
        "memory": _megabytes(),
        "leaf": _edit(admission, compiler, services, services // 2, lambda n: {"endpoint": n}),
        "hub endpoint": _edit(admission, compiler, services, 0, lambda n: {"endpoint": n}),
        "hub host": _edit(admission, compiler, services, 0, lambda n: {"alias": f"hub{n}.internal"}),
        **_half(admission, compiler, services),
        "held": _held(admission, compiler, services),
        "chain": _chain(services),
        "restart": _restart(resolver, compiler.snapshot),
        "other bytes": _restart(resolver, _in_other_bytes(compiler.snapshot)),
        **_plan(admission, compiler, services),
    }


def _edit(
    admission: Admission,
    compiler: Compiler,
    services: int,
    number: int,
    change: Callable[[int], dict[str, object]],
) -> float:
    """The median of several edits of one service's file, from its text to the next snapshot's bytes."""
    file, times = f"team/{name(number)}.yaml", []
    for edit in range(1, EDITS + 1):
        text = service_text(number, services, **change(edit)).encode()  # type: ignore[arg-type]
        before, start = compiler.snapshot.revision, time.perf_counter()
        admission.change({file: text})
        after = compiler.publish().revision
        times.append(1000 * (time.perf_counter() - start))
        if after == before:
            raise SystemExit(f"an edit of {file} changed nothing")
    return median(times)


def _half(admission: Admission, compiler: Compiler, services: int) -> dict[str, float]:
    """Every other file changes at once: a branch is checked out."""
    numbers = range(0, services, 2)
    texts = {f"team/{name(n)}.yaml": service_text(n, services, endpoint=EDITS + 1).encode() for n in numbers}
    start = time.perf_counter()
    sources = read_sources(texts)
    read = time.perf_counter()
    changed = len(admission.change(texts, sources=sources).changes)
    compiler.publish()
    done = time.perf_counter()
    if changed != len(texts):
        raise SystemExit("not all of the half that changed is served")
    return {"half read": 1000 * (read - start), "half": 1000 * (done - read)}


def _held(admission: Admission, compiler: Compiler, services: int) -> float:
    """An edit while another file names a service that nearly all others are near to."""
    misspelt = service_text(1, services).replace("uses: [", "uses: [s99999, ").encode()
    if not admission.change({"team/s1.yaml": misspelt}).held:
        raise SystemExit("the misspelt name is not held back")
    return _edit(admission, compiler, services, services // 2, lambda n: {"endpoint": n})


def _chain(services: int) -> float:
    """Half of a ring is removed, and comes back name by name, since the rest still leads to it."""
    ring = {f"team/s{n}.yaml": _linked(n, services) for n in range(services)}
    admission = Admission(Resolver())
    admission.change({"mesh.yaml": MESH.encode(), **ring})
    guarded = admission.change(dict.fromkeys([*ring][: services // 2])).guarded
    start = time.perf_counter()
    _, outcome = admission.confirm(guarded.hash)
    if len(outcome.held) != services // 2:
        raise SystemExit("a part of the chain is gone")
    return 1000 * (time.perf_counter() - start)


def _linked(number: int, services: int) -> bytes:
    after = (number + 1) % services
    return f"service: s{number}\nport: 80\nendpoints: [10.0.0.1]\nuses: [s{after}]\n".encode()


def _restart(resolver: Resolver, served: Snapshot) -> float:
    """A start on what was served last, of which nothing may go out anew."""
    again = Resolver(WATCHED)
    again.change(dict(resolver.sources))
    compiler, start = Compiler(again, served), time.perf_counter()
    for key in view_keys(again):
        compiler.open(key)
    if compiler.publish() is not served:
        raise SystemExit("a restart changed what is served")
    return 1000 * (time.perf_counter() - start)


def _plan(admission: Admission, compiler: Compiler, services: int) -> dict[str, float]:
    """An edit of one service planned, with nodes of all services; and such edits made while it is planned."""
    texts = {**admission.good, "team/s2.yaml": service_text(2, services, endpoint=EDITS + 3).encode()}
    views = tuple(view_keys(admission.resolver))
    start = time.perf_counter()
    twin = admission.twin(Resolver(WATCHED), frozenset)
    copied = time.perf_counter()
    proposal = propose(Basis(twin, compiler.snapshot, views), texts)
    done = time.perf_counter()
    if len(proposal.plan.resources) != 1:
        raise SystemExit("the plan of one endpoint is not one resource")
    twin = admission.twin(Resolver(WATCHED), frozenset)
    planning = threading.Thread(target=propose, args=(Basis(twin, compiler.snapshot, views), texts))
    planning.start()
    meanwhile = [_leaf(admission, compiler, services, 2 * EDITS)]
    while planning.is_alive():
        meanwhile.append(_leaf(admission, compiler, services, 2 * EDITS + len(meanwhile)))
        planning.join(_PAUSE_S)
    return {
        "plan": 1000 * (done - copied),
        "its copy": 1000 * (copied - start),
        "meanwhile": median(meanwhile),
        "at worst": max(meanwhile),
    }


def _leaf(admission: Admission, compiler: Compiler, services: int, endpoint: int) -> float:
    """One more edit of a service."""
    number = services // 2
    text = service_text(number, services, endpoint=endpoint).encode()
    start = time.perf_counter()
    admission.change({f"team/{name(number)}.yaml": text})
    compiler.publish()
    return 1000 * (time.perf_counter() - start)


def _in_other_bytes(served: Snapshot) -> Snapshot:
    """The same messages, each with a name before its own: of two of a field, the last one counts."""
    twice = (
        assemble(
            one.key, _ANOTHER_NAME + one.head, one.parts, one.needs, empty=one.empty, address=one.address
        )
        for one in served.resources.values()
    )
    return served.publish({one.key: one for one in twice}, {})


def _megabytes() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def main() -> None:
    """Print a row for each size, and the ratio of the largest to the smallest."""
    if sys.argv[1:2] == ["--one"]:
        print(json.dumps(measure(int(sys.argv[2]))))
        return
    rows = [_run(size) for size in map(int, sys.argv[1:] or map(str, SIZES))]
    print("".join(f"{title:>14}" for title in rows[0]))
    for row in rows:
        print("".join(f"{value:>14,.{0 if value == int(value) else 2}f}" for value in row.values()))
    print("times in ms, memory of the whole process in MB")
    print("edits: from the file's new text to the bytes of the next snapshot")
    for edit in ("leaf", "hub endpoint", "hub host", "half", "held", "chain"):
        ratio = rows[-1][edit] / rows[0][edit]
        print(f"{edit}: {ratio:.2f} times as much at {rows[-1]['services']:,} as at {rows[0]['services']:,}")
    ratio = rows[-1]["other bytes"] / rows[-1]["restart"]
    print(f"a restart over other bytes takes {ratio:.2f} times as long as one over the same")
    ratio = rows[-1]["meanwhile"] / rows[-1]["leaf"]
    print(f"an edit takes {ratio:.2f} times as long while a plan is made")


def _run(size: int) -> dict[str, float]:
    done = subprocess.run(
        [sys.executable, __file__, "--one", str(size)], check=True, capture_output=True, text=True
    )
    figures: dict[str, float] = json.loads(done.stdout)
    return figures


if __name__ == "__main__":
    main()
