"""The keys as they are declared: what they become in Envoy, and what may be wrong with them, exists."""

import re

import pytest
from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.descriptor_pool import Default

from meshctl.catalog.declared import Declared, declared, places, steps, written
from meshctl.envoy import pb  # noqa: F401  # the messages are known to the pool when they are imported
from meshctl.operations.codes import CODES

KEYS = declared()


def test_each_key_is_there_once_with_all_its_places() -> None:
    paths = [path for key in KEYS for path in key.paths]
    assert len(set(paths)) == len(paths) == len(places())


@pytest.mark.parametrize("key", KEYS, ids=lambda key: written(key.path))
def test_envoy_has_the_fields_that_a_key_becomes(key: Declared) -> None:
    for name in key.envoy:
        message, _, field = name.rpartition(".")
        found: FieldDescriptor = Default().FindMessageTypeByName(f"envoy.{message}").fields_by_name[field]
        assert not found.GetOptions().deprecated


@pytest.mark.parametrize("key", KEYS, ids=lambda key: written(key.path))
def test_codes_of_a_key_exist(key: Declared) -> None:
    assert set(key.codes) <= CODES.keys()


def test_path_is_read_as_it_is_written() -> None:
    assert steps("service.routes[].match.path") == ("service", "routes", "match", "path")
    assert steps("service.routes[12]..match") == ("service", "routes", "match")
    assert all(re.fullmatch(r"[a-z_0-9]+((\[\])*\.([a-z_0-9]+|NAME))*", written(path)) for path in places())
