"""A process that is killed between two statements, or two changes of files, leaves no half."""

from signal import SIGKILL

import pytest

from tests.crash.conftest import OpenKilling
from tests.crash.nursery import AtSmallStep, Ended
from tests.crash.recovering import check_repeat, check_upkeep

USE_CASES = (
    "first push to a new organization",
    "push of a further version",
    "deprecation of a version",
)


@pytest.mark.parametrize("name", USE_CASES)
async def test_a_change_that_is_killed_at_any_small_step_is_there_whole_or_not_at_all(
    name: str, killing: OpenKilling
) -> None:
    killed = await killing(name)
    ended, number = Ended(-SIGKILL), 0
    while ended.was_killed:
        number += 1
        check = check_upkeep if number % 2 else check_repeat
        ended = await killed.die(AtSmallStep(number), check, f"killed before small step {number}")
    # Writes of one moment may share a commit, so one life has some steps less than another.
    steps = ended.life.small_steps
    assert len(steps) == number - 1, ended
    assert steps.count("COMMIT") > 1
