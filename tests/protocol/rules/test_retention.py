"""Which pre-releases of private packages go by the rule of their organization."""

from datetime import timedelta

import pytest

from shared.domain.coordinates import Coordinate
from shared.domain.errors.base import InvalidRequest
from shared.domain.packages import Release
from shared.domain.publishing_rules import Retention, parse_retention
from shared.domain.release_states import State
from shared.services.maintenance.tasks import require_task
from tests.protocol.rules.rule_world import OF_ACME, set_rules
from tests.support.archives import bala
from tests.support.browsers import signed_in
from tests.support.world import URL, World

pytestmark = pytest.mark.measured

DAY = timedelta(days=1)
DRY_RUN = "/api/v1/orgs/acme/retention/dry-run"


async def push(world: World, *releases: str, private: bool = True) -> None:
    """Push releases a day apart, of private packages or of public ones."""
    for each in releases:
        await world.push(bala(each, visibility="private" if private else "public"))
        world.clock.advance(DAY)


async def run(world: World) -> None:
    await require_task(world.registry.maintenance.task_runner.tasks, "remove-prereleases").run()


async def release_of(world: World, release: str) -> Release:
    found = (await world.stores.metadata.find(Coordinate.from_text(release))).release
    assert found
    return found


async def live(world: World, package: str) -> list[str]:
    answer = await world.get(f"{URL}/2.0/registry/packages/{package}", by=world.people.ann)
    return answer.json() if answer.status_code == 200 else []


async def would_go(world: World, retention: str | None = None) -> list[str]:
    ann = await signed_in(world, world.people.ann)
    answer = await ann.api("POST", DRY_RUN, {"retention": retention})
    assert answer.status_code == 200, answer.text
    return [each["release"] for each in answer.json()["releases"]]


async def test_retention_is_off_by_default(world: World) -> None:
    await push(world, "acme/vault:1.0.0-a", "acme/vault:1.0.0-b")
    world.clock.advance(DAY * 20)
    await run(world)
    assert await live(world, "acme/vault") == ["1.0.0-b", "1.0.0-a"]


async def test_the_last_ones_stay_and_stable_releases_always(world: World) -> None:
    names = ("1.0.0-a", "1.0.0", "1.1.0-a", "1.1.0-b", "1.1.0-c")
    await push(world, *(f"acme/vault:{each}" for each in names))
    gone = ["acme/vault:1.0.0-a", "acme/vault:1.1.0-a"]
    assert await would_go(world, "last 2") == gone
    assert await would_go(world) == []
    await set_rules(world, retention="last 2")
    assert await would_go(world) == gone
    await run(world)
    assert sorted(await live(world, "acme/vault")) == ["1.0.0", "1.1.0-b", "1.1.0-c"]
    await run(world)
    assert len(await live(world, "acme/vault")) == 3


async def test_young_ones_stay(world: World) -> None:
    await push(world, "acme/vault:1.0.0-a", "acme/vault:1.0.0-b", "acme/vault:1.0.0-c")
    assert await would_go(world, "2 days") == ["acme/vault:1.0.0-a"]
    assert await would_go(world, "last 3, 2 days") == []
    assert await would_go(world, "last 1, 2 days") == ["acme/vault:1.0.0-a"]


async def test_the_version_stays_taken_and_members_read_why(world: World) -> None:
    ann = world.people.ann.account.model_copy(update={"email": "ann@example.org"})
    await world.stores.directory.replace(ann)
    await push(world, "acme/vault:1.0.0-a", "acme/vault:1.0.0-b")
    await set_rules(world, retention="last 1")
    await run(world)
    gone = await release_of(world, "acme/vault:1.0.0-a")
    assert gone.state is State.REMOVED
    path = f"{URL}/2.0/registry/packages/acme/vault/1.0.0-a"
    answer = await world.get(path, by=world.people.mia)
    assert answer.status_code == 404
    assert "The rules of acme keep pre-releases: last 1." in answer.text
    with pytest.raises(Exception, match=r"1\.0\.0-a"):
        await world.push(bala("acme/vault:1.0.0-a", visibility="private"))
    [mail] = [
        e
        for e in world.mailer.to("ann@example.org")
        if "1 pre-release of acme was removed" in e.subject
    ]
    assert "acme/vault:1.0.0-a" in mail.text


async def test_nothing_of_a_public_package_goes(world: World) -> None:
    await push(world, "acme/greet:1.0.0-a", "acme/greet:1.0.0-b", private=False)
    await set_rules(world, retention="last 1")
    assert await would_go(world) == []
    await run(world)
    assert len(await live(world, "acme/greet")) == 2


async def test_a_prerelease_that_another_package_was_built_with_stays(world: World) -> None:
    await push(world, "acme/vault:1.0.0-a", "acme/vault:1.0.0-b")
    await world.push(
        bala("acme/user:1.0.0", visibility="private", dependencies=["acme/vault:1.0.0-a"])
    )
    await set_rules(world, retention="last 1")
    assert await would_go(world) == []
    await run(world)
    assert len(await live(world, "acme/vault")) == 2


async def test_what_is_held_or_withheld_stays(world: World) -> None:
    await push(world, "acme/vault:1.0.0-a", "acme/vault:1.0.0-b")
    admin = await signed_in(world, world.people.admin)
    reason = {"reason": "We look at it."}
    at = "/api/v1/moderation/releases/acme/vault/1.0.0-a/hold"
    assert (await admin.api("POST", at, reason)).status_code == 200
    await set_rules(world, retention="last 1")
    await run(world)
    assert (await release_of(world, "acme/vault:1.0.0-a")).state is State.HELD


async def test_owners_alone_see_what_would_go(world: World) -> None:
    await push(world, "acme/vault:1.0.0-a", "acme/vault:1.0.0-b")
    for person, status in ((world.people.mia, 403), (world.people.bob, 404)):
        answer = await (await signed_in(world, person)).api(
            "POST", DRY_RUN, {"retention": "last 1"}
        )
        assert answer.status_code == status
    ann = await signed_in(world, world.people.ann)
    await ann.open("/account/organizations/acme/rules")
    await ann.submit(
        "/account/organizations/acme/rules/dry-run",
        approvals="1",
        version_rule="registry",
        retention="last 1",
    )
    page = ann.page
    assert "acme/vault:1.0.0-a" in page.text


@pytest.mark.parametrize(
    ("text", "parsed"),
    [
        ("", Retention()),
        ("last 5", Retention(last=5)),
        ("30 days", Retention(days=30)),
        (" last  5 ,30 days", Retention(last=5, days=30)),
    ],
)
def test_what_stays_is_written_in_words(text: str, parsed: Retention) -> None:
    assert parse_retention(text) == parsed
    assert parse_retention(str(parsed)) == parsed


@pytest.mark.parametrize(
    "text", ["5", "last", "last 0", "last 99999", "30 days, last 5", "-1 days"]
)
def test_other_words_are_refused(text: str) -> None:
    with pytest.raises(InvalidRequest, match="is no retention"):
        parse_retention(text)


async def test_the_api_refuses_other_words_at_their_field(world: World) -> None:
    ann = await signed_in(world, world.people.ann)
    answer = await ann.api("PATCH", OF_ACME, {"retention": "forever"})
    assert answer.status_code == 400
    assert "is no retention" in answer.text


async def test_the_page_refuses_other_words(world: World) -> None:
    ann = await signed_in(world, world.people.ann)
    page = "/account/organizations/acme/rules"
    await ann.open(page)
    sent = {"approvals": "1", "version_rule": "registry", "retention": "x" * 81}
    assert (await ann.submit(page, **sent)).status_code == 400
