"""A process that is killed between two statements, or two changes of files, leaves no half."""

import pytest

from tests.crash.conftest import OpenKilling
from tests.crash.nursery import AtSmallStep
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
    steps = killed.reference.life.small_steps
    assert "COMMIT" in steps
    for number, step in enumerate(steps, start=1):
        check = check_upkeep if number % 2 else check_repeat
        where = f"killed before small step {number}: {step}"
        ended = await killed.die(AtSmallStep(number), check, where)
        assert ended.was_killed, (where, ended)
