"""What all tests share: examples of hypothesis may take their time, as on a machine that is busy.

Nor does it judge by chance how they are drawn: what it fails a test for is an example, which it prints.
With `--hypothesis-profile long`, those that a real Envoy judges, and the fuzz, go on for hours.
"""

import os

from hypothesis import HealthCheck, settings

_OF_THE_PERSON = ("COLUMNS", "LINES", "FORCE_COLOR", "CLICOLOR_FORCE", "NO_COLOR", "TERM")
"""What decides how answers look; a test that needs one of these sets it, its commands inherit none."""

for _name in list(os.environ):
    if _name in _OF_THE_PERSON or _name.startswith("MESHCTL_"):
        del os.environ[_name]

_CHANCE = (HealthCheck.too_slow, HealthCheck.filter_too_much, HealthCheck.data_too_large)

settings.register_profile("unhurried", deadline=None, suppress_health_check=_CHANCE, print_blob=True)
settings.register_profile("long", settings.get_profile("unhurried"), max_examples=20_000)
settings.load_profile("unhurried")
