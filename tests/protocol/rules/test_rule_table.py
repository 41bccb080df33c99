"""Rules x faces x states: each rule holds over every face that publishes, whoever's rule it is, and
every face that says what holds says the same."""

from collections.abc import Awaitable, Callable

import pytest

from shared.domain.publishing_rules import OF_REGISTRY as WHOSE_REGISTRY
from shared.domain.publishing_rules import RuleEffect
from tests.protocol.bal.okhttp import FORM, multipart
from tests.protocol.rules.rule_rows import ROWS, RuleRow
from tests.protocol.rules.rule_world import (
    OF_ACME,
    OF_REGISTRY,
    dry_run,
    set_registry_rules,
    set_rules,
)
from tests.support.browsers import signed_in
from tests.support.world import BASE, MAVEN, World

pytestmark = pytest.mark.measured

each_rule = pytest.mark.parametrize("row", ROWS, ids=lambda row: row.id)
of_registries = [each for each in ROWS if each.of_registry]
each_rule_of_registries = pytest.mark.parametrize("row", of_registries, ids=lambda row: row.id)

Push = Callable[[World, bytes], Awaitable[tuple[int, str]]]


async def by_central(world: World, archive: bytes) -> tuple[int, str]:
    body = multipart("x.bala", archive)
    answer = await world.upload(body, by=world.people.ann)
    return answer.status_code, answer.text


async def by_central_of_the_go_client(world: World, archive: bytes) -> tuple[int, str]:
    headers = {**FORM, "User-Agent": "bal-go"}
    answer = await world.send(
        "POST",
        f"{BASE}/packages",
        by=world.people.ann,
        headers=headers,
        content=multipart("x.bala", archive),
    )
    return answer.status_code, answer.text


async def by_maven(world: World, archive: bytes) -> tuple[int, str]:
    url = f"{MAVEN}/acme/greet/1.1.0/greet-1.1.0.bala"
    answer = await world.send("PUT", url, by=world.people.ann, content=archive)
    return answer.status_code, answer.text


FACES = [by_central, by_central_of_the_go_client, by_maven]


async def is_served(world: World) -> bool:
    return (await world.get("/packages/acme/greet/1.1.0")).status_code == 200


@each_rule
async def test_without_the_rule_a_release_is_published(world: World, row: RuleRow) -> None:
    await row.before(world)
    await world.push(row.archive())
    assert await is_served(world)


@each_rule
@pytest.mark.parametrize("push", FACES)
async def test_each_face_that_publishes_keeps_it(world: World, row: RuleRow, push: Push) -> None:
    await row.before(world)
    await set_rules(world, **row.of_organization)
    status, said = await push(world, row.archive())
    assert 400 <= status < 500
    assert row.said in said
    assert "ules of acme" in said
    assert not await is_served(world)
    # A repeat of what is held is held, and of what is refused refused again.
    assert (await push(world, row.archive()))[0] == status


@each_rule_of_registries
async def test_the_registry_sets_the_floor_which_an_organization_does_not_loosen(
    world: World, row: RuleRow
) -> None:
    await row.before(world)
    await set_registry_rules(world, **row.of_registry)
    await set_rules(world, **row.loose)
    status, said = await by_central(world, row.archive())
    assert 400 <= status < 500
    assert f"ules of {WHOSE_REGISTRY}" in said
    assert not await is_served(world)


@each_rule
async def test_a_dry_run_finds_what_a_push_would(world: World, row: RuleRow) -> None:
    await row.before(world)
    await set_rules(world, **row.of_organization)
    answer = (await dry_run(world, row.archive())).json()
    [finding] = [each for each in answer["findings"] if each["rule"] == row.rule]
    assert finding["severity"] == ("error" if row.effect is RuleEffect.REFUSE else "warning")
    assert answer["may_publish"] == (row.effect is not RuleEffect.REFUSE)
    assert finding["message"] in (await by_central(world, row.archive()))[1]


@each_rule
async def test_a_dry_run_of_the_rule_says_what_it_would_have_said(
    world: World, row: RuleRow
) -> None:
    await row.before(world)
    await world.push(row.archive())
    await world.document()
    ann = await signed_in(world, world.people.ann)
    answer = await ann.api("POST", f"{OF_ACME}/dry-run", dict(row.of_organization))
    said = {each["release"]: each["findings"] for each in answer.json()["releases"]}
    if not row.is_in_dry_run_of_rules:
        assert said == {}
        return
    [finding] = said["acme/greet:1.1.0"]
    assert (finding["rule"], finding["effect"]) == (row.rule, row.effect.value)
    assert finding["whose"] == "acme"
    assert await is_served(world)
    if row.of_registry:
        admin = await signed_in(world, world.people.admin)
        answer = await admin.api("POST", f"{OF_REGISTRY}/dry-run", dict(row.of_registry))
        [release] = [e for e in answer.json()["releases"] if e["release"] == "acme/greet:1.1.0"]
        assert [each["whose"] for each in release["findings"]] == [WHOSE_REGISTRY]


@each_rule
async def test_what_was_published_before_the_rule_stays(world: World, row: RuleRow) -> None:
    await row.before(world)
    await world.push(row.archive())
    await set_rules(world, **row.of_organization)
    assert await is_served(world)
    await world.push(row.archive())  # A repeat changes nothing.


@each_rule
async def test_the_page_and_the_api_show_the_rule(world: World, row: RuleRow) -> None:
    shown = await set_rules(world, **row.of_organization)
    assert {name: shown[name] for name in row.of_organization} == row.of_organization
    page = "/account/organizations/acme/rules"
    ann = await signed_in(world, world.people.ann, page)
    for name in row.of_organization:
        field = "".join(f"_{c.lower()}" if c.isupper() else c for c in name)
        assert f'name="{field}"' in ann.text
