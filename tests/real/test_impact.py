"""What a change does to open connections, measured on a real Envoy: each row of `envoy/impact.py`."""

from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from envoy.config.core.v3.health_check_pb2 import HealthStatus

from meshctl.envoy import dns, impact, pb
from meshctl.envoy.impact import TABLE, WHOLE, Impact
from meshctl.fleet.fleet import NodeState
from meshctl.mesh.facts import DnsFacts
from meshctl.names import CLUSTER, ENDPOINTS, LISTENER, ROUTES, Role, TypeUrl, ViewKey
from meshctl.operations.compile import WATCHED, Compiler
from meshctl.operations.load import resolved
from meshctl.snapshot import Resource
from meshctl.units import Duration
from tests.support.edits import edited, manager, upstream_http
from tests.support.live_envoy import Held, LiveEnvoy, Ports, held, live_envoy
from tests.support.waiting import eventually

ROUNDS = 40
"""Requests that reach both of two endpoints: each goes to one by chance, where none is busier."""

SPARE = 1
"""A port on which nobody listens."""

VIEW = ViewKey(Role.SIDECAR, ("web",), "1.40")


def sidecar(ports: Ports, backends: tuple[int, int]) -> list[Resource]:
    """What the sidecar of `web` gets, which calls `users`; it keeps idle connections, as the backend does."""
    users = ", ".join(f"127.0.0.1:{port}" for port in backends)
    texts = {
        "mesh.yaml": f"format: 1\nedition: 2026.11\nname: test\negress: 127.0.0.1:{ports.egress}\n",
        "shop/web.yaml": "service: web\nport: 8081\nendpoints: [127.0.0.1:9]\nuses: [users]\n",
        "shop/users.yaml": f"service: users\nport: 8080\nendpoints: [{users}]\n",
    }
    compiler = Compiler(resolved({file: text.encode() for file, text in texts.items()}, WATCHED))
    compiler.open(VIEW)
    view = compiler.publish().view(VIEW.name)
    assert view is not None
    return edited(view.resources(), CLUSTER, upstream_http(lambda options: _idle(options, 3_600)))


def _idle(options: pb.UpstreamHttpOptions, seconds: int) -> None:
    options.common_http_protocol_options.idle_timeout.FromSeconds(seconds)


class Edit(NamedTuple):
    """A change of a type's messages, which the row of `field` decides."""

    type: TypeUrl
    field: str
    name: str
    make: Callable[[Any], object]


def _dns(cluster: pb.Cluster) -> None:
    """A name in place of the endpoints."""
    cluster.ClearField("eds_cluster_config")
    dns.look_up(cluster, DnsFacts("localhost", SPARE))


def _check(cluster: pb.Cluster) -> None:
    check = cluster.health_checks.add(
        unhealthy_threshold=pb.uint32(1),
        healthy_threshold=pb.uint32(1),
        interval=pb.duration(Duration(1_000)),
    )
    check.timeout.CopyFrom(check.interval)
    check.tcp_health_check.SetInParent()


def _another_endpoint(assignment: pb.ClusterLoadAssignment) -> None:
    address = pb.socket("127.0.0.2", SPARE)
    assignment.endpoints[0].lb_endpoints.add(
        endpoint=pb.Endpoint(address=address), health_status=HealthStatus.UNHEALTHY
    )


def _another_chain(listener: pb.Listener) -> None:
    chain = listener.filter_chains.add()
    chain.CopyFrom(listener.filter_chains[0])
    chain.name = "other"
    chain.filter_chain_match.source_prefix_ranges.add(address_prefix="10.0.0.0").prefix_len.value = 8


EDITS = (
    Edit(CLUSTER, "connect_timeout", "longer", lambda one: one.connect_timeout.FromSeconds(7)),
    Edit(
        CLUSTER,
        "circuit_breakers",
        "a limit",
        lambda one: setattr(one.circuit_breakers.thresholds[0].max_requests, "value", 77),
    ),
    Edit(
        CLUSTER,
        "load_balancing_policy",
        "another",
        lambda one: one.load_balancing_policy.policies.pop(0),
    ),
    Edit(CLUSTER, "health_checks", "one", _check),
    Edit(
        CLUSTER,
        "common_lb_config",
        "new endpoints wait",
        lambda one: setattr(one.common_lb_config, "ignore_new_hosts_until_first_hc", True),
    ),
    Edit(CLUSTER, "outlier_detection", "interval", lambda one: one.outlier_detection.interval.FromSeconds(9)),
    Edit(
        CLUSTER,
        "typed_extension_protocol_options",
        "keep-alive",
        upstream_http(lambda options: _idle(options, 1_800)),
    ),
    Edit(
        CLUSTER,
        "ignore_health_on_host_removal",
        "off",
        lambda one: setattr(one, "ignore_health_on_host_removal", False),
    ),
    Edit(
        CLUSTER,
        "eds_cluster_config",
        "fetch timeout",
        lambda one: one.eds_cluster_config.eds_config.initial_fetch_timeout.FromSeconds(11),
    ),
    Edit(
        CLUSTER,
        WHOLE,
        "metadata",
        lambda one: one.metadata.filter_metadata["team"].update({"name": "accounts"}),
    ),
    Edit(ENDPOINTS, "endpoints", "another one", _another_endpoint),
    Edit(
        ENDPOINTS,
        "endpoints",
        "the other order",
        lambda one: one.endpoints[0].lb_endpoints.reverse(),
    ),
    Edit(
        ENDPOINTS,
        "endpoints",
        "a weight",
        lambda one: setattr(one.endpoints[0].lb_endpoints[0].load_balancing_weight, "value", 2),
    ),
    Edit(
        ENDPOINTS,
        "endpoints",
        "metadata",
        lambda one: one.endpoints[0].lb_endpoints[0].metadata.filter_metadata["a"].update({"b": "c"}),
    ),
    Edit(
        ENDPOINTS, "endpoints.locality", "a zone", lambda one: setattr(one.endpoints[0].locality, "zone", "b")
    ),
    Edit(
        ENDPOINTS,
        "endpoints.lb_endpoints.endpoint.hostname",
        "another name",
        lambda one: setattr(one.endpoints[0].lb_endpoints[0].endpoint, "hostname", "b"),
    ),
    Edit(
        LISTENER,
        "filter_chains",
        "statistics",
        manager(lambda one: setattr(one, "stat_prefix", "other")),
    ),
    Edit(
        LISTENER,
        "filter_chains",
        "client's address",
        manager(lambda one: one.use_remote_address.CopyFrom(pb.boolean(value=True))),
    ),
    Edit(LISTENER, WHOLE, "statistics", lambda one: setattr(one, "stat_prefix", "other")),
    Edit(
        LISTENER,
        "address",
        "another one",
        lambda one: setattr(one.address.socket_address, "address", "127.0.0.2"),
    ),
    Edit(
        LISTENER,
        "enable_reuse_port",
        "on",
        lambda one: one.enable_reuse_port.CopyFrom(pb.boolean(value=True)),
    ),
    Edit(ROUTES, WHOLE, "a timeout", lambda one: one.virtual_hosts[0].routes[0].route.timeout.FromSeconds(3)),
    Edit(ROUTES, WHOLE, "a domain", lambda one: one.virtual_hosts[0].domains.append("other")),
    Edit(
        ROUTES,
        WHOLE,
        "ports in hosts",
        lambda one: setattr(one, "ignore_port_in_host_matching", False),
    ),
)

ELSEWHERE = {
    (CLUSTER, "type"): "an Envoy that is sent another type of cluster: below",
    (CLUSTER, "cluster_type"): "the same",
    (CLUSTER, "load_assignment"): "a process beside its sidecar: below",
    (ENDPOINTS, WHOLE): "what nobody has measured counts as the worst",
    (LISTENER, "api_listener"): "read by gRPC clients, which have no listener",
}
"""Rows that no edit of the list stands for, and why."""


def test_every_row_is_measured() -> None:
    rows = {(type_url, field) for type_url, rows in TABLE.items() for field in rows}
    assert rows == {(edit.type, edit.field) for edit in EDITS} | ELSEWHERE.keys()


@pytest.mark.parametrize(
    "edit", EDITS, ids=lambda edit: f"{edit.type.rpartition('.')[2]} {edit.field} {edit.name}"
)
async def test_a_change_does_to_connections_what_its_row_says(tmp_path: Path, edit: Edit) -> None:
    async with running(tmp_path) as (envoy, made, client):
        changed = edited(made, edit.type, edit.make)
        claimed = _claim(made, changed)
        assert claimed is TABLE[edit.type][edit.field].impact
        assert await _measured(envoy, client, changed) is claimed


async def test_another_type_of_cluster_ends_its_connections(tmp_path: Path) -> None:
    async with running(tmp_path) as (envoy, made, client):
        before = {await client.ask() for _ in range(ROUNDS)}
        changed = edited(made, CLUSTER, _dns)
        await envoy.publish([one for one in changed if one.key.type != ENDPOINTS])
        await _until_ended(envoy, before)
    for field in ("type", "cluster_type", "load_assignment"):
        assert _claim(made, changed) is TABLE[CLUSTER][field].impact is Impact.POOL_REBUILD


async def test_another_port_of_a_process_ends_its_connections_and_no_callers(tmp_path: Path) -> None:
    made: list[Resource] = []

    def own(ports: Ports, backends: tuple[int, int]) -> list[Resource]:
        made.extend(way_in(ports.egress, backends[0]))
        made.extend(way_in(ports.egress, backends[1]))
        return made[:3]

    async with live_envoy(tmp_path, own) as (envoy, ports), held(ports.egress) as client:
        assert _claim(made[:3], made[3:]) is TABLE[CLUSTER]["load_assignment"].impact
        assert await _measured(envoy, client, made[3:]) is Impact.POOL_REBUILD


def way_in(port: int, target_port: int) -> list[Resource]:
    """What takes the requests of `web` on a port, and its process on another."""
    texts = {
        "mesh.yaml": "format: 1\nedition: 2026.11\nname: test\n",
        "shop/web.yaml": f"service: web\nport: {port}\ntarget_port: {target_port}\nendpoints: [127.0.0.1]\n",
    }
    compiler = Compiler(resolved({file: text.encode() for file, text in texts.items()}, WATCHED))
    compiler.open(VIEW)
    view = compiler.publish().view(VIEW.name)
    assert view is not None
    return [one for one in view.resources() if one.key.name in ("ingress/web", "inbound/web")]


async def test_an_endpoint_that_goes_ends_its_own_connections_alone(tmp_path: Path) -> None:
    async with running(tmp_path) as (envoy, made, client):
        before = {await client.ask() for _ in range(ROUNDS)}
        changed = edited(made, ENDPOINTS, lambda one: one.endpoints[0].lb_endpoints.pop())  # type: ignore[attr-defined]
        await envoy.publish(changed)
        after = {await client.ask() for _ in range(ROUNDS)}
    assert (len(before), len(after), after < before) == (2, 1, True)
    assert _claim(made, changed) is Impact.IN_PLACE


async def test_a_chain_beside_the_others_closes_nothing_though_its_row_says_drain(tmp_path: Path) -> None:
    async with running(tmp_path) as (envoy, made, client):
        changed = edited(made, LISTENER, _another_chain)
        assert await _measured(envoy, client, changed) is Impact.IN_PLACE
    assert _claim(made, changed) is Impact.LISTENER_DRAIN


async def test_a_cluster_that_goes_ends_its_connections(tmp_path: Path) -> None:
    async with running(tmp_path) as (envoy, made, client):
        before = {await client.ask() for _ in range(ROUNDS)}
        without = edited(made, ROUTES, lambda one: one.virtual_hosts.pop(0))  # type: ignore[attr-defined]
        without = [one for one in _needless(without) if one.key.type not in (CLUSTER, ENDPOINTS)]
        await envoy.publish(without)
        await _until_ended(envoy, before)
    assert impact.of_removal(CLUSTER).impact is Impact.POOL_REBUILD


async def test_a_listener_that_goes_drains_its_connections(tmp_path: Path) -> None:
    async with running(tmp_path) as (envoy, made, client):
        await client.ask()
        await envoy.publish([one for one in made if one.key.type in (CLUSTER, ENDPOINTS)])

        async def closed() -> bool:
            return client.closed

        await eventually(closed, "the client's connection is closed")
    assert impact.of_removal(LISTENER).impact is Impact.LISTENER_DRAIN


@asynccontextmanager
async def running(folder: Path) -> AsyncIterator[tuple[LiveEnvoy, list[Resource], Held]]:
    """The sidecar's Envoy, what it was sent first, and a client's connection to it."""
    made: list[Resource] = []

    def kept(ports: Ports, backends: tuple[int, int]) -> list[Resource]:
        made.extend(sidecar(ports, backends))
        return made

    async with live_envoy(folder, kept) as (envoy, ports), held(ports.egress) as client:
        yield envoy, made, client


def _needless(resources: Iterable[Resource]) -> list[Resource]:
    """As an encoder of the edited routes would say it: they need no cluster any more."""
    return [replace(one, needs=()) if one.key.type == ROUTES else one for one in resources]


def _claim(before: Iterable[Resource], after: Iterable[Resource]) -> Impact:
    """What the table says of the one resource that changed."""
    (pair,) = [(old, new) for old, new in zip(before, after, strict=True) if old != new]
    return impact.of_change(pair[0].key.type, pair[0].body, pair[1].body).impact


async def _measured(envoy: LiveEnvoy, client: Held, changed: Iterable[Resource]) -> Impact:
    """What becomes of connections that are open while this is served."""
    before = {await client.ask() for _ in range(ROUNDS)}
    if await envoy.publish(changed) is NodeState.REFUSED:
        assert {await client.ask() for _ in range(ROUNDS)} == before
        return Impact.REFUSED
    try:
        after = {await client.ask() for _ in range(ROUNDS)}
    except ConnectionError:
        return Impact.LISTENER_DRAIN
    return Impact.IN_PLACE if before <= after else Impact.POOL_REBUILD


async def _until_ended(envoy: LiveEnvoy, connections: set[int]) -> None:
    async def ended() -> bool:
        return not envoy.backend.open & connections

    await eventually(ended, "the connections to the endpoints have ended")
