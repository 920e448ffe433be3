"""What a service may leave to `defaults.yaml`, and `defaults.yaml` to the edition: declared once for both.

Imports `catalog.key` and the keys.
"""

from meshctl.catalog.key import Key, field
from meshctl.catalog.keys.circuit_breakers import CircuitBreakers
from meshctl.catalog.keys.health import Health
from meshctl.catalog.keys.load_balancing import LoadBalancing
from meshctl.catalog.keys.outliers import Outliers
from meshctl.catalog.keys.retries import Retries
from meshctl.catalog.keys.timeouts import Timeouts


class Inherited(Key):
    """What services have that do not say otherwise."""

    timeouts: Timeouts | None = field(doc="How long callers wait.", example="{request: 15s}")
    retries: Retries | None = field(doc="Which failed requests are sent again.", example="{attempts: 2}")
    circuit_breakers: CircuitBreakers | None = field(
        doc="How much one caller may have open at once.", example="{connections: 1024}"
    )
    health: Health | None = field(
        doc="What is asked of endpoints, to know that they can serve.",
        example="{path: /healthz}",
        codes=["MSH0305", "MSH0306"],
    )
    load_balancing: LoadBalancing | None = field(
        doc="Which endpoint of a version gets a request.", example="{policy: least_request}"
    )
    outliers: Outliers | None = field(
        doc="When an endpoint that fails in live traffic is left out.", example="{consecutive_5xx: 5}"
    )
