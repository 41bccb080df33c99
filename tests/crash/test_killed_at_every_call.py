"""A process that is killed before or after any call of a port loses nothing and leaves no half."""

from collections.abc import Iterator, Sequence

import pytest

from tests.crash.conftest import OpenKilling
from tests.crash.fork_server import AfterAnswer, AtCall
from tests.crash.recovery import check_kept, check_repeat, check_upkeep
from tests.crash.reference_runs import FolderReference, FolderReferences
from tests.crash.scenarios import READS, SCENARIOS
from tests.support.port_doubles import Moment

# A state that one moment leaves behind is nearly that of the next, so each gets one of the checks.
CHECKS = {Moment.BEFORE: check_repeat, Moment.AFTER: check_upkeep}


Row = tuple[int, str, Moment]


# Every call of a scenario that takes effect; over all that are run every method has both moments.
FEATURES = (
    lambda name, row: (name, row[0]) if row[1] not in READS else None,
    lambda _name, row: row[1:],
)


def rows_of(reference: FolderReference) -> Iterator[Row]:
    """Yield every call of the scenario with both moments."""
    for number, call in enumerate(reference.life.calls, start=1):
        for moment in CHECKS:
            yield number, call, moment


@pytest.mark.parametrize("name", SCENARIOS)
async def test_a_change_that_is_killed_at_any_call_is_complete_or_absent(
    name: str, tried_scenarios: Sequence[str], killing: OpenKilling, references: FolderReferences
) -> None:
    killed = await killing(name)
    for number, call, moment in await references.sample(name, tried_scenarios, rows_of, FEATURES):
        where = f"killed {moment.value} {call}, call {number}"
        ended = await killed.die(AtCall(number, moment), CHECKS[moment], where)
        assert ended.was_killed, (where, ended)


@pytest.mark.parametrize("name", SCENARIOS)
async def test_a_change_that_was_answered_outlives_its_process(
    name: str, killing: OpenKilling
) -> None:
    killed = await killing(name)
    ended = await killed.die(AfterAnswer(), check_kept, "killed after the answer")
    assert ended.was_killed
