from collections.abc import Callable

import pytest
from yaml import YAMLError

from meshctl.catalog.syntax import explained

MISTAKES = [
    ("a: [b\n", "1:4: MSH0103 the list that begins here has no ']'"),
    ("a: {b: 1\n", "1:4: MSH0103 the mapping that begins here has no '}'"),
    ("a: {path: /a/{name}}\n", "1:4: MSH0103 the mapping that begins here has no '}'"),
    ("a: 'x\nb: 1", "1:4: MSH0103 the quote that begins here is not closed; write the closing quote"),
    ("a: b: c\n", "1:5: MSH0103 a ':' stands where no key can be"),
    ("a: 1\n b: 2\n", "2:3: MSH0103 a ':' stands where no key can be"),
    ("a:\n\tb: 1\n", "2:1: MSH0103 there is a tab, and YAML is indented with spaces; write spaces"),
    ("a: 1\n\tb", "2:1: MSH0103 there is a tab, and YAML is indented with spaces; write spaces"),
    ("a: 1\nb\n", "2:1: MSH0103 this line is neither 'key: value' nor '- item'"),
    ("- a\nb: 1\n", "2:1: MSH0103 this line does not belong to the list above it"),
    (
        "a: *.example.com\n",
        "1:4: MSH0103 '*' begins an alias in YAML, so this is no text; put the whole value",
    ),
    ("a: *x\n", "1:4: MSH0103 '*' begins an alias in YAML, and no anchor has that name"),
    ("a: &a 1\nb: &a 2\n", "2:4: MSH0103 this anchor's name stands in the file already"),
    ("a: &\n", "1:4: MSH0103 '&' begins an anchor in YAML"),
    ("a: @x\n", "1:4: MSH0103 no value begins with '@'; put the whole value in quotes"),
    ("a: %x\n", "1:4: MSH0103 no value begins with '%'; put the whole value in quotes"),
    ("%x: 1\n", "1:3: MSH0103 '%' begins a directive"),
    ("%YAML 2.0\n---\na: 1\n", "1:1: MSH0103 catalogs are YAML 1.2; remove the line"),
    ('a: "\\q"\n', "1:5: MSH0103 there is no such escape in double quotes"),
    ('a: "\\xg"\n', "1:7: MSH0103 the escape has too few hexadecimal digits"),
    ("a: 1\n---\nb: 2\n", "2:1: MSH0106 a second document begins here"),
    ("a: 1\n...\nb: 2\n", "3:1: MSH0106 the entry has ended above, and more follows"),
    ("a: ]\n", "1:4: MSH0103 a value is missing here"),
    ("a: {b: 1}}\n", "1:10: MSH0103 this does not belong to the keys above it"),
    ("a: - b\n", "1:4: MSH0103 a '-' stands where no list can begin"),
    ("a: |x\n", "1:5: MSH0103 nothing but '|' or '>' can stand here"),
    ("a: !<x\n", "1:4: MSH0103 '!' begins a tag in YAML"),
    ("a: !e!x\n", "1:4: MSH0103 '!' begins a tag in YAML"),
]


@pytest.mark.parametrize(("text", "line"), MISTAKES)
def test_what_is_no_yaml_is_told_in_our_words(told: Callable[..., list[str]], text: str, line: str) -> None:
    (found,) = told(text)
    assert found.startswith(line)


def test_an_unknown_complaint_of_the_parser_is_told_without_its_words() -> None:
    code, span, message, fix = explained("f", "a: b", YAMLError("libyaml says so"))
    assert (code.code, str(span)) == ("MSH0103", "f:1:1")
    assert "libyaml" not in message + fix
