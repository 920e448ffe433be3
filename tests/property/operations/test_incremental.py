"""After any edits, what was compiled step by step is what compiling the last state from nothing gives.

No bytes of another build are among the predecessors here: then what is kept for an equal message is, byte for
byte, what a cold compile gives. So this holds `operations.keep` too: one message that was wrongly taken for
equal to the one before would show its old bytes.
"""

from hypothesis import given
from hypothesis import strategies as st

from meshctl.catalog.source import read_source
from meshctl.names import Ref, Role, ViewKey
from meshctl.operations.compile import WATCHED, Compiler
from meshctl.operations.resolve import Resolver
from meshctl.snapshot import Snapshot

MESH = "format: 1\nedition: 2026.11\nname: small\n"
NAMES = ("a", "b", "c")
VIEWS = (
    *(ViewKey(Role.SIDECAR, (name,), "1.40") for name in NAMES),
    ViewKey(Role.SIDECAR, ("a", "b"), "1.40", "127.0.0.1:15101"),
    ViewKey(Role.SIDECAR, ("a",), "grpc"),
    ViewKey(Role.GATEWAY, ("edge",), "1.40"),
)


@st.composite
def services(draw: st.DrawFn, name: str) -> str:
    """The text of a service, often a good one."""
    lines = [f"service: {name}", "port: 80"]
    if draw(st.booleans()):
        address = f"[127.0.0.{draw(st.integers(1, 3))}]"
        lines.append(f"endpoints: {draw(st.sampled_from([address, '{dns: localhost}']))}")
    else:
        lines.append("versions: {v1: {endpoints: [127.0.0.1]}, v2: {endpoints: [127.0.0.2]}}")
        lines.append(f"serving: {draw(st.sampled_from(['v1', 'v2', '{v1: 90%, v2: 10%}']))}")
    others = [other for other in NAMES if other != name]
    uses = draw(st.lists(st.sampled_from([*others, "nobody"]), unique=True, max_size=2))
    lines.append(f"uses: [{', '.join(uses)}]")
    lines.append(f"aliases: [{draw(st.sampled_from(['', 'x.internal', name + '.internal']))}]")
    if draw(st.booleans()):
        lines.append(f"health: {{path: /, from: {draw(st.sampled_from(['gateways', 'callers', 'nobody']))}}}")
    if draw(st.booleans()):
        lines.append("routes: [{match: {path: /ping}, respond: {status: 200}}]")
    if draw(st.booleans()):
        path = draw(st.sampled_from(["/a/**", f"/{name}/**", "/x/{id}"]))
        lines.append(f"expose: [{{on: edge, host: api.example.com, match: {{path: '{path}'}}}}]")
    return "\n".join(lines) + "\n"


GATEWAYS = st.builds(
    lambda port, target: (
        f"gateway: edge\nlisteners: [{{bind: '127.0.0.1:{port}'}}]\n"
        "sites:\n"
        "- {hosts: [api.example.com], open_to: {a: [/a/**, '/x/{id}'], b: [/**], team: [/c/**]}}\n"
        f"- {{hosts: [www.example.com], routes: [{{to: {target}}}]}}\n"
    ),
    st.sampled_from([8000, 8001]),
    st.sampled_from(["a", "b/v1", "{a: 90%, c: 10%}"]),
)
DEFAULTS = st.sampled_from(["", "service: {timeouts: {request: 5s}}\n"])
EDITS = st.one_of(
    *(st.tuples(st.just(f"team/{name}.yaml"), st.none() | services(name)) for name in NAMES),
    st.tuples(st.just("other/a.yaml"), st.none() | services("a")),
    st.tuples(st.just("team/edge.yaml"), st.none() | GATEWAYS),
    st.tuples(st.just("defaults.yaml"), st.none() | DEFAULTS),
    st.tuples(st.just("mesh.yaml"), st.none() | st.sampled_from([MESH, MESH + "domain: local\n"])),
)


@given(st.lists(EDITS, min_size=1, max_size=12))
def test_after_any_edits_the_bytes_are_those_of_a_cold_compile(edits: list[tuple[str, str | None]]) -> None:
    warm = _compiler()
    texts: dict[str, str | None] = {"mesh.yaml": MESH}
    _load(warm, texts)
    for file, text in edits:
        _load(warm, {file: text})
        texts[file] = text
        warm.publish()
    cold = _compiler()
    _load(cold, dict(sorted(texts.items())))
    assert _told(warm) == _told(cold)
    assert _bytes(warm.publish(), cold.publish()) == _bytes(cold.publish(), cold.publish())


def _compiler() -> Compiler:
    compiler = Compiler(Resolver(WATCHED))
    for key in VIEWS:
        compiler.open(key)
    return compiler


def _load(compiler: Compiler, texts: dict[str, str | None]) -> None:
    sources = {
        file: None if text is None else read_source(file, text.encode()) for file, text in texts.items()
    }
    compiler.resolver.change(sources)


def _told(compiler: Compiler) -> list[str]:
    return [str(found) for found in compiler.resolver.findings(compiler.resolver.problems())]


def _bytes(snapshot: Snapshot, live: Snapshot) -> dict[str, dict[Ref, bytes]]:
    """Every view that `live` has, by the bytes of its resources; one whose service is gone stays frozen."""
    views = {name: snapshot.view(name) for name in live.views}
    return {name: {r.ref: r.body for r in view.resources()} for name, view in views.items() if view}
