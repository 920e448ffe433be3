"""What all tests share: examples of hypothesis may take their time, as on a machine that is busy.

With `--hypothesis-profile long`, those that a real Envoy judges, and the fuzz, go on for hours.
"""

from hypothesis import HealthCheck, settings

settings.register_profile("unhurried", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("long", settings.get_profile("unhurried"), max_examples=20_000)
settings.load_profile("unhurried")
