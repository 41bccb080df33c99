"""The search of one instance finds releases of another through the change feed."""

from collections.abc import AsyncGenerator
from dataclasses import dataclass
from pathlib import Path

import pytest

from shared.domain.coordinates import Coordinate, Package
from shared.domain.principals import OPERATOR
from shared.domain.visibility import Visibility
from tests.support.archives import bala
from tests.support.cloud_stores import look_for_parts
from tests.support.storage import IN_THE_CLOUD, one_instance
from tests.support.world import Person, World, opened

pytestmark = [
    pytest.mark.skipif(
        not IN_THE_CLOUD, reason="in the cloud only: on one machine all processes search one file"
    ),
    one_instance("it opens two itself"),
]

GREET = Package.parse("acme", "greet")
SECRET = Package.parse("acme", "secret")


@dataclass
class Instances:
    """Two instances of a registry."""

    writer: World
    reader: World

    async def settle(self) -> None:
        """Do what happens by itself within a second."""
        await look_for_parts(self.reader.stores.search)

    async def found(self, by: Person | None = None) -> list[str]:
        """Return what a search over HTTP finds at the other instance."""
        answer = await self.reader.get("/packages?q=org:acme", by=by)
        assert answer.status_code == 200
        return sorted(each["name"] for each in answer.json()["packages"])


@pytest.fixture
async def instances(world: World) -> AsyncGenerator[Instances]:
    folder: Path = world.registry.settings.data
    async with opened(folder, world.people) as reader:
        yield Instances(world, reader)


async def test_a_push_is_found_by_another_instance(instances: Instances) -> None:
    assert await instances.found() == []
    await instances.writer.push(bala("acme/greet:1.0.0"))
    assert await instances.found() == []
    await instances.settle()
    assert await instances.found() == ["greet"]


async def test_a_private_package_is_shown_to_members_alone(instances: Instances) -> None:
    await instances.writer.push(bala("acme/greet:1.0.0"))
    await instances.writer.push(bala("acme/secret:1.0.0"))
    visibility = instances.writer.registry.packages.visibility
    await visibility.change(SECRET, Visibility.PRIVATE, by=OPERATOR, reason="It was decided.")
    await instances.settle()
    people = instances.writer.people
    assert await instances.found() == ["greet"]
    assert await instances.found(people.bob) == ["greet"]
    assert await instances.found(people.mia) == ["greet", "secret"]
    await visibility.change(GREET, Visibility.PRIVATE, by=OPERATOR, reason="It was decided.")
    await instances.settle()
    assert await instances.found() == []


@pytest.mark.parametrize("state", ["hold", "quarantine", "remove"])
async def test_a_withheld_release_leaves_the_search(instances: Instances, state: str) -> None:
    await instances.writer.push(bala("acme/greet:1.0.0"))
    await instances.settle()
    moderation = instances.writer.registry.publishing.moderation
    coordinate = Coordinate.parse("acme", "greet", "1.0.0")
    await getattr(moderation, state)(coordinate, "a reason", by=OPERATOR)
    await instances.settle()
    assert await instances.found() == []


@pytest.mark.parametrize("task", ["update-search-index", "rebuild-search-index"])
async def test_a_task_updates_or_rebuilds_the_index(instances: Instances, task: str) -> None:
    await instances.writer.push(bala("acme/greet:1.0.0"))
    report = await instances.writer.registry.maintenance.task_runner.run(task)
    assert report is not None
    assert report.changed >= 1
    await instances.settle()
    assert await instances.found() == ["greet"]
