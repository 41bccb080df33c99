"""An organization that is continued as another one: who says so, and what it stops."""

from functools import partial

import httpx
import pytest
from anyio.to_thread import run_sync

from shared.domain.names import parse_org
from shared.domain.visibility import Visibility
from shared.services.organizations.organizations import OrganizationProfile
from tests.protocol.bal.failures import ClientFailure
from tests.support.archives import bala
from tests.support.browsers import signed_in
from tests.support.storage import one_machine
from tests.support.terminal import Terminal
from tests.support.world import URL, Person, World

pytestmark = pytest.mark.measured

SETTINGS = "/account/organizations/acme/settings"


async def run(world: World, *arguments: str) -> str:
    terminal = Terminal(world.registry.settings.data)
    return await run_sync(partial(terminal.run, *arguments, BALLROOM_URL=URL))


async def continued(world: World, continued_as: str = "other") -> None:
    ann = await signed_in(world, world.people.ann, SETTINGS)
    await ann.submit("/account/organizations/acme/continue", continued_as=continued_as)
    assert "Continuation saved" in ann.text


async def shown(world: World, by: Person | None = None) -> tuple[str, bool]:
    """Return what the API and the page of the organization name."""
    api = (await world.get(f"{URL}/api/v1/orgs/acme", by=by)).json()
    page = await world.get(f"{URL}/orgs/acme", by=by)
    return api["continuedAs"], "Continued as" in page.text


async def test_its_page_and_the_api_name_the_organization_that_continues_it(world: World) -> None:
    assert await shown(world) == ("", False)
    await continued(world)
    assert await shown(world) == ("other", True)
    await continued(world, "")
    assert await shown(world) == ("", False)


async def test_a_continued_organization_takes_new_versions_and_no_new_packages(
    world: World,
) -> None:
    await world.push(bala("acme/greet:1.0.0"))
    await continued(world)
    with pytest.raises(ClientFailure, match="takes no new packages"):
        await world.push(bala("acme/hello:1.0.0"))
    await world.push(bala("acme/greet:1.0.1"))
    await world.java().pull("acme/greet:1.0.0")
    await continued(world, "")
    await world.push(bala("acme/hello:1.0.0"))


async def test_a_hidden_organization_is_named_to_its_members_alone(world: World) -> None:
    await continued(world)
    profile = OrganizationProfile(default_visibility=Visibility.PRIVATE)
    bob = world.fresh(world.people.bob)
    await world.registry.organizations.organizations.change(parse_org("other"), profile, by=bob)
    assert await shown(world) == ("", False)
    assert await shown(world, world.people.bob) == ("other", True)


async def test_owners_get_mail(world: World) -> None:
    known = world.people.ann.account.model_copy(update={"email": "ann@example.org"})
    await world.stores.directory.replace(known)
    await continued(world)
    assert "acme is continued as other" in {each.subject for each in world.mailer.sent}


async def put(world: World, continued_as: str, by: Person) -> httpx.Response:
    path = f"{URL}/api/v1/orgs/acme/continuation"
    return await world.send("PUT", path, by=by, json={"continuedAs": continued_as})


async def test_a_token_is_not_enough_and_others_find_nothing(world: World) -> None:
    assert (await put(world, "other", world.people.ann)).status_code == 403
    assert (await put(world, "other", world.people.bob)).status_code == 404


@pytest.mark.parametrize(
    ("wanted", "sentence"), [("acme", "leads back"), ("nobody", "organization not found: nobody")]
)
async def test_an_organization_that_cannot_continue_it_is_refused(
    world: World, wanted: str, sentence: str
) -> None:
    ann = await signed_in(world, world.people.ann, SETTINGS)
    await ann.submit("/account/organizations/acme/continue", continued_as=wanted)
    assert sentence in ann.text
    assert 'id="continued_as-error"' in ann.text
    assert f'value="{wanted}"' in ann.text


@one_machine("its commands find a data folder")
async def test_the_operator_gives_a_reason_that_the_owners_read(world: World) -> None:
    terminal = Terminal(world.registry.settings.data)
    failing = partial(terminal.fail, "org", "continue-as", "acme", "other", BALLROOM_URL=URL)
    assert "Enter a reason" in await run_sync(failing)
    await run(world, "org", "continue-as", "acme", "other", "--reason", "A dispute.")
    assert await shown(world) == ("other", True)
    log = await world.get(f"{URL}/api/v1/orgs/acme/audit", by=world.people.ann)
    event = log.json()["events"][0]
    assert (event["kind"], event["details"]["reason"]) == ("organization.continued", "A dispute.")
    await run(world, "org", "end-continuation", "acme", "--reason", "Settled.")
    assert await shown(world) == ("", False)
