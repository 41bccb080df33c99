"""The commands of the section about an administrator whose account somebody else uses."""

from datetime import timedelta

from shared.domain.accounts import Account
from shared.domain.entities import Place
from shared.domain.principals import OPERATOR
from tests.support.browsers import signed_in
from tests.support.incident_page import follow
from tests.support.storage import one_instance, one_machine
from tests.support.world import URL, Person, World, token_of

pytestmark = [
    one_machine("its commands find a data folder"),
    one_instance("its commands rotate the key of sessions"),
]


async def test_a_stranger_with_the_only_administrator_has_nothing_any_more(world: World) -> None:
    administrators = world.registry.administration.administrators
    kim = await world.registry.identity.accounts.create_administrator("kim", by=OPERATOR)
    await administrators.dismiss(world.people.admin.account, "A test.", by=OPERATOR)
    stranger = Person(kim, await token_of(world.registry, kim))
    browser = await signed_in(world, stranger)
    assert (await browser.open("/manage")).status_code == 200
    printed = await follow(world, "A compromised administrator")
    assert "kim is no longer an administrator" in printed
    assert [each.name for each in await administrators.all()] == ["lee"]
    stored = await world.stores.directory.get(Account, Place(kim.id))
    assert stored is not None
    assert stored.is_locked
    world.clock.advance(timedelta(seconds=5))
    assert (await browser.open("/manage")).status_code == 401
    assert (await world.get(f"{URL}/api/v1/whoami", by=stranger)).status_code == 401
