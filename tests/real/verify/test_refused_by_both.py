"""What the catalog refuses on Envoy's account, Envoy refuses too: else we would forbid what works."""

import pytest

from meshctl.catalog.source import read_source
from meshctl.envoy import listener, match, pb
from meshctl.envoy.static import static_bootstrap, static_listener
from meshctl.mesh.match import PathMatch, Variable
from meshctl.snapshot.encode import serialised
from meshctl.units import Duration
from meshctl.verify.reader import Reader

READER = Reader.found()


def in_a_route(path: str) -> str:
    return f"routes: [{{match: {{path: '{path}'}}, respond: {{status: 200}}}}]"


def template(text: str) -> pb.Listener:
    """A listener with one route of this path template, as the catalog's matches become."""
    segments = tuple(Variable(word[1:-1]) if word[:1] == "{" else word for word in text.split("/")[1:])
    (message,) = match.envoy_paths(PathMatch(segments, below=False))
    return answers(message)


def answers(message: pb.RouteMatch, status: int = 200, body: str = "") -> pb.Listener:
    """A listener with one route that answers by itself."""
    answer = pb.DirectResponseAction(status=status)
    answer.body.inline_string = body
    return hosts([pb.Route(match=message, direct_response=answer)])


def hosts(routes: list[pb.Route], *domains: str) -> pb.Listener:
    """A listener with a virtual host of these routes for each domain."""
    config = pb.RouteConfiguration(name="r")
    for number, domain in enumerate(domains or ("*",)):
        config.virtual_hosts.add(name=f"v{number}", domains=[domain], routes=routes)
    written = listener.egress_listener(("web",), "127.0.0.1:80").SerializeToString()
    return static_listener(written, config)


def cluster(address: str = "10.0.0.1", port: int = 80, connect: int = 1) -> pb.Cluster:
    """A cluster of one endpoint."""
    message = pb.Cluster(name="web/v1", connect_timeout=pb.duration(Duration(connect)))
    message.load_assignment.cluster_name = message.name
    locality = message.load_assignment.endpoints.add()
    locality.lb_endpoints.add(endpoint=pb.Endpoint(address=pb.socket(address, port)))
    return message


def separated(text: str) -> pb.RouteMatch:
    return pb.RouteMatch(path_separated_prefix=text)


ANY = pb.RouteMatch(prefix="/")
LARGE = "x" * 4_097
LARGER = "response body size is 4097 bytes; maximum is 4096"


@pytest.mark.parametrize(
    ("path", "words"),
    [
        ("/{a}/{b}/{c}/{d}/{e}/{f}", "variable count limit"),
        (f"/{{{'a' * 17}}}", "variable name length"),
        ("/{1a}", "Invalid variable name"),
        ("/{_a}", "Invalid variable name"),
        ("/{a}/{a}", "Repeated variable name"),
        ("/a//{x}", 'Invalid literal: ""'),
        ("/a b/{x}", "Invalid pattern"),
        ('/a"/{x}', "Invalid literal"),
    ],
)
def test_envoy_refuses_a_path_with_names_that_no_entry_may_say(path: str, words: str) -> None:
    assert codes(entry(in_a_route(path))) == ["MSH0209"]
    assert words in refusal(template(path))


@pytest.mark.parametrize(
    ("said", "code", "words", "made"),
    [
        (in_a_route("/a//**"), "MSH0209", "PathSeparatedPrefix", answers(separated("/a/"))),
        (in_a_route("/a?b/**"), "MSH0209", "PathSeparatedPrefix", answers(separated("/a?b"))),
        ("routes: [{respond: {status: 199}}]", "MSH0204", ".Status: value", answers(ANY, 199)),
        ("routes: [{respond: {status: 600}}]", "MSH0204", ".Status: value", answers(ANY, 600)),
        (
            f"routes: [{{respond: {{status: 200, body: {LARGE}}}}}]",
            "MSH0219",
            LARGER,
            answers(ANY, 200, LARGE),
        ),
        ("endpoints: [users.internal]", "MSH0207", "malformed IP address", cluster("users.internal")),
        ("endpoints: ['10.0.0.1:65536']", "MSH0207", "Clusters[0]", cluster(port=65_536)),
        ("timeouts: {connect: 0s}", "MSH0204", "ConnectTimeout: value must be", cluster(connect=0)),
    ],
)
def test_envoy_refuses_what_no_entry_may_say(
    said: str, code: str, words: str, made: pb.Cluster | pb.Listener
) -> None:
    assert codes(entry(said)) == [code]
    assert words in refusal(made)


def test_envoy_refuses_a_host_twice_and_in_other_letters() -> None:
    route = pb.Route(match=ANY, direct_response=pb.DirectResponseAction(status=200))
    assert "Duplicate entry of domain a.com" in refusal(hosts([route], "a.com", "A.com"))


def test_envoy_takes_an_equals_sign_beside_names() -> None:
    assert codes(entry(in_a_route("/{a}/b=c"))) == []
    assert READER.refusal(serialised(static_bootstrap((), [template("/{a}/b=c")]))) is None


def entry(said: str) -> bytes:
    """A service that says this besides what every service must."""
    endpoints = "" if said.startswith("endpoints") else "endpoints: [10.0.0.1]\n"
    return f"service: web\nport: 80\n{endpoints}{said}\n".encode()


def codes(text: bytes) -> list[str]:
    return [problem.code.code for problem in read_source("team/web.yaml", text).problems]


def refusal(message: pb.Cluster | pb.Listener) -> str:
    """Envoy's words of a configuration with this alone."""
    one = ([message], ()) if isinstance(message, pb.Cluster) else ((), [message])
    words = READER.refusal(serialised(static_bootstrap(*one)))
    assert words is not None
    return words
