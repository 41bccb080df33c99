"""/account/organizations/{org}/advisories: an owner writes, publishes and withdraws advisories."""

import re

import pytest

from tests.support.archives import bala
from tests.support.browsers import Browser, signed_in
from tests.support.world import World

pytestmark = pytest.mark.measured

PAGE = "/account/organizations/acme/advisories"
TEXT = {
    "summary": "Greetings run commands",
    "introduced-0": "1.0.0",
    "fixed-0": "1.2.0",
    "introduced-1": "",
    "fixed-1": "",
    "details": "It *runs* what it is sent.",
    "severity": "high",
    "aliases": "CVE-2026-12345",
    "references": "FIX https://example.org/fix",
    "credits": "FINDER Kim",
}
NEW = {"package": "acme/greet", **TEXT}


@pytest.fixture
async def ann(world: World) -> Browser:
    for version in ("1.0.0", "1.1.0", "1.2.0"):
        await world.push(bala(f"acme/greet:{version}"))
    return await signed_in(world, world.people.ann, PAGE)


async def test_an_owner_writes_publishes_changes_and_withdraws_an_advisory(ann: Browser) -> None:
    assert "No advisories yet" in ann.text
    await ann.open(f"{PAGE}?package=greet")
    assert '<option value="1.1.0">1.1.0</option>' in ann.text
    await ann.submit(f"{PAGE}/draft", **NEW)
    assert "Draft saved. Nobody else sees it until you publish it." in ann.text
    here = f"{PAGE}/x_BLR-2026-1"
    assert '<option value="1.2.0" selected>1.2.0</option>' in ann.text
    await ann.submit(f"{here}/publish")
    assert "Advisory published." in ann.text
    await ann.submit(f"{here}/change", **{**TEXT, "fixed-0": ""})
    assert "Advisory saved." in ann.text
    await ann.open("/advisories/x_BLR-2026-1")
    assert "from 1.0.0 on" in ann.text
    assert ">High<" in ann.text
    await ann.open(here)
    await ann.submit(f"{here}/withdraw")
    assert "Advisory withdrawn." in ann.text
    await ann.open(PAGE)
    assert "Withdrawn" in ann.text


async def test_a_draft_is_deleted(ann: Browser) -> None:
    await ann.open(f"{PAGE}?package=greet")
    await ann.submit(f"{PAGE}/draft", **NEW)
    await ann.submit(f"{PAGE}/x_BLR-2026-1/discard")
    assert "Draft deleted." in ann.text
    assert "No advisories yet" in ann.text


async def test_what_was_typed_is_kept_beside_the_refusal(ann: Browser) -> None:
    await ann.open(f"{PAGE}?package=greet")
    answer = await ann.submit(f"{PAGE}/draft", **{**NEW, "severity": "very"})
    assert answer.status_code == 400
    assert re.search(r'<p class="error"[^>]*id="severity-error">\'very\' is no severity', ann.text)
    assert "Greetings run commands" in ann.text
    assert '<option value="1.2.0" selected>1.2.0</option>' in ann.text


async def test_ranges_that_are_none_are_said_at_their_rows(ann: Browser) -> None:
    await ann.open(f"{PAGE}?package=greet")
    answer = await ann.submit(f"{PAGE}/draft", **{**NEW, "fixed-0": "1.0.0"})
    assert answer.status_code == 400
    assert re.search(r'id="ranges-error">1\.0\.0 is not above 1\.0\.0', ann.text)


async def test_a_package_that_is_not_there_cannot_be_chosen(ann: Browser) -> None:
    answer = await ann.open(f"{PAGE}?package=nowhere")
    assert answer.status_code == 404


async def test_members_who_are_no_owners_see_no_drafts(ann: Browser) -> None:
    mia = await signed_in(ann.world, ann.world.people.mia, PAGE)
    assert mia.page.status_code == 403


async def test_administrators_write_about_any_package(ann: Browser) -> None:
    admin = await signed_in(ann.world, ann.world.people.admin, "/manage/advisories")
    await admin.open("/manage/advisories?package=acme/greet")
    assert "Malware" in admin.text
    await admin.submit("/manage/advisories/draft", **NEW)
    here = "/manage/advisories/x_BLR-2026-1"
    await admin.submit(f"{here}/publish")
    assert "Advisory published." in admin.text
    refused = await admin.submit(f"{here}/withdraw")
    assert refused.status_code == 400
    await admin.submit(f"{here}/withdraw", reason="A mistake.")
    assert "Advisory withdrawn." in admin.text
    await ann.open(f"{PAGE}/x_BLR-2026-1")
    assert ann.page.status_code == 404
