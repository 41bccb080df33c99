"""A leaked token: the commands of docs/run/incidents.md, beside a registry."""

from dataclasses import replace

from shared.domain.release_states import State
from shared.domain.tokens import Token, hash_secret
from tests.protocol.incidents.test_malware import kim_of, state
from tests.support.archives import bala
from tests.support.incident_page import follow
from tests.support.storage import one_machine
from tests.support.world import World, token_of

pytestmark = one_machine("its commands find a data folder")

LEAKED = "aB3dE6gH9k"  # As the page names it.


async def test_the_page_about_a_leaked_token_ends_it_and_withholds_what_came_with_it(
    world: World,
) -> None:
    kim = await kim_of(world)
    await world.push(bala("acme/tool:1.0.0"), by=kim)
    leaked = replace(kim, token=await token_of(world.registry, kim.account))
    found = await world.stores.directory.list_by_owner(Token, kim.account.id)
    [token] = [each for each in found if each.hash == hash_secret(leaked.token)]
    await world.stores.directory.replace(token.model_copy(update={"id": LEAKED}))
    for version in ("1.0.0", "1.1.0"):
        await world.push(bala(f"acme/greet:{version}"), by=leaked)
    printed = await follow(world, "A token leaked")
    left = await world.stores.directory.list_by_owner(Token, kim.account.id)
    assert LEAKED not in [each.id for each in left]
    assert "This would quarantine 2 releases." in printed
    assert await state(world, "acme/greet:1.0.0") is State.LIVE
    assert await state(world, "acme/greet:1.1.0") is State.REMOVED
    assert await state(world, "acme/tool:1.0.0") is State.LIVE
