"""Owners of dependents who asked are told of advisories, each once; malware is quarantined."""

import json
from collections.abc import AsyncIterator

import pytest

from shared.domain.coordinates import Coordinate
from shared.domain.errors.base import Forbidden
from shared.domain.events import Event
from shared.domain.names import OrgName, parse_org
from shared.domain.principals import OPERATOR, Principal
from shared.domain.release_states import State
from shared.domain.webhooks import Topic
from shared.services.advisories.affected_packages import AffectedPackage, AffectedPackages
from tests.support.advisories import advisory, affected
from tests.support.advisory_files import record
from tests.support.archives import bala, zipped
from tests.support.browsers import Browser, signed_in
from tests.support.event_feed import checked_feed
from tests.support.port_doubles import PortOutage
from tests.support.world import OpenWorld, World

pytestmark = pytest.mark.measured

PAGE = "/account/advisories"
BASE = "acme/base:1.0.1"


async def fill(world: World) -> None:
    """Publish packages of two organizations that were built with a release."""
    for name in ("admin", "ann", "bob", "mia"):
        account = getattr(world.people, name).account
        stored = await world.registry.identity.accounts.by_id(account.id)
        known = stored.model_copy(update={"email": f"{name}@example.org"})
        await world.stores.directory.put(known)
    for version in ("1.0.0", "1.0.1"):
        await world.push(bala(f"acme/base:{version}"))
    bob = world.people.bob
    await world.push(bala("other/shop:1.0.0", dependencies=[BASE]), by=bob)
    await world.push(bala("other/old:1.0.0", dependencies=["acme/base:1.0.0"]), by=bob)


@pytest.fixture
async def built(world: World) -> World:
    await fill(world)
    return world


async def publish(world: World, **fields: object) -> str:
    about = affected("acme/base", "introduced 1.0.1")
    stored = await world.registry.advisories.advisories.store(advisory(about, **fields), OPERATOR)
    return stored.id


async def follow(world: World) -> None:
    await world.registry.maintenance.task_runner.run("follow-advisories")


def mail_to(world: World, name: str) -> list[str]:
    found = world.mailer.to(f"{name}@example.org")
    return [each.text for each in found if "Advisories about your packages" in each.subject]


async def events(world: World) -> list[Event]:
    feed = await checked_feed(world.stores.events)
    return [each for each in feed if each.kind == "advisory.affects"]


async def test_the_page_lists_what_is_affected_and_through_what(built: World) -> None:
    advisory_id = await publish(built)
    bob = await signed_in(built, built.people.bob, PAGE)
    assert "shop 1.0.0" in bob.text
    assert advisory_id in bob.text
    assert "acme/base:1.0.1" in bob.text
    assert "old 1.0.0" not in bob.text
    mia = await signed_in(built, built.people.mia, PAGE)
    assert "base 1.0.1" in mia.text
    assert "The release itself" in mia.text
    assert "Switch mail on" not in mia.text  # A member.


async def test_an_owner_who_asked_gets_each_advisory_once(built: World) -> None:
    advisory_id = await publish(built)
    await follow(built)
    assert mail_to(built, "bob") == []
    bob = await signed_in(built, built.people.bob, PAGE)
    await bob.submit(f"{PAGE}/mail", mail="on")
    assert "Mail about advisories is on." in bob.text
    for _ in range(2):
        await follow(built)
    [first] = mail_to(built, "bob")
    assert f"other/shop:1.0.0 through acme/base:1.0.1: {advisory_id}: Greets strangers" in first
    assert "other/old" not in first
    second_id = await publish(built)
    await follow(built)
    [_, second] = mail_to(built, "bob")
    assert second_id in second
    assert advisory_id not in second
    await bob.open(PAGE)
    await bob.submit(f"{PAGE}/mail", mail="off")
    assert "Mail about advisories is off." in bob.text
    await publish(built)
    await follow(built)
    assert len(mail_to(built, "bob")) == 2
    assert mail_to(built, "ann") == []


async def test_webhooks_with_the_topic_get_each_advisory_once(built: World) -> None:
    bob = built.fresh(built.people.bob)
    webhooks = built.registry.organizations.webhooks
    url = "https://hooks.example.org/other"
    webhook = (await webhooks.add(parse_org("other"), url, [Topic.ADVISORY], by=bob)).webhook
    advisory_id = await publish(built)
    for _ in range(2):
        await follow(built)
    [event] = await events(built)
    assert (event.org, event.subject) == ("other", "other/shop:1.0.0")
    assert event.details["advisory"] == advisory_id
    assert event.details["through"] == BASE
    assert webhook.wants(event)
    assert json.loads(webhook.body(1, event))["type"] == "advisory.affects"


async def test_a_deleted_organization_keeps_nobody_from_being_told(built: World) -> None:
    gone = parse_org("gone")
    other = parse_org("other")
    services = built.registry.organizations
    bob = built.fresh(built.people.bob)
    await services.organizations.create(gone, built.people.bob.account, by=OPERATOR)
    for org in (gone, other):
        url = f"https://hooks.example.org/{org}"
        await services.webhooks.add(org, url, [Topic.ADVISORY], by=bob)
    await built.registry.advisories.notices.switch_on(by=bob)
    await services.deletion.delete(gone, by=OPERATOR, reason="Nobody uses it")
    await publish(built)
    await follow(built)
    assert [each.org for each in await events(built)] == ["other"]
    assert len(mail_to(built, "bob")) == 1
    assert "shop 1.0.0" in (await signed_in(built, built.people.bob, PAGE)).text


async def test_organizations_that_did_not_ask_have_no_events(built: World) -> None:
    await publish(built)
    await follow(built)
    assert await events(built) == []


async def test_an_owner_is_told_nothing_about_packages_of_others_that_are_private(
    built: World,
) -> None:
    await built.push(bala("acme/hidden:1.0.0", visibility="private"))
    about = affected("acme/hidden", "introduced 0")
    await built.registry.advisories.advisories.store(
        advisory(about, org="acme"), built.fresh(built.people.ann)
    )
    hidden = bala("other/cart:1.0.0", dependencies=["acme/hidden:1.0.0"])
    await built.push(hidden, by=built.people.bob)
    bob = await signed_in(built, built.people.bob, PAGE)
    assert "cart" not in bob.text
    await bob.submit(f"{PAGE}/mail", mail="on")
    await follow(built)
    assert mail_to(built, "bob") == []


async def state_of(world: World, release: str = BASE) -> State:
    found = (await world.stores.metadata.find(Coordinate.from_text(release))).release
    assert found is not None
    return found.state


def malware_mail(world: World) -> list[str]:
    found = world.mailer.to("admin@example.org")
    return [each.text for each in found if "said to be malicious" in each.subject]


MALWARE = {"database_specific": {"kind": "malware"}}


async def test_malware_is_quarantined_once_where_the_setting_says_so(worlds: OpenWorld) -> None:
    world = await worlds(malware_quarantine=True)
    await fill(world)
    advisory_id = await publish(world, **MALWARE)
    for _ in range(2):
        await follow(world)
    assert await state_of(world) is State.QUARANTINED
    assert await state_of(world, "acme/base:1.0.0") is State.LIVE
    [mail] = malware_mail(world)
    assert "  acme/base:1.0.1\n" in mail
    assert "They are quarantined." in mail
    owner = [each.subject for each in world.mailer.to("ann@example.org")]
    assert "acme/base:1.0.1 was quarantined" in owner
    await world.registry.maintenance.task_runner.run("notify-dependents")
    bob = [each.text for each in world.mailer.to("bob@example.org")]
    assert any("other/shop:1.0.0" in each and advisory_id in each for each in bob)
    await world.registry.publishing.moderation.restore(Coordinate.from_text(BASE), by=OPERATOR)
    await follow(world)
    assert await state_of(world) is State.LIVE


async def test_without_the_setting_administrators_are_told_alone(built: World) -> None:
    await publish(built, **MALWARE)
    for _ in range(2):
        await follow(built)
    assert await state_of(built) is State.LIVE
    [mail] = malware_mail(built)
    assert "They are still served" in mail


async def test_an_administrator_who_publishes_malware_quarantines_at_once(
    worlds: OpenWorld,
) -> None:
    world = await worlds(malware_quarantine=True)
    await fill(world)
    admin = await signed_in(world, world.people.admin, "/manage/advisories?package=acme/base")
    await admin.submit(
        "/manage/advisories/draft",
        package="acme/base",
        summary="It mines coins",
        malware="yes",
        **{"introduced-0": "1.0.1"},
    )
    assert await state_of(world) is State.LIVE
    await admin.submit("/manage/advisories/x_BLR-2026-1/publish")
    assert await state_of(world) is State.QUARANTINED


# --- Malicious Java libraries inside --------------------------------------------------------------

LIBRARY = "org.evil:coins"


def with_library(release: str, version: str) -> bytes:
    pom = f"groupId=org.evil\nartifactId=coins\nversion={version}\n"
    jar = zipped({"META-INF/maven/org.evil/coins/pom.properties": pom})
    return bala(release, platform="java21", entries={"platform/java21/coins.jar": jar})


async def import_malware(world: World, advisory_id: str = "MAL-2026-1") -> None:
    importing = world.registry.advisories.importing
    content = json.dumps(record(advisory_id, LIBRARY, fixed="2.0")).encode()
    await importing.import_file("a.json", content, OPERATOR)


async def test_releases_with_a_malicious_library_inside_are_quarantined_once(
    worlds: OpenWorld,
) -> None:
    world = await worlds(malware_quarantine=True)
    await fill(world)
    await world.push(with_library("acme/inside:1.0.0", "1.5"))
    await world.push(with_library("acme/inside:1.1.0", "2.0"))
    await world.document()
    await import_malware(world)
    for _ in range(2):
        await follow(world)
    assert await state_of(world, "acme/inside:1.0.0") is State.QUARANTINED
    assert await state_of(world, "acme/inside:1.1.0") is State.LIVE
    assert await state_of(world) is State.LIVE
    [mail] = malware_mail(world)
    assert "a Java library inside is malicious" in mail
    assert "  acme/inside:1.0.0\n" in mail
    page = await Browser(world).open("/packages/acme/inside/1.0.0")
    assert "It has a malicious Java library inside: see the advisory MAL-2026-1." in page.text
    at = Coordinate.from_text("acme/inside:1.0.0")
    await world.registry.publishing.moderation.restore(at, by=OPERATOR)
    await import_malware(world, "MAL-2026-2")
    await follow(world)
    assert await state_of(world, "acme/inside:1.0.0") is State.QUARANTINED
    await world.registry.publishing.moderation.restore(at, by=OPERATOR)
    await follow(world)
    assert await state_of(world, "acme/inside:1.0.0") is State.LIVE


async def test_a_release_that_follows_the_advisory_is_looked_at_once_its_libraries_are_read(
    worlds: OpenWorld,
) -> None:
    world = await worlds(malware_quarantine=True)
    await fill(world)
    await world.document()
    await import_malware(world)
    await follow(world)
    await world.push(with_library("acme/inside:1.0.0", "1.5"))
    await world.push(bala("acme/later:1.0.0"))
    await follow(world)
    assert await state_of(world, "acme/inside:1.0.0") is State.LIVE
    await world.document()
    await follow(world)
    assert await state_of(world, "acme/inside:1.0.0") is State.QUARANTINED


async def test_a_refusal_about_one_organization_keeps_no_other_from_being_told(
    built: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    await publish(built)
    for name in ("ann", "bob"):
        by = built.fresh(getattr(built.people, name))
        await built.registry.advisories.notices.switch_on(by=by)
    of_organization = AffectedPackages.of_organization

    def refusing(
        self: AffectedPackages, org: OrgName, *, by: Principal
    ) -> AsyncIterator[AffectedPackage]:
        if org == "acme":
            raise Forbidden("private", "Not for you.")
        return of_organization(self, org, by=by)

    monkeypatch.setattr(AffectedPackages, "of_organization", refusing)
    await follow(built)
    assert len(mail_to(built, "bob")) == 1


async def test_a_mail_that_was_sent_by_a_run_that_failed_is_not_sent_again_with_the_next(
    worlds: OpenWorld,
) -> None:
    outage = PortOutage({"directory": ["replace"]})
    world = await worlds(wrap=outage.wrap)
    await fill(world)
    notices = world.registry.advisories.notices
    await notices.switch_on(by=world.fresh(world.people.bob))
    first_id = await publish(world)
    outage.lasts = True
    report = await notices.run(world.clock.now_ms() + 1)
    outage.lasts = False
    assert len(report.problems) == 1
    assert len(mail_to(world, "bob")) == 1
    await follow(world)
    second_id = await publish(world)
    await follow(world)
    first, second = mail_to(world, "bob")
    assert first_id in first
    assert second_id in second
    assert first_id not in second


async def test_runs_whose_time_is_over_tell_everybody_in_turn(built: World) -> None:
    await publish(built)
    notices = built.registry.advisories.notices
    for name in ("ann", "bob"):
        await notices.switch_on(by=built.fresh(getattr(built.people, name)))
    for org, name in (("acme", "ann"), ("other", "bob")):
        url = f"https://hooks.example.org/{org}"
        by = built.fresh(getattr(built.people, name))
        await built.registry.organizations.webhooks.add(
            parse_org(org), url, [Topic.ADVISORY], by=by
        )
    for _ in range(4):
        report = await notices.run(built.clock.now_ms())
        assert report.seen == 1
        assert report.unfinished
    assert [len(mail_to(built, name)) for name in ("ann", "bob")] == [1, 1]
    assert sorted(each.org for each in await events(built)) == ["acme", "other"]
    finished = await notices.run(built.clock.now_ms())
    assert (finished.seen, finished.unfinished) == (0, False)
    assert (await notices.run(built.clock.now_ms() + 1)).seen == 4
