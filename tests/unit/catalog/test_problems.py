import inspect
from pathlib import Path

import pytest

from meshctl.catalog import problems
from meshctl.catalog.problems import Mistake, near, shown
from meshctl.problems import Code, Place

CODES = {name: code for name, code in vars(problems).items() if isinstance(code, Code)}


def test_codes_are_unique_and_of_this_layer() -> None:
    codes = [code.code for code in CODES.values()]
    assert len(set(codes)) == len(codes)
    assert all(code.startswith(("MSH01", "MSH02")) for code in codes)


@pytest.mark.parametrize("name", sorted(CODES))
def test_every_code_is_used(name: str) -> None:
    folder = Path(inspect.getfile(problems)).parent
    texts = [path.read_text() for path in folder.rglob("*.py") if path.name != "problems.py"]
    assert any(name in text for text in texts)


def test_a_value_is_shown_with_its_control_characters_and_cut() -> None:
    assert shown("a\nb") == "'a\\nb'"
    assert len(shown("x" * 1_000)) < 100


def test_a_long_word_is_near_to_nothing() -> None:
    assert near("prot", ("port",)) == "port"
    assert near("p" * 10_000, ("port",)) is None


def test_a_mistake_within_a_part_leads_there() -> None:
    mistake = (
        Mistake(problems.LISTED_TWICE, "m", "f", (1,), also=((0,),)).within(("uses",)).problem("t/a.yaml")
    )
    assert mistake.at == Place("t/a.yaml", ("uses", 1))
    assert mistake.also == (Place("t/a.yaml", ("uses", 0)),)
