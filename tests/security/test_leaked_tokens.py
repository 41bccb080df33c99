"""Ultralytics 2024, GhostAction 2025: tokens of users lie in the open, and are used.

A scanner that finds one reports it here; it ends at once, and its owner is told.
"""

import hashlib
from datetime import timedelta

import httpx
import pytest
from msgspec.structs import replace

from shared.domain.coordinates import Coordinate
from shared.domain.events import account_stream
from shared.domain.principals import OPERATOR
from tests.fakes.secret_scanner import FakeScanner, found
from tests.fakes.system import FakeRandomness
from tests.support.archives import bala
from tests.support.world import URL, OpenWorld, Person, World, limited

LEAKS = f"{URL}/api/v1/leaked-tokens"
WHOAMI = f"{URL}/api/v1/whoami"
SCANNER = FakeScanner()
KEYS_URL = "https://scanner.example/keys"


@pytest.fixture
async def scanned(worlds: OpenWorld) -> World:
    """Return a registry that believes the scanner."""
    return await worlds(
        report_keys_url=KEYS_URL, wrap=lambda stores: replace(stores, fetcher=SCANNER)
    )


async def report(
    world: World, *texts: str, scanner: FakeScanner = SCANNER, by: Person | None = None
) -> httpx.Response:
    body = found(*texts)
    return await world.send("POST", LEAKS, headers=scanner.headers(body), content=body, by=by)


def verdict(text: str, label: str) -> dict[str, str]:
    """Return what a scanner reads of a text."""
    digest = hashlib.sha256(text.encode()).hexdigest()
    return {"token_hash": digest, "token_type": "ballroom_token", "label": label}


async def test_a_reported_token_is_dead_within_five_seconds(scanned: World) -> None:
    leaked = await limited(scanned, scanned.people.ann, "read")
    assert (await scanned.get(WHOAMI, by=leaked)).status_code == 200
    answer = await report(scanned, leaked.token)
    assert answer.status_code == 200
    assert answer.json() == [verdict(leaked.token, "true_positive")]
    scanned.clock.advance(timedelta(seconds=5))
    refused = await scanned.get(WHOAMI, by=leaked)
    assert (refused.status_code, refused.json()["error"]["code"]) == (401, "token-unknown")
    assert (await scanned.get(WHOAMI, by=scanned.people.ann)).status_code == 200


async def test_what_a_dead_token_published_stays_until_somebody_quarantines_it(
    scanned: World,
) -> None:
    leaked = await limited(scanned, scanned.people.ann, "push-new")
    await scanned.push(bala("acme/greet:1.0.0"), by=leaked)
    await report(scanned, leaked.token)
    scanned.clock.advance(timedelta(seconds=5))
    assert await scanned.java().versions("acme/greet") == ["1.0.0"]
    release = Coordinate.parse("acme", "greet", "1.0.0")
    await scanned.registry.publishing.moderation.quarantine(release, "A case.", by=OPERATOR)
    assert await scanned.java().versions("acme/greet") == []


async def test_the_leak_is_in_the_log_of_its_owner(scanned: World) -> None:
    leaked = await limited(scanned, scanned.people.ann, "read")
    await report(scanned, leaked.token)
    stream = account_stream(leaked.account.id)
    [(_, event)] = await scanned.stores.events.stream(stream, None, 1)
    assert (event.kind, event.actor) == ("token.leaked", "scanner")
    assert event.details["found"].startswith("https://code.example/")
    assert leaked.token not in event.model_dump_json()


async def test_the_owner_of_a_leaked_token_gets_mail(scanned: World) -> None:
    leaked = await limited(scanned, scanned.people.ann, "read")
    ann = leaked.account.model_copy(update={"email": "ann@example.org"})
    await scanned.stores.directory.replace(ann)
    await report(scanned, leaked.token)
    [mail] = scanned.mailer.to("ann@example.org")
    assert "leaked and was revoked" in mail.subject
    assert leaked.token not in mail.text
    assert "Scopes: read on */*." in mail.text


async def test_a_repeated_report_gets_the_same_answer_and_changes_nothing(scanned: World) -> None:
    leaked = await limited(scanned, scanned.people.ann, "read")
    first = await report(scanned, leaked.token)
    events = await scanned.stores.events.since(0, 1000)
    again = await report(scanned, leaked.token)
    assert again.json() == first.json()
    assert await scanned.stores.events.since(0, 1000) == events


async def test_a_report_with_a_bad_signature_is_401_and_ends_nothing(scanned: World) -> None:
    token = scanned.people.ann.token
    body = found(token)
    signed = SCANNER.headers(body)
    for headers in (
        {},
        FakeScanner().headers(body),
        SCANNER.headers(body + b" "),
        {**signed, "github-public-key-signature": "AAAA"},
        {key: value for key, value in signed.items() if key.endswith("identifier")},
    ):
        answer = await scanned.send("POST", LEAKS, headers=headers, content=body)
        assert answer.status_code == 401
        assert answer.json()["error"]["code"] == "report-unsigned"
    scanned.clock.advance(timedelta(seconds=5))
    assert (await scanned.get(WHOAMI, by=scanned.people.ann)).status_code == 200


async def test_a_scanner_that_publishes_its_keys_is_believed(worlds: OpenWorld) -> None:
    scanner = FakeScanner()
    world = await worlds(
        report_keys_url=KEYS_URL, wrap=lambda stores: replace(stores, fetcher=scanner)
    )
    leaked = await limited(world, world.people.ann, "read")
    scanner.is_down = True
    later = await report(world, leaked.token, scanner=scanner)
    assert (later.status_code, later.headers["retry-after"]) == (503, "2")
    scanner.is_down = False
    world.clock.advance(timedelta(minutes=1))
    answer = await report(world, leaked.token, scanner=scanner)
    assert answer.json() == [verdict(leaked.token, "true_positive")]
    assert (await report(world, leaked.token)).status_code == 401


async def test_the_answer_does_not_say_whose_token_it_was(scanned: World) -> None:
    leaked = await limited(scanned, scanned.people.ann, "read")
    other = leaked.token[:10] + FakeRandomness("no token").token_bytes(24).hex()
    answer = await report(scanned, leaked.token, other, "ghp_something")
    assert answer.json() == [
        verdict(leaked.token, "true_positive"),
        verdict(other, "false_positive"),
        verdict("ghp_something", "false_positive"),
    ]
    for secret in (leaked.token, leaked.account.id, leaked.account.name, "laptop"):
        assert secret not in answer.text
    assert answer.headers["cache-control"] == "no-store"


async def test_a_report_that_is_too_large_is_413(scanned: World) -> None:
    answer = await report(scanned, *(f"made-up-{number}" for number in range(1_001)))
    assert (answer.status_code, answer.json()["error"]["code"]) == (413, "body-too-large")
