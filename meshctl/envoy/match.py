"""Matches as Envoy's routes know them. Envoy: config.route.v3.RouteMatch.

May import the mesh's facts. gRPC's own client knows neither path templates nor separated prefixes, and
refuses a whole route configuration that has one: for it, both are written as regular expressions.
"""

from collections.abc import Callable, Iterable

from meshctl.envoy import pb
from meshctl.mesh.match import PathMatch, RequestMatch, Variable

_URI_TEMPLATE = "envoy.path.match.uri_template.uri_template_matcher"
_REGEX_META = frozenset("\\.+*?()|[]{}^$")

_LONGEST_TEMPLATE = 256
"""Envoy: UriTemplateMatchConfig.path_template; a longer one would make it refuse the whole configuration."""

Paths = Callable[[PathMatch], Iterable[pb.RouteMatch]]


def route_matches(match: RequestMatch, paths: Paths) -> Iterable[pb.RouteMatch]:
    """The plain matches that are together one match; `paths` says what the client understands."""
    for message in paths(match.path):
        if match.methods:
            message.headers.append(pb.header_equals(":method", match.methods))
        message.headers.extend(pb.header_equals(name, [value]) for name, value in match.headers)
        yield message


def envoy_paths(path: PathMatch) -> Iterable[pb.RouteMatch]:
    """A path as Envoy matches it fastest: exact, prefix, template, or expression if that is too long."""
    if not path.literal:
        yield from _templates(path) if len(str(path)) <= _LONGEST_TEMPLATE else [_expression(path)]
    elif not path.below:
        yield pb.RouteMatch(path=str(path))
    elif path.segments:
        yield _prefix(path)
    else:
        yield pb.RouteMatch(prefix="/")


def grpc_paths(path: PathMatch) -> Iterable[pb.RouteMatch]:
    """A path as gRPC's client matches it: exact, everything, or a regular expression."""
    if path.literal and not path.below:
        yield pb.RouteMatch(path=str(path))
    elif not path.segments:
        yield pb.RouteMatch(prefix="/")
    else:
        yield _expression(path)


def _prefix(path: PathMatch) -> pb.RouteMatch:
    text = str(path).removesuffix("/**")
    if text.endswith("/"):  # `/a//**`: Envoy takes no separated prefix that ends with a slash
        return _expression(path)
    return pb.RouteMatch(path_separated_prefix=text)


def _templates(path: PathMatch) -> Iterable[pb.RouteMatch]:
    """`/a/{x}/**` is two templates: Envoy's `**` takes the slash before it as given."""
    if path.below:
        yield _template(str(PathMatch(path.segments, below=False)))
    yield _template(str(path))


def _template(text: str) -> pb.RouteMatch:
    config = pb.pack(pb.UriTemplateMatchConfig(path_template=text))
    return pb.RouteMatch(path_match_policy=pb.TypedExtensionConfig(name=_URI_TEMPLATE, typed_config=config))


def _expression(path: PathMatch) -> pb.RouteMatch:
    return pb.RouteMatch(safe_regex=pb.RegexMatcher(regex=_regex(path)))


def _regex(path: PathMatch) -> str:
    words = ("[^/]+" if isinstance(segment, Variable) else _escaped(segment) for segment in path.segments)
    return "".join(f"/{word}" for word in words) + ("(/.*)?" if path.below else "")


def _escaped(text: str) -> str:
    return "".join(f"\\{letter}" if letter in _REGEX_META else letter for letter in text)
