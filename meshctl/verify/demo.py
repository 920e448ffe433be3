"""The demo: a service shifted from v1 to v2 by edits of its file, through real Envoys and under load.

Imports the standard library and its neighbours. Leaves no process; the folder is the caller's.
"""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from meshctl.verify.load import Load, Shape
from meshctl.verify.polling import until
from meshctl.verify.processes import Envoy
from meshctl.verify.report import LoadReport, Tally
from meshctl.verify.sample import Sample
from meshctl.verify.scene import USERS_FILE, VERSIONS, Ports, Scene
from meshctl.verify.stage import Serving, served, staged
from meshctl.verify.window import Window

WEIGHTS = (10, 25, 50, 75, 100)
"""Percent of the requests that v2 gets, step by step. The first step also brings v2 into the catalog."""

_REACH_LIMIT_S = 30.0  # an edit was seen to reach both Envoys in 0.2 s
_RELOADS = r"^http\..*\.rds\..*\.config_reload$"  # one for each change of routes that Envoy took


class NotReached(Exception):
    """An Envoy did not take an edit in time."""


@dataclass(frozen=True, slots=True)
class Step:
    """One edit of the weights, and what it cost so far.

    `share` is v2's share of the answers to requests that began when both Envoys had the new weights; None
    until then.
    """

    weight: int
    share: float | None = None
    requests: int = 0
    failed: int = 0


class Demo:
    """One run. `steps` and `tally` say at any time how far it is."""

    def __init__(self, folder: Path, serving: Serving = served, shape: Shape | None = None) -> None:
        """`folder` is empty, and gets the catalog, logs and state."""
        self.scene = Scene(folder, Ports.free())
        self._serving = serving
        self._shape = shape or Shape()
        self._done: list[Step] = []
        self._now: _Watched | None = None
        self._load: Load | None = None

    @property
    def steps(self) -> Sequence[Step]:
        """The steps that are over, and the one that goes on."""
        return (*self._done, *([self._now.step] if self._now else []))

    @property
    def tally(self) -> Tally | None:
        """The whole load so far; None before it begins."""
        return self._load.tally if self._load else None

    @property
    def report(self) -> LoadReport:
        """The whole load and its changes. Raises RuntimeError before it begins."""
        if self._load is None:
            raise RuntimeError("the demo has no load yet")
        return self._load.report

    async def run(self, finished: Callable[[Step], None]) -> LoadReport:
        """Set the mesh up, shift the traffic, take everything down; `finished` is told each step at its end.

        Raises ProgramMissing, ProcessError, LoadStuck, NotReached.
        """
        async with staged(self.scene, self._serving) as stage, stage.load(self._shape) as self._load:
            for weight in WEIGHTS:
                await self._shift(self._load, tuple(stage.envoys.values()), weight)
                finished(self._done[-1])
        return self.report

    async def _shift(self, load: Load, envoys: Sequence[Envoy], weight: int) -> None:
        async with load.change(f"{weight} %") as window:
            self._now = _Watched(weight, window)
            before = [await _reloads(envoy) for envoy in envoys]
            self.scene.write(USERS_FILE, self.scene.users({"v1": 100 - weight, "v2": weight}))
            await asyncio.gather(*map(_reached, envoys, before))
            self._now.sample = load.sample(self._shape.requests_per_change // 2)
            await self._now.sample.complete.wait()
        self._done.append(self._now.step)
        self._now = None


class _Watched:
    """The step that goes on; `sample` is taken once the new weights hold."""

    def __init__(self, weight: int, window: Window) -> None:
        self.sample: Sample | None = None
        self._step = Step(weight)
        self._window = window

    @property
    def step(self) -> Step:
        """What is known now."""
        tally = self._window.report.tally
        return replace(self._step, share=self._share(), requests=tally.requests, failed=tally.failed)

    def _share(self) -> float | None:
        if self.sample is None:
            return None
        old, new = map(self.sample.tally.version, VERSIONS)
        return new / (old + new) if old + new else None


async def _reached(envoy: Envoy, before: int) -> None:
    async def reloaded() -> bool:
        return await _reloads(envoy) > before

    try:
        async with asyncio.timeout(_REACH_LIMIT_S):
            await until(reloaded)
    except TimeoutError:
        raise NotReached(f"{envoy.name} did not take the new weights within {_REACH_LIMIT_S:g} s") from None


async def _reloads(envoy: Envoy) -> int:
    return sum((await envoy.stats(_RELOADS)).values())
