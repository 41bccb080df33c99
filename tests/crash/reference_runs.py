"""What each scenario does when nothing disturbs it; every disturbed one is compared with this."""

import itertools
import shutil
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

from shared.bootstrap.migration import migrate
from tests.crash.fork_server import ForkServer, Job, Life, Never
from tests.crash.registry_state import RegistryState, Stored, picture, stored
from tests.crash.scenarios import BYSTANDER, SCENARIOS, Scenario, push
from tests.sampling import Features, Row, covering_part
from tests.support.world import People, Template, World, opened, settings_of

A_DAY_LATER = timedelta(hours=25)  # Past the grace period of archives without a release.


@dataclass(frozen=True)
class Reference:
    """A scenario, and what everybody sees before and after it."""

    scenario: Scenario
    people: People
    before: RegistryState
    after: RegistryState


@dataclass(frozen=True)
class FolderReference(Reference):
    """A scenario, the folder that it begins with, and what it changes."""

    folder: Path
    life: Life
    stored_after: Stored
    stored_swept: Stored  # After it, when the time of what is not needed is over.

    def copy(self, folder: Path) -> Path:
        """Return a folder of its own to begin in."""
        shutil.copytree(self.folder, folder)
        return folder


@dataclass
class FolderReferences:
    """All of them, each made when it is first asked for."""

    template: Template
    fork_server: ForkServer
    root: Path
    _made: dict[str, FolderReference] = field(default_factory=dict[str, FolderReference])
    _numbers: "itertools.count[int]" = field(default_factory=itertools.count)

    async def of(self, name: str) -> FolderReference:
        if name not in self._made:
            self._made[name] = await self._make(SCENARIOS[name])
        return self._made[name]

    async def sample(
        self,
        name: str,
        names: Iterable[str],
        rows: Callable[[FolderReference], Iterable[Row]],
        features: Features[Row],
    ) -> list[Row]:
        """Return the rows of a scenario in a sample of those that are run."""
        tables = {each: rows(await self.of(each)) for each in names}
        return covering_part(name, tables, features)

    async def _make(self, scenario: Scenario) -> FolderReference:
        folder = self._copy(self.template.folder)
        people = self.template.people
        async with opened(folder, people) as world:
            for act in (push(f"{BYSTANDER}:1.0.0"), *scenario.before):
                assert (await act(world)).is_success
        before = await self._seen(folder, scenario)
        done = self._copy(folder)
        ended = self.fork_server.run(Job(done, people, scenario.name, Never()))
        assert ended.life.status in scenario.repeated, ended
        swept = self._copy(done)
        async with opened(swept, people) as world:
            await sweep_a_day_later(world)
        return FolderReference(
            scenario=scenario,
            people=people,
            folder=folder,
            life=ended.life,
            before=before,
            after=await self._seen(done, scenario),
            stored_after=stored(done),
            stored_swept=stored(swept),
        )

    async def _seen(self, folder: Path, scenario: Scenario) -> RegistryState:
        """Look at a copy: looking leaves the time when a token was used."""
        async with opened(self._copy(folder), self.template.people) as world:
            return await picture(world, scenario)

    def _copy(self, folder: Path) -> Path:
        place = self.root / str(next(self._numbers))
        shutil.copytree(folder, place)
        return place


async def sweep_a_day_later(world: World) -> None:
    """Remove the archives that nothing needs, as if their time were over."""
    now_ms = world.clock.at_ms
    world.clock.advance(A_DAY_LATER)
    report = await world.registry.maintenance.task_runner.run("delete-orphaned-archives")
    assert report is not None
    assert report.problems == ()
    world.clock.at_ms = now_ms


def start_again(folder: Path) -> None:
    """Do what a start does before the port answers."""
    migrate(settings_of(folder))
