"""Followers of packages and organizations get mail about releases, withdrawals and advisories, and
leave with one click."""

import re
from datetime import timedelta

import pytest
from msgspec import structs

from shared.domain.advisories.records import MAX_ADDED_TOLD
from shared.domain.coordinates import Coordinate
from shared.domain.entities import Place
from shared.domain.errors.base import Conflict, NotFound
from shared.domain.following import Follow, FollowerNews, LeaveLink, Pace, parse_followed
from shared.domain.mail import Mail
from shared.domain.names import parse_org
from shared.domain.principals import OPERATOR
from shared.domain.withdrawal_reasons import PublicReason, WithdrawalReason
from shared.services.following import follower_mail, following
from shared.services.following.forgetting import remove_followers
from shared.services.maintenance.tell_followers import TellFollowers
from tests.support.advisories import ECOSYSTEM, advisory, affected
from tests.support.advisory_files import dump, record
from tests.support.archives import bala
from tests.support.browsers import Browser, signed_in
from tests.support.event_feed import checked_feed
from tests.support.world import URL, World

pytestmark = pytest.mark.measured


class StoppingClock:
    """A clock at which the time of a run is over after some reads."""

    def __init__(self, now_ms: int, reads_before_end: int) -> None:
        self.end_ms = now_ms + 1
        self._now_ms = now_ms
        self._left = reads_before_end

    def now_ms(self) -> int:
        self._left -= 1
        return self._now_ms if self._left >= 0 else self.end_ms


@pytest.fixture
async def told(world: World) -> World:
    """Return a registry whose people have mail addresses, with one package."""
    for name in ("ann", "bob", "mia"):
        account = getattr(world.people, name).account
        await world.stores.directory.put(
            account.model_copy(update={"email": f"{name}@example.org"})
        )
    await world.push(bala("acme/greet:1.0.0"))
    await run(world)
    return world


async def run(world: World, task: str = "tell-followers") -> None:
    await world.registry.maintenance.task_runner.run(task)


async def follow(world: World, name: str, followed: str, pace: Pace = Pace.AT_ONCE) -> None:
    by = world.fresh(getattr(world.people, name))
    await world.registry.packages.following.follow(parse_followed(followed), pace, by=by)


def mail_to(world: World, name: str) -> list[Mail]:
    return [each for each in world.mailer.to(f"{name}@example.org") if "You follow" in each.text]


async def opened(world: World) -> Browser:
    """Return a browser of somebody who is not signed in, with the page of a link."""
    browser = Browser(world)
    await browser.open("/account/following/leave")
    return browser


async def test_a_follower_gets_mail_about_a_new_release_once(told: World) -> None:
    await follow(told, "bob", "acme/greet")
    await told.push(bala("acme/greet:1.1.0"))
    for _ in range(2):
        await run(told)
    [mail] = mail_to(told, "bob")
    assert mail.subject == "New: acme/greet:1.1.0"
    assert f"{URL}/packages/acme/greet/1.1.0" in mail.text
    assert "1.0.0" not in mail.text
    assert mail_to(told, "mia") == []


async def test_what_happens_within_an_hour_is_one_mail(told: World) -> None:
    await follow(told, "bob", "acme/greet")
    await follow(told, "bob", "acme")
    for patch in range(3):
        await told.push(bala(f"acme/greet:1.1.{patch}"))
    await run(told)
    [first] = mail_to(told, "bob")
    assert first.subject == "3 news of what you follow"
    for patch in range(2):
        await told.push(bala(f"acme/other:1.1.{patch}"))
        told.clock.advance(timedelta(minutes=5))
        await run(told)
    assert len(mail_to(told, "bob")) == 1
    told.clock.advance(timedelta(hours=1))
    await run(told)
    [_, second] = mail_to(told, "bob")
    assert "acme/other:1.1.0" in second.text
    assert "acme/other:1.1.1" in second.text
    assert "acme/greet:1.1" not in second.text


async def test_a_weekly_digest_comes_on_monday(told: World) -> None:
    await follow(told, "bob", "acme", Pace.WEEKLY)
    await told.push(bala("acme/greet:1.1.0"))
    await run(told)
    await run(told, "send-digests")
    assert mail_to(told, "bob") == []
    await told.push(bala("acme/other:1.0.0"))
    await run(told)
    told.clock.advance(timedelta(days=7))
    await run(told, "send-digests")
    await run(told, "send-digests")
    [mail] = mail_to(told, "bob")
    assert mail.subject == "Your week: what you follow"
    assert "acme/greet:1.1.0" in mail.text
    assert "acme/other:1.0.0" in mail.text


async def test_a_withdrawal_is_told_with_its_public_reason(told: World) -> None:
    await follow(told, "bob", "acme/greet")
    at = Coordinate.from_text("acme/greet:1.0.0")
    reason = PublicReason(why=WithdrawalReason.MALWARE, note="It mines coins.")
    moderation = told.registry.publishing.moderation
    await moderation.quarantine(at, "A reason of ours.", reason, by=OPERATOR)
    await run(told)
    [mail] = mail_to(told, "bob")
    assert "Withdrawn: acme/greet:1.0.0" in mail.text
    assert "It mines coins." in mail.text
    assert "A reason of ours" not in mail.text


async def test_an_advisory_is_told(told: World) -> None:
    await follow(told, "bob", "acme/greet")
    about = affected("acme/greet", "introduced 1.0.0")
    stored = await told.registry.advisories.advisories.store(advisory(about), OPERATOR)
    await run(told)
    [mail] = mail_to(told, "bob")
    assert f"Advisory {stored.id} about acme/greet" in mail.text


async def test_an_advisory_that_a_set_brings_is_told_and_those_of_its_first_import_are_not(
    told: World,
) -> None:
    """The first import of a set may bring thousands that were known for years."""
    await follow(told, "bob", "acme/greet")
    importing = told.registry.advisories.importing
    records = [
        record(f"GHSA-{number}", "acme/greet", fixed="2.0.0", ecosystem=ECOSYSTEM)
        for number in range(MAX_ADDED_TOLD + 5)
    ]
    for each in records:
        each["affected"][0]["ranges"][0]["type"] = "SEMVER"
    for count, subjects in ((1, []), (2, ["GHSA-1"]), (2, ["GHSA-1"])):
        await importing.replace_set("all", dump(records[:count]), source="x", tag="", by=OPERATOR)
        told.clock.advance(timedelta(hours=1))
        await run(told)
        texts = " ".join(each.text for each in mail_to(told, "bob"))
        assert re.findall(r"Advisory (\S+) about acme/greet", texts) == subjects
    await importing.replace_set("all", dump(records), source="x", tag="", by=OPERATOR)
    [imported] = [
        each
        for each in await checked_feed(told.stores.events)
        if len(each.details.get("advisories", "").split()) > 1
    ]
    assert len(imported.details["advisories"].split()) == MAX_ADDED_TOLD


async def test_a_release_that_was_withdrawn_meanwhile_is_not_told_as_new(told: World) -> None:
    await follow(told, "bob", "acme/greet", Pace.WEEKLY)
    await told.push(bala("acme/greet:1.1.0"))
    await run(told)
    at = Coordinate.from_text("acme/greet:1.1.0")
    await told.registry.publishing.moderation.quarantine(at, "Bad.", by=OPERATOR)
    await run(told)
    told.clock.advance(timedelta(days=7))
    await run(told, "send-digests")
    [mail] = mail_to(told, "bob")
    assert "New: acme/greet:1.1.0" not in mail.text
    assert "Withdrawn: acme/greet:1.1.0" in mail.text


async def test_whoever_lost_the_right_is_told_nothing_of_a_private_package(told: World) -> None:
    await told.push(bala("acme/secret:1.0.0", visibility="private"))
    await run(told)
    with pytest.raises(NotFound):
        await follow(told, "bob", "acme/secret")
    await follow(told, "mia", "acme/secret")
    await follow(told, "mia", "acme")
    await told.push(bala("acme/secret:1.1.0"))
    memberships = told.registry.organizations.memberships
    mia = told.people.mia.account
    await memberships.remove_member(parse_org("acme"), mia, by=told.fresh(told.people.ann))
    await run(told)
    assert mail_to(told, "mia") == []


async def test_a_link_shows_what_it_ends_and_ends_it(told: World) -> None:
    await follow(told, "bob", "acme/greet")
    await told.push(bala("acme/greet:1.1.0"))
    await run(told)
    [mail] = mail_to(told, "bob")
    found = re.search(r"/account/following/leave#([0-9A-Za-z]{32})\n", mail.text)
    assert found
    browser = await opened(told)
    await browser.submit("/account/following/leave", code=found[1], step="show")
    assert "Unfollow acme/greet" in browser.text
    assert await told.stores.directory.list_by_subject(Follow, told.people.bob.account.id)
    await browser.submit("/account/following/leave", code=found[1], followed="acme/greet")
    assert "You will no longer get mail about acme/greet." in browser.text
    assert not await told.stores.directory.list_by_subject(Follow, told.people.bob.account.id)


async def test_a_mail_program_ends_the_mail_with_one_click(told: World) -> None:
    await follow(told, "bob", "acme/greet")
    await follow(told, "bob", "acme", Pace.WEEKLY)
    await told.push(bala("acme/greet:1.1.0"))
    await run(told)
    [mail] = mail_to(told, "bob")
    assert mail.unsubscribe.startswith(f"{URL}/account/following/end/")
    page = await told.send("GET", mail.unsubscribe)
    assert page.status_code == 200
    assert "Stop this mail" in page.text
    directory = told.stores.directory
    assert len(await directory.list_by_subject(Follow, told.people.bob.account.id)) == 2
    headers = {"content-type": "application/x-www-form-urlencoded"}
    body = b"List-Unsubscribe=One-Click"
    for _ in range(2):
        ended = await told.send("POST", mail.unsubscribe, headers=headers, content=body)
        assert ended.status_code == 200
    [left] = await directory.list_by_subject(Follow, told.people.bob.account.id)
    assert left.followed == "acme"
    code = mail.unsubscribe.rpartition("/")[2]
    browser = await opened(told)
    await browser.submit("/account/following/leave", code=code, step="show")
    assert "This link is not valid" in browser.text
    other = await told.send("POST", f"{URL}/account/following/end/{'0' * 32}", content=body)
    assert other.status_code == 404


async def test_the_buttons_of_pages_follow_and_the_account_lists_it(told: World) -> None:
    bob = await signed_in(told, told.people.bob, "/packages/acme/greet")
    await bob.submit("/account/following/follow", target="acme/greet", pace="at-once")
    assert "acme/greet" in bob.text
    await bob.open("/packages/acme/greet")
    assert 'href="/account/following">Following</a>' in bob.text
    await bob.open("/orgs/acme")
    assert "Follow acme" in bob.text
    await bob.open("/account/following")
    await bob.submit("/account/following/follow", target="acme/none", pace="weekly")
    assert "acme/none" in bob.text
    await bob.open("/account/following")
    await bob.submit("/account/following/unfollow", target="acme/greet")
    assert "You follow nothing" in bob.text


async def test_the_api_follows_and_ends_it(told: World) -> None:
    bob = told.people.bob
    route = f"{URL}/api/v1/follows/packages/acme/greet"
    put = await told.send("PUT", route, by=bob, content=b'{"pace": "weekly"}')
    assert put.json()["pace"] == "weekly"
    put = await told.send("PUT", f"{URL}/api/v1/follows/orgs/acme", by=bob)
    assert put.json()["pace"] == "at-once"
    listed = await told.send("GET", f"{URL}/api/v1/follows", by=bob)
    assert [each["followed"] for each in listed.json()["follows"]] == ["acme", "acme/greet"]
    for _ in range(2):
        assert (await told.send("DELETE", route, by=bob)).status_code == 204
    listed = await told.send("GET", f"{URL}/api/v1/follows", by=bob)
    assert [each["followed"] for each in listed.json()["follows"]] == ["acme"]


async def test_an_account_follows_a_limited_number(
    told: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(following, "MAX_FOLLOWED", 1)
    await follow(told, "bob", "acme/greet")
    await follow(told, "bob", "acme/greet", Pace.WEEKLY)
    with pytest.raises(Conflict, match="at most"):
        await follow(told, "bob", "acme")


async def test_an_erased_account_leaves_nothing_of_what_it_followed(told: World) -> None:
    mia = told.people.mia
    await follow(told, "mia", "acme/greet")
    await told.push(bala("acme/greet:1.1.0"))
    await run(told)
    await told.push(bala("acme/greet:1.2.0"))
    await run(told)
    directory = told.stores.directory
    news = Place(Pace.AT_ONCE.value, mia.account.id)
    assert await directory.get(FollowerNews, news)
    data = await told.registry.administration.account_deletion.export(by=told.fresh(mia))
    assert [each.followed for each in data.follows] == ["acme/greet"]
    await told.registry.administration.account_deletion.delete(by=told.fresh(mia))
    assert not await directory.list_by_subject(Follow, mia.account.id)
    assert not await directory.list_by_subject(LeaveLink, mia.account.id)
    assert await directory.get(FollowerNews, news) is None


async def test_followers_of_a_deleted_organization_are_gone_with_it(told: World) -> None:
    await told.create_organization("short")
    await follow(told, "bob", "short")
    await told.stores.directory.put(
        Follow(followed="short/gone", account="a", pace=Pace.WEEKLY, since_ms=1)
    )
    await told.stores.directory.put(
        Follow(followed="shorts/stays", account="a", pace=Pace.WEEKLY, since_ms=1)
    )
    await remove_followers(told.stores.directory, "short")
    found = await told.stores.directory.list_all(Follow, Place(""), 10)
    assert [each.followed for each in found] == ["shorts/stays"]


async def test_a_run_that_ends_goes_on_with_the_other_followers(
    told: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(follower_mail, "FOLLOWERS_READ_AT_ONCE", 1)
    for name in ("ann", "bob", "mia"):
        await follow(told, name, "acme/greet")
    await told.push(bala("acme/greet:1.1.0"))
    collector = told.registry.maintenance.tasks["tell-followers"]
    assert isinstance(collector, TellFollowers)
    mail = collector.follower_mail
    clock = StoppingClock(told.clock.now_ms(), reads_before_end=4)
    interrupted = structs.replace(mail, clock=clock)
    report = await interrupted.collect(clock.end_ms)
    assert report.unfinished
    told_now = [e.account for e in await told.stores.directory.list_all(FollowerNews, Place(""), 9)]
    assert 0 < len(told_now) < 3
    await told.push(bala("acme/greet:1.2.0"))
    told.clock.advance(timedelta(minutes=5))
    await run(told)
    for name in ("ann", "bob", "mia"):
        texts = "".join(each.text for each in mail_to(told, name))
        assert texts.count("New: acme/greet:1.1.0\n") == 1, name
        assert texts.count("New: acme/greet:1.2.0\n") == 1, name


@pytest.mark.parametrize("reads_before_end", [2, 3, 4])
async def test_no_follower_misses_what_is_read_when_the_time_of_a_run_ends(
    told: World, reads_before_end: int
) -> None:
    for name in ("ann", "bob"):
        await follow(told, name, "acme/greet")
    await told.push(bala("acme/greet:1.1.0"))
    collector = told.registry.maintenance.tasks["tell-followers"]
    assert isinstance(collector, TellFollowers)
    clock = StoppingClock(told.clock.now_ms(), reads_before_end)
    await structs.replace(collector.follower_mail, clock=clock).collect(clock.end_ms)
    told.clock.advance(timedelta(minutes=5))
    await run(told)
    for name in ("ann", "bob"):
        assert len(mail_to(told, name)) == 1, name


async def leave_links(world: World, name: str) -> int:
    account = getattr(world.people, name).account
    return len(await world.stores.directory.list_by_subject(LeaveLink, account.id))


async def test_an_address_that_is_refused_is_tried_rarely_and_for_a_week(told: World) -> None:
    """Each attempt stores the two links of its mail for 60 days."""
    for name in ("ann", "bob"):
        await follow(told, name, "acme/greet")
    told.mailer.refused.add("bob@example.org")
    await told.push(bala("acme/greet:1.1.0"))
    for _ in range(6):
        await run(told)
        told.clock.advance(timedelta(minutes=5))
    assert await leave_links(told, "bob") == 2
    assert len(mail_to(told, "ann")) == 1
    for _ in range(8 * 24):
        told.clock.advance(timedelta(hours=1))
        await run(told)
    assert await leave_links(told, "bob") <= 2 * 20
    news = Place(Pace.AT_ONCE.value, told.people.bob.account.id)
    assert await told.stores.directory.get(FollowerNews, news) is None
    told.mailer.refused.clear()
    await told.push(bala("acme/greet:1.2.0"))
    await run(told)
    [mail] = mail_to(told, "bob")
    assert mail.subject == "New: acme/greet:1.2.0"


async def test_after_an_outage_of_the_mail_server_followers_are_told_once(told: World) -> None:
    await follow(told, "bob", "acme/greet")
    told.mailer.is_down = True
    await told.push(bala("acme/greet:1.1.0"))
    await run(told)
    told.mailer.is_down = False
    await told.push(bala("acme/greet:1.2.0"))
    for _ in range(3):
        told.clock.advance(timedelta(hours=1))
        await run(told)
    [mail] = mail_to(told, "bob")
    assert "New: acme/greet:1.1.0" in mail.text
    assert "New: acme/greet:1.2.0" in mail.text


async def test_a_run_tries_a_limited_number_of_mails(
    told: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(follower_mail, "MAILS_IN_A_RUN", 1)
    for name in ("ann", "bob", "mia"):
        await follow(told, name, "acme/greet")
    told.mailer.is_down = True
    await told.push(bala("acme/greet:1.1.0"))
    for tried in (1, 2, 3, 3):
        await run(told)
        links = [await leave_links(told, name) for name in ("ann", "bob", "mia")]
        assert sum(links) == 2 * tried
