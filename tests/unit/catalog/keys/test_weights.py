"""Weights, and the two keys that have them: `serving` and `to`."""

from collections.abc import Callable

import pytest

from meshctl.catalog.keys.serving import Serving
from meshctl.catalog.keys.to import Target, Weighted
from meshctl.units import Percent


def test_one_name_is_all_of_it() -> None:
    assert Serving.read("v1") == Serving({"v1": Percent(10_000)})
    assert Target.read("voice") == Target((Weighted("voice", None, Percent(10_000)),))
    assert Target.read("voice/1.10") == Target((Weighted("voice", "1.10", Percent(10_000)),))


def test_weights_make_a_hundred_together() -> None:
    serving = Serving.read({"v1": "99.5%", "v2": "0.5%", "v3": "0%"})
    assert serving.weights == {"v1": Percent(9_950), "v2": Percent(50), "v3": Percent(0)}
    assert hash(serving) == hash(Serving.read({"v3": "0%", "v2": "0.5%", "v1": "99.5%"}))
    target = Target.read({"voice/v1": "90%", "voice/v2": "10%"})
    assert [str(to) for to in target.destinations] == ["voice/v1", "voice/v2"]


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        ("serving: {v1: 90%}", ["4:10: MSH0213 the weights make 90%, not 100%; give 10% more"]),
        ("serving: {v1: 90%, v2: 20%}", ["4:10: MSH0213 the weights make 110%, not 100%; give 10% less"]),
        ("serving: {}", ["4:10: MSH0221 there is no weight here; write a name, or names with their weights"]),
        ("serving: {v1: [a], v2: 5}", [
            "4:15: MSH0203 the weight is not a percentage; write a share such as 5%",
            "4:24: MSH0206 '5' is not a percentage; write 5%",
        ]),
        ("routes: [{to: voice/}]", [
            "4:15: MSH0205 '' is not a version's name: a version has a-z, 0-9 and '-', '.', '_' within,"
            " at most 63 of them; a version has a-z, 0-9 and '-', '.', '_' within, at most 63 of them",
        ]),
        ("routes: [{to: [voice]}]", [
            "4:15: MSH0203 to is a list, not a service, or services with their weights;"
            " write to: voice/v2, for example",
        ]),
    ],
)  # fmt: skip
def test_wrong_weights_are_told(voice: Callable[[str], list[str]], text: str, lines: list[str]) -> None:
    assert voice(text) == lines
