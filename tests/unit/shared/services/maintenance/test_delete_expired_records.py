"""Expired records are deleted after their grace."""

from datetime import timedelta

from shared.domain.accounts import Account
from shared.domain.memberships import Membership
from shared.domain.organizations import Organization
from shared.domain.tokens import Token
from shared.services.record_batches import all_entities
from tests.support.world import World

LASTING = (Account, Organization, Membership)


async def test_expired_codes_and_tokens_are_deleted_after_their_grace(world: World) -> None:
    work = world.stores.work
    directory = world.stores.directory
    now_ms = world.clock.now_ms()
    await work.put("sign-in", "code", "ann", now_ms + 1)
    await work.lease("members:acme", "a process that died", now_ms, now_ms + 60_000)
    kept_until_ms = now_ms + timedelta(days=101) // timedelta(milliseconds=1)
    await work.put("sign-in", "kept", "bob", kept_until_ms)
    lasting = [await all_entities(directory, kind) for kind in LASTING]
    assert all(lasting)
    world.clock.advance(timedelta(days=100))
    report = await world.registry.maintenance.task_runner.run("delete-expired-records")
    assert report is not None
    expired = ["code", "token of admin", "of ann", "of mia", "of bob", "lease of the process"]
    assert report.changed == len(expired)
    assert await directory.list_by_owner(Token, world.people.ann.account.id) == []
    assert [await all_entities(directory, kind) for kind in LASTING] == lasting
    assert await work.peek("sign-in", "kept", world.clock.now_ms()) == "bob"
