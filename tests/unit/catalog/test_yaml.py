import pytest
from hypothesis import given
from hypothesis import strategies as st

from meshctl.catalog.yaml import MAX_DEPTH, MAX_NODES, MappingNode, ScalarNode, SequenceNode, parse


def test_scalars_stay_the_text_that_was_written() -> None:
    root = parse("f", b"a: [1.10, on, no, 0x1F, 2026-11-23, 'q', ~]\n").root
    assert isinstance(root, MappingNode)
    items = root.entries["a"][1]
    assert isinstance(items, SequenceNode)
    texts = [(item.text, item.plain) for item in items.items if isinstance(item, ScalarNode)]
    assert texts == [
        ("1.10", True), ("on", True), ("no", True), ("0x1F", True), ("2026-11-23", True), ("q", False),
        ("~", True),
    ]  # fmt: skip


def test_nodes_know_their_line_and_column_counted_from_one() -> None:
    root = parse("f", b"# comment\nport: 8080\nuses:\n  - sync\n").root
    assert isinstance(root, MappingNode)
    key, value = root.entries["port"]
    assert (root.line, root.column) == (2, 1)
    assert (key.line, key.column) == (2, 1)
    assert (value.line, value.column) == (2, 7)
    uses = root.entries["uses"][1]
    assert isinstance(uses, SequenceNode)
    assert (uses.items[0].line, uses.items[0].column) == (4, 5)


def test_a_byte_order_mark_is_no_part_of_the_text() -> None:
    root = parse("f", b"\xef\xbb\xbfport: 1\n").root
    assert isinstance(root, MappingNode)
    assert list(root.entries) == ["port"]


def test_an_alias_is_the_value_that_it_names() -> None:
    document = parse("f", b"a: &x [1]\nb: *x\n")
    assert isinstance(document.root, MappingNode)
    assert document.problems == ()
    assert document.root.entries["a"][1] == document.root.entries["b"][1]


@pytest.mark.parametrize(
    ("text", "code"),
    [
        (b"x" * (1 << 20) + b"y", "MSH0104"),
        (b"a: " + b"[" * MAX_DEPTH, "MSH0104"),
        (b"a:\n" + b"".join(b" " * n + b"- x:\n" for n in range(0, 160, 2)), "MSH0104"),
        (b"- " * 5_000 + b"a", "MSH0104"),
        (b"[" + b"x," * MAX_NODES + b"]", "MSH0104"),
        (b"a: &a [*a]", "MSH0104"),
        (b"a: &a [*a, *a, *a]", "MSH0104"),
        (b"\xff\xfea\x00", "MSH0102"),
        (b"a: \xc3", "MSH0102"),
        (b"a: \x00", "MSH0102"),
        (b"a: \x1b[31m", "MSH0102"),
        ("a: b\ufeff".encode(), "MSH0102"),
        (b"", "MSH0105"),
        (b"---\n", None),
    ],
)
def test_what_is_no_text_or_too_much_is_told_once(text: bytes, code: str | None) -> None:
    assert [problem.code.code for problem in parse("f", text).problems] == ([code] if code else [])


def test_aliases_of_aliases_count_as_often_as_they_are_used() -> None:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 12)]
    document = parse("f", "\n".join(lines).encode())
    assert document.root is None
    assert [problem.code.code for problem in document.problems] == ["MSH0104"]


def test_of_a_key_that_is_written_twice_the_first_counts() -> None:
    document = parse("f", b"port: 1\nport: 2\n")
    assert isinstance(document.root, MappingNode)
    value = document.root.entries["port"][1]
    assert isinstance(value, ScalarNode)
    assert value.text == "1"
    assert [problem.code.code for problem in document.problems] == ["MSH0107"]


@given(
    st.one_of(
        st.binary(max_size=300), st.text(alphabet="a: -[]{},&*!|>'\"%@`#?\n\t", max_size=80).map(str.encode)
    )
)
def test_any_bytes_give_a_tree_or_a_problem_within_the_file(text: bytes) -> None:
    document = parse("f", text)
    assert document.root is not None or document.problems
    lines = text.count(b"\n") + text.count(b"\r") + 1
    for problem in document.problems:
        assert str(problem.at).startswith("f:")
        assert 1 <= int(str(problem.at).split(":")[1]) <= lines
