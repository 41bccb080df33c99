"""Outboxes that a crash left are processed."""

from dataclasses import dataclass, field

from shared.domain.archives.containers import ArchiveContainer
from shared.domain.archives.digests import Digest
from shared.domain.archives.names import ArchiveName
from shared.domain.coordinates import Coordinate
from shared.domain.errors.requests import Busy
from shared.domain.events import Event
from shared.domain.packages import Head
from shared.domain.principals import OPERATOR
from shared.domain.search import Query, ResultPage
from shared.services.maintenance.process_outboxes import ProcessOutboxes
from tests.contract.sample_records import named
from tests.fakes.stores import FakeDirectory, FakeEvents
from tests.support.archives import bala
from tests.support.world import World

GREET = Coordinate.parse("acme", "greet", "1.0.0")


async def push(world: World, coordinate: str = "acme/greet:1.0.0") -> ArchiveName:
    content = bala(coordinate)
    await world.push(content)
    return named(content)


async def leave_half_published(world: World) -> None:
    """Store all that a push stores up to its commit, and nothing that follows."""
    await push(world)
    release = (await world.stores.metadata.find(GREET)).release
    assert release is not None
    other = Coordinate.parse("acme", "greet", "2.0.0")
    content = bala(str(other))
    outbox = (*release.outbox, _event(str(other)))
    await world.stores.archives.put(named(content), content, ArchiveContainer.PUBLIC)
    await world.stores.metadata.add_release(
        release.model_copy(
            update={"version": "2.0.0", "digest": Digest.of(content).hex, "outbox": outbox}
        )
    )


def _event(subject: str) -> Event:
    return Event(id=f"{subject}@1", kind="release.published", at_ms=1, actor="ann", subject=subject)


async def versions(world: World) -> list[str]:
    [survey] = await world.stores.metadata.survey([GREET.package])
    assert survey is not None
    return [entry.version for entry in survey.entries]


async def test_settling_lists_a_release_whose_push_was_cut_off_after_the_commit(
    world: World,
) -> None:
    await leave_half_published(world)
    assert await versions(world) == ["1.0.0"]
    report = await world.registry.maintenance.task_runner.run("process-outboxes")
    assert report is not None
    assert report.changed == 1
    assert await versions(world) == ["2.0.0", "1.0.0"]
    found = await world.registry.packages.search.search(
        Query.parse("greet"), ResultPage(), by=OPERATOR
    )
    assert [hit.listing.release.version for hit in found.hits] == ["2.0.0"]


@dataclass
class Half:
    """Metadata of which two records wait, and deriving that fails for one of them."""

    waiting: list[Head]
    settled: list[str] = field(default_factory=list[str])

    async def unpublished_events(self, count: int) -> list[Head]:
        """Return what is not settled yet."""
        return [each for each in self.waiting if each.name not in self.settled][:count]

    async def update(self, record: Head) -> None:
        """Settle a record, but for one."""
        if record.name == "stuck":
            raise Busy
        self.settled.append(record.name)


async def test_a_record_that_cannot_be_settled_does_not_delay_others() -> None:
    half = Half([Head(org="acme", name=name, created_ms=1) for name in ("stuck", "greet")])
    report = await ProcessOutboxes(half, half, FakeDirectory(), FakeEvents()).run()  # pyright: ignore[reportArgumentType] - the parts that are called.
    assert half.settled == ["greet"]
    assert (report.seen, report.changed) == (2, 1)
    assert report.problems == (str(Busy()),)
