import pytest

from meshctl.xds.quarantine import blamed, reason

# As Envoy 1.40 writes them.
SEMANTIC = (
    "Error adding/updating cluster(s) bad/v1: cluster manager: no LB, "
    "bad/v2: cluster manager: no LB of good/v1"
)
LISTENER = (
    'Error adding/updating listener(s) bad/l: goo.gle/debugstr   \nrds {\n  route_config_name: "SECRET"\n}\n'
    ": Proto constraint validation failed (HttpConnectionManagerValidationError.StatPrefix: "
    "value length must be at least 1 characters)\n"
)
ROUTES = (
    'goo.gle/debugonly  \nname: "egress/web"\nvirtual_hosts {\n  name: "b"\n  request_headers_to_add {\n'
    '    header {\n      key: "authorization"\n      value: "Bearer SECRET"\n    }\n  }\n}\n'
    ": Proto constraint validation failed (RouteConfigurationValidationError.VirtualHosts[0]: "
    "embedded message failed validation | caused by RouteActionValidationError.Cluster: "
    "value length must be at least 1 characters)"
)
ENDPOINTS = (
    'goo.gle/debugproto \ncluster_name: "b/v1"\nendpoints {\n  lb_endpoints {\n  }\n}\n: Proto constraint '
    "validation failed (ClusterLoadAssignmentValidationError.Endpoints[0]: value must be at most 65535)"
)
DURATION = "Invalid duration: Expected positive duration: goo.gle/debugstr    \nseconds: -1\n"
OLDER = (
    "Proto constraint validation failed (ClusterValidationError.Name: value length must be at least 1 "
    'characters): lb_policy: RING_HASH metadata { token: "SECRET" }'
)


@pytest.mark.parametrize("text", [LISTENER, ROUTES, ENDPOINTS, DURATION, OLDER, 'x\n  value: "SECRET"\ny'])
def test_a_reason_repeats_no_resource(text: str) -> None:
    words = reason(text)
    assert "SECRET" not in words
    assert "goo.gle" not in words
    assert "\n" not in words


def test_a_reason_keeps_what_is_wrong() -> None:
    assert reason(DURATION) == "Invalid duration: Expected positive duration"
    assert reason(ROUTES).endswith("value length must be at least 1 characters)")
    assert reason(LISTENER).startswith("Error adding/updating listener(s) bad/l: Proto constraint")
    assert reason(OLDER).endswith("at least 1 characters)")
    assert reason("malformed IP address: localhost") == "malformed IP address: localhost"


def test_a_huge_refusal_is_read_at_its_ends() -> None:
    echoed = '  value: "SECRET"\n' * 100_000
    words = "Proto constraint validation failed (X: too long)"
    assert reason(f"goo.gle/debugstr\n{echoed}: {words}") == words
    assert reason(f"bad\n{echoed}") == "bad"
    assert reason("\n" * 1_000_000 + "x") == "x"
    assert blamed('cluster_name: "b/v1"\n' + "\n" * 1_000_000, ["b/v1"]) == {"b/v1"}


def test_a_reason_is_never_empty_nor_endless() -> None:
    assert reason("\n") == "refused without a reason"
    assert len(reason("a b " * 1000)) <= 400


def test_culprits_are_those_named_before_their_error() -> None:
    assert blamed(SEMANTIC, ["good/v1", "bad/v1", "bad/v2"]) == {"bad/v1", "bad/v2"}
    assert blamed(LISTENER, ["bad/l", "l"]) == {"bad/l"}


def test_culprits_are_those_whose_message_is_echoed() -> None:
    assert blamed(ROUTES, ["egress/web", "b"]) == {"egress/web"}
    assert blamed(ENDPOINTS, ["a/v1", "b/v1"]) == {"b/v1"}


def test_culprits_are_those_that_a_phrase_ends_with() -> None:
    text = "Only unique values for domains are permitted. Duplicate entry of domain x in route egress/web"
    assert blamed(text, ["egress/web", "egress"]) == {"egress/web"}


def test_nobody_is_blamed_by_a_text_without_names() -> None:
    assert blamed(DURATION, ["a/v1", "b/v1"]) == frozenset()


def test_names_of_several_words_and_names_that_end_in_a_colon_are_found_too() -> None:
    text = "Error adding/updating cluster(s) a b: no good, c:: no good, d: no good"
    assert blamed(text, ["a b", "c:", "d", "e"]) == {"a b", "c:", "d"}
