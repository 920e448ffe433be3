"""Random catalogs: every key of the language, up to the edges of what it takes and a little beyond.

Each entry is written as JSON, which is YAML too. What is beyond is for `operations.admit` to keep out.
"""

import json
import re
import string
from collections.abc import Mapping

from hypothesis import strategies as st

from meshctl.catalog.keys.protocol import Protocol
from meshctl.catalog.keys.retries import CONDITIONS

SERVICES = tuple(f"s{number}" for number in range(6))
GATEWAYS = ("edge", "g" * 63)
TEAM = "team"
PROTOCOLS = tuple(protocol.value for protocol in Protocol if not protocol.is_tcp)
CONNECTED = ("t0", "t1")
"""Services whose connections are passed on as they are."""

_NO_TEXT = re.compile("[\x7f-\x9f\ufffe\uffff\u2028\u2029\ufeff]")
"""Characters that YAML takes only as escapes, and JSON leaves as they are."""

_LOWER = string.ascii_lowercase + string.digits
_PCHAR = string.ascii_letters + string.digits + "._~!$&'()+,;:@-="
_BEYOND = st.text(max_size=12)
"""Any text where another is wanted: mostly refused."""


def _rarely(usual: st.SearchStrategy[object], rare: st.SearchStrategy[object]) -> st.SearchStrategy[object]:
    return st.integers(0, 99).flatmap(lambda number: usual if number else rare)


def _words(letters: str, first: str, least: int, most: int) -> st.SearchStrategy[str]:
    rest = st.text(letters, min_size=least - 1, max_size=most - 1)
    return st.builds(lambda head, tail: head + tail, st.sampled_from(first), rest)


_LABELS = st.one_of(
    _words(_LOWER + "-_", _LOWER + "_", 1, 12).map(lambda label: label.rstrip("-") or "x"),
    st.sampled_from(["x" * 63, "_", "1", "xn--bcher-kva", "a--b"]),
)
_HOSTS = st.one_of(
    st.lists(_LABELS, min_size=1, max_size=4).map(".".join),
    st.sampled_from(["127.0.0.1", ".".join(["y" * 63] * 3 + ["z" * 61]), "API.Example.COM"]),
)
_PATTERNS = st.one_of(_HOSTS, _HOSTS.map("*.{}".format))
_VERSIONS = st.one_of(
    st.sampled_from(["v1", "v2", "1.10", "a_b", "x" * 63, "1e3", "null"]),
    _words(_LOWER + "._-", _LOWER, 1, 8).map(lambda name: name + "z"),
)
_TIMES = st.one_of(
    st.sampled_from(["1ms", "999ms", "24h", "86400s", "1440m"]),
    st.builds("{}{}".format, st.integers(1, 1_440), st.sampled_from(["ms", "s", "m"])),
)
_PORTS = st.one_of(st.integers(1, 65_535), st.sampled_from([1, 65_535]))
_IPS = st.one_of(
    st.ip_addresses().map(str),
    st.ip_addresses(v=6).map(lambda ip: str(ip.exploded).upper()),
    st.sampled_from(["127.0.0.1", "255.255.255.255", "::1", "::ffff:10.0.0.1", "64:ff9b::1", "fe80::1"]),
)


_WEIGHTS = st.sampled_from([1, 2, 1_000])
_OWN_PORT = re.compile(r"\]:|\.[0-9]+:[0-9]")
"""An endpoint with a port, which stands beside no target_port."""


_NAMES = st.one_of(
    st.sampled_from(["localhost", "_grpc._tcp.internal", ".".join(["y" * 63] * 3 + ["z" * 61])]),
    st.builds("{}:{}".format, st.sampled_from(["voice.internal", "Voice-2.internal"]), _PORTS),
)


@st.composite
def _endpoints(draw: st.DrawFn) -> object:
    if not draw(st.integers(0, 3)):
        return {"dns": draw(_NAMES)}
    found: list[object] = []
    for ip in draw(st.lists(_IPS, max_size=4)):
        written = f"[{ip}]" if ":" in ip else ip
        address = f"{written}:{draw(_PORTS)}" if draw(st.booleans()) else ip
        found.append(draw(st.sampled_from([address, {"address": address, "weight": draw(_WEIGHTS)}])))
    return found


_LITERALS = st.one_of(
    st.text(_PCHAR, min_size=1, max_size=8),
    st.sampled_from(["%2F", "%00", "a%20b", "...", "a=b", "~", "(.+)", "$1", "x" * 300]),
    _rarely(st.just("a"), st.sampled_from(["", "(.*)", "\\1", "[a]", ".."])).map(str),
)
_SEGMENTS = st.one_of(
    _LITERALS,
    _LITERALS,
    _words(string.ascii_letters + string.digits + "_", string.ascii_letters, 1, 16).map("{{{}}}".format),
)
_PATHS = st.builds(
    lambda segments, tail: "".join(f"/{segment}" for segment in segments) + tail,
    st.lists(_SEGMENTS, max_size=7),
    st.sampled_from(["", "", "/", "/**"]),
)
_PRINTABLE = st.characters(exclude_categories=["Cs", "Cc"])
_METHODS = st.one_of(
    st.sampled_from(["GET", "POST", "PATCH", "M-SEARCH"]), _words("ABCXYZ0_-", "ABCXYZ", 1, 64)
)
_HEADER_NAMES = st.text(_LOWER + "!#$%&'*+.^_`|~-", min_size=1, max_size=20)
_HEADER_VALUES = st.text(_PRINTABLE, min_size=1, max_size=20).map(lambda value: value.strip() or "x")


@st.composite
def _matches(draw: st.DrawFn) -> dict[str, object]:
    match: dict[str, object] = {}
    if draw(st.integers(0, 3)):
        match["path"] = draw(_rarely(_PATHS, _BEYOND))
    if draw(st.booleans()):
        match["methods"] = draw(st.lists(_METHODS, min_size=1, max_size=4, unique=True))
    if draw(st.booleans()):
        names = _rarely(_HEADER_NAMES, _BEYOND)
        values = _rarely(_HEADER_VALUES, _BEYOND)
        match["headers"] = draw(st.dictionaries(names.map(str), values, min_size=1, max_size=3))
    return match


_BODIES = st.one_of(
    st.text(max_size=30), st.sampled_from(["%", "%REQ(X)%", "%%", "\0", "x" * 4096, "é" * 2048, "\r\n"])
)


@st.composite
def _responses(draw: st.DrawFn) -> dict[str, object]:
    status = draw(_rarely(st.integers(200, 599), st.integers(0, 1_000)))
    return {"status": status} | ({"body": draw(_BODIES)} if draw(st.booleans()) else {})


@st.composite
def _shares(draw: st.DrawFn, names: st.SearchStrategy[str]) -> object:
    """One name, or names with percentages that make 100."""
    some = draw(st.lists(names, min_size=1, max_size=5, unique=True))
    if len(some) == 1:
        return some[0]
    cuts = sorted(draw(st.lists(st.integers(0, 10_000), min_size=len(some) - 1, max_size=len(some) - 1)))
    parts = [after - before for before, after in zip([0, *cuts], [*cuts, 10_000], strict=True)]
    return {name: f"{part // 100}.{part % 100:02}%" for name, part in zip(some, parts, strict=True)}


@st.composite
def _routes(draw: st.DrawFn, targets: st.SearchStrategy[str]) -> list[dict[str, object]]:
    routes: list[dict[str, object]] = []
    for match in draw(st.lists(_matches(), max_size=4)):
        route: dict[str, object] = {"match": match} if match else {}
        if draw(st.booleans()):
            route["to"] = draw(_shares(targets))
        else:
            route["respond"] = draw(_responses())
        routes.append(route)
    return routes


_LIMITS = st.one_of(_TIMES, st.just("off"))


@st.composite
def _timeouts(draw: st.DrawFn) -> dict[str, object]:
    times = {"connect": _TIMES, "request": _LIMITS, "idle": _LIMITS, "keep_alive": _TIMES}
    return {key: draw(times[key]) for key in draw(st.sets(st.sampled_from(sorted(times)), min_size=1))}


@st.composite
def _retries(draw: st.DrawFn) -> dict[str, object]:
    some = st.lists(st.sampled_from(CONDITIONS), min_size=1, unique=True)
    on = st.one_of(st.sampled_from(["never_sent", "idempotent"]), some)
    keys = {"attempts": draw(st.integers(0, 10)), "on": draw(on)}
    return {key: value for key, value in keys.items() if draw(st.booleans())}


_BREAKERS = st.dictionaries(
    st.sampled_from(["connections", "pending", "requests", "retries"]), st.sampled_from([1, 7, 1_000_000])
)
_OUTLIERS = st.fixed_dictionaries(
    {},
    optional={
        "consecutive_5xx": st.sampled_from([1, 5, 1_000]),
        "eject_for": _TIMES,
        "max_ejected": st.sampled_from(["0%", "1%", "100%"]),
    },
)


_BALANCING = st.sampled_from(
    [
        {"policy": "round_robin", "slow_start": "1ms"},
        {"policy": "least_request", "slow_start": "24h"},
        {"policy": "random", "slow_start": "off"},
        {"policy": "ring_hash", "by": {"header": "X-!#$%&'*+.^_`|~-9"}},
        {"policy": "ring_hash", "by": {"query": "file[id]"}, "slow_start": "off"},
        {"policy": "maglev", "by": {"cookie": "x" * 256}},
        {"policy": "maglev", "by": "source"},
        {"slow_start": "30s"},
        {},
    ]
)


@st.composite
def _health(draw: st.DrawFn) -> dict[str, object]:
    asked: list[dict[str, object]] = [
        {"path": "/"},
        {"path": "/~%20?a=b&c=[]'\""},
        {"path": "/" + "x" * 1_023},
        {"grpc": {}},
        {"grpc": {"service": draw(st.text(_PRINTABLE, min_size=1, max_size=20))}},
        {"tcp": "connect"},
    ]
    keys: Mapping[str, st.SearchStrategy[object]] = {
        "interval": _TIMES,
        "timeout": st.sampled_from(["1ms", "1s", "60s"]),
        "unhealthy_after": st.sampled_from([1, 100]),
        "healthy_after": st.sampled_from([1, 100]),
        "from": st.sampled_from(["gateways", "callers", "nobody"]),
    }
    return draw(st.sampled_from(asked)) | {
        key: draw(values) for key, values in keys.items() if draw(st.booleans())
    }


_OF_CONNECTIONS: tuple[dict[str, str], ...] = (
    {"policy": "maglev", "by": "source"},
    {"policy": "least_request", "slow_start": "1s"},
    {},
)


def _inherited() -> st.SearchStrategy[dict[str, object]]:
    """What services and defaults.yaml may say alike."""
    keys = {
        "timeouts": _timeouts(),
        "retries": _retries(),
        "circuit_breakers": _BREAKERS,
        "health": _health(),
        "load_balancing": _BALANCING,
        "outliers": _OUTLIERS,
    }
    return st.fixed_dictionaries({}, optional=keys)


@st.composite
def _reached(draw: st.DrawFn, name: str) -> tuple[dict[str, object], list[str]]:
    """Where a service is reached, and the names of its versions."""
    entry: dict[str, object] = {"service": name, "port": draw(_PORTS)}
    if draw(st.booleans()):
        return entry | {"endpoints": draw(_endpoints())}, ["v1"]
    versions = draw(st.lists(_VERSIONS, min_size=1, max_size=3, unique=True))
    entry["versions"] = {version: {"endpoints": draw(_endpoints())} for version in versions}
    return entry | {"serving": draw(_shares(st.sampled_from(versions)))}, versions


@st.composite
def connected(draw: st.DrawFn, name: str) -> dict[str, object]:
    """A service that speaks no HTTP."""
    entry, _ = draw(_reached(name))
    protocol = draw(st.sampled_from([one.value for one in Protocol if one.is_tcp]))
    timeouts = st.fixed_dictionaries({}, optional={"connect": _TIMES, "idle": _LIMITS})
    keys = {
        "timeouts": timeouts,
        "retries": st.sampled_from([{"attempts": 0}, {"attempts": 10}]),
        "load_balancing": st.sampled_from(_OF_CONNECTIONS),
        "outliers": _OUTLIERS,
    }
    said = draw(st.fixed_dictionaries({}, optional=keys))
    return {**entry, "protocol": protocol, "egress_port": draw(_PORTS), **said}


@st.composite
def services(draw: st.DrawFn, name: str) -> dict[str, object]:
    """A service that may say everything."""
    entry, versions = draw(_reached(name))
    if draw(st.booleans()) and not _OWN_PORT.search(json.dumps(entry)):
        entry["target_port"] = draw(_PORTS)
    others = st.sampled_from([other for other in (*SERVICES, *CONNECTED) if other != name])
    extra: Mapping[str, st.SearchStrategy[object]] = {
        "protocol": st.sampled_from(PROTOCOLS),
        "affinity": st.sampled_from(
            [{"by": {"cookie": "x" * 256}}, {"by": {"cookie": "!#$%&'*+.^_`|~-9"}}, {"by": {"header": "X-A"}}]
        ),
        "uses": st.lists(others, max_size=3, unique=True),
        "aliases": st.lists(_rarely(_HOSTS, _BEYOND), max_size=3, unique=True),
        "routes": _routes(st.sampled_from([f"{name}/{version}" for version in versions])),
        "expose": st.lists(_exposures(), max_size=2),
        "egress_port": _PORTS,
        "description": _rarely(st.text(min_size=1, max_size=20), _BEYOND),
    }
    some = {key: draw(values) for key, values in extra.items() if draw(st.booleans())}
    return entry | some | draw(_inherited())


@st.composite
def _exposures(draw: st.DrawFn) -> dict[str, object]:
    exposure: dict[str, object] = {"on": draw(st.sampled_from(GATEWAYS)), "host": draw(_exposed_hosts())}
    match = draw(_matches())
    return exposure | ({"match": match} if match else {})


def _exposed_hosts() -> st.SearchStrategy[str]:
    return st.sampled_from(["open.example.com", "a.wild.example.com", "*.wild.example.com"])


_OPEN: dict[str, object] = {"hosts": ["open.example.com", "*.wild.example.com"], "open_to": {TEAM: ["/**"]}}


def _sni(hosts: dict[str, str]) -> dict[str, object]:
    return {"sni": hosts}


_PASSED_ON = st.one_of(
    st.sampled_from(CONNECTED).map(lambda name: {"tcp": name}),
    st.dictionaries(_PATTERNS, st.sampled_from(CONNECTED), min_size=1, max_size=3).map(
        lambda sni: {"sni": sni}
    ),
)


@st.composite
def gateways(draw: st.DrawFn, name: str) -> dict[str, object]:
    """A gateway with listeners, an open site and some of its own."""
    binds: list[dict[str, object]] = []
    for ip in draw(st.lists(_IPS, min_size=1, max_size=3, unique=True)):
        bind = f"[{ip}]:{draw(_PORTS)}" if ":" in ip else f"{ip}:{draw(_PORTS)}"
        binds.append({"bind": bind})
    for listener in binds[1:]:
        if draw(st.integers(0, 1)):
            listener |= draw(_PASSED_ON)
    targets = st.one_of(st.sampled_from(SERVICES), st.sampled_from([f"{one}/v1" for one in SERVICES]))
    sites: list[dict[str, object]] = [_OPEN]
    for hosts in draw(st.lists(st.lists(_PATTERNS, min_size=1, max_size=3, unique=True), max_size=2)):
        sites.append({"hosts": hosts, "routes": draw(_routes(targets)), "open_to": {TEAM: ["/**"]}})
    return {"gateway": name, "listeners": binds, "sites": sites}


_WAVES: tuple[object, ...] = (
    ["100%"],
    [1, "10%", "100%"],
    {"shares": [2, "100%"], "hold": "1s"},
    {"hold": "0s"},
)


@st.composite
def mesh_files(draw: st.DrawFn) -> dict[str, object]:
    """A mesh.yaml."""
    mesh: dict[str, object] = {
        "format": 1,
        "edition": "2026.11",
        "name": "test",
        "domain": draw(_rarely(_HOSTS, _BEYOND)),
    }
    if draw(st.booleans()):
        ip = draw(_IPS)
        mesh["egress"] = f"[{ip}]:{draw(_PORTS)}" if ":" in ip else f"{ip}:{draw(_PORTS)}"
    if draw(st.booleans()):
        mesh["waves"] = draw(st.sampled_from(_WAVES))
    return mesh


def defaults_files() -> st.SearchStrategy[dict[str, object]]:
    """A defaults.yaml."""
    protocols = st.dictionaries(st.sampled_from(PROTOCOLS), _inherited(), max_size=2)
    return st.fixed_dictionaries({"service": _inherited(), "protocol": protocols})


def files() -> st.SearchStrategy[tuple[dict[str, object], ...]]:
    """One file of each kind."""
    return st.tuples(mesh_files(), defaults_files(), services(SERVICES[0]), gateways(GATEWAYS[0]))


@st.composite
def catalogs(draw: st.DrawFn) -> dict[str, bytes]:
    """The files of a catalog, some of them perhaps wrong."""
    drawn: dict[str, object] = {"mesh.yaml": draw(mesh_files())}
    drawn |= {f"{TEAM}/{name}.yaml": draw(services(name)) for name in SERVICES}
    drawn |= {f"{TEAM}/{name}.yaml": draw(connected(name)) for name in CONNECTED}
    drawn |= {f"{TEAM}/{name}.yaml": draw(gateways(name)) for name in GATEWAYS}
    if draw(st.booleans()):
        drawn["defaults.yaml"] = draw(defaults_files())
    return {file: _written(entry) for file, entry in drawn.items()}


def _written(entry: object) -> bytes:
    text = json.dumps(entry, ensure_ascii=False)
    return _NO_TEXT.sub(lambda letter: f"\\u{ord(letter[0]):04x}", text).encode()
