"""Row 3, stolen credentials of maintainers (ua-parser-js 2021, chalk 2025): all owners get mail
about a release, whoever published it."""

import asyncio
from datetime import timedelta
from functools import partial
from typing import Any

import pytest
from msgspec.structs import replace

from shared.domain.errors.requests import Busy
from shared.domain.mail import Mail
from shared.domain.memberships import Membership, member_place
from shared.domain.packages import ReleaseWarning
from shared.domain.principals import OPERATOR
from shared.domain.release_states import PackageHold
from shared.domain.scopes import Role
from shared.ports.mail import Undelivered
from shared.services import feed_position
from shared.services.maintenance.notify_dependents import NotifyDependents
from shared.services.maintenance.tasks import require_task
from shared.services.publishing import new_release_mail
from tests.contract.sample_records import coordinate, head
from tests.fakes.mail import FakeMailer
from tests.protocol.bal.failures import ClientFailure
from tests.support.archives import bala
from tests.support.port_doubles import Fault, PortOutage, Proceed, intercepted, with_fault
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


async def test_a_locked_owner_hears_of_no_private_package(noticing: World) -> None:
    """Somebody who left stays an owner until others remove them."""
    accounts = noticing.registry.administration.accounts
    await accounts.lock(noticing.people.mia.account, "They left.", by=OPERATOR)
    await noticing.push(bala("acme/secret:1.0.0", visibility="private"))
    await noticing.registry.publishing.releases.mail.close()
    await notify(noticing)
    assert [each.to for each in published(noticing)] == ["ann@example.org"]


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
    with pytest.raises(ClientFailure, match="could not list it everywhere yet"):
        await world.push(bala("acme/greet:1.0.0"))
    outage.lasts = False
    await world.push(bala("acme/greet:1.0.0"))  # It finds its release.
    assert published(world) == []
    for _ in range(2):
        await notify(world)
        assert sorted(each.to for each in published(world)) == OWNERS


async def test_a_run_with_a_slow_mail_server_ends_when_its_time_is_over(
    worlds: OpenWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    outage = PortOutage({"metadata": ["put_entries"]})
    world = await worlds(release_mail=True, wrap=outage.wrap)
    await give_addresses(world)
    await notify(world)  # It begins at the end of the feed.
    outage.lasts = True
    for number in range(5):
        with pytest.raises(ClientFailure, match="could not list it everywhere yet"):
            await world.push(bala(f"acme/greet:1.{number}.0"))
    outage.lasts = False
    await world.registry.maintenance.task_runner.run("process-outboxes")
    task = require_task(world.registry.maintenance.tasks, "notify-dependents")
    assert isinstance(task, NotifyDependents)

    async def refuse(_mailer: FakeMailer, _mail: Mail) -> None:
        world.clock.advance(timedelta(seconds=10))
        reason = "timed out"
        raise Undelivered(reason)

    monkeypatch.setattr(FakeMailer, "send", refuse)
    began_ms = world.clock.now_ms()
    for runs in range(1, 6):  # Each goes on with the next release.
        await task.send_new_release_mail(world.clock.now_ms() + 1)
        assert world.clock.now_ms() - began_ms == runs * len(OWNERS) * 10_000


async def test_owners_hear_of_a_held_release_whose_push_ended_before_the_mail(
    worlds: OpenWorld,
) -> None:
    outage = PortOutage({"metadata": ["put_entries"]})
    world = await worlds(brake_packages=1, wrap=outage.wrap)
    await give_addresses(world)
    await world.push(bala("acme/greet:1.0.0"))
    await notify(world)
    outage.lasts = True
    with pytest.raises(ClientFailure, match="could not list it everywhere yet"):
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


async def test_mail_that_the_mail_server_refused_is_sent_later(noticing: World) -> None:
    noticing.mailer.is_down = True
    await noticing.push(bala("acme/greet:1.0.0"))
    await noticing.registry.publishing.releases.mail.close()
    await notify(noticing)
    noticing.mailer.is_down = False
    for _ in range(4):
        noticing.clock.advance(timedelta(minutes=30))
        await notify(noticing)
    assert sorted(each.to for each in published(noticing)) == OWNERS


async def test_an_address_that_is_refused_for_ever_is_tried_less_and_less_often(
    noticing: World,
) -> None:
    await notify(noticing)
    attempts = list[timedelta]()
    began_ms = noticing.clock.now_ms()
    send = noticing.mailer.send

    async def counted(mail: Mail) -> None:
        if mail.to == OWNERS[0]:
            attempts.append(timedelta(milliseconds=noticing.clock.now_ms() - began_ms))
        await send(mail)

    noticing.mailer.send = counted  # type: ignore[method-assign]
    noticing.mailer.refused = {OWNERS[0]}
    await noticing.push(bala("acme/greet:1.0.0"))
    await noticing.registry.publishing.releases.mail.close()
    for _ in range(8 * 24):
        noticing.clock.advance(timedelta(hours=1))
        await notify(noticing)
    assert [each.to for each in published(noticing)] == OWNERS[1:]
    assert 10 < len(attempts) < 30
    assert timedelta(days=6) < attempts[-1] <= timedelta(days=7)
    # The position did not wait for it.
    noticing.mailer.refused = set()
    await noticing.push(bala("acme/greet:1.0.1"))
    await noticing.registry.publishing.releases.mail.close()
    assert len(published(noticing)) == len(OWNERS) + 1


async def test_a_process_that_ends_before_it_marks_held_mail_repeats_none(
    worlds: OpenWorld,
) -> None:
    fails = False
    markers = 0

    async def intercept(_method: str, proceed: Proceed) -> Any:
        # The marker of the event is the last record of the push.
        nonlocal markers
        if fails and HELD in {each.subject for each in world.mailer.sent}:
            markers += 1
            if markers == len(OWNERS) + 1:
                raise Busy
        return await proceed()

    world = await worlds(
        brake_packages=1,
        wrap=lambda stores: replace(stores, work=intercepted(stores.work, intercept, ["put"])),
    )
    await give_addresses(world)
    await world.push(bala("acme/greet:1.0.0"))
    await notify(world)
    fails = True
    await world.push_held(bala("acme/other:1.0.0"))
    assert markers == len(OWNERS) + 1
    fails = False
    for _ in range(4):
        world.clock.advance(timedelta(minutes=11))
        await notify(world)
    assert sorted(each.to for each in world.mailer.sent) == OWNERS


async def test_a_push_that_ends_before_the_first_run_is_told_of(worlds: OpenWorld) -> None:
    outage = PortOutage({"metadata": ["put_entries"]}, lasts=True)
    world = await worlds(release_mail=True, wrap=outage.wrap)
    await give_addresses(world)
    with pytest.raises(ClientFailure, match="could not list it everywhere yet"):
        await world.push(bala("acme/greet:1.0.0"))
    outage.lasts = False
    world.clock.advance(timedelta(minutes=5))
    for _ in range(2):
        await notify(world)
        assert sorted(each.to for each in published(world)) == OWNERS


async def test_a_run_tells_of_the_other_releases_when_one_cannot_be_read(
    worlds: OpenWorld,
) -> None:
    outage = PortOutage({"metadata": ["put_entries"]})
    fault = Fault("find", Busy(), nth=0)
    world = await worlds(
        release_mail=True, wrap=lambda stores: fault.at("metadata")(outage.wrap(stores))
    )
    await give_addresses(world)
    await notify(world)
    outage.lasts = True
    for version in ("1.0.0", "1.0.1"):
        with pytest.raises(ClientFailure, match="could not list it everywhere yet"):
            await world.push(bala(f"acme/greet:{version}"))
    outage.lasts = False
    await world.registry.maintenance.task_runner.run("process-outboxes")
    until_ms = world.clock.now_ms() + 60_000
    mail = world.registry.publishing.releases.mail
    assert await with_fault(fault, 1, partial(mail.run, until_ms))
    assert sorted(each.to for each in published(world)) == OWNERS
    assert len({each.subject for each in published(world)}) == 1
    world.clock.advance(timedelta(minutes=15))
    await notify(world)
    assert sorted((each.to, each.subject) for each in published(world)) == [
        (owner, f"acme/greet:{version} was published")
        for owner in OWNERS
        for version in ("1.0.0", "1.0.1")
    ]


async def test_a_push_with_a_warning_does_not_wait_for_the_mail_to_all_owners(
    noticing: World,
) -> None:
    goes_on = asyncio.Event()
    send = noticing.mailer.send

    async def slow(mail: Mail) -> None:
        if "was published" in mail.subject:
            await goes_on.wait()
        await send(mail)

    mail = noticing.registry.publishing.releases.mail
    noticing.mailer.is_down = True
    await noticing.push(bala("acme/greet:1.0.0"))
    await mail.close()
    noticing.mailer.is_down = False
    noticing.mailer.send = slow  # type: ignore[method-assign]
    found = await noticing.stores.metadata.find(coordinate("acme/greet:1.0.0"))
    assert found.head
    assert found.release
    await noticing.registry.maintenance.task_runner.run("process-outboxes")
    [(_, event)] = await noticing.stores.events.newest(None, 1)
    assert event.kind == "release.published"
    warning = ReleaseWarning(rule="name", whose="acme", message="It reads as another package.")
    warned = found.release.model_copy(update={"warnings": (warning,), "outbox": (event,)})
    await noticing.stores.work.take("new-release-mail", event.id, noticing.clock.now_ms())
    await asyncio.wait_for(mail.send(found.head, warned), 5)
    assert [each.to for each in noticing.mailer.sent if "warnings" in each.subject] == OWNERS
    goes_on.set()
    await mail.close()
    assert sorted(each.to for each in published(noticing)) == OWNERS


async def test_a_run_that_fails_later_keeps_the_events_that_it_read(
    worlds: OpenWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(feed_position, "EVENTS_READ_AT_ONCE", 1)
    fault = Fault("since", Busy(), nth=0)
    world = await worlds(release_mail=True, wrap=fault.at("events"))
    for version in ("1.0.0", "1.0.1", "1.0.2"):
        await world.push(bala(f"acme/greet:{version}"))
    await world.registry.maintenance.task_runner.run("process-outboxes")
    mail = world.registry.publishing.releases.mail
    until_ms = world.clock.now_ms() + 60_000
    fault.calls = 0
    fault.nth = len(await world.stores.events.newest(None, 99))  # Before the last event.
    with pytest.raises(Busy):
        await mail.run(until_ms)
    assert (await mail.run(until_ms)).seen == 1


async def test_the_mail_that_waited_longest_gives_way_when_too_much_waits(
    noticing: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(new_release_mail, "MAX_WAITING", 1)
    await notify(noticing)
    noticing.mailer.is_down = True
    for version in ("1.0.0", "1.0.1"):
        await noticing.push(bala(f"acme/greet:{version}"))
    await noticing.registry.publishing.releases.mail.close()
    await notify(noticing)
    noticing.mailer.is_down = False
    for _ in range(3):
        noticing.clock.advance(timedelta(minutes=30))
        await notify(noticing)
    assert [each.subject for each in published(noticing)] == [
        "acme/greet:1.0.1 was published" for _ in OWNERS
    ]
