"""Expired records are deleted after their grace."""

from datetime import timedelta

from shared.domain.tokens import Token
from tests.support.world import World


async def test_expired_codes_and_tokens_are_deleted_after_their_grace(world: World) -> None:
    await world.stores.work.put("sign-in", "code", "ann", world.clock.now_ms() + 1)
    world.clock.advance(timedelta(days=100))
    report = await world.registry.maintenance.task_runner.run("delete-expired-records")
    assert report is not None
    assert report.changed >= len(["code", "admin", "ann", "mia", "bob"])
    assert await world.stores.directory.list_by_owner(Token, world.people.ann.account.id) == []
