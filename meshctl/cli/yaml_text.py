"""YAML that means the same to every reader: every text in quotes.

May import PyYAML. Envoy reads YAML 1.1, where a plain `n`, `on`, `1:30` or `0777` is no text; a mesh may
have a service of any of these names.
"""

from collections.abc import Mapping, Sequence

import yaml

_ENDLESS = 1 << 30
"""Lines are not folded: a long text stays in one, where a search finds it."""


class _Quoted(str):
    """A text that is written in quotes."""


class _Dumper(yaml.SafeDumper):
    """Writes out twice what occurs twice: references are YAML that not every reader takes."""

    def ignore_aliases(self, data: object) -> bool:
        return True


def _quote(dumper: yaml.SafeDumper, text: _Quoted) -> yaml.ScalarNode:
    return dumper.represent_scalar("tag:yaml.org,2002:str", str(text), style='"')


_Dumper.add_representer(_Quoted, _quote)


def as_yaml(data: object) -> str:
    """Mappings, lists and scalars in block style, their keys in their order."""
    text: str = yaml.dump(_quoted(data), Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=_ENDLESS)
    return text


def _quoted(data: object) -> object:
    """The same data, each text but the keys marked; keys of ours and of protobuf are plain words."""
    if isinstance(data, str):
        return _Quoted(data)
    if isinstance(data, Mapping):
        return {key: _quoted(value) for key, value in data.items()}
    if isinstance(data, Sequence):
        return [_quoted(item) for item in data]
    return data
