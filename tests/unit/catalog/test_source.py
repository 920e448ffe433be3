import subprocess
import sys
from collections.abc import Callable

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from meshctl.catalog.folder import Unreadable
from meshctl.catalog.source import Kind, read_source
from meshctl.problems import Place, findings

VOICE = b"# ours\nservice: voice\nport: 8080\nendpoints: [10.0.0.1]\ntimeouts:\n  request: 3s\n"


def test_a_right_file_is_its_entry() -> None:
    source = read_source("platform/voice.yaml", VOICE)
    assert (source.kind, source.name, source.team) == (Kind.SERVICE, "voice", "platform")
    assert source.problems == ()
    assert source == read_source("platform/voice.yaml", b"# more\n" + VOICE)


@pytest.mark.parametrize(
    ("place", "span"),
    [
        (Place("", ()), "2:1"),
        (Place("", ("port",)), "3:7"),
        (Place("", ("port",), on_key=True), "3:1"),
        (Place("", ("endpoints", 0)), "4:13"),
        (Place("", ("endpoints", 7)), "4:12"),
        (Place("", ("timeouts", "request")), "6:12"),
        (Place("", ("timeouts", "connect")), "6:3"),
        (Place("", ("versions", "v1", "endpoints", 0)), "2:1"),
        (Place("", ("port", "x", 3)), "3:7"),
    ],
)
def test_a_part_is_located_or_the_nearest_one_around_it(place: Place, span: str) -> None:
    source = read_source("platform/voice.yaml", VOICE)
    assert str(source.locate(place)) == f"platform/voice.yaml:{span}"


@pytest.mark.parametrize(
    ("file", "text", "kind"),
    [
        ("t/a.yaml", b"service: a\nport: [", Kind.SERVICE),
        ("t/a.yaml", b"port: [\ngateway: a\n", Kind.GATEWAY),
        ("t/a.yaml", b"service: a\nport: 1\n", Kind.SERVICE),
        ("t/a.yaml", b"port: [", None),
        ("t/a.yaml", b"", None),
        ("mesh.yaml", b"[", Kind.MESH),
        ("defaults.yaml", b"", Kind.DEFAULTS),
        ("mesh.yaml", b"- a", Kind.MESH),
    ],
)
def test_a_broken_file_still_binds_its_name(file: str, text: bytes, kind: Kind | None) -> None:
    source = read_source(file, text)
    assert (source.kind, source.entry) == (kind, None)
    assert source.problems


def test_a_file_that_cannot_be_read_is_a_problem() -> None:
    source = read_source("t/a.yaml", Unreadable("is not a regular file"))
    (found,) = findings(source.problems, source.locate)
    assert str(found) == (
        "t/a.yaml:1:1: MSH0101 the file is not a regular file;"
        " make it a file that meshctl may read, or remove it"
    )


RIGHT = "service: voice\nport: 1\nendpoints: []\n"


@pytest.mark.parametrize(
    ("file", "text", "lines"),
    [
        ("voice.yaml", RIGHT, ["1:1: MSH0109 the file stands beside the teams' folders, not in one;"
                               " move it into its team's folder, such as platform/voice.yaml"]),
        ("a/b/voice.yaml", RIGHT, ["1:1: MSH0109 the file stands too deep: the folder 'a' is its team;"
                                   " move it to a/voice.yaml"]),
        ("a/voice.yml", RIGHT, ["1:1: MSH0109 the file ends in '.yml'; rename it to voice.yaml"]),
        ("mesh.yml", "format: 1\nedition: 2026.11\nname: a\n", [
            "1:1: MSH0109 the file ends in '.yml'; rename it to mesh.yaml"]),
        ("A B/voice.yaml", RIGHT, ["1:1: MSH0109 the folder 'A B' is not the name of a team; rename it:"
                                   " a name has a-z, 0-9 and '-' within, at most 63 of them"]),
        ("a/sync.yaml", RIGHT, ["1:10: MSH0110 the service is named 'voice', and its file 'sync';"
                                " write service: sync, or rename the file to voice.yaml"]),
        ("a/Voice.yaml", RIGHT, ["1:10: MSH0110 the service is named 'voice', and its file 'Voice';"
                                 " rename the file to voice.yaml"]),
        ("a/mesh.yaml", "format: 1\n", [
            "1:1: MSH0218 the entry has none of the keys service and gateway, so its kind is unknown;"
            " move the file to mesh.yaml beside the teams' folders"]),
        ("a/b.yaml", "servce: b\n", ["1:1: MSH0218 the entry has none of the keys service and gateway, so its"
                                     " kind is unknown; write 'service' instead of 'servce'"]),
        ("a/b.yaml", "port: 1\n", ["1:1: MSH0218 the entry has none of the keys service and gateway, so its"
                                   " kind is unknown; add service: b"]),
        ("a/b.yaml", "service: b\ngateway: b\n", [
            "2:1: MSH0218 the entry has both of the keys service and gateway (see a/b.yaml:1:10);"
            " keep one of the two, and write the other entry in a file of its own"]),
        ("a/b.yaml", "- a\n", ["1:1: MSH0105 the file is not a mapping of keys;"
                               " write the keys of the entry, such as service: NAME"]),
        ("a/b.yaml", "service: b\nport: 1\nport: 2\nendpoints: !x []\n<<: {}\n? [a]\n: 1\n", [
            "3:1: MSH0107 the key 'port' stands in line 2 already; keep one of the two",
            "4:12: MSH0108 tags such as '!x' have no meaning here; remove the tag; the key decides the type",
            "5:1: MSH0108 merge keys '<<' are not part of YAML 1.2; write the keys out here",
            "6:3: MSH0108 a key is a text, not a list or mapping; write a text"]),
        ("a/b.yaml", b"service: b\n\nx: caf\xe9\n", [
            "3:7: MSH0102 byte 0xe9 is not UTF-8; save the file as UTF-8"]),
        ("a/b.yaml", b"service: b\nx: a\0b\n", ["2:5: MSH0102 there is a character U+0000, which is no text;"
                                                " remove it, or write it as an escape in double quotes"]),
    ],
)  # fmt: skip
def test_a_wrong_file_is_told_with_what_to_write(
    told: Callable[..., list[str]], file: str, text: str | bytes, lines: list[str]
) -> None:
    assert told(text, file) == lines


KEYS = st.sampled_from(
    ["service", "gateway", "port", "endpoints", "versions", "serving", "uses", "routes", "match", "path",
     "to", "respond", "status", "sites", "hosts", "open_to", "listeners", "bind", "expose", "timeouts",
     "request", "retries", "on", "headers", "methods", "aliases", "x-a", "v1",
     "description", "format", "egress", "name"]
)  # fmt: skip
LEAVES = st.sampled_from(
    ["a", "8080", "'8080'", "10.0.0.1", "/a/**", "5%", "15s", "~", "''", '"\\n"', "[]", "{}"]
)
VALUES = st.recursive(
    LEAVES,
    lambda inner: st.one_of(
        st.lists(inner, max_size=3).map(lambda items: f"[{', '.join(items)}]"),
        st.dictionaries(KEYS, inner, max_size=4).map(
            lambda pairs: "{" + ", ".join(f"{key}: {value}" for key, value in pairs.items()) + "}"
        ),
    ),
    max_leaves=12,
)
ENTRIES = st.dictionaries(KEYS, VALUES, max_size=8).map(
    lambda pairs: "".join(f"{key}: {value}\n" for key, value in pairs.items()).encode()
)
FILES = st.sampled_from(["t/a.yaml", "mesh.yaml", "defaults.yaml"])


@settings(deadline=None)  # 20,000 wrong addresses take their time
@given(FILES, st.one_of(st.binary(max_size=200), ENTRIES))
@example("t/a.yaml", b"service: a\nx: " + b"[" * 200_000)
@example("t/a.yaml", b"service: a\nx: [" + b"a: b," * 190_000)
@example("t/a.yaml", b"service: a\n? " + b"k" * 900_000 + b"\n: 1\n")
@example("t/a.yaml", b"service: " + b"b" * 900_000)
@example("t/a.yaml", b"service: a\nendpoints: [" + b"x," * 20_000 + b"]\n")
def test_any_text_gives_an_entry_or_problems_with_a_place_and_a_fix(file: str, text: bytes) -> None:
    source = read_source(file, text)
    assert (source.entry is None) == bool(source.problems)
    assert len(source.problems) <= 110 + text.count(b"\n")
    for found in findings(source.problems, source.locate):
        assert found.span.file == file
        assert found.fix
        assert len(found.message) + len(found.fix) < 600


def test_reading_needs_no_grpc_no_protobuf_and_no_event_loop() -> None:
    program = "import sys, meshctl.catalog.source, meshctl.catalog.edit; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    modules = set(loaded.stdout.split())
    assert not modules & {"grpc", "google.protobuf", "envoy", "asyncio"}
