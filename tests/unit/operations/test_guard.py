"""The decision alone: which losses wait, how they add up, and what a confirmation lets go."""

from collections.abc import Collection, Mapping

import pytest

from meshctl.catalog.source import Source, read_source
from meshctl.operations.guard import WINDOW_S, Guard, Losses, NotGuarded


def service(name: str, endpoints: str = "10.0.0.1") -> Source:
    return _good(f"a/{name}.yaml", f"service: {name}\nport: 80\nendpoints: [{endpoints}]\n")


def versions(name: str, v1: str, v2: str, serving: str) -> Source:
    text = f"versions: {{v1: {{endpoints: [{v1}]}}, v2: {{endpoints: [{v2}]}}}}\nserving: {serving}\n"
    return _good(f"a/{name}.yaml", f"service: {name}\nport: 80\n{text}")


def gateway(name: str) -> Source:
    return _good(f"e/{name}.yaml", f'gateway: {name}\nlisteners: [{{bind: "0.0.0.0:80"}}]\n')


def _good(file: str, text: str) -> Source:
    source = read_source(file, text.encode())
    assert not source.problems, source.problems
    return source


class Mesh:
    """So many services `s0`, `s1`..., of which some go; `used` can be reached by a node."""

    def __init__(self, count: int, used: Collection[str] = ()) -> None:
        self.guard, self.used = Guard(), frozenset(used)
        self.left = [f"s{number}" for number in range(count)]

    def lose(self, *names: str, now: float = 0.0) -> Losses:
        """These services' files are gone; those that do not wait are then served no more."""
        before = {f"a/{name}.yaml": service(name) for name in names}
        losses = self.weigh(before, dict.fromkeys(before), now)
        kept = {file for file in before if file in losses.kept}
        self.left = [name for name in self.left if name not in names or f"a/{name}.yaml" in kept]
        self.guard.settle(lambda: self.left, now)
        return losses

    def weigh(
        self, before: Mapping[str, Source | None], after: Mapping[str, Source | None], now: float = 0.0
    ) -> Losses:
        return self.guard.weigh(before, after, lambda: self.left, lambda: self.used, now)


@pytest.mark.parametrize(
    ("count", "lost", "waits"),
    [
        (1, 1, False),
        (2, 1, False),
        (2, 2, True),
        (10, 1, False),
        (19, 2, True),  # 10.5 %
        (20, 2, False),  # just 10 %
        (20, 3, True),
        (100, 10, False),
        (100, 11, True),
    ],
)
def test_services_wait_when_more_than_a_tenth_and_at_least_two_go(count: int, lost: int, waits: bool) -> None:  # noqa: FBT001
    names = [f"s{number}" for number in range(lost)]
    losses = Mesh(count).lose(*names)
    assert losses.names == (tuple(sorted(f"service {name}" for name in names)) if waits else ())


def test_any_gateway_waits_with_the_file_that_keeps_it() -> None:
    losses = Mesh(50).weigh({"e/edge.yaml": gateway("edge")}, {"e/edge.yaml": None})
    assert losses.names == ("gateway edge",)
    assert losses.kept == {"e/edge.yaml"}


def test_last_endpoints_wait_if_a_node_uses_the_service() -> None:
    before, after = {"a/s0.yaml": service("s0")}, {"a/s0.yaml": service("s0", "")}
    assert Mesh(9, used=["s0"]).weigh(before, after).names == ("endpoints of s0",)
    assert Mesh(9, used=["s1"]).weigh(before, after).names == ()
    assert Mesh(9, used=["s0"]).weigh(before, {"a/s0.yaml": service("s0", "10.0.0.2")}).names == ()


def test_a_name_counts_as_endpoints() -> None:
    text = "service: s0\nport: 80\nendpoints: {dns: s0.internal}\n"
    named, addresses = {"a/s0.yaml": _good("a/s0.yaml", text)}, {"a/s0.yaml": service("s0")}
    assert Mesh(9, used=["s0"]).weigh(addresses, named).names == ()
    assert Mesh(9, used=["s0"]).weigh(named, addresses).names == ()
    assert Mesh(9, used=["s0"]).weigh(named, {"a/s0.yaml": service("s0", "")}).names == ("endpoints of s0",)


@pytest.mark.parametrize(
    ("after", "waits"),
    [
        (versions("s0", "", "10.0.0.2", "v1"), True),  # all requests go to a version without endpoints
        (versions("s0", "10.0.0.1", "", "v2"), True),
        (versions("s0", "", "10.0.0.2", "{v1: 50%, v2: 50%}"), False),
        (versions("s0", "10.0.0.1", "", "v1"), False),
    ],
)
def test_endpoints_count_in_the_versions_that_serve(after: Source, waits: bool) -> None:  # noqa: FBT001
    before = {"a/s0.yaml": versions("s0", "10.0.0.1", "10.0.0.2", "v1")}
    losses = Mesh(9, used=["s0"]).weigh(before, {"a/s0.yaml": after})
    assert losses.names == (("endpoints of s0",) if waits else ())


def test_what_moved_or_was_renamed_to_another_team_is_not_lost() -> None:
    before = {"a/s0.yaml": service("s0"), "a/s1.yaml": service("s1"), "e/x.yaml": gateway("x")}
    after = {**dict.fromkeys(before), "b/s0.yaml": service("s0"), "b/s1.yaml": service("s1")}
    assert Mesh(2).weigh(before, after).names == ("gateway x",)
    assert Mesh(2).weigh(before, {**after, "b/x.yaml": gateway("x")}).names == ()


def test_service_that_becomes_a_gateway_is_a_service_lost() -> None:
    before: dict[str, Source | None] = {"a/s0.yaml": service("s0"), "a/s1.yaml": service("s1")}
    losses = Mesh(2).weigh(before, {"a/s0.yaml": gateway("s0"), "a/s1.yaml": None})
    assert losses.names == ("service s0", "service s1")


def test_ten_deletions_one_by_one_add_up() -> None:
    mesh = Mesh(50)
    waiting = [mesh.lose(f"s{number}").names for number in range(10)]
    assert waiting == [()] * 5 + [(f"service s{number}",) for number in range(5, 10)]


def test_what_went_more_than_an_hour_ago_no_longer_counts() -> None:
    mesh = Mesh(20)
    assert not mesh.lose("s0", "s1").files
    assert mesh.lose("s2", now=WINDOW_S - 1).files
    assert not mesh.lose("s2", now=WINDOW_S).files


def test_service_that_came_back_no_longer_counts() -> None:
    mesh = Mesh(20)
    mesh.lose("s0", "s1")
    mesh.left += ["s0", "s1"]
    mesh.guard.settle(lambda: mesh.left, 0.0)
    assert not mesh.lose("s2", "s3").files


def test_hash_names_exactly_this_list() -> None:
    one, other = Mesh(9).lose("s0", "s1"), Mesh(9).lose("s0", "s2")
    assert len(one.hash) == 12
    assert one.hash != other.hash
    assert one.hash == Mesh(3).lose("s1", "s0").hash
    assert Losses().hash == ""


def test_confirmation_is_for_this_list_and_used_up() -> None:
    mesh = Mesh(9)
    digest = mesh.lose("s0", "s1").hash
    for stale in ("", "0" * 12):
        with pytest.raises(NotGuarded) as error:
            mesh.guard.confirm(stale)
        assert error.value.current == digest
    assert mesh.guard.confirm(digest).names == ("service s0", "service s1")
    assert not mesh.lose("s0", "s1").files
    assert mesh.left == ["s2", "s3", "s4", "s5", "s6", "s7", "s8"]
    with pytest.raises(NotGuarded) as error:
        mesh.guard.confirm(digest)
    assert error.value.current == ""
    mesh.left += ["s0", "s1"]
    mesh.weigh({}, {})
    assert mesh.lose("s0", "s1").hash == digest, "the same once more is another loss"


def test_files_that_come_back_end_the_guard() -> None:
    mesh = Mesh(9)
    assert mesh.lose("s0", "s1").files
    assert not mesh.weigh({}, {}).files
    with pytest.raises(NotGuarded):
        mesh.guard.confirm(Mesh(9).lose("s0", "s1").hash)
