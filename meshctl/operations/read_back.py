"""Served bytes read by a second, independent implementation of protobuf: envoy-data-plane.

The one door to that package, which only `meshctl render --check` and tests use. Compared is the JSON that
both make of the same bytes, everything nested unpacked.
"""

import warnings
from collections.abc import Iterator
from importlib import import_module
from typing import Any

from meshctl.envoy.decode import decode
from meshctl.snapshot import Resource

_TYPE_PREFIX = "type.googleapis.com/"


class NoSecondDecoder(Exception):
    """envoy-data-plane is not installed; the message says how to install it."""


def disagreement(resource: Resource) -> str | None:
    """What two implementations read differently, or None if they agree. Raises NoSecondDecoder."""
    ours = decode(resource.key.type, resource.body)
    for type_url in _types(ours):
        _second_class(type_url)  # once imported, its type can be unpacked
    theirs = _second_class(resource.key.type).parse(resource.body).to_dict()
    if _alike(ours) == _alike(theirs):
        return None
    return f"{resource.key.name}: read as {ours} here and as {theirs} by envoy-data-plane"


def _second_class(type_url: str) -> Any:
    """The class of a type in envoy-data-plane: its packages mirror those of the protos."""
    package, _, name = type_url.removeprefix(_TYPE_PREFIX).rpartition(".")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)  # its generated code and pydantic 2.12
            return getattr(import_module(f"envoy_data_plane.{package}"), name)
    except ModuleNotFoundError as error:
        if error.name != "envoy_data_plane":
            raise
        hint = "install it with: pip install envoy-data-plane"
        raise NoSecondDecoder(f"envoy-data-plane, which reads the bytes back, is missing; {hint}") from None


def _types(json: object) -> Iterator[str]:
    """The types of all messages that were packed into others."""
    if isinstance(json, dict):
        if "@type" in json:
            yield str(json["@type"])
        for value in json.values():
            yield from _types(value)
    elif isinstance(json, list):
        for item in json:
            yield from _types(item)


def _alike(json: object) -> object:
    """The same JSON with keys and whole numbers in one spelling.

    The two disagree on the camel case of `consecutive_5xx`, and on whether a UInt64Value is a text.
    """
    if isinstance(json, dict):
        return {str(key).replace("_", "").lower(): _alike(value) for key, value in json.items()}
    if isinstance(json, int) and not isinstance(json, bool):
        return str(json)
    return [_alike(item) for item in json] if isinstance(json, list) else json
