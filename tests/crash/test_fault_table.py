"""Whichever call of a port fails, in whichever way: all or nothing, and no answer lies.

The table is made from the calls that each scenario really makes.
"""

import shutil
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import Enum
from pathlib import Path

import httpx
import pytest
from msgspec.structs import replace

from shared.domain.errors.base import Unavailable
from shared.domain.errors.requests import Busy, NotListedYet, StorageFull
from shared.services.adapters import Adapters
from tests.crash.injection import Strike, intercepting
from tests.crash.recovery import (
    check_old_or_new,
    check_repeated,
    check_same,
    check_settled,
    check_stored,
    explained,
)
from tests.crash.reference_runs import FolderReference, FolderReferences
from tests.crash.registry_state import picture
from tests.crash.scenarios import READS, SCENARIOS
from tests.support.archives import bala
from tests.support.port_doubles import Fault, Moment
from tests.support.world import OpenWorld, World, opened


class PortFault(Enum):
    """How a call fails."""

    BUSY_BEFORE = "busy, not done"
    BUSY_AFTER = "busy, but done"
    FULL = "storage full"

    @property
    def moment(self) -> Moment:
        """Return whether the call takes effect."""
        return Moment.AFTER if self is PortFault.BUSY_AFTER else Moment.BEFORE

    def strike(self) -> None:
        error: Unavailable = StorageFull() if self is PortFault.FULL else Busy()
        raise error


@dataclass(frozen=True)
class Row:
    """One call of one scenario, and how it fails."""

    number: int
    call: str
    fault: PortFault

    def __str__(self) -> str:
        return f"{self.call} (call {self.number}): {self.fault.value}"


def rows_of(reference: FolderReference) -> Iterator[Row]:
    """Yield the part of the table that is about one scenario."""
    for number, call in enumerate(reference.life.calls, start=1):
        for fault in (PortFault.BUSY_BEFORE,) if call in READS else PortFault:
            yield Row(number, call, fault)


# Every call of a scenario; over all that are run every method has every fault.
FEATURES = (lambda name, row: (name, row.number), lambda _name, row: (row.call, row.fault))


async def check_row(reference: FolderReference, row: Row, folder: Path) -> None:
    """Let the call fail, and check what is there and how the client was answered."""
    strike = Strike(row.number, row.fault.moment, row.fault.strike)
    async with opened(folder, reference.people, intercepting(strike)) as world:
        answer = await reference.scenario.act(world)
        assert strike.seen >= row.number
        await check_truth(reference, world, answer)
        if row.fault is PortFault.BUSY_AFTER:
            await check_settled(reference, world)
        await check_repeated(reference, world)
    check_stored(reference, folder)


async def check_truth(reference: FolderReference, world: World, answer: httpx.Response) -> None:
    """What was answered is what is: done and shown everywhere, or to be tried again."""
    seen = await picture(world, reference.scenario)
    if answer.is_success:
        check_same(seen, reference.after)
        return
    assert answer.status_code == 503, answer.text
    assert int(answer.headers["Retry-After"]) >= 1
    check_old_or_new(reference, seen)
    if "nothing was" in answer.text.lower():
        assert seen.packages == reference.before.packages, answer.text


@pytest.mark.parametrize("name", SCENARIOS)
async def test_a_call_that_fails_leaves_all_or_nothing_and_no_answer_lies(
    name: str, tried_scenarios: Sequence[str], references: FolderReferences, scratch: Path
) -> None:
    reference = await references.of(name)
    for row in await references.sample(name, tried_scenarios, rows_of, FEATURES):
        with explained(str(row)):
            folder = reference.copy(scratch / "data")
            await check_row(reference, row, folder)
            shutil.rmtree(folder)


@pytest.mark.parametrize("error", [Busy(), StorageFull()], ids=["busy", "full"])
async def test_a_push_that_is_stored_but_not_listed_is_not_said_to_be_undone(
    worlds: OpenWorld, error: Unavailable
) -> None:
    def broken(stores: Adapters) -> Adapters:
        return replace(stores, search=Fault("offer", error).over(stores.search))

    world = await worlds(wrap=broken)
    answer = await SCENARIOS["first push of a package"].act(world)
    assert answer.status_code == 503
    assert answer.json()["message"] == str(NotListedYet("acme/greet:1.0.0"))
    assert (await world.java().pull("acme/greet:1.0.0")).content == bala("acme/greet:1.0.0")
