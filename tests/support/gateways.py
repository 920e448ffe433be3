"""Several gateways of one name on one machine: nodes that see the same, and share their port.

Sidecars cannot: on one machine each has an egress address of its own, and so a view of its own.
"""

import asyncio
import json
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field

from meshctl.envoy.bootstrap import Identity, bootstrap
from meshctl.names import Role
from meshctl.verify.ports import free_ports
from meshctl.verify.processes import Envoy
from meshctl.verify.scene import USERS_FILE, Scene
from meshctl.verify.stage import Stage
from tests.support import admin, fleet
from tests.support.waiting import LIMIT_S, eventually

FIRST = "gateway"
"""The gateway that every stage has."""


async def gateway(scene: Scene, name: str, by: str = "") -> Envoy:
    """Start one more gateway `edge`, with this id; `by`: the address of a proxy to the control plane.

    What the proxy swallows for long does not make it connect anew.
    """
    (port,) = free_ports(1)
    identity = Identity(Role.GATEWAY, ("edge",), name)
    config = json.dumps(bootstrap(identity, by or scene.control_plane, port))
    if by:
        config = config.replace('"interval": "30s"', '"interval": "600s"')
    return await Envoy.run(name, config, port, scene.folder)


@dataclass(slots=True)
class Gateways:
    """A stage with gateways beside its own, by id."""

    stage: Stage
    envoys: dict[str, Envoy]
    running: AsyncExitStack = field(repr=False)

    @property
    def scene(self) -> Scene:
        return self.stage.scene

    async def add(self, name: str, by: str = "") -> None:
        """One more, ready; by way of a proxy, if its address is given."""
        envoy = await self.running.enter_async_context(await gateway(self.scene, name, by))
        self.envoys[name] = envoy
        await envoy.wait_ready()

    async def restart(self, name: str) -> None:
        """Stop one, and start one of its name that holds nothing."""
        await self.envoys[name].stop()
        await self.add(name)

    async def having(self, request: str) -> set[str]:
        """The gateways whose route to `users` has this timeout."""
        found = await asyncio.gather(*(admin.route_timeout(one, "users") for one in self.envoys.values()))
        return {name for name, seen in zip(self.envoys, found, strict=True) if seen == request}

    async def having_version(self, version: str) -> set[str]:
        """The gateways that send all requests for `users` to this version."""
        found = [await admin.shares(one, "users") for one in self.envoys.values()]
        return {name for name, shares in zip(self.envoys, found, strict=True) if shares == {version: 100}}

    async def counting(self, pattern: str) -> set[str]:
        """The gateways with a counter of such a name that is above zero."""
        found = [sum((await one.stats(pattern)).values()) for one in self.envoys.values()]
        return {name for name, count in zip(self.envoys, found, strict=True) if count}

    async def until_having(self, request: str, number: int, limit_s: float = LIMIT_S) -> set[str]:
        """Wait until exactly so many gateways have this timeout, and return which."""

        async def reached() -> bool:
            return len(await self.having(request)) == number

        await eventually(reached, f"{number} gateways have the timeout {request}", limit_s)
        return await self.having(request)

    async def until_states(self, states: Mapping[str, int]) -> None:
        """Wait until so many gateways are in each state."""

        async def reached() -> bool:
            known = await fleet.states(self.scene)
            found = [known.get(name) for name in self.envoys]
            return {state: found.count(state) for state in set(found)} == states

        await eventually(reached, f"gateways are {states}")

    def write_waves(self, hold: str, shares: Sequence[str] = ("1", "100%")) -> None:
        """Edit mesh.yaml: these waves."""
        text = (self.scene.catalog / "mesh.yaml").read_text(encoding="utf-8")
        lines = [line for line in text.splitlines() if not line.startswith("waves:")]
        lines.append(f"waves: {{shares: [{', '.join(shares)}], hold: {hold}}}")
        self.scene.write("mesh.yaml", "\n".join(lines) + "\n")

    def write_users(
        self, timeout: str = "", weights: Mapping[str, int] | None = None, more: str = ""
    ) -> None:
        """Edit `users`: its request timeout, its weights, endpoints of v1 besides the first."""
        text = self.scene.users(weights or {"v1": 100, "v2": 0})
        if timeout:
            text += f"timeouts: {{request: {timeout}}}\n"
        if more:
            v1 = f"[127.0.0.1:{self.scene.ports.v1}]"
            text = text.replace(v1, f"{v1[:-1]}, {more}]")
        self.scene.write(USERS_FILE, text)


@asynccontextmanager
async def three(stage: Stage) -> AsyncIterator[Gateways]:
    """The stage with three gateways, `users` with both versions, and waves that stop after the first node."""
    async with AsyncExitStack() as running:
        found = Gateways(stage, {FIRST: stage.envoys[FIRST]}, running)
        found.write_waves("1h")
        for name in ("gateway-2", "gateway-3"):
            await found.add(name)
        found.write_users()
        await found.until_states({"synced": 1, "held": 2})
        await fleet.skip_waves(stage.scene)
        await found.until_states({"synced": 3})
        yield found
