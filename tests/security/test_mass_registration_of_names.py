"""Names are few: an account founds some in a day, and none of those that are the registry's."""

import re
from datetime import timedelta

import pytest

from functions.faces import operations
from shared.domain.names import parse_org
from shared.domain.principals import OPERATOR
from shared.domain.reserved_names import is_reserved_name
from tests.support.browsers import signed_in
from tests.support.world import URL, OpenWorld, Person, World

ORGS = f"{URL}/api/v1/orgs"


async def found(world: World, name: str, by: Person) -> tuple[int, str]:
    """Found an organization over the API, and return the status and the code of a refusal."""
    answer = await world.send("POST", ORGS, by=by, content=f'{{"name":"{name}"}}'.encode())
    return answer.status_code, answer.json().get("error", {}).get("code", "")


async def test_an_account_creates_ten_organizations_a_day_by_any_face(worlds: OpenWorld) -> None:
    world = await worlds()
    bob = world.people.bob
    for number in range(10):
        assert await found(world, f"b{number}x", bob) == (201, "")
    assert await found(world, "one_more", bob) == (429, "too-many-requests")
    page = await signed_in(world, bob)
    await page.open("/account/organizations")
    assert (await page.submit("/account/organizations", name="one_more")).status_code == 429
    assert await found(world, "hers", world.people.ann) == (201, "")
    world.clock.advance(timedelta(days=2))
    assert await found(world, "one_more", bob) == (201, "")


async def test_a_refused_creation_does_not_count(worlds: OpenWorld) -> None:
    world = await worlds(limit_found="account=1")
    bob = world.people.bob
    for name, status in (("acme", 409), ("admin", 403), ("a b", 400)):
        assert (await found(world, name, bob))[0] == status
    assert await found(world, "globex", bob) == (201, "")
    assert (await found(world, "initech", bob))[0] == 429


async def test_the_setting_says_how_many_and_administrators_are_not_counted(
    worlds: OpenWorld,
) -> None:
    world = await worlds(limit_found="account=1")
    for name in ("one", "two", "three"):
        assert await found(world, name, world.people.admin) == (201, "")
        await world.registry.organizations.organizations.create(
            parse_org(f"{name}x"), world.people.ann.account, by=OPERATOR
        )


@pytest.mark.parametrize(
    "name", ["admin", "api", "search", "docs", "wso2", "WSO2", "Adm1n", "well_known", "v2", "root"]
)
async def test_only_administrators_create_an_organization_with_a_reserved_name(
    world: World, name: str
) -> None:
    assert await found(world, name, world.people.bob) == (403, "name-reserved")
    assert (await found(world, name, world.people.admin))[0] == 201


async def test_every_first_part_of_a_path_is_a_reserved_name(world: World) -> None:
    declared = operations(world.registry.settings)
    prefixes = {each.route.split("/")[0].lower() for each in declared}
    named = {each for each in prefixes if re.fullmatch("[a-z0-9_-]+", each)}
    planned = {"views", "scim", "metrics", "dashboard", "symbols", "runtime"}
    for each in named | planned:
        assert is_reserved_name(each.replace("-", "_"), ()), each
