"""Outboxes that a crash left are processed."""

from dataclasses import dataclass, field

from shared.domain.errors.requests import Busy
from shared.domain.packages import Head
from shared.services.maintenance.record_tasks import ProcessOutboxes
from tests.fakes.stores import FakeDirectory, FakeEvents


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
