"""Row 3, stolen credentials of maintainers (ua-parser-js 2021, chalk 2025): all owners get mail
about a release, whoever published it."""

from datetime import timedelta

import pytest

from shared.domain.mail import Mail
from shared.domain.memberships import Membership, member_place
from shared.domain.principals import OPERATOR
from shared.domain.release_states import PackageHold
from shared.domain.scopes import Role
from tests.contract.sample_records import coordinate, head
from tests.protocol.bal.failures import ClientFailure
from tests.support.archives import bala
from tests.support.port_doubles import PortOutage
from tests.support.world import OpenWorld, World, limited

pytestmark = pytest.mark.measured

HELD = "Held releases of acme need confirmation"
OWNERS = ["ann@example.org", "mia@example.org"]


async def give_addresses(world: World) -> None:
    """Give Ann and Mia addresses, and make Mia an owner of acme as well."""
    for person, email in zip((world.people.ann, world.people.mia), OWNERS, strict=True):
        known = person.account.model_copy(update={"email": email})
        await world.stores.directory.replace(known)
    place = member_place("acme", world.people.mia.account.id)
    membership = await world.stores.directory.get(Membership, place)
    assert membership
    await world.stores.directory.put(membership.model_copy(update={"role": Role.OWNER}))


async def notify(world: World) -> None:
    await world.registry.maintenance.task_runner.run("process-outboxes")
    await world.registry.maintenance.task_runner.run("notify-dependents")


def published(world: World) -> list[Mail]:
    return [each for each in world.mailer.sent if "was published" in each.subject]


@pytest.fixture
async def noticing(worlds: OpenWorld) -> World:
    """Return a registry that sends mail about releases, and where acme has two owners."""
    world = await worlds(release_mail=True)
    await give_addresses(world)
    return world


async def test_all_owners_get_mail_about_a_release_of_a_stolen_token(noticing: World) -> None:
    stolen = await limited(noticing, noticing.people.ann, "push-new", "push-version")
    await noticing.push(bala("acme/greet:1.0.0"), by=stolen)
    await noticing.registry.publishing.releases.mail.close()
    mails = published(noticing)
    assert sorted(each.to for each in mails) == OWNERS
    assert {each.subject for each in mails} == {"acme/greet:1.0.0 was published"}
    assert "by ann" in mails[0].text
    assert "hold the release now" in mails[0].text


async def test_a_repeated_push_is_no_release(noticing: World) -> None:
    for _ in range(2):
        await noticing.push(bala("acme/greet:1.0.0"))
    await noticing.registry.publishing.releases.mail.close()
    assert len(published(noticing)) == len(OWNERS)


async def test_a_mail_server_that_is_down_stops_no_release(noticing: World) -> None:
    noticing.mailer.is_down = True
    await noticing.push(bala("acme/greet:1.0.0"))
    await noticing.registry.publishing.releases.mail.close()
    assert await noticing.java().versions("acme/greet") == ["1.0.0"]


async def test_a_release_whose_push_ended_before_the_mail_is_told_of_later(
    worlds: OpenWorld,
) -> None:
    outage = PortOutage({"metadata": ["put_entries"]})
    world = await worlds(release_mail=True, wrap=outage.wrap)
    await give_addresses(world)
    await notify(world)  # It begins at the end of the feed.
    outage.lasts = True
    with pytest.raises(ClientFailure):
        await world.push(bala("acme/greet:1.0.0"))
    outage.lasts = False
    await world.push(bala("acme/greet:1.0.0"))  # It finds its release.
    assert published(world) == []
    for _ in range(2):
        await notify(world)
        assert sorted(each.to for each in published(world)) == OWNERS


async def test_owners_hear_of_a_held_release_whose_push_ended_before_the_mail(
    worlds: OpenWorld,
) -> None:
    outage = PortOutage({"metadata": ["put_entries"]})
    world = await worlds(brake_packages=1, wrap=outage.wrap)
    await give_addresses(world)
    await world.push(bala("acme/greet:1.0.0"))
    await notify(world)
    outage.lasts = True
    with pytest.raises(ClientFailure):
        await world.push(bala("acme/other:1.0.0"))
    outage.lasts = False
    assert world.mailer.sent == []
    for _ in range(2):
        world.clock.advance(timedelta(minutes=30))
        await notify(world)
        assert sorted(each.to for each in world.mailer.sent) == OWNERS
    assert {each.subject for each in world.mailer.sent} == {HELD}


async def test_a_release_of_which_all_owners_were_told_is_not_told_of_again(
    noticing: World,
) -> None:
    await notify(noticing)
    await noticing.push(bala("acme/greet:1.0.0"))
    await noticing.registry.publishing.releases.mail.close()
    await notify(noticing)
    assert len(published(noticing)) == len(OWNERS)


async def test_a_release_that_is_published_after_its_push_is_told_of_once(
    noticing: World,
) -> None:
    await notify(noticing)
    publishing = noticing.registry.publishing
    hold = PackageHold(reason="a case", by=OPERATOR.id, since_ms=1)
    await noticing.stores.metadata.claim(head("acme/greet", hold=hold))
    await noticing.push_held(bala("acme/greet:1.0.0"))
    await notify(noticing)
    assert published(noticing) == []
    greet = coordinate("acme/greet:1.0.0")
    await publishing.package_holds.end(greet.package, by=OPERATOR)
    await notify(noticing)
    assert len(published(noticing)) == len(OWNERS)
    # What was published before is no new release.
    noticing.clock.advance(timedelta(days=29))
    await publishing.moderation.hold(greet, "a case", by=OPERATOR)
    await notify(noticing)
    noticing.clock.advance(timedelta(days=2))
    await publishing.moderation.restore(greet, by=OPERATOR)
    await notify(noticing)
    assert len(published(noticing)) == len(OWNERS)


async def test_without_the_setting_nobody_gets_mail(world: World) -> None:
    await give_addresses(world)
    await world.push(bala("acme/greet:1.0.0"))
    await world.registry.publishing.releases.mail.close()
    assert published(world) == []
