"""Commands of an operator take effect in a running registry."""

from datetime import timedelta
from functools import partial

from anyio.to_thread import run_sync

from tests.support.archives import bala
from tests.support.browsers import Browser
from tests.support.storage import one_machine
from tests.support.terminal import Terminal
from tests.support.world import URL, World

pytestmark = one_machine("its commands find a data folder")

GREET = "acme/greet:1.0.0"
WHOAMI = f"{URL}/api/v1/whoami"


async def command(world: World, *arguments: str) -> str:
    """Run a command beside the registry, as another process would."""
    terminal = Terminal(world.registry.settings.data)
    return await run_sync(partial(terminal.run, *arguments, BALLROOM_URL=URL))


async def whoami(world: World, token: str) -> int:
    """Return the status of a request with this token."""
    answer = await world.get(WHOAMI, headers={"Authorization": f"Bearer {token}"})
    return answer.status_code


async def test_a_token_of_a_new_account_works_at_once_and_ends_within_five_seconds(
    world: World,
) -> None:
    await command(world, "account", "add", "kim")
    token = (await command(world, "token", "issue", "kim", "--name", "laptop")).strip()
    assert await whoami(world, token) == 200
    line = (await command(world, "token", "list", "kim")).splitlines()[1]
    await command(world, "token", "revoke", "kim", line.split()[0], "--reason", "It is old.")
    world.clock.advance(timedelta(seconds=5))
    assert await whoami(world, token) == 401


async def test_a_new_maintainer_may_push_at_once_and_a_former_one_no_more(world: World) -> None:
    await command(world, "org", "add-member", "acme", "bob", "--role", "maintainer")
    await world.push(bala(GREET), by=world.people.bob)
    await command(world, "org", "remove-member", "acme", "bob", "--reason", "He left.")
    answer = await world.send(
        "PUT",
        "/packages/deprecate/acme/greet/1.0.0",
        by=world.people.bob,
        content=b'{"message":"x"}',
    )
    assert answer.status_code == 400
    assert "only maintainers and owners of acme can do this" in answer.json()["message"]


async def test_a_quarantined_release_is_not_pulled_until_it_is_released(world: World) -> None:
    await world.push(bala(GREET))
    exact = "/packages/acme/greet/1.0.0"
    assert (await world.get(exact)).status_code == 200
    await command(world, "package", "quarantine", GREET, "--reason", "steals tokens")
    assert (await world.get(exact)).status_code == 404
    await command(world, "package", "restore", GREET)
    assert (await world.get(exact)).status_code == 200


async def test_a_link_from_the_terminal_signs_in(world: World) -> None:
    link = (await command(world, "signin-link", "ann")).strip()
    browser = Browser(world)
    await browser.open(link)
    await browser.submit(link)
    assert "Signed in as <strong>ann</strong>" in browser.page.text
