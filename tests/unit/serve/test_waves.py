"""What people are told of nodes while a change runs through their view."""

from meshctl.fleet.fleet import Fleet, NodeState, NodeStatus
from meshctl.fleet.node import Node
from meshctl.names import Role
from meshctl.serve.publish import Publisher
from meshctl.units import Duration
from tests.support.catalogs import MESH, service
from tests.support.publishing import change

NODES = tuple(Node(f"web@{number}", Role.SIDECAR, ("web",), client="1.40") for number in range(3))


def test_node_is_held_since_the_change_waits_and_all_of_a_view_are_told_the_same() -> None:
    moments = [100.0]
    publisher = Publisher(
        Fleet(), None, stale_limit=Duration.parse("1h"), now=lambda: moments[-1], clock=lambda: moments[-1]
    )
    catalog = {"mesh.yaml": MESH, "a/web.yaml": service("web", "users"), "a/users.yaml": service("users")}
    publisher.begin(publisher.catalog.read(catalog))
    for node in NODES:
        publisher.open(node, lambda: None)
    moments.append(160.0)
    change(publisher, {"a/users.yaml": service("users") + b"timeouts: {request: 7s}\n"})
    moments.append(165.0)
    synced = [
        NodeStatus(node, node.view, NodeState.SYNCED, connected_since=100.0, state_since=100.0)
        for node in NODES
    ]
    held = [one for one in publisher.shown(synced) if one.state is NodeState.HELD]
    assert [one.state_since for one in held] == [160.0, 160.0]
    assert held[0].reason is held[1].reason, "said once for a view, however many nodes it has"
