import os
import sqlite3
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from shutil import rmtree

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from meshctl.names import CLUSTER, ENDPOINTS, ROUTES, Ref, ResourceKey
from meshctl.snapshot import Contents, Held, Part, Resource, Snapshot, Tombstone, View
from meshctl.snapshot.database import SCHEMA
from meshctl.snapshot.disk import Disk, State
from meshctl.snapshot.encode import assemble
from meshctl.snapshot.folder import StateUnavailable
from tests.support.full_disk import full_disk

HOUR = 3600.0


def cluster(name: str, content: str = "") -> Resource:
    return assemble(ResourceKey(CLUSTER, name), f"{name} {content}".encode())


def routes(name: str, *parts: Part) -> Resource:
    return assemble(ResourceKey(ROUTES, name), name.encode(), parts)


def host(name: str, content: str = "") -> Part:
    return Part(name, f"{name} {content}".encode(), (Ref(CLUSTER, name),))


def view(name: str, *resources: Resource, lost: Sequence[Tombstone] = (), frozen: bool = False) -> View:
    keys = {resource.ref: resource.key for resource in resources}
    return View(name, keys, {stone.resource.ref: stone for stone in lost}, frozen=frozen)


def published(base: Snapshot, *resources: Resource, views: Sequence[View] = ()) -> Snapshot:
    return base.publish({one.key: one for one in resources}, {one.name: one for one in views})


def saved(directory: Path) -> State | None:
    """What another process would find."""
    disk = Disk.open(directory)
    disk.close()
    return disk.state


def same(one: Snapshot, other: Snapshot) -> bool:
    """Whether two snapshots are equal in all but how they came about."""
    resources = {key: _content(resource) for key, resource in one.resources.items()}
    others = {key: _content(resource) for key, resource in other.resources.items()}
    return one.revision == other.revision and resources == others and _views(one) == _views(other)


def _content(resource: Resource) -> tuple[object, ...]:
    return (resource.version, resource.head, resource.parts, resource.needs, resource.empty, resource.address)


def _views(snapshot: Snapshot) -> dict[str, object]:
    return {
        name: (list(view.keys.items()), dict(view.tombstones), view.frozen)
        for name, view in snapshot.views.items()
    }


def rows(directory: Path, table: str) -> int:
    database = sqlite3.connect(directory / "state.sqlite")
    (count,) = database.execute(f"SELECT count(*) FROM {table}").fetchone()
    database.close()
    return int(count)


def test_nothing_is_loaded_from_a_new_folder(tmp_path: Path) -> None:
    assert saved(tmp_path / "new" / "state") is None


def test_what_was_saved_is_loaded(tmp_path: Path) -> None:
    listener = assemble(
        ResourceKey(ENDPOINTS, "l", "v"),
        b"l",
        needs=[Ref(CLUSTER, "a")],
        empty=True,
        by_name=True,
        address="x",
    )
    gone = Tombstone(cluster("gone"), 1)
    a, table = cluster("a"), routes("r", host("a"), host("b"))
    views = [view("web", a, table, lost=[gone]), view("api", table, listener, frozen=True)]
    snapshot = published(Snapshot(), a, table, listener, views=views)
    disk = Disk.open(tmp_path)
    disk.save({"a.yaml": b"\xff", "b.yaml": b""}, snapshot, now=5.5)
    disk.close()
    state = saved(tmp_path)
    assert state is not None
    assert same(state.snapshot, snapshot)
    assert state.snapshot.resources[listener.key].by_name
    assert state.texts == {"a.yaml": b"\xff", "b.yaml": b""}
    assert state.current_at == 5.5


def test_who_is_given_what_is_loaded_and_its_resources_go_with_it(tmp_path: Path) -> None:
    a, old, older = cluster("a", "2"), cluster("a", "1"), routes("r", host("a"))
    contents = Contents(
        settled={old.ref: old, older.ref: None}, leading={older.ref: older}, leaders=frozenset({"b", "a"})
    )
    first = published(Snapshot(), a, views=[replace(view("web", a), contents=contents)])
    disk = Disk.open(tmp_path)
    disk.save({}, first, now=1)
    disk.close()
    state = saved(tmp_path)
    assert state is not None
    assert state.snapshot.views["web"].contents == contents
    disk = Disk.open(tmp_path)
    disk.save({}, first.publish({}, {"web": view("web", a)}), now=1)
    disk.close()
    assert rows(tmp_path, "resources") == 1


def test_what_is_held_back_is_loaded_with_what_is_kept_for_it(tmp_path: Path) -> None:
    a, old, beside = cluster("a", "2"), cluster("a", "1"), cluster("b")
    held = {
        old.ref: Held("v2", old, "bad", 1.5, frozenset({"n"})),
        Ref(CLUSTER, "c"): Held("v1", None, "worse", 2.5, frozenset()),
        Ref(CLUSTER, "d"): Held("", a, "no answer", 3.5, frozenset({"n"}), silent=True),
    }
    contents = Contents(held=held, beside={beside.ref: beside})
    snapshot = published(Snapshot(), a, views=[replace(view("web", a), contents=contents)])
    disk = Disk.open(tmp_path)
    disk.save({}, snapshot, now=1)
    disk.close()
    state = saved(tmp_path)
    assert state is not None
    assert state.snapshot.views["web"].contents == contents


def test_state_of_the_oldest_schema_is_taken_over(tmp_path: Path) -> None:
    a = cluster("a")
    disk = Disk.open(tmp_path)
    disk.save({}, published(Snapshot(), a, views=[view("web", a)]), now=1)
    disk.close()
    database = sqlite3.connect(tmp_path / "state.sqlite")
    for column in ("contents", "held"):
        database.execute(f"ALTER TABLE views DROP COLUMN {column}")
    database.execute("PRAGMA user_version = 1")
    database.close()
    state = saved(tmp_path)
    assert state is not None
    assert state.snapshot.views["web"] == view("web", a)


def test_next_save_writes_the_difference_and_deletes_what_nobody_holds(tmp_path: Path) -> None:
    shared, old = host("shared"), host("old")
    first = published(Snapshot(), routes("one", shared, old), routes("two", shared), cluster("a"))
    disk = Disk.open(tmp_path)
    disk.save({"a": b"1", "b": b"1"}, first, now=1)
    second = first.publish({cluster("a").key: None, ResourceKey(ROUTES, "one"): routes("one", shared)}, {})
    disk.save({"a": None}, second, now=2)
    disk.close()
    assert rows(tmp_path, "parts") == 1
    assert rows(tmp_path, "resources") == rows(tmp_path, "served") == 2
    state = saved(tmp_path)
    assert state is not None
    assert same(state.snapshot, second)
    assert state.texts == {"b": b"1"}


def test_what_is_needed_by_other_rules_is_written_though_the_bytes_are_the_same(tmp_path: Path) -> None:
    a, b = host("a"), Part("a", host("a").body, (Ref(CLUSTER, "b"),))
    first = published(Snapshot(), routes("one", a), routes("two", a))
    second = published(first, routes("one", b))
    disk = Disk.open(tmp_path)
    disk.save({}, first, now=1)
    disk.save({}, second, now=1)
    disk.close()
    state = saved(tmp_path)
    assert state is not None
    assert same(state.snapshot, second)
    assert state.snapshot.resources[routes("one").key].needs == b.needs
    assert rows(tmp_path, "parts") == rows(tmp_path, "resources") == 2


def test_resource_that_only_a_tombstone_holds_goes_with_it(tmp_path: Path) -> None:
    a = cluster("a")
    first = published(Snapshot(), a, views=[view("web", a)])
    disk = Disk.open(tmp_path)
    disk.save({}, first, now=1)
    second = first.publish({a.key: None}, {"web": view("web", lost=[Tombstone(a, 2)])})
    disk.save({}, second, now=1)
    assert rows(tmp_path, "resources") == 1
    assert rows(tmp_path, "served") == 0
    disk.save({}, second.publish({}, {"web": view("web")}), now=1)
    assert rows(tmp_path, "resources") == 0
    disk.close()


def test_stamp_says_how_current_the_state_is(tmp_path: Path) -> None:
    disk = Disk.open(tmp_path)
    disk.save({}, Snapshot(), now=1)
    disk.stamp(HOUR)
    disk.close()
    state = saved(tmp_path)
    assert state is not None
    assert state.current_at == HOUR


def test_folder_belongs_to_one_server(tmp_path: Path) -> None:
    disk = Disk.open(tmp_path)
    with pytest.raises(StateUnavailable, match=rf"another meshctl serve \(pid {os.getpid()}\) runs"):
        Disk.open(tmp_path)
    disk.close()
    Disk.open(tmp_path).close()


def test_file_that_cannot_be_opened_is_told_and_the_folder_is_free_again(tmp_path: Path) -> None:
    (tmp_path / "state.sqlite").mkdir()
    with pytest.raises(StateUnavailable, match=r"cannot use .*state\.sqlite"):
        Disk.open(tmp_path)
    (tmp_path / "state.sqlite").rmdir()
    Disk.open(tmp_path).close()


def test_folder_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StateUnavailable, match="cannot keep the state in"):
        Disk.open(tmp_path / "file" / "state")


@pytest.mark.parametrize(
    "content", [b"not a database, but long enough to be one" * 100, b"SQLite format 3\0"]
)
def test_file_that_is_no_database_is_moved_aside(
    tmp_path: Path, content: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "state.sqlite").write_bytes(content)
    disk = Disk.open(tmp_path)
    assert disk.state is None
    disk.save({"a": b"1"}, Snapshot(), now=1)
    disk.close()
    assert (tmp_path / "state.sqlite.aside").read_bytes() == content
    assert "moved_to=" in caplog.text
    assert saved(tmp_path) is not None


@pytest.mark.parametrize(
    "damage",
    [
        "UPDATE resources SET head = x'00'",
        "UPDATE resources SET name = CAST(x'ff' AS TEXT)",
        "DELETE FROM parts",
        "DELETE FROM resources",
        "DELETE FROM served",
        "UPDATE views SET keys = 'no json'",
        "UPDATE views SET keys = '[1]'",
        "DELETE FROM meta WHERE name = 'revision'",
        f"PRAGMA user_version = {SCHEMA + 1}",
        "DROP TABLE views",
    ],
)
def test_state_that_is_not_whole_or_of_a_newer_meshctl_is_moved_aside(tmp_path: Path, damage: str) -> None:
    table = routes("r", host("a"))
    disk = Disk.open(tmp_path)
    disk.save({}, published(Snapshot(), table, views=[view("web", table)]), now=1)
    disk.close()
    database = sqlite3.connect(tmp_path / "state.sqlite", isolation_level=None)
    database.execute(damage)
    database.close()
    assert saved(tmp_path) is None
    assert (tmp_path / "state.sqlite.aside").exists()
    assert saved(tmp_path) is None


def test_save_after_one_that_failed_writes_everything(tmp_path: Path) -> None:
    first = published(Snapshot(), cluster("a"), routes("r", host("a")))
    disk = Disk.open(tmp_path)
    disk.save({"a": b"1"}, first, now=1)
    other = sqlite3.connect(tmp_path / "state.sqlite", isolation_level=None)
    other.execute("CREATE TRIGGER full BEFORE INSERT ON meta BEGIN SELECT RAISE(ABORT, 'full'); END")
    second = published(first, cluster("b"), routes("r", host("b")))
    with pytest.raises(sqlite3.Error, match="full"):
        disk.save({"b": b"1"}, second, now=2)
    other.execute("DROP TRIGGER full")
    other.close()
    third = published(second, cluster("c"))
    disk.save({"c": b"1"}, third, now=3)
    disk.close()
    state = saved(tmp_path)
    assert state is not None
    assert same(state.snapshot, third)
    assert sorted(state.texts) == ["a", "b", "c"]
    assert rows(tmp_path, "parts") == 1


@st.composite
def histories(draw: st.DrawFn) -> list[Snapshot]:
    """Snapshots that follow each other, with shared parts, tombstones and views that come and go."""
    names = st.sampled_from("abcd")
    snapshots = [Snapshot()]
    for _ in range(draw(st.integers(1, 6))):
        base = snapshots[-1]
        contents = {name: draw(st.sampled_from("xy")) for name in draw(st.sets(names))}
        table = routes("r", *(host(name, content) for name, content in sorted(contents.items())))
        clusters = [cluster(name, content) for name, content in contents.items()]
        lost = [Tombstone(cluster(name, "old"), base.revision) for name in draw(st.sets(names))]
        views: dict[str, View | None] = {"web": view("web", *clusters, table, lost=lost)}
        views["api"] = draw(st.sampled_from([None, view("api", table)]))
        resources: dict[ResourceKey, Resource | None] = dict.fromkeys(base.resources)
        resources.update({one.key: one for one in (*clusters, table)})
        snapshots.append(base.publish(resources, views))
    return snapshots[1:]


@settings(max_examples=60, deadline=None)
@given(histories(), st.sets(st.integers(0, 5)))
def test_any_history_is_loaded_as_it_was_saved(
    tmp_path_factory: pytest.TempPathFactory, history: list[Snapshot], reopened: set[int]
) -> None:
    directory = tmp_path_factory.mktemp("state")
    disk = Disk.open(directory)
    for step, snapshot in enumerate(history):
        disk.save({"file": str(step).encode()}, snapshot, now=step)
        if step in reopened:
            disk.close()
            disk = Disk.open(directory)
            assert disk.state is not None
            assert same(disk.state.snapshot, snapshot)
    disk.close()
    state = saved(directory)
    assert state is not None
    assert same(state.snapshot, history[-1])
    held = {stone.resource for one in history[-1].views.values() for stone in one.tombstones.values()}
    assert rows(directory, "resources") == len(held | set(history[-1].resources.values()))


def large(generation: int) -> Snapshot:
    """More than fits on a full disk."""
    return published(Snapshot(), *(cluster(f"{generation}-{number}") for number in range(200)))


def test_folder_on_a_full_disk_is_used_as_soon_as_there_is_space(tmp_path: Path) -> None:
    with full_disk():
        disk = Disk.open(tmp_path / "state")
        assert disk.state is None
        for number in range(3):
            with pytest.raises(StateUnavailable, match="disk I/O error"):
                disk.save({f"{number}": b"text"}, large(1), now=1)
    disk.save({"last": b"text"}, large(1), now=2)
    disk.close()
    state = saved(tmp_path / "state")
    assert state is not None
    assert set(state.texts) == {"0", "1", "2", "last"}
    assert len(state.snapshot.resources) == 200


def test_state_on_a_full_disk_is_read_and_saved_again_when_there_is_space(tmp_path: Path) -> None:
    disk = Disk.open(tmp_path)
    disk.save({"a": b"1"}, large(1), now=1)
    disk.close()
    with full_disk():
        disk = Disk.open(tmp_path)
        assert disk.state is not None
        assert disk.state.texts == {"a": b"1"}
        after = published(disk.state.snapshot, *(cluster(f"new-{number}") for number in range(200)))
        with pytest.raises(sqlite3.OperationalError):
            disk.save({"b": b"2"}, after, now=2)
    disk.save({}, after, now=3)
    disk.close()
    state = saved(tmp_path)
    assert state is not None
    assert state.texts == {"a": b"1", "b": b"2"}
    assert set(state.snapshot.resources) == set(after.resources)


def test_state_that_finds_no_space_while_it_is_saved_stays_as_it_was(tmp_path: Path) -> None:
    disk = Disk.open(tmp_path)
    disk.save({"a": b"1"}, first := large(1), now=1)
    other = sqlite3.connect(tmp_path / "state.sqlite")
    (pages,) = other.execute("PRAGMA page_count").fetchone()
    other.close()
    disk._database.execute(f"PRAGMA max_page_count = {pages}")  # SQLite's own full disk
    with pytest.raises(sqlite3.OperationalError, match="database or disk is full"):
        disk.save({"b": b"2"}, after := published(first, *(cluster(f"{n}") for n in range(500))), now=2)
    disk._database.execute("PRAGMA max_page_count = 1000000")
    disk.save({}, after, now=3)
    disk.close()
    state = saved(tmp_path)
    assert state is not None
    assert state.texts == {"a": b"1", "b": b"2"}


def test_save_after_the_folder_was_removed_or_replaced_writes_everything_there(tmp_path: Path) -> None:
    directory, other = tmp_path / "state", tmp_path / "other"
    one = published(Snapshot(), cluster("a"))
    two = published(one, cluster("b"))
    Disk.open(other).close()
    for replace_it in (lambda: None, lambda: other.rename(directory)):
        disk = Disk.open(directory)
        disk.save({"a.yaml": b"a"}, one, now=1.0)
        rmtree(directory)
        replace_it()
        disk.save({"b.yaml": b"b"}, two, now=2.0)
        with pytest.raises(StateUnavailable):
            Disk.open(directory)
        disk.close()
        state = saved(directory)
        assert state is not None
        assert state.texts == {"a.yaml": b"a", "b.yaml": b"b"}
        assert same(state.snapshot, two)
        rmtree(directory)
