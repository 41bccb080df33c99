"""Atom feeds: releases, deprecations and withdrawals, for programs that read feeds."""

import re
from base64 import b64encode
from datetime import timedelta
from xml.etree import ElementTree

import httpx
import pytest

from shared.domain.coordinates import Coordinate, Package
from shared.domain.principals import OPERATOR
from shared.domain.visibility import Visibility
from shared.domain.withdrawal_reasons import PublicReason, WithdrawalReason
from tests.protocol.web.page_reader import Elements, opened
from tests.protocol.web.sample_packages import publish
from tests.support.world import URL, OpenWorld, Person, World

pytestmark = pytest.mark.measured

ATOM = "{http://www.w3.org/2005/Atom}"
REGISTRY = "/feeds/registry.atom"
ACME = "/feeds/acme.atom"
GREET = "/feeds/acme/greet.atom"
SECRET = "/feeds/acme/secret.atom"


def entries(answer: httpx.Response, part: str = "title") -> list[str]:
    """Return a part of each entry of a feed."""
    assert answer.status_code == 200, answer.text
    found = ElementTree.fromstring(answer.content).findall(f"{ATOM}entry")
    return [each.findtext(f"{ATOM}{part}", "") for each in found]


async def with_password(world: World, path: str, by: Person, method: str = "GET") -> httpx.Response:
    """Return the answer to a program that sends a token as the password of HTTP Basic."""
    pair = b64encode(f"me:{by.token}".encode()).decode()
    return await world.send(method, URL + path, headers={"Authorization": f"Basic {pair}"})


async def test_the_feed_of_a_package_has_its_changes_newest_first(shelf: World) -> None:
    answer = await opened(shelf, GREET)
    assert answer.headers["content-type"].startswith("application/atom+xml")
    assert entries(answer) == [
        "acme/greet 2.0.0-rc.1 was published",
        "acme/greet 1.2.0 was published",
        "acme/greet 1.1.0 is deprecated",
        "acme/greet 1.1.0 was published",
        "acme/greet 1.0.0 was published",
    ]
    assert "acme/greet 1.1.0 is deprecated: Greets nobody; use 1.2.0." in answer.text


async def test_a_withdrawn_release_and_its_return_are_entries(own_shelf: World) -> None:
    moderation = own_shelf.registry.publishing.moderation
    greet = Coordinate.parse("acme", "greet", "1.0.0")
    reason = PublicReason(why=WithdrawalReason.MALWARE)
    await moderation.quarantine(greet, "Internal.", reason, by=OPERATOR)
    await moderation.restore(greet, by=OPERATOR)
    feed = await opened(own_shelf, GREET)
    assert entries(feed)[:2] == [
        "acme/greet 1.0.0 is available again",
        "acme/greet 1.0.0 was withdrawn",
    ]
    assert "acme/greet 1.0.0 was withdrawn: malware" in feed.text
    assert "Internal" not in feed.text


async def test_every_entry_leads_to_a_page(shelf: World) -> None:
    feed = ElementTree.fromstring((await opened(shelf, REGISTRY)).content)
    links = {link.get("href", "") for link in feed.iter(f"{ATOM}link")}
    assert len(links) > len(feed.findall(f"{ATOM}entry")) > 0
    for link in links:
        assert (await shelf.get(link)).status_code == 200, link


async def test_feeds_of_the_registry_and_of_an_organization_have_their_packages(
    shelf: World,
) -> None:
    of_registry = entries(await opened(shelf, REGISTRY))
    of_acme = entries(await opened(shelf, ACME))
    assert "other/shop 0.1.0 was published" in of_registry
    assert [each for each in of_registry if each.startswith("acme/")] == of_acme
    assert "acme/words 1.0.0 was published" in of_acme


async def test_a_feed_has_its_newest_fifty_changes(own_shelf: World) -> None:
    for number in range(55):
        await publish(own_shelf, f"acme/many:1.{number}.0")
    for path in (REGISTRY, ACME, "/feeds/acme/many.atom"):
        found = entries(await opened(own_shelf, path))
        assert (len(found), found[0]) == (50, "acme/many 1.54.0 was published")


async def test_ids_hold_no_address_and_stay(shelf: World) -> None:
    ids = entries(await opened(shelf, REGISTRY), "id")
    assert len(set(ids)) == len(ids)
    assert all(re.fullmatch(r"urn:uuid:[0-9a-f-]{36}", each) for each in ids)
    assert set(entries(await opened(shelf, GREET), "id")) <= set(ids)


async def test_members_read_changes_of_private_packages_with_a_token_as_password(
    shelf: World,
) -> None:
    for path in (SECRET, ACME, REGISTRY):
        answer = await with_password(shelf, path, shelf.people.mia)
        assert "acme/secret 1.0.0 was published" in entries(answer), path
        assert answer.headers["cache-control"] == "private, no-store"


async def test_nobody_else_learns_that_there_is_a_private_package(shelf: World) -> None:
    for path in (ACME, REGISTRY):
        assert "secret" not in (await opened(shelf, path)).text
        assert "secret" not in (await with_password(shelf, path, shelf.people.bob)).text
    hidden = await with_password(shelf, SECRET, shelf.people.bob)
    missing = await with_password(shelf, "/feeds/acme/none.atom", shelf.people.bob)
    assert hidden.status_code == missing.status_code == 404
    assert hidden.text.replace("secret", "none") == missing.text


async def test_who_sends_no_credentials_is_challenged_for_whatever_is_not_found(
    shelf: World,
) -> None:
    accept = "application/atom+xml, text/html, */*;q=0.9"
    answers = [await opened(shelf, path, accept) for path in (SECRET, "/feeds/acme/none.atom")]
    for answer in (*answers, await opened(shelf, "/feeds/nobody.atom", accept)):
        assert answer.status_code == 401
        assert answer.headers["www-authenticate"].startswith("Basic ")
    hidden, missing = (each.text for each in answers)
    assert hidden.replace("secret", "none") == missing
    advice = "If it is private, send an access token as the password."
    assert missing.strip() == f"package not found: acme/none. {advice}"


async def test_a_browser_is_asked_for_no_password(shelf: World) -> None:
    accept = {"Accept": "text/html,application/xhtml+xml,*/*;q=0.8"}
    answers = [
        await shelf.get(URL + path, headers=accept) for path in (SECRET, "/feeds/acme/none.atom")
    ]
    for answer in answers:
        assert answer.status_code == 404
        assert "www-authenticate" not in answer.headers
    hidden, missing = (each.text for each in answers)
    assert hidden == (await shelf.get(URL + SECRET)).text
    assert hidden.replace("secret", "none") == missing
    assert (await shelf.get(URL + GREET, headers=accept)).status_code == 200


@pytest.mark.parametrize(
    "accept",
    [
        None,
        "*/*",
        "application/rss+xml, text/html",
        "application/rdf+xml, text/html;q=0.5",
        "application/feed+json, text/html",
        "Application/Atom+XML, text/html",
        "text/xml, text/html",
    ],
)
async def test_a_program_that_reads_feeds_is_challenged(shelf: World, accept: str | None) -> None:
    # An empty header stands for none: the client would send its own.
    headers = {"Accept": accept or ""}
    answer = await shelf.get(URL + SECRET, headers=headers)
    assert answer.status_code == 401
    assert answer.headers["www-authenticate"].startswith("Basic ")


@pytest.mark.parametrize("path", [REGISTRY, ACME, GREET])
async def test_where_only_signed_in_people_read_programs_are_challenged_and_no_browsers(
    worlds: OpenWorld, path: str
) -> None:
    world = await worlds(readers="signed_in")
    program = await opened(world, path, "*/*")
    assert program.status_code == 401
    assert program.headers["www-authenticate"].startswith("Basic ")
    browser = await opened(world, path)
    assert (browser.status_code, browser.text) == (401, program.text)
    assert browser.headers["www-authenticate"] == "Bearer"


async def test_a_token_in_the_address_is_none(shelf: World) -> None:
    answer = await shelf.get(f"{URL}{SECRET}?token={shelf.people.mia.token}")
    assert answer.status_code == 401


async def test_a_package_that_became_private_leaves_the_feeds(own_shelf: World) -> None:
    package = Package.parse("acme", "words")
    await own_shelf.registry.packages.visibility.change(
        package, Visibility.PRIVATE, by=OPERATOR, reason="A test."
    )
    own_shelf.clock.advance(timedelta(minutes=1))
    for path in (ACME, REGISTRY):
        assert "acme/words" not in (await opened(own_shelf, path)).text


@pytest.mark.parametrize("path", ["/feeds/acme", "/feeds/acme/greet", "/feeds/-!.atom"])
async def test_there_are_no_other_feeds(shelf: World, path: str) -> None:
    answer = await with_password(shelf, path, shelf.people.mia)
    assert answer.status_code == 404


async def test_a_feed_that_did_not_change_is_not_sent_again(shelf: World) -> None:
    first = await opened(shelf, GREET)
    again = await shelf.get(URL + GREET, headers={"If-None-Match": first.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")


@pytest.mark.parametrize(
    ("page", "feed"), [("/", REGISTRY), ("/orgs/acme", ACME), ("/packages/acme/greet", GREET)]
)
async def test_pages_name_their_feed(shelf: World, page: str, feed: str) -> None:
    links = Elements.of(await opened(shelf, page)).every("link")
    assert [each["href"] for each in links if each.get("type") == "application/atom+xml"] == [feed]


async def test_a_registry_without_packages_has_a_feed_without_entries(worlds: OpenWorld) -> None:
    assert entries(await opened(await worlds(), REGISTRY)) == []
