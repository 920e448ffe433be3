"""`meshctl fleet` against a server that answers as told, over a real connection."""

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path

import grpc
import pytest
from envoy.config.cluster.v3.cluster_pb2 import Cluster
from google.protobuf.timestamp_pb2 import Timestamp

from meshctl.cli import client
from meshctl.cli.main import run
from meshctl.v1 import fleet_pb2 as pb
from meshctl.v1.fleet_pb2_grpc import FleetServicer, add_FleetServicer_to_server

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)


def _before(seconds: float) -> Timestamp:
    time = Timestamp()
    time.FromDatetime(NOW - timedelta(seconds=seconds))
    return time


class _Fleet(FleetServicer):
    """Knows `nodes`; everything else is fixed."""

    def __init__(self) -> None:
        self.nodes: list[pb.Node] = []
        self.entries: list[pb.Entry] = []
        self.confirmed: list[tuple[str, bool]] = []
        self.catalog = pb.Catalog(state="current", revision="7", published_at=_before(1.5 * 60))

    def ListNodes(self, request: pb.ListNodesRequest, context: grpc.ServicerContext) -> pb.ListNodesResponse:
        return pb.ListNodesResponse(nodes=self.nodes, catalog=self.catalog)

    def GetNode(self, request: pb.GetNodeRequest, context: grpc.ServicerContext) -> pb.GetNodeResponse:
        for node in self.nodes:
            if node.id == request.id:
                return pb.GetNodeResponse(node=node, catalog=self.catalog)
        context.abort(
            grpc.StatusCode.NOT_FOUND, f"unknown node {request.id!r}; the nearest id is 'web@host-7'"
        )

    def GetWhy(self, request: pb.GetWhyRequest, context: grpc.ServicerContext) -> pb.GetWhyResponse:
        return pb.GetWhyResponse(
            node=self.GetNode(pb.GetNodeRequest(id=request.id), context).node, causes=[CAUSE]
        )

    def GetConfig(self, request: pb.GetConfigRequest, context: grpc.ServicerContext) -> pb.GetConfigResponse:
        if request.id == "edge@host-1":
            context.abort(grpc.StatusCode.FAILED_PRECONDITION, "edge@host-1 is not connected")
        found = [one for one in RESOURCES if request.name in ("", one.name)]
        return pb.GetConfigResponse(
            resources=[one for one in found if one.type in (request.types or "cds eds")]
        )

    def GetTarget(self, request: pb.GetTargetRequest, context: grpc.ServicerContext) -> pb.GetTargetResponse:
        if list(request.names) == ["web"]:
            return pb.GetTargetResponse(address="127.0.0.1:15001", hosts=["users"])
        context.abort(grpc.StatusCode.NOT_FOUND, "unknown service 'wbe'; the nearest name is 'web'")

    def ListEntries(
        self, request: pb.ListEntriesRequest, context: grpc.ServicerContext
    ) -> pb.ListEntriesResponse:
        return pb.ListEntriesResponse(entries=self.entries)

    def Plan(
        self, request_iterator: Iterator[pb.CatalogFile], context: grpc.ServicerContext
    ) -> pb.PlanResponse:
        context.abort(grpc.StatusCode.UNIMPLEMENTED, "no test here plans")

    def SkipWaves(self, request: pb.SkipWavesRequest, context: grpc.ServicerContext) -> pb.SkipWavesResponse:
        views = [wave.view for wave in self.catalog.waves]
        del self.catalog.waves[:]
        return pb.SkipWavesResponse(views=views)

    def Confirm(self, request: pb.ConfirmRequest, context: grpc.ServicerContext) -> pb.ConfirmResponse:
        self.confirmed.append((request.hash, bool(request.user)))
        if request.hash == GUARDED.hash:
            return pb.ConfirmResponse(losses=GUARDED.losses)
        if request.hash == "elsewhere":
            context.abort(grpc.StatusCode.PERMISSION_DENIED, "not from here")
        context.abort(grpc.StatusCode.FAILED_PRECONDITION, f"the hash is now {GUARDED.hash}")


GUARDED = pb.Guarded(hash="0123456789ab", losses=["gateway edge", "service users"])
WEB = pb.Node(
    id="web@host-7",
    cluster="web",
    view="sidecar/web@1.40",
    state="refused",
    reason="1 resource refused",
    connected=True,
    connected_since=_before(3700),
    last_seen=_before(2),
    user_agent="1.40.0",
    protocol="delta",
    types=[
        pb.TypeStatus(
            type="cds",
            sent="aa11",
            acked="aa11",
            sent_at=_before(9.5 * 60),
            acked_at=_before(8.5 * 60),
            resources=2,
        ),
        pb.TypeStatus(
            type="eds", sent="bb22", nacked="bb22", sent_at=_before(9.5 * 60), nacked_at=_before(8.5 * 60)
        ),
        pb.TypeStatus(
            type="lds", sent="cc33", acked="cc11", sent_at=_before(9.5 * 60), acked_at=_before(1.5 * 60)
        ),
    ],
    refusals=[
        pb.Refusal(
            type="eds",
            resource="users/v1",
            version="bb22",
            reason="malformed IP address: localhost",
            locations=[pb.Location(file="accounts/users.yaml", line=3, column=13)],
        )
    ],
)
AWAY = pb.Node(
    id="edge@host-1", cluster="edge", state="synced", last_seen=_before(10.5 * 60), view="gateway/edge@1.40"
)


CAUSE = pb.Cause(
    kind="refused",
    words="this Envoy refused endpoints users/v1",
    since=_before(40),
    said="malformed IP address: localhost",
    origins=[
        pb.Origin(
            location=pb.Location(file="accounts/users.yaml", line=3, column=13),
            entry="service users",
            team="accounts",
        )
    ],
    next=["repair the entry"],
)
RESOURCES = [
    pb.NodeResource(
        type="cds",
        name="users/v1",
        state="accepted",
        version="aa",
        wanted="aa",
        body=Cluster(name="users/v1").SerializeToString(),
    ),
    pb.NodeResource(type="eds", name="users/v1", state="refused", wanted="bb", reason="no good"),
]


@pytest.fixture
def fleet(monkeypatch: pytest.MonkeyPatch) -> Iterator[_Fleet]:
    """A control plane that `meshctl fleet` asks by default."""
    servicer = _Fleet()
    server = grpc.server(ThreadPoolExecutor(1))
    add_FleetServicer_to_server(servicer, server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    monkeypatch.setenv("MESHCTL_SERVER", f"127.0.0.1:{port}")
    monkeypatch.setenv("NO_COLOR", "1")
    monkeypatch.setattr("meshctl.cli.commands.inspect.now", lambda: NOW)
    yield servicer
    server.stop(None).wait()


def test_list_shows_every_node_with_what_became_of_each_type(
    fleet: _Fleet, capsys: pytest.CaptureFixture[str]
) -> None:
    fleet.nodes = [AWAY, WEB]
    assert run(["fleet", "list"]) == 0
    assert capsys.readouterr().out.splitlines() == [
        "NODE         STATE         CDS    EDS      LDS   RDS  CLIENT  SEEN     WHY",
        "edge@host-1  synced, away  -      -        -     -    -       10m ago",
        "web@host-7   refused       acked  refused  sent  -    1.40.0  now      1 resource refused",
        "catalog: current, revision 7 published 1m ago",
    ]


def test_states_are_coloured_where_that_is_wanted(
    fleet: _Fleet, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("NO_COLOR")
    monkeypatch.setenv("FORCE_COLOR", "1")
    fleet.nodes = [WEB]
    run(["fleet", "list"])
    assert "\x1b[31mrefused\x1b[0m" in capsys.readouterr().out


def test_list_without_nodes_says_how_to_start_one(fleet: _Fleet, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["fleet", "list"]) == 0
    assert "meshctl bootstrap sidecar --service" in capsys.readouterr().err


def test_list_names_broken_entries_by_line_with_what_is_served_meanwhile(
    fleet: _Fleet, capsys: pytest.CaptureFixture[str]
) -> None:
    fleet.catalog.state, fleet.catalog.reason = "broken", "1 entry is served from its last good text"
    fleet.catalog.broken.add(
        location=pb.Location(file="accounts/users.yaml", line=2, column=1),
        code="MSH0201",
        message="service has no key 'prot'",
        fix="write 'port'",
        serving="last good",
    )
    run(["fleet", "list"])
    assert capsys.readouterr().out.splitlines() == [
        "catalog: broken, revision 7 published 1m ago",
        "  accounts/users.yaml:2:1: MSH0201 service has no key 'prot'; write 'port' (serving: last good)",
    ]


WAVE = pb.Wave(
    view="sidecar/web@1.40",
    wave=1,
    waves=3,
    nodes=30,
    waits_for=["web@host-7"],
    since=_before(61),
)
STOPPED = pb.Wave(
    view="gateway/edge@1.40",
    wave=2,
    waves=3,
    reached=1,
    nodes=30,
    since=_before(61),
    stopped="edge@host-1 refused users/v1: no good",
    node="edge@host-1",
    refusal=pb.Refusal(
        type="cds",
        resource="users/v1",
        locations=[pb.Location(file="accounts/users.yaml", line=3, column=13)],
    ),
)


def test_list_says_how_far_each_wave_is_and_where_one_stopped(
    fleet: _Fleet, capsys: pytest.CaptureFixture[str]
) -> None:
    fleet.catalog.waves.extend([STOPPED, WAVE, RESTARTED])
    run(["fleet", "list"])
    assert capsys.readouterr().out.splitlines()[1:] == [
        "  wave 2 of 3 of gateway/edge@1.40, begun 1m ago: taken by 1 of 30 nodes;"
        " stopped: edge@host-1 refused users/v1: no good (accounts/users.yaml:3:13)",
        "  wave 1 of 3 of sidecar/web@1.40, begun 1m ago: taken by 0 of 30 nodes; waits for web@host-7",
        "  wave 1 of 3 of sidecar/pay@1.40, begun 0s ago: taken by 1 of 1 node;"
        " waits for nodes that may come back after the start (in 29s)",
    ]


RESTARTED = pb.Wave(
    view="sidecar/pay@1.40",
    wave=1,
    waves=3,
    reached=1,
    nodes=1,
    since=_before(0),
    returns_until=_before(-29.5),
    goes_on_at=_before(-29.5),
)


@pytest.fixture
def mesh(tmp_path: Path, fleet: _Fleet) -> Path:
    """A folder that the server has read."""
    (tmp_path / "mesh.yaml").write_text("format: 1\n")
    digest = sha256(b"format: 1\n").hexdigest()
    fleet.entries = [pb.Entry(file="mesh.yaml", hash=digest, served=True)]
    return tmp_path


def test_apply_ends_when_all_nodes_have_it(
    fleet: _Fleet, mesh: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    fleet.nodes = [pb.Node(id="web@host-8", state="synced", connected=True), AWAY]
    assert run(["apply", str(mesh)]) == 0
    assert capsys.readouterr() == (
        f"applied: all connected nodes (1) have 1 file of {mesh}\n",
        "away, and given it when they are back: edge@host-1\n",
    )


def test_apply_without_a_node_says_that_nobody_has_it_yet(
    fleet: _Fleet, mesh: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    fleet.catalog.waves.append(pb.Wave(view="sidecar/web@1.40", wave=1, waves=3))
    fleet.nodes = [pb.Node(id="wbe@host-8", state="unknown", connected=True)]
    assert run(["apply", str(mesh)]) == 0
    said = capsys.readouterr()
    assert said.out == (
        f"published: 1 file of {mesh}; no node is connected that it is for, and whoever connects gets it\n"
    )
    assert said.err.splitlines() == [
        "no node of sidecar/web@1.40 is connected: the change goes in waves when one comes",
        "given nothing, since the catalog does not have what they stand for: wbe@host-8",
    ]


def test_apply_ends_when_only_stalled_nodes_are_missing_and_names_them(
    fleet: _Fleet, mesh: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    stalled = pb.Node(id="web@host-9", state="stalled", reason="no answer", connected=True)
    fleet.nodes = [pb.Node(id="web@host-8", state="synced", connected=True), stalled]
    assert run(["apply", str(mesh)]) == 5
    assert capsys.readouterr() == (
        "",
        "web@host-9 is stalled: no answer\n"
        "Error: not all nodes have it: web@host-9 is stalled: no answer\n"
        "next: meshctl fleet list\n",
    )


def test_apply_names_the_stalled_too_when_its_time_is_over(
    fleet: _Fleet, mesh: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    busy = pb.Node(id="web@host-8", state="sending", connected=True)
    stalled = pb.Node(id="web@host-9", state="stalled", reason="no answer", connected=True)
    fleet.nodes = [busy, stalled]
    assert run(["apply", str(mesh), "--timeout", "200ms"]) == 5
    words = "not answered yet: web@host-8; web@host-9 is stalled: no answer"
    assert f"Error: not all nodes have it after 200ms: {words}\n" in capsys.readouterr().err


def test_apply_now_skips_the_waves(fleet: _Fleet, mesh: Path, capsys: pytest.CaptureFixture[str]) -> None:
    fleet.catalog.waves.append(WAVE)
    assert run(["apply", str(mesh), "--now"]) == 0
    assert capsys.readouterr().err == "waves skipped: sidecar/web@1.40\n"


def test_apply_tells_of_waves_and_gives_up_after_its_timeout(
    fleet: _Fleet, mesh: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    fleet.catalog.waves.append(WAVE)
    assert run(["apply", str(mesh), "--timeout", "2s"]) == 5
    words = "wave 1 of 3 of sidecar/web@1.40: taken by 0 of 30 nodes; waits for web@host-7"
    assert capsys.readouterr().err.splitlines() == [
        words,
        f"Error: not all nodes have it after 2s: {words}",
        "next: meshctl fleet list",
    ]


def test_apply_whose_time_is_over_succeeds_where_nothing_is_missing(mesh: Path) -> None:
    assert run(["apply", str(mesh), "--timeout", "0s"]) == 0


def test_apply_ends_where_a_wave_stopped(
    fleet: _Fleet, mesh: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    fleet.catalog.waves.append(STOPPED)
    assert run(["apply", str(mesh)]) == 1
    assert (
        "Error: stopped: gateway/edge@1.40: edge@host-1 refused users/v1: no good" in capsys.readouterr().err
    )


def test_apply_ends_where_a_node_refuses_or_a_file_is_held_back(
    fleet: _Fleet, mesh: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    fleet.nodes = [WEB]
    assert run(["apply", str(mesh)]) == 1
    assert "Error: stopped: web@host-7: 1 resource refused" in capsys.readouterr().err
    fleet.entries[0].served = False
    fleet.catalog.broken.add(
        location=pb.Location(file="mesh.yaml", line=2, column=1),
        code="MSH0201",
        message="mesh has no key 'wave'",
        fix="write 'waves'",
        serving="last good",
    )
    assert run(["apply", str(mesh)]) == 1
    assert capsys.readouterr().err.splitlines() == [
        "mesh.yaml:2:1: MSH0201 mesh has no key 'wave'; write 'waves' (serving: last good)",
        "Error: not served as on disk: mesh.yaml",
        "next: meshctl fleet list",
    ]


def test_apply_of_another_folder_than_the_server_reads_is_exit_code_4(
    fleet: _Fleet, mesh: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("meshctl.cli.commands.apply._SOON_S", 0.1)
    fleet.entries.append(pb.Entry(file="a/web.yaml", hash="00", served=True))
    assert run(["apply", str(mesh)]) == 4
    assert f"serves something else than {mesh}: 1 different file: a/web.yaml" in capsys.readouterr().err


def test_list_says_what_would_vanish_and_what_to_type(
    fleet: _Fleet, capsys: pytest.CaptureFixture[str]
) -> None:
    fleet.catalog.state, fleet.catalog.reason = "guarded", "the files on disk would take away 2 things"
    fleet.catalog.guarded.CopyFrom(GUARDED)
    run(["fleet", "list"])
    *lines, last = capsys.readouterr().out.splitlines()
    assert lines == [
        "catalog: guarded, revision 7 published 1m ago",
        "  would vanish, and stays served: gateway edge",
        "  would vanish, and stays served: service users",
    ]
    assert last.startswith("  if that is meant: meshctl confirm 0123456789ab --server 127.0.0.1:")


def test_confirm_says_what_it_let_go(fleet: _Fleet, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["confirm", GUARDED.hash]) == 0
    assert capsys.readouterr() == (
        "let go: gateway edge\nlet go: service users\n",
        "next: meshctl fleet list\n",
    )
    assert fleet.confirmed == [(GUARDED.hash, True)]


@pytest.mark.parametrize(
    ("digest", "code", "words"),
    [("ba9876543210", 4, "the hash is now 0123456789ab"), ("elsewhere", 3, "not from here")],
)
@pytest.mark.usefixtures("fleet")
def test_confirm_of_another_list_or_from_elsewhere_ends_with_a_code_of_its_own(
    digest: str, code: int, words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["confirm", digest]) == code
    assert capsys.readouterr() == ("", f"Error: {words}\n")


def test_show_says_why_and_where_in_the_catalog(fleet: _Fleet, capsys: pytest.CaptureFixture[str]) -> None:
    fleet.nodes = [WEB]
    assert run(["fleet", "show", "web@host-7"]) == 0
    said = capsys.readouterr().out
    assert "state:     refused: 1 resource refused\n" in said
    assert "cds   2          aa11 9m ago  aa11 8m ago  -\n" in said
    assert "refused: eds users/v1: malformed IP address: localhost\n  accounts/users.yaml:3:13\n" in said


def test_show_says_since_when_what_it_holds_and_what_waits_for_what(
    fleet: _Fleet, capsys: pytest.CaptureFixture[str]
) -> None:
    wait = pb.Waiting(type="rds", resource="egress/web", waits_for=["cluster users/v2"], since=_before(4))
    node = pb.Node(
        id="web@host-8",
        state="waiting",
        state_since=_before(4),
        revision="7",
        view_revision="9",
        waiting=[wait],
    )
    fleet.nodes = [node]
    run(["fleet", "show", "web@host-8"])
    said = capsys.readouterr().out
    assert "since:     2026-11-23T11:59:56Z (4s ago)\nholds:     revision 7, not all of 9 yet\n" in said
    assert "waits: rds egress/web for cluster users/v2 (4s ago)\n" in said


def test_why_says_the_cause_envoys_words_the_line_its_team_and_what_to_do(
    fleet: _Fleet, capsys: pytest.CaptureFixture[str]
) -> None:
    fleet.nodes = [WEB]
    assert run(["fleet", "why", "web@host-7"]) == 0
    assert capsys.readouterr().out.splitlines() == [
        "web@host-7: refused",
        "",
        "refused: this Envoy refused endpoints users/v1 (40s ago)",
        "  Envoy says: malformed IP address: localhost",
        "  accounts/users.yaml:3:13 (service users, team accounts)",
        "  next: repair the entry",
    ]
    run(["fleet", "why", "web@host-7", "--output", "json"])
    assert json.loads(capsys.readouterr().out)["causes"][0]["origins"][0]["team"] == "accounts"


@pytest.mark.usefixtures("fleet")
def test_config_shows_what_a_node_has_and_what_differs(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["fleet", "config", "web@host-7", "--output", "json"]) == 0
    said, beside = capsys.readouterr()
    shown = json.loads(said)
    assert [shown[short] for short in ("cds", "eds", "lds", "rds")] == [[{"name": "users/v1"}], [], [], []]
    assert shown["differs"] == [
        {
            "type": "eds",
            "name": "users/v1",
            "state": "refused",
            "version": "",
            "wanted": "bb",
            "reason": "no good",
        }
    ]
    assert "1 resource not as the catalog wants" in beside
    assert "next: meshctl fleet why web@host-7" in beside


@pytest.mark.usefixtures("fleet")
def test_config_of_one_type_is_all_that_is_shown(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["fleet", "config", "web@host-7", "--type", "cds"]) == 0
    assert capsys.readouterr() == ('cds:\n- name: "users/v1"\ndiffers: []\n', "")


@pytest.mark.parametrize(
    ("words", "error"),
    [
        (["edge@host-1"], "edge@host-1 is not connected"),
        (["web@host-7", "--name", "x"], "web@host-7 has no resource 'x'"),
    ],
)
@pytest.mark.usefixtures("fleet")
def test_config_that_is_not_known_is_one_line(
    words: list[str], error: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["fleet", "config", *words]) == 1
    said = capsys.readouterr()
    assert said.out == ""
    assert error in said.err


@pytest.mark.parametrize("form", ["json", "yaml"])
def test_programs_get_everything_in_the_words_of_the_proto(
    fleet: _Fleet, form: str, capsys: pytest.CaptureFixture[str]
) -> None:
    fleet.nodes = [AWAY]
    run(["fleet", "list", "--output", form])
    said = capsys.readouterr().out
    if form == "yaml":
        assert 'last_seen: "2' in said
    else:
        node = json.loads(said)["nodes"][0]
        assert (node["id"], node["connected"], node["refusals"]) == ("edge@host-1", False, [])
        assert node["state"] == "synced"
        assert "connected_since" not in node


def test_an_unknown_node_is_refused_in_the_servers_words(
    fleet: _Fleet, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["fleet", "show", "wbe@host-7"]) == 1
    assert capsys.readouterr().err == "Error: unknown node 'wbe@host-7'; the nearest id is 'web@host-7'\n"


def test_no_server_is_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["fleet", "list", "--server", "127.0.0.1:1"]) == 1
    assert capsys.readouterr().err == (
        "Error: no control plane answers on 127.0.0.1:1; "
        "start it with: meshctl serve, or name another one with --server HOST:PORT\n"
    )


def test_another_grpc_server_is_told_from_ours(capsys: pytest.CaptureFixture[str]) -> None:
    server = grpc.server(ThreadPoolExecutor(1))
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    assert run(["fleet", "list", "--server", f"http://127.0.0.1:{port}/"]) == 1
    assert "is no meshctl" in capsys.readouterr().err
    server.stop(None).wait()


def test_a_server_that_does_not_answer_in_time_is_exit_code_5(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(client, "TIMEOUT_S", 0.1)
    server = grpc.server(ThreadPoolExecutor(1))  # not started: connections are taken, nothing is answered
    port = server.add_insecure_port("127.0.0.1:0")
    assert run(["fleet", "list", "--server", f"127.0.0.1:{port}"]) == 5
    assert "did not answer within 0.1 s" in capsys.readouterr().err
    server.stop(None).wait()


def test_bootstrap_asks_a_server_whether_a_name_is_known(
    fleet: _Fleet, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["bootstrap", "sidecar", "--service", "wbe"]) == 1
    assert capsys.readouterr().err == "Error: unknown service 'wbe'; the nearest name is 'web'\n"
    assert run(["bootstrap", "sidecar", "--service", "web"]) == 0
    assert "curl -H 'Host: users' 127.0.0.1:15001/" in capsys.readouterr().err
