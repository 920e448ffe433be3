"""Envoys that ask again at once when they lost their server, so that many restarts fit into a test."""

from dataclasses import dataclass

from meshctl.verify.scene import Scene

_PAUSES = '"base_interval": "0.5s", "max_interval": "5s"'
_SHORT = '"base_interval": "0.02s", "max_interval": "0.1s"'


def impatient(config: str) -> str:
    """The same bootstrap with short pauses between two attempts."""
    assert _PAUSES in config
    return config.replace(_PAUSES, _SHORT)


@dataclass(frozen=True, slots=True)
class Impatient(Scene):
    """A scene of such Envoys."""

    def config(self, name: str, api_type: str) -> str:
        """What the node starts with."""
        return impatient(Scene.config(self, name, api_type))
