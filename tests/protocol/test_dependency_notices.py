"""Owners of dependents are told when a release that their packages were built with is withdrawn."""

import json
from datetime import timedelta

import pytest

from shared.domain.coordinates import Coordinate
from shared.domain.event_queries import EventQuery
from shared.domain.events import Event
from shared.domain.names import parse_org
from shared.domain.principals import OPERATOR
from shared.domain.visibility import Visibility
from shared.domain.webhooks import Topic
from shared.domain.withdrawal_reasons import PublicReason, WithdrawalReason
from shared.services.packages import dependency_notices
from tests.support.archives import bala
from tests.support.event_feed import checked_feed
from tests.support.world import World

pytestmark = pytest.mark.measured


BASE = "acme/base:1.0.1"
AT = Coordinate.from_text(BASE)
MALWARE = PublicReason(why=WithdrawalReason.MALWARE, note="It mines coins.")
KIND = "dependency.withdrawn"


@pytest.fixture
async def built(world: World) -> World:
    """Return a registry with packages of two organizations that were built with a release."""
    for name in ("ann", "bob", "mia"):
        account = getattr(world.people, name).account
        known = account.model_copy(update={"email": f"{name}@example.org"})
        await world.stores.directory.put(known)
    for version in ("1.0.0", "1.0.1"):
        await world.push(bala(f"acme/base:{version}"))
    bob = world.people.bob
    await world.push(bala("other/shop:1.0.0", dependencies=["acme/base:1.0.1"]), by=bob)
    await world.push(bala("other/cart:1.0.0", dependencies=["acme/base:1.0.1"]), by=bob)
    await world.push(bala("other/old:1.0.0", dependencies=["acme/base:1.0.0"]), by=bob)
    await world.push(bala("acme/hidden:1.0.0", dependencies=[BASE], visibility="private"))
    return world


async def withdraw(world: World, act: str = "quarantine") -> None:
    moderation = world.registry.publishing.moderation
    await getattr(moderation, act)(AT, "A reason of ours.", MALWARE, by=OPERATOR)


async def notify(world: World) -> None:
    await world.registry.maintenance.task_runner.run("notify-dependents")


async def notices(world: World) -> list[Event]:
    return [each for each in await checked_feed(world.stores.events) if each.kind == KIND]


def mail_to(world: World, name: str) -> list[str]:
    found = world.mailer.to(f"{name}@example.org")
    return [each.text for each in found if "which your packages depend on" in each.subject]


async def test_owners_of_direct_dependents_get_one_mail_with_the_reason(built: World) -> None:
    await withdraw(built)
    for _ in range(2):
        await notify(built)
    [mail] = mail_to(built, "bob")
    assert "Reason: Malware. It contains code that harms those who use it. It mines coins." in mail
    assert "  other/cart:1.0.0\n" in mail
    assert "  other/shop:1.0.0\n" in mail
    assert "other/old" not in mail
    assert "acme/hidden" not in mail
    assert "A reason of ours" not in mail
    [own] = mail_to(built, "ann")
    assert "  acme/hidden:1.0.0\n" in own
    assert mail_to(built, "mia") == []  # A member.


async def test_a_locked_owner_gets_no_mail(built: World) -> None:
    """It would name private packages to somebody who sees them no more."""
    accounts = built.registry.administration.accounts
    await accounts.lock(built.people.ann.account, "They left.", by=OPERATOR)
    await withdraw(built)
    await notify(built)
    assert mail_to(built, "ann") == []
    assert len(mail_to(built, "bob")) == 1


async def test_each_dependent_has_an_event_in_the_log_of_its_organization(built: World) -> None:
    await withdraw(built)
    for _ in range(2):
        await notify(built)
    found = {each.subject: each for each in await notices(built)}
    assert set(found) == {"other/shop:1.0.0", "other/cart:1.0.0", "acme/hidden:1.0.0"}
    event = found["other/shop:1.0.0"]
    assert (event.org, event.actor) == ("other", "upkeep")
    release = (await built.stores.metadata.find(AT)).release
    assert release is not None
    assert event.details == {
        "dependency": BASE,
        "reason": "malware",
        "permanent": "false",
        "digest": f"sha-256={release.digest}",
    }
    log = await built.registry.administration.audit_log.of_organization(
        parse_org("other"), EventQuery(), by=built.fresh(built.people.bob)
    )
    assert "acme/hidden:1.0.0" not in {each.subject for _, each in log.events}


async def test_webhooks_have_the_topic_dependency(built: World) -> None:
    bob = built.fresh(built.people.bob)
    other = parse_org("other")
    webhooks = built.registry.organizations.webhooks
    url = "https://hooks.example.org/other"
    webhook = (await webhooks.add(other, url, [Topic.DEPENDENCY], by=bob)).webhook
    await withdraw(built)
    await notify(built)
    events = await checked_feed(built.stores.events)
    wanted = [each for each in events if webhook.wants(each)]
    assert {each.subject for each in wanted} == {"other/shop:1.0.0", "other/cart:1.0.0"}
    body = json.loads(webhook.body(1, wanted[0]))
    assert body["type"] == KIND
    assert body["data"]["details"]["reason"] == "malware"


async def test_a_removal_after_a_quarantine_is_an_event_and_no_second_mail(built: World) -> None:
    await withdraw(built)
    await notify(built)
    await withdraw(built, "remove")
    await notify(built)
    told = [each.details["permanent"] for each in await notices(built) if each.org == "other"]
    assert sorted(told) == ["false", "false", "true", "true"]
    assert len(mail_to(built, "bob")) == 1


async def test_another_reason_tells_nobody_again(built: World) -> None:
    await withdraw(built)
    await notify(built)
    moderation = built.registry.publishing.moderation
    await moderation.quarantine(AT, "Another reason.", MALWARE, by=OPERATOR)
    await notify(built)
    assert len(await notices(built)) == 3
    assert len(mail_to(built, "bob")) == 1


async def test_a_withdrawal_that_ended_tells_nobody(built: World) -> None:
    await withdraw(built)
    await built.registry.publishing.moderation.restore(AT, by=OPERATOR)
    await notify(built)
    assert await notices(built) == []
    assert mail_to(built, "bob") == []


async def test_a_withdrawal_of_long_ago_tells_nobody(built: World) -> None:
    await withdraw(built)
    built.clock.advance(timedelta(days=8))
    await notify(built)
    assert await notices(built) == []


async def test_a_private_withdrawal_is_told_to_its_own_organization_alone(built: World) -> None:
    visibility = built.registry.packages.visibility
    ann = built.fresh(built.people.ann)
    await visibility.change(AT.package, Visibility.PRIVATE, by=ann)
    await withdraw(built)
    await notify(built)
    assert {each.org for each in await notices(built)} == {"acme"}
    assert mail_to(built, "bob") == []
    assert len(mail_to(built, "ann")) == 1


async def test_a_run_that_is_full_is_continued_by_the_next_one(
    built: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dependency_notices, "MAILS_IN_A_RUN", 1)
    await withdraw(built)
    for told in (1, 2, 2):
        await notify(built)
        assert len(mail_to(built, "bob")) + len(mail_to(built, "ann")) == told
