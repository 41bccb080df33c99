"""A process that is killed between two statements, or two changes of files, leaves no half."""

from signal import SIGKILL

import pytest

from tests.crash.conftest import OpenKilling
from tests.crash.fork_server import AtSmallStep, Ended
from tests.crash.recovery import check_repeat, check_upkeep
from tests.sampling import FULL

STRIDE = 1 if FULL else 5  # A use-case has some ninety steps.
USE_CASES = (
    "first push to a new organization",
    "push of a further version",
    "deprecation of a version",
)


@pytest.mark.parametrize("name", USE_CASES)
async def test_a_change_that_is_killed_at_any_small_step_is_complete_or_absent(
    name: str, killing: OpenKilling
) -> None:
    killed = await killing(name)
    ended, number, deaths = Ended(-SIGKILL), 1, 0
    while ended.was_killed:
        check = check_repeat if deaths % 2 else check_upkeep
        ended = await killed.die(AtSmallStep(number), check, f"killed before small step {number}")
        number, deaths = number + STRIDE, deaths + 1
    # Writes of one moment may share a commit, so one life has some steps less than another.
    steps = ended.life.small_steps
    assert number - 2 * STRIDE <= len(steps) < number - STRIDE, ended
    assert steps.count("COMMIT") > 1
