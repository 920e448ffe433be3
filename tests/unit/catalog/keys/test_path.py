from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic_core import PydanticCustomError

from meshctl.catalog.keys.path import PathKind, PathPattern

SEGMENTS = st.lists(
    st.sampled_from(["a", "b.c", "2010-04-01", "%2F", "~x", "a=b", "{sid}", "{account_sid}", "{x}"]),
    max_size=5,
)


def complaint(read: Callable[[object], object], text: str) -> str | None:
    try:
        read(text)
    except PydanticCustomError as error:
        return error.type
    return None


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("/", PathKind.EXACT),
        ("/a", PathKind.EXACT),
        ("/a/", PathKind.EXACT),
        ("/a=b", PathKind.EXACT),
        ("/{a}/b=c", PathKind.TEMPLATE),
        ("/**", PathKind.BELOW),
        ("/a/**", PathKind.BELOW),
        ("/a/{x}", PathKind.TEMPLATE),
        ("/a/{x}/**", PathKind.TEMPLATE),
        ("/2010-04-01/Accounts/{account_sid}/Calls/**", PathKind.TEMPLATE),
    ],
)  # fmt: skip
def test_a_pattern_is_exact_below_or_a_template(text: str, kind: PathKind) -> None:
    pattern = PathPattern.read(text)
    assert (pattern.kind, pattern.text, str(pattern)) == (kind, text, text)
    assert pattern.everything == (text == "/**")


@given(SEGMENTS, st.sampled_from(["", "/**"]))
def test_a_pattern_reads_back_as_it_is_printed(segments: list[str], end: str) -> None:
    text = "".join(f"/{segment}" for segment in segments) + end or "/"
    names = [segment for segment in segments if segment.startswith("{")]
    refused = len(set(names)) < len(names)
    assert (complaint(PathPattern.read, text) is not None) == refused
    if not refused:
        assert str(PathPattern.read(text)) == text


@given(st.text(max_size=40) | st.text(alphabet="/{}*a=%.?#", max_size=20).map("/".__add__))
def test_any_text_is_a_pattern_or_refused_in_our_words(text: str) -> None:
    assert complaint(PathPattern.read, text) in (None, "refused")


@pytest.mark.parametrize(
    ("path", "line"),
    [
        ("a", "does not begin with '/'; write /a"),
        ("/a?x=1", "has a query, which is no part of a path; write /a"),
        ("/a#b", "has a fragment, which is no part of a path; write /a"),
        ("/a/*", "has '*' in '*'; write {name} for one segment, or /** at the end for all below"),
        ("/a**", "has '*' in 'a**'; write {name} for one segment, or /** at the end for all below"),
        ("/**/a", "has '*' in '**'; write {name} for one segment, or /** at the end for all below"),
        ("/a b", "has 'a b', whose characters no path has as they are; write a%20b"),
        ("/é", "has 'é', whose characters no path has as they are; write %C3%A9"),
        ("/%zz", "has '%zz', whose characters no path has as they are;"
                 " write two hexadecimal digits after each '%'"),
        ("/a//**", "has an empty segment; write /a/**"),
        ("/a/../b", "has the segment '..', which clients resolve before they ask; resolve it"),
        ("/{a}//b", "has an empty segment; write one '/' between segments"),
        ("/{}", "has a segment {} without a name; write {name}"),
        ("/{a}.json", "has '{a}.json', where a name must be the whole segment; write /{name}/"),
        ("/{a-b}", "has the name 'a-b';"
                   " a name has a-z, A-Z, 0-9 and '_', a letter first, at most 16 of them"),
        ("/{a}/{a}", "has one name twice; name each segment differently"),
        ("/{a}/{b}/{c}/{d}/{e}/{f}", "has 6 names; write at most 5, as Envoy takes no more"),
    ],
)  # fmt: skip
def test_what_is_no_pattern_is_told_with_what_to_write(
    voice: Callable[[str], list[str]], path: str, line: str
) -> None:
    found = voice(f'routes:\n  - match: {{path: "{path}"}}\n    to: voice/v1')
    assert found == [f"5:19: MSH0209 the path '{path}' {line}"]
