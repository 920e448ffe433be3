"""The codes of what can be wrong in one file of a catalog: MSH01 its text, MSH02 its keys and values.

Imports only `meshctl.problems`.
"""

from dataclasses import dataclass

from meshctl.problems import Code, KeyPath, Place, Problem, nearest

NOT_READABLE = Code(
    "MSH0101",
    "a file of the catalog cannot be read",
    "Leaving it out would look like deleting its entry.",
    "chmod 000 platform/voice.yaml",
    "chmod 644 platform/voice.yaml",
)
NOT_TEXT = Code(
    "MSH0102",
    "not UTF-8 text",
    "Text in another encoding would be read as other letters than were written.",
    "description: caf\\xe9",
    "description: café",
)
NOT_YAML = Code(
    "MSH0103",
    "not YAML",
    "Nothing after the mistake can be read with certainty.",
    "uses: [accounts",
    "uses: [accounts]",
)
TOO_LARGE = Code(
    "MSH0104",
    "a file that is too large, too deep or expands too far",
    "An entry is a page of text; more is a mistake, or an attack on whoever reads it.",
    "a file of 5 MiB",
    "one entry of at most 1 MiB",
)
NO_ENTRY = Code(
    "MSH0105",
    "a file without an entry",
    "Every file of a catalog is one entry, so that a forgotten one is noticed.",
    "# to be written",
    "service: voice",
)
SEVERAL_DOCUMENTS = Code(
    "MSH0106",
    "several documents in one file",
    "One file is one entry, named after it.",
    "service: voice\n---\nservice: sync",
    "service: voice",
)
DUPLICATE_KEY = Code(
    "MSH0107",
    "a key written twice",
    "One of the two would be ignored in silence.",
    "port: 8080\nport: 8081",
    "port: 8080",
)
UNUSED_YAML = Code(
    "MSH0108",
    "a part of YAML that catalogs do not use",
    "Tags, merge keys and keys that are not text would be read differently by different programs.",
    "port: !!int 8080",
    "port: 8080",
)
MISPLACED = Code(
    "MSH0109",
    "a file in the wrong place",
    "The owner of an entry is the team whose folder it stands in.",
    "catalog/voice.yaml",
    "catalog/platform/voice.yaml",
)
WRONG_NAME = Code(
    "MSH0110",
    "an entry that is not named like its file",
    "A file is found by the name of its entry, and a broken one is known by the file's name.",
    "service: voice in sync.yaml",
    "service: voice in voice.yaml",
)

UNKNOWN_KEY = Code(
    "MSH0201", "unknown key", "A misspelt key would be ignored in silence.", "prot: 8080", "port: 8080"
)
MISSING_KEY = Code(
    "MSH0202",
    "missing key",
    "There is no value that would be right for everybody.",
    "service: voice",
    "service: voice\nport: 8080",
)
WRONG_SHAPE = Code(
    "MSH0203",
    "a value of another kind than the key takes",
    "A list, a mapping of keys, a text and a number are different things.",
    "uses: accounts",
    "uses: [accounts]",
)
WRONG_NUMBER = Code(
    "MSH0204", "not a number that fits", "A port is at most 65535.", "port: 80800", "port: 8080"
)
WRONG_NAME_FORM = Code(
    "MSH0205",
    "not a name",
    "Names become part of host names and of Envoy's statistics.",
    "service: Voice_API",
    "service: voice-api",
)
WRONG_UNIT = Code(
    "MSH0206",
    "a time or a share without its unit",
    "A number without a unit is read as seconds by one and as milliseconds by another.",
    "request: 15",
    "request: 15s",
)
WRONG_ADDRESS = Code(
    "MSH0207",
    "not an IP address, or not with its port",
    "Envoy refuses all endpoints of a version if one of them is a host name.",
    "endpoints: [localhost:9001]",
    "endpoints: [127.0.0.1:9001]",
)
WRONG_HOST = Code(
    "MSH0208",
    "not a host name",
    "A host with a scheme, a port or a path in it would never match a request.",
    "host: https://api.example.com/",
    "host: api.example.com",
)
WRONG_PATH = Code(
    "MSH0209",
    "not a path",
    "Envoy would refuse the whole route table, or the pattern would never match.",
    'path: "/calls/*"',
    'path: "/calls/{sid}"',
)
WRONG_HEADER = Code(
    "MSH0210",
    "not a header, or a method, that a request can have",
    "It would never match.",
    "methods: [get]",
    "methods: [GET]",
)
UNKNOWN_WORD = Code(
    "MSH0211",
    "a word that is none of the possible ones",
    "It would be ignored in silence.",
    "protocol: htpp",
    "protocol: http",
)
EXCLUSIVE = Code(
    "MSH0212",
    "keys of which exactly one is needed",
    "Both together contradict each other, and none of them says nothing.",
    "to: voice/v1\nrespond: {status: 200}",
    "to: voice/v1",
)
WRONG_SUM = Code(
    "MSH0213",
    "weights that do not make 100%",
    "Nobody can tell where the rest should go.",
    "serving: {v1: 90%, v2: 20%}",
    "serving: {v1: 80%, v2: 20%}",
)
UNKNOWN_VERSION = Code(
    "MSH0214",
    "a version that the service does not have",
    "Requests would find no endpoint.",
    "serving: v3",
    "serving: v2",
)
LISTED_TWICE = Code(
    "MSH0215",
    "listed twice",
    "The second one has no meaning, or was meant to be another.",
    "uses: [sync, sync]",
    "uses: [sync, web]",
)
OWN_NAME = Code(
    "MSH0216",
    "a service that names itself",
    "A service reaches itself without the mesh; its routes lead to its versions.",
    "service: voice\nuses: [voice]",
    "service: voice\nuses: [sync]",
)
UNREACHABLE_ROUTE = Code(
    "MSH0217",
    "a route that no request can reach",
    "The first route that matches wins, so those after one that takes everything are never asked.",
    "routes: [{to: web}, {match: {path: /a}, to: a}]",
    "routes: [{match: {path: /a}, to: a}, {to: web}]",
)
WRONG_KIND = Code(
    "MSH0218",
    "an entry of no kind, or of two",
    "The kind of an entry is the one of the keys service and gateway that it has.",
    "name: voice",
    "service: voice",
)
WRONG_TEXT = Code(
    "MSH0219",
    "a text that does not fit",
    "Envoy refuses longer ones.",
    'body: "(5,000 letters)"',
    'body: "not here"',
)
WRONG_TARGET = Code(
    "MSH0220",
    "a destination of another service's",
    "The routes of a service lead to its own versions; callers' ways are decided by the callee.",
    "to: sync",
    "to: voice/v2",
)
NOTHING_SAID = Code(
    "MSH0221",
    "a part that says nothing",
    "An empty part is a forgotten one, and would match everything or nothing.",
    "match: {}",
    "match: {path: /ping}",
)
NOT_OF_PROTOCOL = Code(
    "MSH0222",
    "a key that means nothing for the service's protocol",
    "Connections of tcp, mysql, redis and tls_passthrough are passed on: nobody looks for requests in them.",
    "protocol: mysql\ntimeouts: {request: 15s}",
    "protocol: mysql\ntimeouts: {idle: 2h}",
)

_SHOWN = 60
"""Letters of a value that a message repeats; enough to find it, and no page of text."""
_LONGEST_WORD = 64
"""Longer words are not compared with the known ones: no key is nearly as long."""


@dataclass(frozen=True, slots=True)
class Mistake:
    """A problem inside one entry: `path` and `also` lead from the part that was being read."""

    code: Code
    message: str
    fix: str
    path: KeyPath = ()
    on_key: bool = False
    also: tuple[KeyPath, ...] = ()

    def within(self, path: KeyPath, *, on_key: bool = False) -> "Mistake":
        """The same mistake from further up: `path` leads to the part, or to the key, that was being read."""
        also = tuple((*path, *other) for other in self.also)
        return Mistake(self.code, self.message, self.fix, (*path, *self.path), self.on_key or on_key, also)

    def problem(self, file: str) -> Problem:
        """The same mistake as a problem of `file`."""
        also = tuple(Place(file, path) for path in self.also)
        return Problem(self.code, Place(file, self.path, self.on_key), self.message, self.fix, also)


def shown(text: str) -> str:
    """`text` in quotes as a message repeats it: control characters made visible, cut when long."""
    return repr(text if len(text) <= _SHOWN else text[: _SHOWN - 1] + "…")


def near(word: str, known: tuple[str, ...]) -> str | None:
    """The known word that `word` was probably meant to be; None too where it is too long to compare."""
    return nearest(word, known) if len(word) <= _LONGEST_WORD else None
