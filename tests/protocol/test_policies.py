"""/policies/names: how names are given, disputed and taken, in words that an operator may
replace."""

from functools import partial
from pathlib import Path

import pytest
from anyio.to_thread import run_sync

from shared.domain.policies import MAX_POLICY_LENGTH
from tests.support.browsers import signed_in
from tests.support.storage import one_machine
from tests.support.terminal import Terminal
from tests.support.world import URL, World

pytestmark = pytest.mark.measured

PAGE = f"{URL}/policies/names"
MANAGE = "/manage/names/policy"


async def run(world: World, *arguments: str) -> str:
    terminal = Terminal(world.registry.settings.data)
    return await run_sync(partial(terminal.run, *arguments, BALLROOM_URL=URL))


async def test_the_policies_link_the_policy_for_names(world: World) -> None:
    assert 'href="/policies/names"' in (await world.get(f"{URL}/about/policies")).text
    page = await world.get(PAGE)
    assert page.status_code == 200
    for said in ("First come, first served", "Notice of seven days", "Releases stay", "appeal"):
        assert said in page.text, said
    assert 'href="/account/disputes"' in page.text


async def test_the_policy_is_markdown_for_programs(world: World) -> None:
    page = await world.get(PAGE, headers={"Accept": "text/markdown"})
    assert page.headers["content-type"].startswith("text/markdown")
    assert "# How a dispute goes" in page.text


async def test_an_administrator_replaces_the_words_and_goes_back(world: World) -> None:
    admin = await signed_in(world, world.people.admin, MANAGE)
    assert "First come, first served" in admin.text
    await admin.submit(MANAGE, text="# Ours\n\nAsk <script>alert(1)</script> [Kim](/orgs/acme).")
    assert "Policy saved." in admin.text
    page = (await world.get(PAGE)).text
    assert '<a href="/orgs/acme"' in page
    assert "<script>alert" not in page
    assert "First come" not in page
    await admin.submit(f"{MANAGE}/reset")
    assert "First come, first served" in (await world.get(PAGE)).text


@pytest.mark.parametrize("text", [" ", "x" * (MAX_POLICY_LENGTH + 1)], ids=["empty", "long"])
async def test_a_policy_that_is_empty_or_too_long_is_refused(world: World, text: str) -> None:
    admin = await signed_in(world, world.people.admin, MANAGE)
    answer = await admin.submit(MANAGE, text=text)
    assert answer.status_code == 400


async def test_others_change_no_policy(world: World) -> None:
    ann = await signed_in(world, world.people.ann, "/account")
    assert (await ann.post(MANAGE, text="Mine.")).status_code == 404


@one_machine("its commands find a data folder")
async def test_the_operator_replaces_the_words_by_a_file(world: World, tmp_path: Path) -> None:
    file = tmp_path / "names.md"
    file.write_text("# Ours\n")
    assert "default" in await run(world, "names", "policy")
    await run(world, "names", "policy", str(file))
    assert await run(world, "names", "policy") == "# Ours\n"
    assert ">Ours" in (await world.get(PAGE)).text
    await run(world, "names", "policy", "--default")
    assert "First come" in (await world.get(PAGE)).text


async def test_nobody_creates_an_organization_named_policies(world: World) -> None:
    answer = await world.send(
        "POST", f"{URL}/api/v1/orgs", by=world.people.bob, json={"name": "policies"}
    )
    assert answer.json()["error"]["code"] == "name-reserved"
