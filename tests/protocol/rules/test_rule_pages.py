"""The pages of rules, for owners and for administrators."""

import pytest

from tests.protocol.rules.rule_world import set_registry_rules, set_rules
from tests.support.browsers import signed_in
from tests.support.world import World

pytestmark = pytest.mark.measured

PAGE = "/account/organizations/acme/rules"
MANAGE = "/manage/rules"


async def test_an_owner_saves_rules_on_their_page(world: World) -> None:
    ann = await signed_in(world, world.people.ann, PAGE)
    await ann.submit(PAGE, staged="yes", approvals="2", version_rule="hold")
    assert "Rules saved." in ann.text
    assert 'name="staged" value="yes" checked' in ann.text
    assert '<option value="hold" selected>' in ann.text
    await ann.submit(PAGE, staged=[], approvals="1", version_rule="registry")
    assert 'name="staged" value="yes" checked' not in ann.text
    assert not (await set_rules(world))["staged"]


async def test_what_is_no_rule_is_said_at_its_field(world: World) -> None:
    ann = await signed_in(world, world.people.ann, PAGE)
    await ann.submit(PAGE, approvals="many", version_rule="hold")
    assert "'many' is not a number. Write digits only." in ann.text
    await ann.submit(PAGE, approvals="7", version_rule="hold")
    assert "7 approvals cannot be asked for. Ask for 1 or 2." in ann.text
    assert 'id="approvals-error"' in ann.text


async def test_the_page_says_what_the_registry_wants_more_strictly(world: World) -> None:
    await set_registry_rules(world, staged=True, versionRule="refuse")
    ann = await signed_in(world, world.people.ann, PAGE)
    assert "The registry holds every release until it is approved." in ann.text
    assert "The registry refuses releases with breaking changes" in ann.text


async def test_a_dry_run_changes_nothing(world: World) -> None:
    ann = await signed_in(world, world.people.ann, PAGE)
    await ann.submit(f"{PAGE}/dry-run", staged="yes", approvals="1", version_rule="registry")
    assert "Releases that the changed rules would affect" in ann.text
    assert 'name="staged" value="yes" checked' in ann.text
    assert not (await set_rules(world))["staged"]


async def test_an_administrator_saves_the_rules_of_the_registry(world: World) -> None:
    admin = await signed_in(world, world.people.admin, MANAGE)
    await admin.submit(MANAGE, version_rule="hold")
    assert "Rules saved." in admin.text
    await admin.submit(f"{MANAGE}/dry-run", staged="yes", version_rule="warn")
    assert "Releases that the changed rules would affect" in admin.text
    assert (await set_registry_rules(world))["versionRule"] == "hold"


async def test_members_and_others_see_no_page(world: World) -> None:
    mia = await signed_in(world, world.people.mia)
    assert (await mia.open(PAGE)).status_code == 403
    assert (await mia.open(MANAGE)).status_code == 404
