"""The scanner of the operator: what it is asked, and what becomes of its answers."""

import json
import re
from datetime import timedelta

import pytest

from shared.settings import Settings
from tests.protocol.rules.rule_world import events_of, findings, refusal_of_push
from tests.protocol.test_reports import give_address
from tests.support.archives import bala
from tests.support.browsers import signed_in
from tests.support.receivers import Receiver
from tests.support.world import URL, OpenWorld, World

pytestmark = pytest.mark.measured

SECRET = "whsec_" + "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
ARCHIVE = bala("acme/greet:1.0.0")


async def scanned(worlds: OpenWorld, receiver: Receiver, **settings: object) -> World:
    return await worlds(
        scanner_url=receiver.url, scanner_secret=SECRET, scanner_seconds=1, **settings
    )


def says(receiver: Receiver, verdict: str, reason: str = "") -> None:
    receiver.status = 200
    receiver.body = json.dumps({"verdict": verdict, "reason": reason}).encode()


async def is_pulled(world: World) -> bool:
    return (await world.get("/packages/acme/greet/1.0.0")).status_code == 200


async def test_the_scanner_gets_a_signed_request_with_a_link_to_the_archive(
    worlds: OpenWorld, receiver: Receiver
) -> None:
    world = await scanned(worlds, receiver)
    says(receiver, "accept")
    await world.push(ARCHIVE)
    assert await is_pulled(world)
    [asked] = receiver.received
    assert asked.is_signed_with(SECRET)
    assert json.loads(asked.body)["type"] == "archive.scan"
    data = asked.data
    digest = data["digest"].removeprefix("sha256:")
    assert (data["coordinate"], data["size"]) == ("acme/greet:1.0.0", len(ARCHIVE))
    assert (data["org"], data["name"], data["version"]) == ("acme", "greet", "1.0.0")
    assert asked.headers["webhook-id"] == f"scan_{digest[:32]}"
    link = data["url"]
    assert link.startswith(f"{URL}/archives/scanned/{digest}/1.0.0/acme-greet-any-1.0.0.bala?")
    fetched = await world.http.get(link)
    assert (fetched.status_code, fetched.content) == (200, ARCHIVE)
    assert fetched.headers["cache-control"].startswith("private")


OTHER_LINKS: dict[str, tuple[str, str]] = {
    "another signature": ("signature=[^&]+", "signature=AAAA"),
    "no signature": (r"\?.*", ""),
    "another time": (r"expires=\d+", "expires=9999999999999"),
    "another file": ("acme-greet", "acme-other"),
    "another scope": ("/scanned/", "/private/"),
}


@pytest.mark.parametrize("kind", OTHER_LINKS)
async def test_nobody_fetches_by_another_link_or_later(
    worlds: OpenWorld, receiver: Receiver, kind: str
) -> None:
    world = await scanned(worlds, receiver)
    says(receiver, "hold")
    await refusal_of_push(world, ARCHIVE)
    link = receiver.received[0].data["url"]
    assert (await world.http.get(link)).status_code == 200
    assert (await world.http.get(re.sub(*OTHER_LINKS[kind], link))).status_code == 404
    world.clock.advance(timedelta(minutes=11))
    assert (await world.http.get(link)).status_code == 404


async def test_a_refused_archive_is_no_release(worlds: OpenWorld, receiver: Receiver) -> None:
    world = await scanned(worlds, receiver)
    says(receiver, "refuse", "It has the trojan\nX.")
    said = await refusal_of_push(world, ARCHIVE)
    assert (
        "The scanner of this registry refuses acme/greet:1.0.0: It has the trojan X. Correct that "
        "and push again, or ask the operator." in said
    )
    assert not await is_pulled(world)
    says(receiver, "accept")
    assert await refusal_of_push(world, ARCHIVE) == ""


async def test_a_held_release_waits_for_administrators(
    worlds: OpenWorld, receiver: Receiver
) -> None:
    world = await scanned(worlds, receiver)
    await give_address(world, world.people.admin, "admin@example.org")
    says(receiver, "hold", "A person looks at it")
    said = await refusal_of_push(world, ARCHIVE)
    assert (
        "acme/greet:1.0.0 is stored and held. The scanner of this registry did not accept it: A "
        "person looks at it. Administrators of this registry publish or withhold it." in said
    )
    assert not await is_pulled(world)
    [event] = await events_of(world, "release.awaiting-scan")
    reason = "The scanner of this registry did not accept it: A person looks at it."
    assert event.details["reason"] == reason
    [mail] = world.mailer.to("admin@example.org")
    assert reason in mail.text
    assert await refusal_of_push(world, ARCHIVE) == said  # A repeat asks nobody again.
    assert len(receiver.received) == 1
    admin = await signed_in(world, world.people.admin)
    await admin.open("/manage/releases")
    assert "acme/greet" in admin.text


SILENT = {
    "slow": {"hangs": True},
    "broken": {"status": 200, "body": b"{"},
    "without a verdict": {"status": 200, "body": b'{"verdict": "perhaps"}'},
    "failing": {"status": 500, "body": b'{"verdict": "accept"}'},
    "redirecting": {"status": 307, "headers": {"location": "https://example.org/accept"}},
    "huge": {"status": 200, "body": b'{"verdict": "accept", "reason": "' + b"a" * 200_000 + b'"}'},
}


@pytest.mark.parametrize("kind", SILENT)
async def test_without_an_answer_a_push_is_held(
    worlds: OpenWorld, receiver: Receiver, kind: str
) -> None:
    world = await scanned(worlds, receiver)
    for name, value in SILENT[kind].items():
        setattr(receiver, name, value)
    assert "is stored and held" in await refusal_of_push(world, ARCHIVE)
    [event] = await events_of(world, "release.awaiting-scan")
    assert "the scanner gave no verdict, as it" in event.details["reason"]


@pytest.mark.parametrize(("setting", "is_public"), [("accept", True), ("refuse", False)])
async def test_a_setting_says_what_becomes_of_a_push_without_an_answer(
    worlds: OpenWorld, receiver: Receiver, setting: str, *, is_public: bool
) -> None:
    receiver.status = 503
    world = await scanned(worlds, receiver, scanner_without_answer=setting)
    said = await refusal_of_push(world, ARCHIVE)
    assert ("the scanner gave no verdict, as it answered with the status 503" in said) != is_public
    assert await is_pulled(world) == is_public


async def test_the_scanner_is_asked_last_and_not_by_a_dry_run(
    worlds: OpenWorld, receiver: Receiver
) -> None:
    world = await scanned(worlds, receiver)
    says(receiver, "accept")
    found = await findings(world, ARCHIVE)
    assert found["scanner-not-asked"]["severity"] == "note"
    secret = "ghp" + "_zQWBuTSOoRi4A9spHcVY5ncnsDkxkJ0mLq17"
    await refusal_of_push(world, bala(entries={"resources/a": secret}))
    assert receiver.received == []


def test_a_scanner_has_a_secret_and_an_address_of_https() -> None:
    with pytest.raises(ValueError, match="BALLROOM_SCANNER_URL needs it"):
        Settings.model_validate({"scanner_url": "https://scan.example.org"})
    with pytest.raises(ValueError, match="is no secret of Standard Webhooks"):
        Settings.model_validate(
            {"scanner_url": "https://scan.example.org", "scanner_secret": "letmein"}
        )
    with pytest.raises(ValueError, match="https"):
        Settings.model_validate({"scanner_url": "http://scan.example.org"})
