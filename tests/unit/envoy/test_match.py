from meshctl.catalog.keys.path import PathPattern
from meshctl.envoy.match import envoy_paths
from meshctl.mesh.match import PathMatch


def test_template_that_is_too_long_for_envoy_is_an_expression() -> None:
    longest, longer = "/{x}/" + "a" * 251, "/{x}/" + "a" * 252
    (template,) = envoy_paths(PathMatch.of(PathPattern.parse(longest)))
    (expression,) = envoy_paths(PathMatch.of(PathPattern.parse(longer)))
    assert template.HasField("path_match_policy")
    assert expression.safe_regex.regex == "/[^/]+/" + "a" * 252
