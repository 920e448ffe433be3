import pytest

from meshctl.envoy.since import Young, knows, variant

EARLY, LATE = Young("a.Message.early", (1, 37)), Young("a.Message.late", (1, 39))


@pytest.mark.parametrize(
    ("client", "expected"),
    [("1.35", "1.36"), ("1.36", "1.36"), ("1.37", "1.38"), ("1.38", "1.38"), ("1.39", ""), ("2.0", "")],
)
def test_clients_that_know_the_same_share_a_variant(client: str, expected: str) -> None:
    assert variant(client, (LATE, EARLY)) == expected


def test_a_variant_is_only_for_who_lacks_something_that_the_resource_holds() -> None:
    assert variant("1.38", (EARLY,)) == variant("1.36", ()) == ""


def test_who_says_no_version_gets_what_all_understand() -> None:
    assert variant("0.0", (EARLY, LATE)) == "1.36"


def test_a_variant_knows_what_its_clients_know() -> None:
    assert [knows(each, EARLY) for each in ("", "1.36", "1.38")] == [True, False, True]
    assert [knows(each, LATE) for each in ("", "1.36", "1.38")] == [True, False, False]
