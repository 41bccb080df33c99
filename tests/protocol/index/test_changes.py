"""/index/changes: the changes that mirrors follow."""

from hashlib import sha256
from typing import Any

import pytest

from shared.domain.coordinates import Coordinate
from shared.domain.principals import OPERATOR
from shared.domain.visibility import Visibility
from shared.domain.withdrawal_reasons import PublicReason, WithdrawalReason
from tests.fakes.system import START_MS
from tests.support.archives import bala
from tests.support.world import URL, World

FEED = f"{URL}/index/changes"


async def changes(world: World, query: str = "") -> tuple[list[dict[str, Any]], int]:
    """Return the changes and the number to go on from."""
    answer = await world.get(f"{FEED}{query}")
    assert answer.status_code == 200, answer.text
    assert answer.headers["cache-control"] == "no-store"
    body = answer.json()
    return body["changes"], body["next"]


async def test_a_change_names_what_changed_and_when(world: World) -> None:
    assert await changes(world) == ([], 0)  # People are no business of mirrors.
    await world.push(bala("acme/greet:1.0.0"))
    [change], after = await changes(world)
    assert change == {
        "seq": after,
        "time": START_MS,
        "kind": "published",
        "org": "acme",
        "name": "greet",
        "version": "1.0.0",
    }


async def test_every_kind_of_change_is_listed(world: World) -> None:
    at = Coordinate.parse("acme", "greet", "1.0.0")
    await world.push(bala("acme/greet:1.0.0"))
    for version in ("1.0.0", "*"):
        for verb in ("deprecate", "undeprecate"):
            path = f"/packages/{verb}/acme/greet/{version}"
            await world.send("PUT", path, by=world.people.ann, content=b'{"message": "x"}')
    await world.registry.publishing.moderation.quarantine(at, "a reason of ours", by=OPERATOR)
    await world.registry.publishing.moderation.restore(at, by=OPERATOR)
    await world.registry.publishing.moderation.hold(at, "a reason of ours", by=OPERATOR)
    await world.registry.publishing.moderation.remove(at, "a reason of ours", by=OPERATOR)
    shown, _ = await changes(world)
    assert [(each["kind"], each["version"]) for each in shown] == [
        ("published", "1.0.0"),
        ("deprecated", "1.0.0"),
        ("undeprecated", "1.0.0"),
        ("deprecated", "*"),
        ("undeprecated", "*"),
        ("withdrawn", "1.0.0"),
        ("restored", "1.0.0"),
        ("withdrawn", "1.0.0"),
        ("withdrawn", "1.0.0"),
    ]
    assert "a reason of ours" not in (await world.get(FEED)).text


async def test_a_reader_gets_every_change_once_whatever_it_asks_for_at_once(world: World) -> None:
    for patch in range(7):
        await world.push(bala(f"acme/greet:1.0.{patch}"))
    pages = list[list[str]]()
    since = 0
    while not pages or pages[-1]:
        shown, since = await changes(world, f"?since={since}&limit=3")
        pages.append([each["version"] for each in shown])
    assert pages == [["1.0.0", "1.0.1", "1.0.2"], ["1.0.3", "1.0.4", "1.0.5"], ["1.0.6"], []]


@pytest.mark.parametrize("query", ["?since=999999999999999", "?since=999999999999999&limit=1"])
async def test_after_the_last_change_there_is_nothing_yet(world: World, query: str) -> None:
    assert await changes(world, query) == ([], 999_999_999_999_999)


@pytest.mark.parametrize("query", ["?limit=0", "?limit=1", "?since=&limit=1"])
async def test_an_answer_holds_one_change_at_least(world: World, query: str) -> None:
    await world.push(bala("acme/greet:1.0.0"))
    await world.push(bala("acme/greet:1.1.0"))
    shown, _ = await changes(world, query)
    assert [each["version"] for each in shown] == ["1.0.0"]


@pytest.mark.parametrize(
    "query", ["?since=-1", "?since=x", "?since=1.5", "?limit=-1", "?since=9999999999999999"]
)
async def test_an_invalid_number_is_refused(world: World, query: str) -> None:
    answer = await world.get(f"{FEED}{query}")
    assert answer.status_code == 400
    assert "is not a whole number" in answer.json()["error"]["message"]


AT = Coordinate.parse("acme", "greet", "1.0.0")
TOLD = ("reason", "permanent", "digest")


def told(change: dict[str, Any]) -> list[Any]:
    """Return what a change tells of a withdrawal."""
    return [change[each] for each in TOLD]


async def test_a_withdrawal_has_its_public_reason_and_its_digest(world: World) -> None:
    archive = bala("acme/greet:1.0.0")
    digest = f"sha-256={sha256(archive).hexdigest()}"
    await world.push(archive)
    moderation = world.registry.publishing.moderation
    [_], after = await changes(world)
    await moderation.hold(AT, "a reason of ours", by=OPERATOR)
    [held], _ = await changes(world, f"?since={after}")
    assert (held["kind"], told(held)) == ("withdrawn", [None, False, digest])
    for why in WithdrawalReason:
        public = PublicReason(why=why, note="A line for people.")
        await moderation.quarantine(AT, "a reason of ours", public, by=OPERATOR)
        *_, last = (await changes(world))[0]
        assert (last["kind"], told(last)) == ("withdrawn", [why.value, False, digest])
    await moderation.remove(AT, "x", PublicReason(why=WithdrawalReason.MISTAKE), by=OPERATOR)
    *_, removed = (await changes(world))[0]
    assert (removed["kind"], told(removed)) == ("withdrawn", ["mistake", True, digest])


async def test_a_withdrawal_that_ended_has_no_reason_any_more(world: World) -> None:
    await world.push(bala("acme/greet:1.0.0"))
    moderation = world.registry.publishing.moderation
    public = PublicReason(why=WithdrawalReason.MALWARE)
    await moderation.quarantine(AT, "x", public, by=OPERATOR)
    await moderation.restore(AT, by=OPERATOR)
    _, withdrawn, restored = (await changes(world))[0]
    assert (withdrawn["kind"], withdrawn["reason"]) == ("withdrawn", None)
    assert restored["kind"] == "restored"
    assert not set(TOLD) & set(restored)


async def test_a_package_that_becomes_private_has_no_reason(world: World) -> None:
    await world.push(bala("acme/greet:1.0.0"))
    public = PublicReason(why=WithdrawalReason.MALWARE)
    await world.registry.publishing.moderation.quarantine(AT, "x", public, by=OPERATOR)
    ann = world.fresh(world.people.ann)
    await world.registry.packages.visibility.change(AT.package, Visibility.PRIVATE, by=ann)
    [farewell], _ = await changes(world)
    assert (farewell["kind"], farewell["version"]) == ("withdrawn", "*")
    assert not set(TOLD) & set(farewell)
    assert "malware" not in (await world.get(FEED)).text
