"""Pages of packages and releases that are missing, withdrawn or hidden."""

import pytest

from functions.web.package.missing import HARMLESS_REASONS
from shared.domain.coordinates import Coordinate
from shared.domain.principals import OPERATOR
from shared.domain.withdrawal_reasons import WITHDRAWAL_TITLES, PublicReason, WithdrawalReason
from tests.protocol.web.page_reader import Elements, opened
from tests.support.archives import bala
from tests.support.browsers import signed_in
from tests.support.world import World

GREET = "/packages/acme/greet"
RELEASE = Coordinate.parse("acme", "greet", "1.2.0")


async def test_a_missing_version_says_so(shelf: World) -> None:
    for path in (f"{GREET}/9.9.9/files", "/files/acme/greet/9.9.9/x"):
        answer = await opened(shelf, path)
        assert answer.status_code == 404
        assert "There is no version" in Elements.of(answer).words


async def test_the_page_of_a_missing_package_names_similar_ones(shelf: World) -> None:
    page = Elements.of(await opened(shelf, "/packages/acme/gret"))
    assert "Packages with similar names" in page.words
    assert GREET in page.links


async def test_two_letters_that_changed_in_a_short_name_are_similar(own_shelf: World) -> None:
    await own_shelf.push(bala("acme/http:1.0.0"))
    page = Elements.of(await opened(own_shelf, "/packages/acme/htpp"))
    assert "/packages/acme/http" in page.links


async def test_parts_of_the_language_are_called_built_in(own_shelf: World) -> None:
    page = Elements.of(await opened(own_shelf, "/packages/ballerina/lang.array"))
    assert "ballerina/lang.array is built in: it is a part of Ballerina" in page.words
    needed = ["ballerina/lang.array:0.0.0", "ballerina/jballerina.java:0.0.0", "acme/none:1.0.0"]
    await own_shelf.push(bala("acme/user:1.0.0", dependencies=needed))
    page = Elements.of(await opened(own_shelf, "/packages/acme/user/1.0.0/dependencies"))
    assert page.words.count("Built in: a part of Ballerina") == 2
    assert page.words.count("Not in this registry") == 1


async def test_the_page_of_a_missing_package_names_none_that_the_visitor_may_not_see(
    own_shelf: World,
) -> None:
    await own_shelf.push(bala("acme/hidehole:1.0.0", visibility="private"))
    visitor = Elements.of(await opened(own_shelf, "/packages/acme/hidehol"))
    assert "/packages/acme/hidehole" not in visitor.links
    mia = await signed_in(own_shelf, own_shelf.people.mia, "/packages/acme/hidehol")
    assert 'href="/packages/acme/hidehole"' in mia.text


async def test_the_pages_of_a_package_say_that_a_newer_version_was_withdrawn(
    own_shelf: World,
) -> None:
    hint = "was withdrawn by an administrator"
    assert hint not in Elements.of(await opened(own_shelf, GREET)).words
    await own_shelf.registry.publishing.moderation.quarantine(RELEASE, "steals keys", by=OPERATOR)
    for path in (GREET, f"{GREET}/versions"):
        page = Elements.of(await opened(own_shelf, path))
        assert f"Version 1.2.0 {hint}" in " ".join(page.words.split())
        assert f"{GREET}/1.2.0" in page.links


async def test_a_withdrawn_release_leads_administrators_to_their_page(own_shelf: World) -> None:
    await own_shelf.registry.publishing.moderation.remove(RELEASE, "steals keys", by=OPERATOR)
    path = "/manage/releases/acme/greet/1.2.0"
    for person, leads in ((own_shelf.people.admin, True), (own_shelf.people.ann, False)):
        browser = await signed_in(own_shelf, person, f"{GREET}/1.2.0")
        assert (f'href="{path}"' in browser.text) is leads


async def test_every_page_of_a_package_leads_its_owners_to_its_settings(shelf: World) -> None:
    settings = 'href="/account/organizations/acme/packages/greet"'
    ann, mia = [await signed_in(shelf, each) for each in (shelf.people.ann, shelf.people.mia)]
    for tab in ("", "/docs", "/versions", "/dependencies", "/files"):
        for browser, leads in ((ann, True), (mia, False)):
            await browser.open(GREET + tab)
            assert (settings in browser.text) is leads, tab


@pytest.mark.parametrize("act", ["quarantine", "remove"])
@pytest.mark.parametrize("why", list(WithdrawalReason), ids=lambda why: why.value)
async def test_a_withdrawn_release_has_a_public_reason(
    own_shelf: World, act: str, why: WithdrawalReason
) -> None:
    public = PublicReason(why=why, note="See advisory <7>.")
    await getattr(own_shelf.registry.publishing.moderation, act)(
        RELEASE, "ticket 12", public, by=OPERATOR
    )
    answer = await opened(own_shelf, f"{GREET}/1.2.0")
    words = " ".join(Elements.of(answer).words.split())
    title, sentence = WITHDRAWAL_TITLES[why]
    assert f"{title}. {sentence} See advisory <7>." in words
    assert "Not stated" not in words
    assert "ticket 12" not in answer.text
    assert ("check what it could access" in words) is (why not in HARMLESS_REASONS)


async def test_a_restored_release_has_no_public_reason_any_more(own_shelf: World) -> None:
    moderation = own_shelf.registry.publishing.moderation
    public = PublicReason(why=WithdrawalReason.MALWARE)
    await moderation.quarantine(RELEASE, "reported", public, by=OPERATOR)
    assert (await moderation.restore(RELEASE, by=OPERATOR)).public_reason is None
    await moderation.quarantine(RELEASE, "reported again", by=OPERATOR)
    assert "Not stated" in Elements.of(await opened(own_shelf, f"{GREET}/1.2.0")).words


async def test_a_withdrawn_private_package_does_not_exist_for_strangers(own_shelf: World) -> None:
    secret = Coordinate.parse("acme", "secret", "1.0.0")
    await own_shelf.registry.publishing.moderation.quarantine(secret, "malware", by=OPERATOR)
    for path in ("/packages/acme/secret", "/packages/acme/secret/1.0.0"):
        stranger = await opened(own_shelf, path)
        assert "withdrawn" not in Elements.of(stranger).words
        member = await opened(own_shelf, path, by=own_shelf.people.mia)
        assert "was withdrawn" in Elements.of(member).words
