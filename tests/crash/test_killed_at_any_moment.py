"""A process that is killed from outside, at whatever it is, leaves no half."""

from random import Random

from tests.crash.conftest import OpenKilling
from tests.crash.fork_server import AfterSeconds
from tests.crash.recovery import check_repeat, check_upkeep
from tests.sampling import FULL

TIMES = 40 if FULL else 10
LARGE = "push of a large package"


async def test_a_push_that_is_killed_at_any_moment_is_complete_or_absent(
    killing: OpenKilling,
) -> None:
    killed = await killing(LARGE)
    moments = Random(1)  # noqa: S311 - the same moments in every run, as far as a machine can.
    for number in range(TIMES):
        seconds = moments.uniform(0, killed.reference.life.seconds)
        check = check_upkeep if number % 2 else check_repeat
        await killed.die(AfterSeconds(seconds), check, f"killed after {seconds:.4f} s")
