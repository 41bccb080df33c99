"""A process that is killed between two statements, or two changes of files, or from outside at
whatever it is, leaves no half."""

from random import Random
from signal import SIGKILL

import pytest

from tests.crash.conftest import OpenKilling
from tests.crash.fork_server import AfterSeconds, AtSmallStep, Ended
from tests.crash.recovery import check_repeat, check_upkeep
from tests.sampling import FULL

TIMES = 40 if FULL else 10
STRIDE = 1 if FULL else 5  # A scenario has some ninety steps.
SCENARIOS = (
    "first push to a new organization",
    "push of a further version",
    "deprecation of a version",
)


@pytest.mark.parametrize("name", SCENARIOS)
async def test_a_change_that_is_killed_at_any_small_step_is_complete_or_absent(
    name: str, killing: OpenKilling
) -> None:
    killed = await killing(name)
    ended = Ended(-SIGKILL)
    number = 1
    deaths = 0
    while ended.was_killed:
        check = check_repeat if deaths % 2 else check_upkeep
        ended = await killed.die(AtSmallStep(number), check, f"killed before small step {number}")
        number = number + STRIDE
        deaths = deaths + 1
    # Writes of one moment may share a commit, so one life has some steps less than another.
    steps = ended.life.small_steps
    assert number - 2 * STRIDE <= len(steps) < number - STRIDE, ended
    assert steps.count("COMMIT") > 1


async def test_a_push_that_is_killed_at_any_moment_is_complete_or_absent(
    killing: OpenKilling,
) -> None:
    killed = await killing("push of a large package")
    moments = Random(1)  # noqa: S311 - the same moments in every run, as far as a machine can.
    for number in range(TIMES):
        seconds = moments.uniform(0, killed.reference.life.seconds)
        check = check_upkeep if number % 2 else check_repeat
        await killed.die(AfterSeconds(seconds), check, f"killed after {seconds:.4f} s")
