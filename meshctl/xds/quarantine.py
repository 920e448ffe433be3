"""What a refusal says: whom it blames, and its reason in words without secrets.

Imports nothing of meshctl. Envoy's texts are those of 1.36 to 1.40. Endpoints and routes are refused
without a name; a violated constraint echoes the whole message, with every header value in it.
"""

import re
from collections.abc import Iterable

_LONGEST = 400
"""Characters of a reason that are kept: Envoy joins the errors of all resources of one answer."""

_READ = 65_536
"""Characters of a refusal that are read, from both its ends: the words may stand before or after what is
echoed, and a client that sends megabytes must not hold up the others."""

# A message that Envoy echoes. Newer releases mark its beginning (the marker's spelling varies on purpose)
# and go on after it with a line that starts with a colon; older ones put it on one line, last.
_MARKED = re.compile(r"goo\.gle/debug\w*.*?(?=\n: |\Z)", re.DOTALL)
_AFTER_CONSTRAINT = re.compile(
    r"(Proto constraint validation failed \((?:[^()]|\([^()]*\))*\)):? .*?(?=\n\S+: |\Z)", re.DOTALL
)
# Lines of protobuf text that came without a marker: `name: "x"`, `[type.url] {`, `}`.
_TEXT_LINE = re.compile(
    r"(?m)^[ \t]*(?:[\w.\[\]/]+\s*\{|\}|\w+:\s*(?:\".*\"|'.*'|-?\d\S*|true|false|[A-Z_0-9]+))[ \t]*$"
)
_BETWEEN_WORDS = re.compile(r'[\s,"]+')
_OPENING = re.compile(r"Error adding/updating (?:cluster|listener)\(s\) ")


_PASSING = ("ddress already in use",)
"""Words of a cause that lies in the node's machine and may pass: another process has the listener's address.

Envoy 1.40 says `cannot bind '127.0.0.1:15001': Address already in use`; the last words are the system's.
"""

FIRST_RETRY, LAST_RETRY = 1.0, 60.0
"""Seconds from a refusal for a passing cause until it is tried again: the first, doubled until the last."""


def may_pass(reason: str) -> bool:
    """Whether these words name a local cause that may pass without a change of the resource."""
    return any(words in reason for words in _PASSING)


def reason(text: str) -> str:
    """The refusal's words, cut to why: no resource is repeated in them. Never empty."""
    text = _ends(text)
    text = _MARKED.sub("", text)
    text = _AFTER_CONSTRAINT.sub(r"\1", text)
    text = _TEXT_LINE.sub("", text)
    words = " ".join(text.split()).replace(": : ", ": ").strip(" :")
    if len(words) > _LONGEST:
        words = words[: _LONGEST - 1].rstrip() + "…"
    return words or "refused without a reason"


def blamed(text: str, names: Iterable[str]) -> frozenset[str]:
    """Those of `names` that the refusal is about; empty when it names nobody.

    A name counts where Envoy puts the culprit's: before its error, as the first field of an echoed
    message, or at the end of a phrase. Elsewhere it may be a neighbour that is only mentioned.
    """
    text = _ends(text)
    # Of thousands of names few stand in the text at all; to look for each in turn would take seconds.
    words = {part.removesuffix(":") for part in _BETWEEN_WORDS.split(text)}
    return frozenset(
        name for name in names if (name in words or not _is_word(name)) and _is_blamed(name, text)
    )


def _is_word(name: str) -> bool:
    """Whether the name would stand as one word in a text."""
    return not name.endswith(":") and _BETWEEN_WORDS.search(name) is None


def _ends(text: str) -> str:
    if len(text) <= _READ:
        return text
    # Whole lines: half a line of an echoed message would not be known for one, and told.
    head, tail = text[: _READ // 2].rpartition("\n")[0], text[-_READ // 2 :].partition("\n")[2]
    return f"{head}\n{tail}"


def _is_blamed(name: str, text: str) -> bool:
    quoted = re.escape(name)
    listed = _OPENING.search(text) and re.search(rf"(?:\(s\) |, |\n){quoted}: ", text)
    echoed = re.search(rf'(?m)^(?:cluster_)?name: "{quoted}"$', text)
    phrase = re.search(rf"\b(?:in route|duplicate name|duplicate cluster) {quoted}(?=[\s,]|$)", text)
    return bool(listed or echoed or phrase)
