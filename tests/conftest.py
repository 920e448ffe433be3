"""What all tests share: examples of hypothesis may take their time, as on a machine that is busy.

Nor does it judge by chance how they are drawn: what it fails a test for is an example, which it prints.
With `--hypothesis-profile long`, those that a real Envoy judges, and the fuzz, go on for hours.
"""

from hypothesis import HealthCheck, settings

_CHANCE = (HealthCheck.too_slow, HealthCheck.filter_too_much, HealthCheck.data_too_large)

settings.register_profile("unhurried", deadline=None, suppress_health_check=_CHANCE, print_blob=True)
settings.register_profile("long", settings.get_profile("unhurried"), max_examples=20_000)
settings.load_profile("unhurried")
