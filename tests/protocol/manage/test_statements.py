"""Statements about withheld releases: who gets them, what they say, and what others never read."""

from functools import partial
from typing import Any

import pytest
from anyio.to_thread import run_sync

from shared.domain.coordinates import Coordinate
from shared.domain.event_queries import EventQuery
from shared.domain.mail import parse_email
from shared.domain.names import parse_org
from shared.domain.principals import OPERATOR
from shared.domain.scopes import Role
from shared.domain.webhooks import Topic
from shared.domain.withdrawal_reasons import PublicReason, WithdrawalReason
from tests.support.archives import bala
from tests.support.browsers import signed_in
from tests.support.receivers import Receiver
from tests.support.storage import one_machine
from tests.support.terminal import Terminal
from tests.support.world import URL, OpenWorld, World

pytestmark = pytest.mark.measured

AT = Coordinate.parse("acme", "greet", "1.0.0")
INTERNAL = "Reported by sam@rival.example."
PUBLIC = PublicReason(why=WithdrawalReason.MALWARE, note="It sends tokens to another host.")


@pytest.fixture
async def world(worlds: OpenWorld) -> World:
    """Return a registry that may call this machine."""
    return await worlds(inside_hosts="127.0.0.1")


@pytest.fixture
async def published(world: World) -> World:
    """Return a registry in which mia, a maintainer of acme, has published."""
    memberships = world.registry.organizations.memberships
    mia = world.people.mia
    await memberships.set_member(parse_org("acme"), mia.account, Role.MAINTAINER, by=OPERATOR)
    for name in ("ann", "mia"):
        account = getattr(world.people, name).account
        address = parse_email(f"{name}@example.org")
        directory = world.registry.identity.accounts.directory
        await directory.replace(account.model_copy(update={"email": address}))
    await world.push(bala("acme/greet:1.0.0"), by=mia)
    return world


async def test_owners_read_the_reason_for_them_and_the_publisher_the_public_one(
    published: World,
) -> None:
    await published.registry.publishing.moderation.quarantine(AT, INTERNAL, PUBLIC, by=OPERATOR)
    [owner] = published.mailer.to("ann@example.org")
    assert INTERNAL in owner.text
    [publisher] = published.mailer.to("mia@example.org")
    assert publisher.subject == "acme/greet:1.0.0 was quarantined"
    assert INTERNAL not in publisher.text
    assert "on 21 September 2026, 14:13 UTC" in publisher.text
    assert "Public reason: Malware." in publisher.text
    assert "It sends tokens to another host." in publisher.text
    assert "appeal to the operator of the registry" in publisher.text


async def test_a_statement_without_a_public_reason_says_so(published: World) -> None:
    await published.registry.publishing.moderation.remove(AT, INTERNAL, by=OPERATOR)
    [mail] = published.mailer.to("mia@example.org")
    assert "Public reason: none was stated." in mail.text


async def test_a_restored_release_says_that_it_was_a_mistake(published: World) -> None:
    moderation = published.registry.publishing.moderation
    await moderation.quarantine(AT, INTERNAL, PUBLIC, by=OPERATOR)
    published.mailer.sent.clear()
    await moderation.restore(AT, by=OPERATOR)
    for name in ("ann", "mia"):
        [mail] = published.mailer.to(f"{name}@example.org")
        assert "withholding it was a mistake" in mail.text
        assert INTERNAL not in mail.text


async def lock_the_only_owner(world: World) -> None:
    ann = await world.registry.identity.accounts.by_id(world.people.ann.account.id)
    await world.registry.administration.accounts.lock(ann, "Stolen.", by=OPERATOR)
    world.mailer.sent.clear()


async def test_maintainers_read_what_no_owner_can(published: World) -> None:
    await lock_the_only_owner(published)
    await published.push(bala("acme/other:1.0.0"), by=published.people.admin)
    at = Coordinate.parse("acme", "other", "1.0.0")
    await published.registry.publishing.moderation.remove(at, INTERNAL, PUBLIC, by=OPERATOR)
    [mail] = published.mailer.to("mia@example.org")
    assert mail.subject == "acme/other:1.0.0 was permanently removed"
    assert INTERNAL not in mail.text


async def test_maintainers_read_of_held_releases_where_no_owner_can(published: World) -> None:
    found = await published.stores.metadata.find(AT)
    assert found.release
    mail = published.registry.publishing.moderation.mail
    await mail.send_held(found.release)
    assert published.mailer.to("mia@example.org") == []
    await lock_the_only_owner(published)
    await mail.send_held(found.release.model_copy(update={"org": "acme"}))
    assert published.mailer.to("mia@example.org")


async def test_no_webhook_gets_the_reason_for_owners(published: World, receiver: Receiver) -> None:
    webhooks = published.registry.organizations.webhooks
    moderation = published.registry.publishing.moderation
    for org in (parse_org("acme"), None):
        for topic in (Topic.WITHDRAWAL, Topic.AUDIT):
            await webhooks.add(org, f"{receiver.url}/{topic.value}", [topic], by=OPERATOR)
    await moderation.hold(AT, INTERNAL, by=OPERATOR)
    await moderation.quarantine(AT, INTERNAL, PUBLIC, by=OPERATOR)
    await moderation.quarantine(AT, f"{INTERNAL} Again.", PUBLIC, by=OPERATOR)
    await moderation.restore(AT, by=OPERATOR)
    await moderation.remove(AT, INTERNAL, by=OPERATOR)
    for _ in range(3):
        await published.registry.maintenance.task_runner.run("deliver-webhooks")
    assert receiver.received
    said = dict[str, set[str]]()
    for each in receiver.received:
        assert INTERNAL not in str(each.data)
        details: dict[str, Any] = each.data["details"]
        if "state_reason" in details:
            said.setdefault(each.data["kind"], set()).add(details["state_reason"])
    assert said == {
        "release.held": {""},
        "release.quarantined": {"malware: It sends tokens to another host."},
        "release.live": {"mistake"},
        "release.removed": {""},
    }


async def test_the_audit_log_has_it_for_owners(published: World) -> None:
    await published.registry.publishing.moderation.quarantine(AT, INTERNAL, by=OPERATOR)
    page = await published.registry.administration.audit_log.of_organization(
        parse_org("acme"), EventQuery(), by=published.fresh(published.people.ann)
    )
    assert page.events[0][1].details["state_reason"] == INTERNAL
    answer = await published.get(f"{URL}/api/v1/orgs/acme/audit", by=published.people.mia)
    assert answer.status_code == 403


async def test_the_feed_and_the_metadata_have_neither_reason_for_owners(published: World) -> None:
    moderation = published.registry.publishing.moderation
    await moderation.quarantine(AT, INTERNAL, PUBLIC, by=OPERATOR)
    said = {"index/changes": PUBLIC.why.value, "packages/acme/greet/1.0.0": PUBLIC.note}
    for path, public in said.items():
        answer = await published.get(f"{URL}/{path}", by=published.people.mia)
        assert public in answer.text
        assert INTERNAL not in answer.text


async def test_the_overview_says_that_nobody_is_named_to_appeal_to(worlds: OpenWorld) -> None:
    without = await worlds()
    named = await worlds(abuse_contact="https://example.org/appeals")
    page = await signed_in(without, without.people.admin, "/manage")
    assert "BALLROOM_ABUSE_CONTACT" in page.text
    page = await signed_in(named, named.people.admin, "/manage")
    assert "BALLROOM_ABUSE_CONTACT" not in page.text


@one_machine("its commands find a data folder")
async def test_doctor_advises_to_name_a_contact(world: World) -> None:
    run = partial(Terminal(world.registry.settings.data).run, "doctor", BALLROOM_URL=URL)
    assert "advice   appeals" in await run_sync(run)
    named = partial(run, BALLROOM_ABUSE_CONTACT="abuse@example.org")
    assert "names abuse@example.org" in await run_sync(named)
