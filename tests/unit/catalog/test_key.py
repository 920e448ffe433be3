"""Models whose keys Python keeps for itself, and models within themselves."""

from jsonschema import Draft7Validator

from meshctl.catalog.declared import follow
from meshctl.catalog.key import Entry, field, keys_of, required
from meshctl.catalog.scalars import Port
from meshctl.catalog.schema import as_json, definitions
from meshctl.catalog.shape import inner, shape, words
from meshctl.catalog.typed import typed
from meshctl.catalog.yaml import MappingNode, parse


class Toy(Entry):
    """A toy."""

    port: Port | None = field(doc="A number.", example="80")
    not_: "Toy | None" = field(doc="Another toy.", example="{port: 80}")
    any: tuple["Toy", ...] = field(doc="Toys.", example="[{port: 80}]", default=())


class Box(Entry):
    """A box."""

    from_: Port = required(doc="A number.", example="80")


def read(model: type[Entry], text: str) -> tuple[Entry | None, list[str]]:
    root = parse("toy.yaml", text.encode()).root
    assert isinstance(root, MappingNode)
    entry, mistakes = typed(model, root)
    return entry, [f"{mistake.message}; {mistake.fix}" for mistake in mistakes]


def test_key_is_written_without_the_mark_behind_its_field() -> None:
    assert list(keys_of(Toy)) == ["port", "not", "any"]
    toy, mistakes = read(Toy, "not: {not: {port: 80}}")
    assert mistakes == []
    assert isinstance(toy, Toy)
    assert toy.not_
    assert toy.not_.not_
    assert toy.not_.not_.port == 80


def test_field_is_no_key_where_it_is_written_otherwise() -> None:
    assert read(Toy, "not_: {port: 80}") == (None, ["toy has no key 'not_'; write 'not'"])
    assert read(Box, "frm: 80") == (None, ["box has no key 'frm'; write 'from'"])
    assert read(Box, "{}") == (None, ["box needs the key 'from'; add from: 80"])


def test_model_within_itself_has_one_schema_and_is_followed() -> None:
    models = definitions([Toy], lambda _model, _name: "")
    assert list(models) == ["Toy"]
    validator = Draft7Validator({"$ref": "#/definitions/Toy", "definitions": models})
    assert validator.is_valid(as_json("not: {any: [{port: 80}, {not: {}}]}"))
    assert not validator.is_valid(as_json("not: {any: [{port: many}]}"))
    assert follow(Toy, ("any", "not", "any", "port")) == (Toy, "port")
    assert inner(shape(keys_of(Toy)["any"])) == (Toy,)
    assert words(shape(keys_of(Toy)["not"])) == "a mapping of keys: port, not, any"
