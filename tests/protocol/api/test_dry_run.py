"""A dry run says what a push would say, to who may know it, and leaves nothing behind."""

from collections.abc import Callable
from typing import Any

import httpx
import pytest

from shared.domain.archives.digests import Digest
from shared.domain.coordinates import Coordinate, Package
from shared.domain.names import parse_org
from shared.domain.principals import OPERATOR
from shared.domain.trusted_publishing.jobs import Provider
from shared.domain.trusted_publishing.publishers import PublisherScopes
from shared.services.tokens.trusted_publishers import PublisherRequest
from tests.protocol.bal.failures import ClientFailure
from tests.protocol.bal.okhttp import FORM, multipart
from tests.protocol.central.test_push_rights import newcomer
from tests.support.archives import bala, repacked
from tests.support.documented_packages import documented_bala, published
from tests.support.stored_state import stored
from tests.support.trusted_publishing import IDS, RULES, trusting
from tests.support.world import URL, OpenWorld, Person, World, limited

pytestmark = pytest.mark.measured

DRY_RUN = f"{URL}/api/v1/dry-run"
BEFORE = "public function greet(string name) returns string => name;\npublic function bye() {}\n"
GREET = bala("acme/greet:1.0.0")
AFTER = "public function greet(string name, int times) returns string => name;\n"


async def ask(
    world: World, archive: bytes, by: Person | None, headers: dict[str, str] | None = None
) -> httpx.Response:
    return await world.send(
        "POST",
        DRY_RUN,
        by=by,
        content=multipart("x.bala", archive),
        headers={**FORM, **(headers or {})},
    )


async def run(world: World, archive: bytes, by: Person | None = None) -> dict[str, Any]:
    answer = await ask(world, archive, by or world.people.ann)
    assert answer.status_code == 200, answer.text
    return answer.json()


async def found(world: World, archive: bytes, by: Person | None = None) -> list[tuple[str, str]]:
    """Return the severities and rules of the findings."""
    said = await run(world, archive, by)
    rows = [(each["severity"], each["rule"]) for each in said["findings"]]
    assert (
        said["mayPublish"]
        is said["may_publish"]
        is not any(severity == "error" for severity, _ in rows)
    )
    return rows


async def test_an_archive_without_a_flaw_may_be_published_and_nothing_is_stored(
    world: World,
) -> None:
    before = await stored(world.stores)
    answer = await ask(world, bala("acme/greet:1.0.0"), world.people.ann)
    assert answer.json() == {"findings": [], "mayPublish": True, "may_publish": True}
    assert answer.headers["cache-control"] == "no-store"
    assert await stored(world.stores) == before
    package = Package.parse("acme", "greet")
    assert await world.stores.metadata.head(package) is None
    await world.push(bala("acme/greet:1.0.0"))


@pytest.mark.parametrize(
    ("archive", "rule"),
    [
        (lambda: b"PK", "bad-archive"),
        (lambda: bala("acme/greet:1.0.0", entries={"../x": "y"}), "bad-archive"),
    ],
    ids=["cut off", "outside"],
)
async def test_what_is_wrong_with_an_archive_is_a_finding(
    world: World, archive: Callable[[], bytes], rule: str
) -> None:
    said = await run(world, archive())
    [finding] = said["findings"]
    assert finding["severity"] == "error"
    assert finding["message"].endswith(".")
    assert not said["may_publish"]
    pushed = await world.send(
        "POST",
        f"{URL}/2.0/registry/packages",
        by=world.people.ann,
        content=multipart("x.bala", archive()),
        headers=FORM,
    )
    assert finding["message"] in pushed.json()["message"], rule


async def test_an_archive_that_was_damaged_on_the_way_is_a_finding(world: World) -> None:
    answer = await ask(world, bala(), world.people.ann, {"digest": f"sha-256={'0' * 64}"})
    [finding] = answer.json()["findings"]
    assert finding["rule"] == "digest-mismatch"


async def test_every_reason_of_a_push_is_found_at_once(worlds: OpenWorld) -> None:
    world = await worlds(require_dependencies=True)
    await world.push(bala("acme/greet:1.0.0"))
    archive = bala("acme/Greet:1.0.0", dependencies=["acme/missing:1.0.0"])
    rows = await found(world, archive)
    assert ("error", "missing-dependencies") in rows
    assert len(rows) > 1


async def test_a_published_version_is_an_error_unless_the_files_are_the_same(world: World) -> None:
    archive = bala("acme/greet:1.0.0")
    await world.push(archive)
    assert await found(world, archive) == [("note", "published")]
    assert await found(world, repacked(archive)) == [("note", "published")]
    other = repacked(archive, {"docs/Package.md": b"Other."})
    [finding] = (await run(world, other))["findings"]
    assert (finding["severity"], finding["rule"]) == ("error", "version-exists")
    assert "docs/Package.md" in finding["message"]


@pytest.mark.parametrize("sent", [repacked(GREET), bala("acme/greet:1.0.0", entries={"a": "b"})])
async def test_a_version_whose_archive_is_lost_is_refused_as_a_push_is(
    world: World, sent: bytes
) -> None:
    await world.push(GREET)
    await world.stores.archives.delete(Digest.of(GREET), world.clock.now_ms() + 1)
    with pytest.raises(ClientFailure) as failure:
        await world.push(sent)
    [finding] = (await run(world, sent))["findings"]
    assert finding["severity"] == "error"
    assert finding["message"] in str(failure.value)
    assert await found(world, GREET) == [("note", "published")]  # A push stores it again.


async def test_a_version_that_is_withheld_is_refused_as_a_push_is(world: World) -> None:
    archive = bala("acme/greet:1.0.0")
    await world.push(archive)
    coordinate = Coordinate.parse("acme", "greet", "1.0.0")
    await world.registry.publishing.moderation.quarantine(coordinate, "Bad.", by=OPERATOR)
    assert await found(world, archive) == [("error", "release-withheld")]


async def test_the_changes_that_break_callers_are_found_before_they_are_public(
    world: World,
) -> None:
    await published(world, documented_bala("acme/greet:1.0.0", {"greet.bal": BEFORE}))
    later = documented_bala("acme/greet:1.1.0", {"greet.bal": AFTER})
    said = await run(world, later)
    [finding] = said["findings"]
    assert (finding["severity"], finding["rule"]) == ("warning", "version-too-low")
    assert "acme/greet:1.1.0 breaks callers of 1.0.0" in finding["message"]
    assert "removed function bye, changed function greet. 2.0.0 would fit" in finding["message"]
    assert said["may_publish"]
    assert await run(world, later) == said
    major = documented_bala("acme/greet:2.0.0", {"greet.bal": AFTER})
    assert await found(world, major) == [("note", "breaking-changes")]
    same = documented_bala("acme/greet:1.1.0", {"greet.bal": BEFORE})
    assert await found(world, same) == []


# --- Who may ask ---------------------------------------------------------------------------------


async def test_nobody_asks_without_a_credential(world: World) -> None:
    answer = await ask(world, bala(), None)
    assert (answer.status_code, answer.json()["error"]["code"]) == (401, "credentials-missing")


async def test_who_belongs_to_no_organization_is_refused_before_the_archive_is_read(
    world: World,
) -> None:
    answer = await ask(world, b"PK", await newcomer(world))
    assert answer.status_code == 403
    assert "you belong to no organization" in answer.json()["error"]["message"]


async def test_a_stranger_learns_as_little_as_by_a_push(world: World) -> None:
    """An owner of another organization asks about a private package and about none."""
    secret = documented_bala("acme/greet:1.0.0", {"greet.bal": BEFORE}, visibility="private")
    await published(world, secret)
    answers = [
        await ask(world, documented_bala(f"acme/{name}:1.1.0", {"a.bal": AFTER}), world.people.bob)
        for name in ("greet", "none")
    ]
    statuses = [each.status_code for each in answers]
    assert statuses == [403, 403]
    messages = [each.json()["error"]["message"] for each in answers]
    assert messages[0].replace("greet", "none") == messages[1]


async def test_a_credential_that_reads_is_told_so_and_all_else(world: World) -> None:
    await published(world, documented_bala("acme/greet:1.0.0", {"greet.bal": BEFORE}))
    reader = await limited(world, world.people.ann, "read")
    later = documented_bala("acme/greet:1.1.0", {"greet.bal": AFTER})
    assert await found(world, later, reader) == [
        ("note", "read-only-credential"),
        ("warning", "version-too-low"),
    ]


async def test_a_job_that_publishes_checks_its_package_first(worlds: OpenWorld) -> None:
    trust = await trusting(worlds)
    await trust.add()
    job = await trust.job()
    assert await found(trust.world, bala("acme/greet:1.0.0"), job) == []
    answer = await ask(trust.world, bala("acme/second:1.0.0"), job)
    assert answer.status_code == 403
    assert "this run may publish acme/greet" in answer.text


async def test_a_job_that_reads_checks_what_another_one_will_publish(worlds: OpenWorld) -> None:
    trust = await trusting(worlds)
    wanted = PublisherRequest(
        parse_org("acme"),
        Provider.GITHUB,
        IDS[Provider.GITHUB],
        rules=RULES[Provider.GITHUB],
        scopes=PublisherScopes.READ,
    )
    publishers = trust.world.registry.tokens.trusted_publishers
    await publishers.add(wanted, by=trust.owner)
    rows = await found(trust.world, bala("acme/greet:1.0.0"), await trust.job())
    assert rows == [("note", "read-only-credential")]


# --- Limits --------------------------------------------------------------------------------------


async def test_checks_have_a_limit_of_their_own_and_count_as_no_push(worlds: OpenWorld) -> None:
    world = await worlds(limit_dry_run="token=2", limit_push="token=1", brake_packages=1)
    for name in ("one", "two"):
        assert await found(world, bala(f"acme/{name}:1.0.0")) == []
    refused = await ask(world, bala(), world.people.ann)
    assert refused.status_code == 429
    assert int(refused.headers["retry-after"]) > 0
    await world.push(bala("acme/greet:1.0.0"))
