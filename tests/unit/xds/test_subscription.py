from meshctl.xds.events import Amend, Replace
from meshctl.xds.subscription import Change, Subscription


def _replace(subscription: Subscription, *names: str) -> Change:
    return subscription.apply(Replace(frozenset(names)))


def _amend(subscription: Subscription, *names: str, drop: tuple[str, ...] = ()) -> Change:
    return subscription.apply(Amend(frozenset(names), frozenset(drop)))


def test_no_names_at_first_mean_everything() -> None:
    for apply in (_replace, _amend):
        subscription = Subscription(wildcard=True)
        assert apply(subscription).widened
        assert subscription.covers("anything")


def test_no_names_after_some_mean_nothing() -> None:
    subscription = Subscription(wildcard=True)
    _replace(subscription, "a")
    change = _replace(subscription)
    assert change.dropped == {"a"}
    assert not subscription.covers("a")


def test_no_names_mean_nothing_for_a_type_without_wildcard() -> None:
    subscription = Subscription(wildcard=False)
    _amend(subscription)
    assert not subscription.covers("a")


def test_a_star_beside_names_means_everything() -> None:
    subscription = Subscription(wildcard=True)
    _replace(subscription, "*", "a")
    assert subscription.covers("b")
    assert _replace(subscription, "a").narrowed
    assert not subscription.covers("b")
    assert subscription.covers("a")


def test_what_is_given_by_name_only_is_not_covered_by_a_wildcard() -> None:
    subscription = Subscription(wildcard=True)
    _amend(subscription, "*", "voice.mesh")
    assert subscription.covers("voice.mesh", by_name=True)
    assert not subscription.covers("sync.mesh", by_name=True)


def test_a_delta_client_keeps_the_old_wildcard_when_it_asks_for_names() -> None:
    subscription = Subscription(wildcard=True)
    _amend(subscription)
    _amend(subscription, "a")
    assert subscription.covers("b")
    assert _amend(subscription, drop=("*",)).narrowed
    assert not subscription.covers("b")


def test_a_name_asked_for_again_is_to_be_answered_again() -> None:
    subscription = Subscription(wildcard=False)
    assert not _amend(subscription, "a").again
    assert _amend(subscription, "a").again == {"a"}


def test_a_name_unsubscribed_under_a_wildcard_is_answered() -> None:
    subscription = Subscription(wildcard=True)
    _amend(subscription, "*", "a")
    change = _amend(subscription, drop=("a",))
    assert change.again == {"a"}
    assert subscription.covers("a")


def test_replacing_names_tells_which_are_new_and_which_are_gone() -> None:
    subscription = Subscription(wildcard=False)
    _replace(subscription, "a", "b")
    change = _replace(subscription, "b", "c")
    assert change.wanted == {"c"}
    assert change.dropped == {"a"}


def test_unsubscribing_what_was_never_asked_for_changes_nothing() -> None:
    subscription = Subscription(wildcard=False)
    _amend(subscription, "a")
    assert _amend(subscription, drop=("b",)) == Change()
