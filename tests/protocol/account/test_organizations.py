"""/account/organizations: found and leave organizations."""

import pytest

from shared.domain.names import parse_org
from shared.domain.principals import OPERATOR
from tests.support.browsers import signed_in
from tests.support.world import Person, World

pytestmark = pytest.mark.measured

PAGE = "/account/organizations"


async def role_of(world: World, person: Person, org: str = "acme") -> str:
    members = await world.registry.organizations.memberships.members(parse_org(org), by=OPERATOR)
    roles = {each.name: each.membership.role.value for each in members}
    return roles.get(person.account.name, "")


async def test_an_organization_is_created_by_its_name(world: World) -> None:
    mia = await signed_in(world, world.people.mia, PAGE)
    answer = await mia.submit(PAGE, name="miasorg")
    assert answer.status_code == 303
    assert "Organization created." in mia.text
    assert "miasorg" in mia.text
    assert await role_of(world, world.people.mia, "miasorg") == "owner"


@pytest.mark.parametrize(
    ("name", "status"), [("acme", 409), ("a b", 400), ("", 400), ("ballerinax", 403)]
)
async def test_a_name_that_cannot_be_had_is_shown_again_with_the_reason(
    world: World, name: str, status: int
) -> None:
    bob = await signed_in(world, world.people.bob, PAGE)
    answer = await bob.submit(PAGE, name=name)
    assert answer.status_code == status
    form = bob.text[bob.text.index("Create an organization") :]
    is_at_the_field = 'aria-invalid="true"' in form
    assert is_at_the_field == (status != 403)
    assert ('id="name-error"' in form) == is_at_the_field
    assert form.count('role="alert"') == 1
    assert f'value="{name}"' in form


async def test_a_member_leaves(world: World) -> None:
    mia = await signed_in(world, world.people.mia, PAGE)
    answer = await mia.submit(f"{PAGE}/leave", org="acme")
    assert answer.status_code == 303
    assert await role_of(world, world.people.mia) == ""
    assert "You left the organization." in mia.text
    await mia.open(f"{PAGE}?done=<b>")
    assert 'class="notice good"' not in mia.text, "an unknown message"


async def test_the_last_owner_stays(world: World) -> None:
    ann = await signed_in(world, world.people.ann, PAGE)
    answer = await ann.submit(f"{PAGE}/leave", org="acme")
    assert answer.status_code == 409
    assert 'role="alert"' in ann.text
    assert await role_of(world, world.people.ann) == "owner"
