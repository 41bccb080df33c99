"""Limits of bytes and releases of an organization."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest

from shared.services.maintenance.tasks import require_task
from tests.protocol.rules.rule_world import OF_ACME, dry_run, events_of, findings, refusal_of_push
from tests.protocol.rules.test_rule_table import FACES, Push
from tests.support.archives import bala
from tests.support.browsers import signed_in
from tests.support.world import URL, World

pytestmark = pytest.mark.measured

QUOTA = "/api/v1/orgs/acme/quota"


async def limit(world: World, **limits: int) -> dict[str, Any]:
    """Change the limits of acme as an administrator, and return its rules."""
    answer = await (await signed_in(world, world.people.admin)).api("PATCH", QUOTA, limits)
    assert answer.status_code == 200, answer.text
    return answer.json()


async def count(world: World) -> None:
    await require_task(world.registry.maintenance.task_runner.tasks, "count-usage").run()


async def used(world: World) -> dict[str, Any]:
    return (await world.get(f"{URL}{OF_ACME}", by=world.people.ann)).json()["used"]


async def test_a_push_above_the_limit_of_releases_is_refused(world: World) -> None:
    await world.push(bala("acme/greet:1.0.0"))
    await limit(world, maxReleases=2)
    await world.push(bala("acme/greet:1.1.0"))
    said = await refusal_of_push(world, bala("acme/greet:1.2.0"))
    assert "acme has 2 of the 2 releases that it may have, so acme/greet:1.2.0 is not" in said
    assert "Ask an administrator of this registry for a higher limit" in said
    found = await findings(world, bala("acme/greet:1.2.0"))
    assert found["quota-reached"]["severity"] == "error"
    await world.push(bala("acme/greet:1.1.0"))  # A repeat adds nothing.
    await limit(world, maxReleases=0)
    await world.push(bala("acme/greet:1.2.0"))


async def test_a_push_above_the_limit_of_bytes_is_refused(world: World) -> None:
    archive = bala("acme/greet:1.0.0")
    await limit(world, maxBytes=len(archive) - 1)
    said = await refusal_of_push(world, archive)
    assert f"and acme/greet:1.0.0 has {len(archive):,}, so it is not published" in said
    await limit(world, maxBytes=len(archive))
    await world.push(archive)
    assert (await world.get(f"{URL}/2.0/registry/packages/acme/greet")).json() == ["1.0.0"]


async def test_of_pushes_at_once_so_many_are_published_as_fit(world: World) -> None:
    await limit(world, maxReleases=3)
    archives = [bala(f"acme/greet{number}:1.0.0") for number in range(8)]
    said = await asyncio.gather(*(refusal_of_push(world, each) for each in archives))
    # Each process admits what was left at the last count, and no more.
    assert 3 <= sum(not each for each in said) <= 3 * len(world.instances)
    await count(world)
    assert (await used(world))["releases"] >= 3
    for _ in world.instances:
        assert await refusal_of_push(world, bala("acme/last:1.0.0"))


async def test_what_is_removed_is_counted_no_more(world: World) -> None:
    admin = await signed_in(world, world.people.admin)
    await world.push(bala("acme/greet:1.0.0"))
    await limit(world, maxReleases=1)
    await admin.api(
        "POST",
        "/api/v1/moderation/releases/acme/greet/1.0.0/remove",
        {"reason": "It was a mistake.", "publicReason": "mistake"},
    )
    world.clock.advance(timedelta(hours=1))
    await count(world)
    assert (await used(world))["releases"] == 0
    await world.push(bala("acme/greet:1.1.0"))


async def test_owners_get_one_mail_near_the_limit(world: World) -> None:
    ann = world.people.ann.account.model_copy(update={"email": "ann@example.org"})
    await world.stores.directory.replace(ann)
    for number in range(4):
        await world.push(bala(f"acme/greet:1.{number}.0"))
    await limit(world, maxReleases=5)
    await count(world)
    [mail] = world.mailer.to("ann@example.org")
    assert mail.subject == "acme uses 80 % of what it may have"
    assert "4 of 5 releases" in mail.text
    found = await findings(world, bala("acme/greet:2.0.0"))
    assert found["quota-near"]["severity"] == "note"


async def test_administrators_set_limits_and_owners_read_them(world: World) -> None:
    people = world.people
    await world.push(bala("acme/greet:1.0.0"))
    ann = await signed_in(world, people.ann)
    assert (await ann.api("PATCH", QUOTA, {"maxReleases": 5})).status_code == 403
    assert (await ann.api("PATCH", OF_ACME, {"maxReleases": 5})).status_code == 400
    by_token = await world.send("PATCH", f"{URL}{QUOTA}", by=people.admin, json={"maxReleases": 5})
    assert by_token.status_code == 403
    shown = await limit(world, maxReleases=5, maxBytes=10**9)
    assert (shown["maxReleases"], shown["maxBytes"]) == (5, 10**9)
    assert shown["used"]["releases"] == 1
    page = await ann.open("/account/organizations/acme/rules")
    assert "1 of 5 releases" in page.text
    [changed] = await events_of(world, "organization.quota-changed")
    assert changed.details["max_releases_after"] == "5"
    assert (await dry_run(world, bala("acme/greet:1.1.0"))).status_code == 200


async def test_a_limit_that_is_no_number_is_refused(world: World) -> None:
    admin = await signed_in(world, world.people.admin)
    for wrong in (-1, 10**16, "many"):
        answer = await admin.api("PATCH", QUOTA, {"maxBytes": wrong})
        assert answer.status_code == 400
    missing = await admin.api("PATCH", "/api/v1/orgs/nobody/quota", {"maxBytes": 1})
    assert missing.status_code == 404


@pytest.mark.parametrize("push", FACES)
async def test_each_face_that_publishes_refuses_what_does_not_fit(world: World, push: Push) -> None:
    await world.push(bala("acme/greet:1.0.0"))
    await limit(world, maxReleases=1)
    status, said = await push(world, bala("acme/greet:1.1.0"))
    assert 400 <= status < 500
    assert "acme has 1 of the 1 releases that it may have" in said
