"""Whichever call of a store in the cloud fails, and how: all or nothing, and no answer lies.

The table is made from the calls that each scenario really makes over its transport.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

from tests.crash.recovery import check_old_or_new, check_same, check_whole, explained
from tests.crash.registry_state import RegistryState
from tests.crash.scenarios import settle
from tests.fakes.system import FakeClock
from tests.outages.fault_injection import READS, Call, Died, FaultInjector, StoreFault
from tests.outages.reference_runs import CloudReference, CloudReferences, contents_of, over, seen
from tests.outages.scenarios import SCENARIOS
from tests.sampling import covering_part
from tests.support.cloud_stores import double_of, forget
from tests.support.event_feed import check_stored_feed

pytestmark = pytest.mark.timeout(600)  # A test has a hundred rows and more.


@dataclass(frozen=True)
class Row:
    """One call of one scenario, and what becomes of it."""

    call: Call
    fault: StoreFault

    def __str__(self) -> str:
        return f"{self.call}: {self.fault.value}"

    @property
    def is_write(self) -> bool:
        """Say whether the call may change something."""
        return not self.call.kind.endswith(READS)

    @property
    def is_half_done(self) -> bool:
        """Say whether the scenario ends, or goes on without knowing whether the call was made."""
        return self.fault in (StoreFault.LOST_AFTER, StoreFault.DEATH)


def rows_of(reference: CloudReference) -> Iterator[Row]:
    """Yield the part of the table that is about one scenario."""
    for call in sorted(set(reference.calls)):
        for fault in call.faults:
            yield Row(call, fault)


FEATURES = (
    lambda name, row: (name, row.call if row.is_write else row.call.kind),
    lambda name, row: (name, row.call.kind, row.fault) if row.is_half_done else None,
    lambda _name, row: (row.call.kind, row.fault),
)


async def sample_of(name: str, names: Iterable[str], references: CloudReferences) -> list[Row]:
    """Return the rows of a scenario in a sample of those that are run: every write, every kind of
    read, and both faults after a write of each kind.

    Every kind of call has every fault in one scenario at least: a call without effect is repeated
    by the clients of the stores, whichever scenario makes it.
    """
    made = [await references.of(SCENARIOS[each]) for each in names]
    return covering_part(name, {each.scenario.name: rows_of(each) for each in made}, FEATURES)


@dataclass(frozen=True)
class Attempt:
    """One row, and the place where it happens."""

    reference: CloudReference
    row: Row
    folder: Path

    async def happen(self) -> None:
        """Let the call fail, and check what is there and how the client was answered."""
        injector = FaultInjector(self.row.call, self.row.fault)
        answer = await self._act(injector)
        assert injector.struck
        await self._check(answer)
        if answer is None or not answer.is_success:
            await self._check_settled()
        again = await self._act(FaultInjector(), "again")
        assert again is not None
        assert again.status_code in self.reference.scenario.repeated, again.text
        await self._check_done()
        check_stored_feed(double_of(self.folder, FakeClock()))

    async def _act(self, injector: FaultInjector, ids: str = "test") -> httpx.Response | None:
        """Return the answer; None where the process died before it gave one."""
        async with over(self.folder, self.reference.people, injector, ids) as world:
            try:
                return await self.reference.scenario.act(world)
            except Died:
                return None
        return None

    async def _check(self, answer: httpx.Response | None) -> None:
        """What was answered is what is: done and shown everywhere, or to be tried again."""
        if answer is not None and answer.is_success:
            assert answer.status_code == self.reference.status
            return await self._check_done()
        if answer is not None:
            assert answer.status_code == 503, answer.text
            assert int(answer.headers["Retry-After"]) >= 1
        if contents_of(self.folder) != self.reference.stored_before:
            check_old_or_new(self.reference, await self._seen())
        return None

    async def _check_settled(self) -> None:
        """Maintenance makes it whole or absent."""
        async with over(self.folder, self.reference.people) as world:
            assert (await settle(world)).is_success
        stored = contents_of(self.folder)
        if stored not in (self.reference.stored_before, self.reference.stored_after):
            check_whole(self.reference, await self._seen())

    async def _check_done(self) -> None:
        """Whoever looks sees what they see of the reference: it is stored so, or looks so."""
        if contents_of(self.folder) != self.reference.stored_after:
            check_same(await self._seen(), self.reference.after)

    async def _seen(self) -> RegistryState:
        return await seen(self.folder, self.reference.people, self.reference.scenario)


# What `make test` runs: a push, what mends a registry, and what changes an account.
TELLING = ("push of a further version", "settling after a crash", "revocation of a token")


@pytest.mark.parametrize(
    "name",
    [each if each in TELLING else pytest.param(each, marks=pytest.mark.slow) for each in SCENARIOS],
)
async def test_a_store_that_fails_leaves_all_or_nothing_and_no_answer_lies(
    name: str, tried_scenarios: Sequence[str], references: CloudReferences
) -> None:
    reference = await references.of(SCENARIOS[name])
    for row in await sample_of(name, tried_scenarios, references):
        with explained(str(row)):
            place = references.copy(reference.folder)
            await Attempt(reference, row, place).happen()
            forget(place)
