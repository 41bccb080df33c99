"""Descriptions of maintenance tasks."""

import pytest

from functions.http.task_descriptions import TASK_DESCRIPTIONS, schedule_text
from tests.support.world import World


@pytest.mark.parametrize(
    ("schedule", "words"),
    [
        ("15 * * * * *", "every minute"),
        ("0 */5 * * * *", "every 5 minutes"),
        ("30 7 * * * *", "every hour"),
        ("0 15 */6 * * *", "every 6 hours"),
        ("0 5 2 * * *", "daily at 02:05 UTC"),
    ],
)
def test_a_schedule_is_said_in_words(schedule: str, words: str) -> None:
    assert schedule_text(schedule) == words


def test_a_task_without_a_schedule_runs_by_hand() -> None:
    assert schedule_text(None) == "on request"


async def test_every_task_has_words(world: World) -> None:
    assert set(world.registry.upkeep.tasks) <= set(TASK_DESCRIPTIONS)
