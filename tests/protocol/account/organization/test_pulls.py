"""/account/organizations/{org}/pulls: owners ask who pulled what."""

import re
from datetime import timedelta

import pytest
from syrupy.assertion import SnapshotAssertion

from shared.domain.names import parse_org
from shared.domain.pull_records import PullRecordBatch, RecordedPull, RecordedPulls
from shared.domain.times import MS
from shared.services.tokens.tokens import OfOrganization, TokenRequest
from tests.protocol.account.organization.test_goldens import HOSTILE
from tests.protocol.test_page_goldens import SIDE_NAVIGATION, shown
from tests.support.archives import bala
from tests.support.browsers import Browser, signed_in
from tests.support.world import OpenWorld, Person, World

pytestmark = pytest.mark.measured

ORG = "/account/organizations/acme"
PAGE = f"{ORG}/pulls"
ROW = re.compile(
    r'<tr>\s*<th scope="row">(.*?)</th>\s*<td data-label="Who"><span>(.*?)<', re.DOTALL
)


@pytest.fixture
async def ann(world: World) -> Browser:
    """Return Ann in a browser, after Mia and a robot of acme pulled private releases."""
    for version in ("1.0.0", "1.1.0"):
        await world.push(bala(f"acme/secret:{version}", visibility="private"))
    wanted = TokenRequest.parse("ci", ["read"], org="acme", package="*", days=9)
    issued = await world.registry.tokens.access_tokens.issue(
        OfOrganization(parse_org("acme")), wanted, by=world.fresh(world.people.ann)
    )
    await pull(world, "1.0.0", world.people.mia)
    world.clock.advance(timedelta(minutes=1))
    await pull(world, "1.1.0", world.people.mia)
    world.clock.advance(timedelta(minutes=1))
    await pull(world, "1.0.0", Person(world.people.ann.account, issued.text.reveal()))
    return await signed_in(world, world.people.ann)


async def pull(world: World, version: str, by: Person) -> None:
    await world.java(by).pull(f"acme/secret:{version}")
    await world.record_pulls()


def found(browser: Browser) -> list[tuple[str, str]]:
    """Return which releases the page lists, and who pulled them."""
    return ROW.findall(browser.text)


async def test_who_pulled_what_is_listed_newest_first(ann: Browser) -> None:
    await ann.open(PAGE)
    assert found(ann) == [
        ("secret 1.0.0", "A token of acme"),
        ("secret 1.1.0", "mia"),
        ("secret 1.0.0", "mia"),
    ]


@pytest.mark.parametrize(
    ("query", "count"),
    [
        ("package=secret&version=1.0.0", 2),
        ("package=secret&version=1.1.0", 1),
        ("package=acme/secret", 3),
        ("principal=MIA", 2),
        ("principal=acme", 1),
        ("principal=nobody", 0),
        ("package=greet", 0),
        ("since=2100-01-01", 0),
        ("until=2020-01-01", 0),
    ],
)
async def test_a_search_finds_who_pulled_a_version(ann: Browser, query: str, count: int) -> None:
    await ann.open(f"{PAGE}?{query}")
    assert len(found(ann)) == count
    assert ("No matching pulls" in ann.text) == (count == 0)
    assert ("Who pulled secret 1." in ann.text) == ("version" in query)


async def test_the_files_have_what_the_page_found(ann: Browser) -> None:
    await ann.open(f"{PAGE}?package=secret&version=1.0.0&until=2030-01-01")
    for kind in ("csv", "jsonl"):
        [address] = re.findall(rf'href="(/api/v1/orgs/acme/pulls\.{kind}\?[^"]*)"', ann.text)
        exported = await ann.open(address.replace("&amp;", "&"))
        assert exported.status_code == 200
        assert exported.text.count("acme/secret") == 2
        await ann.open(f"{PAGE}?package=secret&version=1.0.0&until=2030-01-01")


async def test_the_page_of_a_package_leads_to_who_pulled_it(ann: Browser) -> None:
    await ann.open(f"{ORG}/packages/secret")
    assert f'<a href="{PAGE}?package=secret">Who pulled it</a>' in ann.text


async def test_what_cannot_be_read_is_said_at_its_field(ann: Browser) -> None:
    for query, said in (
        ("version=1.0.0", "A version is one of a package. Name the package as well."),
        ("since=never", "is not a date. Write it as 2026-11-20."),
    ):
        await ann.open(f"{PAGE}?{query}")
        assert said in ann.text
        assert len(found(ann)) == 3


async def test_members_who_are_no_owners_do_not_read_it(world: World) -> None:
    mia = await signed_in(world, world.people.mia)
    assert (await mia.open(PAGE)).status_code == 403
    await mia.open(ORG)
    assert PAGE not in mia.text


async def test_more_pulls_than_a_page_has_are_found_on_older_ones(world: World) -> None:
    now_ms = world.clock.now_ms()
    pulls = [
        RecordedPull("acme", "greet", f"1.0.{number}", now_ms + number) for number in range(60)
    ]
    world.clock.advance(timedelta(minutes=1))
    await world.stores.pull_records.record(PullRecordBatch("0a", 1, pulls))
    ann = await signed_in(world, world.people.ann)
    await ann.open(f"{PAGE}?package=greet")
    assert len(found(ann)) == 50
    [older] = re.findall(r'rel="next" href="([^"]*)"', ann.text)
    await ann.open(older.replace("&amp;", "&"))
    assert found(ann)[-1] == ("greet 1.0.0", "Nobody signed in")
    assert len(found(ann)) == 10
    assert f'href="{PAGE}?package=greet">Newest' in ann.text


async def test_the_page_says_what_is_recorded_and_what_a_crash_loses(worlds: OpenWorld) -> None:
    for setting, said in (
        (RecordedPulls.NOT_PUBLIC, "packages of acme that are not public in the last 90 days"),
        (RecordedPulls.ALL, "This list shows who pulled packages of acme in the last 90 days"),
    ):
        world = await worlds(recorded_pulls=setting)
        ann = await signed_in(world, world.people.ann)
        await ann.open(PAGE)
        assert said in ann.text
        assert "at most the pulls of the last ten seconds are missing" in ann.text


async def test_the_page_in_a_golden(world: World, page: SnapshotAssertion) -> None:
    at_ms = world.clock.now_ms()
    minute_ms = timedelta(minutes=1) // MS
    mia = world.people.mia.account.id
    pulls = [
        RecordedPull("acme", "secret", "1.0.0", at_ms, mia, "token12345", "", "192.0.2.1"),
        RecordedPull(
            "acme",
            "secret",
            "1.1.0",
            at_ms + minute_ms,
            "gone567890",
            "token67890",
            job=f"github {HOSTILE} release.yml",
            network="2001:db8::",
        ),
        RecordedPull("acme", "words", "1.0.0", at_ms + 2 * minute_ms),
    ]
    await world.stores.pull_records.record(PullRecordBatch("0a", 1, pulls))
    world.clock.advance(timedelta(minutes=5))
    ann = await signed_in(world, world.people.ann)
    await ann.open(PAGE)
    assert SIDE_NAVIGATION.sub("", shown(ann)) == page
