from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic_core import PydanticCustomError

from meshctl.catalog.keys.names import read_host, read_host_pattern, read_name, read_version


def complaint(read: Callable[[object], object], text: str) -> str | None:
    try:
        read(text)
    except PydanticCustomError as error:
        return error.type
    return None


def test_hosts_are_lower_case() -> None:
    assert read_host("API.Example.com") == "api.example.com"
    assert read_host_pattern("*.Example.com") == "*.example.com"


def test_a_version_may_look_like_a_number() -> None:
    assert read_version("1.10") == "1.10"


@given(st.text(max_size=30) | st.text(alphabet="a.-*:/é[]_A", max_size=20))
def test_any_text_is_a_name_or_refused_in_our_words(text: str) -> None:
    for read in (read_host, read_host_pattern, read_name, read_version):
        assert complaint(read, text) in (None, "refused")


NAME = "a name has a-z, 0-9 and '-' within, at most 63 of them"


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("uses: [B_c]", f"4:8: MSH0205 'B_c' is not a name: {NAME}; write b-c"),
        ("uses: ['*']", f"4:8: MSH0205 '*' is not a name: {NAME}; {NAME}"),
        ("uses: [inbound]", "4:8: MSH0205 the name 'inbound' is reserved; take another name"),
        ("aliases: ['a.b:80']", "4:11: MSH0208 'a.b:80' is not a host name; write a.b"),
        ("aliases: ['http://a.b/c']", "4:11: MSH0208 'http://a.b/c' is not a host name; write a.b"),
        ("aliases: [bücher.example]", "4:11: MSH0208 'bücher.example' is not a host name;"
                                      " write xn--bcher-kva.example"),
        ("aliases: ['*.a.b']", "4:11: MSH0208 '*.a.b' is not a host name; write the whole name, without '*'"),
        ("aliases: ['a b']", "4:11: MSH0208 'a b' is not a host name;"
                             " write a host name such as api.example.com"),
        ("expose: [{on: edge, host: '*'}]", "4:27: MSH0208 '*' is not a host name;"
                                            " write '*' as the first label alone, such as *.example.com"),
        ("expose: [{on: edge, host: '*.a.b:80'}]",
         "4:27: MSH0208 '*.a.b:80' is not a host name; write *.a.b"),
    ],
)  # fmt: skip
def test_what_is_no_name_is_told_with_what_to_write(
    voice: Callable[[str], list[str]], text: str, line: str
) -> None:
    assert voice(text) == [line]
