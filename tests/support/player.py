"""Plays scripts on a rig, and holds it against the model after each."""

import asyncio
from collections.abc import Mapping
from typing import Self

from meshctl.cli import client
from meshctl.cli.errors import Failure
from meshctl.names import CLUSTER, LISTENER, ROUTES, ViewKey
from meshctl.operations.compile import CLIENT, WATCHED, Compiler
from meshctl.operations.load import resolved
from meshctl.operations.render import resources
from meshctl.verify.connection import get
from meshctl.verify.scene import SIDECAR
from tests.support import admin, fleet
from tests.support.rig import Rig
from tests.support.script import (
    FENCE,
    FENCE_TEXT,
    TREES,
    Checkout,
    Cut,
    Kill,
    Model,
    Remove,
    Script,
    Settle,
    Start,
    Step,
    Wait,
    Write,
    text,
)
from tests.support.second import SECOND
from tests.support.waiting import eventually, pause


class Lost(AssertionError):
    """Requests failed."""


class Player:
    """Plays one script after the other; between two of them everything is as it was at first.

    `played` are all scripts so far, `lost` those in which requests failed.
    """

    def __init__(self, rig: Rig, base: Mapping[str, object]) -> None:
        self._rig, self._base = rig, base
        self._model = Model()
        self._failed = self._fences = 0
        self.played = self.lost = 0

    @classmethod
    async def of(cls, rig: Rig) -> Self:
        """A player on a rig that has just been started, once each node holds its view as compiled anew."""
        player = cls(rig, {})
        await player._until_viewed()
        await player._until_synced()
        player._base = await rig.held()
        return player

    async def play(self, script: Script) -> None:
        """Play it, wait until all nodes hold what they must, and go back to the base. Raises Lost."""
        try:
            for step in script:
                await self._step(step)
            if not self._model.alive:
                await self._step(Start())
            await self._step(Settle())
        finally:
            await self._reset()
            self.played += 1
            tally = self._rig.load.tally
            failed, self._failed = tally.failed - self._failed, tally.failed
        if failed:
            self.lost += 1
            raise Lost(f"{failed} requests failed: {[str(one) for one in tally.failures]}")

    async def _step(self, step: Step) -> None:
        match step:
            case Write(file, label):
                self._put(file, label)
            case Remove(file):
                self._put(file, None)
            case Checkout(tree):
                for file, wanted in TREES[tree].items():
                    self._put(file, wanted)
            case Kill():
                await self._kill()
            case Start():
                await self._kill()
                self._model.start()
                await self._rig.server.start(503 if self._model.blind else 200)
            case Cut(node):
                self._rig.lines[node].cut()
            case Wait(ms):
                await pause(ms / 1000)
            case Settle():
                await self._settle()

    def _put(self, file: str, label: str | None) -> None:
        scene = self._rig.scene
        if label is None:
            (scene.catalog / file).unlink(missing_ok=True)
        else:
            scene.write(file, text(scene, file, label))
        self._model.put(file, label)

    async def _kill(self) -> None:
        if self._model.alive:
            await self._rig.server.kill()
            self._model.alive = False

    async def _settle(self) -> None:
        if not self._model.follows:
            return
        await self._until_read()
        self._model.settle()
        rig, model = self._rig, self._model

        async def shared() -> bool:
            found = [await admin.shares(envoy, "users") for envoy in rig.stage.envoys.values()]
            return all(one in model.shares() for one in found)

        async def answered() -> bool:
            return all([await _answer(port) in model.answers_of_pay() for port in rig.egress])

        await eventually(shared, f"users is shared out as one of {model.shares()}")
        await eventually(answered, f"the sidecars answer for pay: {model.answers_of_pay()}")
        await self._until_viewed()
        await self._until_synced()

    async def _until_read(self) -> None:
        """Wait until the server has read what stands on disk now."""
        self._fences += 1
        scene, host = self._rig.scene, f"n{self._fences}.example.com"
        scene.write(FENCE, FENCE_TEXT.format(number=self._fences))

        async def read() -> bool:
            try:
                fence = await asyncio.to_thread(client.get_target, scene.control_plane, "gateway", ["fence"])
            except Failure:  # it has not read anything yet
                return False
            return host in fence["hosts"]

        await eventually(read, f"the server has read {host}")

    async def _until_viewed(self) -> None:
        """Wait until each node holds what is compiled anew of what is served, if that is certain."""
        served, scene = self._model.served(), self._rig.scene
        if served is None:
            return
        texts = {file: text(scene, file, label).encode() for file, label in served.items()}
        envoys = self._rig.stage.envoys
        views = {name: _compiled(self._rig, name, texts) for name in envoys}

        async def viewed() -> bool:
            for name, envoy in envoys.items():
                held = await admin.held(envoy)
                # Only by delta does each resource have a version of its own.
                if held != views[name] if name == SIDECAR else held.keys() != views[name].keys():
                    return False
            return True

        await eventually(viewed, f"each node holds its view: {views}")

    async def _until_synced(self) -> None:
        rig = self._rig

        async def synced() -> bool:
            return await fleet.states(rig.scene) == dict.fromkeys(rig.stage.envoys, "synced")

        await eventually(synced, "all nodes are synced")

    async def _reset(self) -> None:
        for file, label in TREES["base"].items():
            self._put(file, label)
        if not self._model.alive:
            await self._step(Start())
        await self._until_read()
        self._model.settle()

        async def held() -> bool:
            return await self._rig.held() == self._base

        await eventually(held, "every node holds exactly its view")
        await self._until_synced()


async def _answer(port: int) -> bytes | None:
    answer = await get(port, "/", {"host": "pay"})
    return answer.body.strip() if answer.status == 200 else None


def _compiled(rig: Rig, name: str, texts: Mapping[str, bytes]) -> Mapping[str, str]:
    """The version of each cluster, listener and route table of a node's view, by kind and name."""
    identity = rig.second.identity if name == SECOND else rig.scene.identity(name)
    key = ViewKey(identity.role, identity.targets, CLIENT, identity.egress)
    kinds = {CLUSTER: "cluster", LISTENER: "listener", ROUTES: "routes"}
    found = resources(Compiler(resolved(texts, WATCHED)), key)
    return {f"{kinds[one.key.type]} {one.key.name}": one.version for one in found if one.key.type in kinds}
