"""What administrators see and decide: accounts that exist, and what an account can do and why."""

from typing import Any

import pytest
from anyio.to_thread import run_sync

from shared.domain.entities import Place
from shared.domain.group_rules import GroupRules
from shared.domain.identities import Identity
from shared.domain.names import parse_org
from shared.domain.principals import OPERATOR
from shared.domain.scim import ScimKey, ScimMembers, ScimUser
from shared.domain.scopes import Role
from shared.services.record_batches import all_entities
from tests.support.browsers import signed_in
from tests.support.scim import GROUP, KIM, ScimWorld, open_scim
from tests.support.sign_in import SETTINGS
from tests.support.storage import one_instance, one_machine
from tests.support.terminal import Terminal
from tests.support.world import URL, OpenWorld

pytestmark = pytest.mark.measured

DEVELOPERS = "8f7c2f0e-5d0b-4c0a-9a56-0f5c2b7d9e11"
ENVIRONMENT = {f"BALLROOM_{name.upper()}": value for name, value in SETTINGS.items()}


@pytest.fixture
async def scim(worlds: OpenWorld) -> ScimWorld:
    return await open_scim(worlds)


async def waiting(scim: ScimWorld) -> ScimWorld:
    """Let the account of Kim exist, and wait for an administrator."""
    scim.company.issuer.person.claims["oid"] = KIM
    await scim.company.signed_in("entra")
    await scim.user()
    return scim


async def provisioned(scim: ScimWorld) -> str:
    """Provision Kim in a group that gives a role; return the id of the account."""
    rules = [f"entra:{DEVELOPERS} -> acme, maintainer", f"entra:{DEVELOPERS} -> staff"]
    parsed = GroupRules.parse(rules)
    await scim.world.registry.administration.group_rules.replace(parsed, by=OPERATOR)
    user = await scim.user()
    group = {
        "schemas": [GROUP],
        "displayName": "Developers",
        "externalId": DEVELOPERS,
        "members": [{"value": user["id"]}],
    }
    await scim.done("POST", "/Groups", group)
    account = await scim.account()
    await scim.world.registry.organizations.memberships.set_member(
        parse_org("other"), account, Role.MEMBER, by=OPERATOR
    )
    return account.id


async def test_a_page_lists_who_waits_and_lets_the_directory_take_over(scim: ScimWorld) -> None:
    await waiting(scim)
    client = await signed_in(scim.world, scim.world.people.admin, "/manage/scim")
    assert "kim@example.org" in client.text
    overview = await client.open("/manage")
    assert "waits for a yes: kim" in overview.text
    await client.open("/manage/scim")
    account = await scim.account()
    await client.submit("/manage/scim/takeovers", account=f"id:{account.id}")
    await client.open("/manage/scim")
    assert "No account waits" in client.text


async def test_the_api_lists_who_waits(scim: ScimWorld) -> None:
    await waiting(scim)
    answer = await scim.world.get(f"{URL}/api/v1/scim/takeovers", by=scim.world.people.admin)
    [found] = answer.json()["waiting"]
    assert (found["account"], found["externalId"]) == ("kim", KIM)
    refused = await scim.world.send(
        "POST",
        f"{URL}/api/v1/scim/takeovers",
        by=scim.world.people.admin,
        json={"accounts": ["kim"]},
    )
    assert refused.status_code == 403
    by_ann = await scim.world.get(f"{URL}/api/v1/scim/takeovers", by=scim.world.people.ann)
    assert by_ann.status_code == 403


@one_machine("its commands find a data folder")
@one_instance("a command changes the folder of the world")
async def test_a_command_lets_the_directory_take_over(scim: ScimWorld) -> None:
    await waiting(scim)
    terminal = Terminal(scim.world.registry.settings.data, ENVIRONMENT)
    assert "kim" in await run_sync(terminal.run, "scim", "waiting")
    line = await run_sync(terminal.fail, "scim", "take-over", "--account", "ann")
    assert "No directory waits" in line
    await run_sync(terminal.run, "scim", "take-over", "--account", "*")
    assert "kim" not in await run_sync(terminal.run, "scim", "waiting")


RIGHTS: list[dict[str, Any]] = [
    {"right": "staff, who read internal packages", "org": "", "source": "scim"},
    {"right": "maintainer", "org": "acme", "source": "scim"},
    {"right": "member", "org": "other", "source": "hand"},
]


async def test_the_api_says_what_an_account_can_do_and_why(worlds: OpenWorld) -> None:
    scim = await open_scim(worlds, staff="groups", entra_groups=True)
    account_id = await provisioned(scim)
    address = f"{URL}/api/v1/accounts/{account_id}/rights"
    found = (await scim.world.get(address, by=scim.world.people.admin)).json()
    assert found["provisionedBy"] == ["entra"]
    assert [{name: each[name] for name in RIGHTS[0]} for each in found["rights"]] == RIGHTS
    assert [each["until"] for each in found["rights"]] == [None] * 3
    assert found["rights"][1]["groups"] == [f"entra:{DEVELOPERS}"]
    assert (await scim.world.get(address, by=scim.world.people.ann)).status_code == 403


async def test_a_role_of_a_sign_in_says_until_when(worlds: OpenWorld) -> None:
    scim = await open_scim(worlds, entra_groups=True)
    rules = GroupRules.parse([f"entra:{DEVELOPERS} -> acme, maintainer"])
    await scim.world.registry.administration.group_rules.replace(rules, by=OPERATOR)
    scim.company.issuer.person.claims["groups"] = [DEVELOPERS]
    await scim.company.signed_in("entra")
    address = f"{URL}/api/v1/accounts/{(await scim.account()).id}/rights"
    found = (await scim.world.get(address, by=scim.world.people.admin)).json()
    [right] = [each for each in found["rights"] if each["org"]]
    assert (right["source"], right["until"] is not None) == ("group", True)


async def test_the_page_says_it_too(scim: ScimWorld) -> None:
    account_id = await provisioned(scim)
    admin = scim.world.people.admin
    client = await signed_in(scim.world, admin, f"/manage/accounts/{account_id}")
    assert "Microsoft Entra ID provisions this account by" in client.text
    assert "By SCIM" in client.text
    assert "By hand" in client.text
    await client.open(f"/manage/accounts/{admin.account.id}")
    assert "Administrator of this registry" in client.text


@one_machine("its commands find a data folder")
@one_instance("a command reads the folder of the world")
async def test_account_rights_names_scim_as_the_source_of_a_role(scim: ScimWorld) -> None:
    await provisioned(scim)
    terminal = Terminal(scim.world.registry.settings.data, ENVIRONMENT)
    printed = await run_sync(terminal.run, "account", "rights", "kim")
    assert "maintainer of acme" in printed
    assert "by SCIM" in printed


async def test_an_erasure_deletes_what_the_directory_stores_of_the_person(scim: ScimWorld) -> None:
    await scim.user()
    directory = scim.world.stores.directory
    assert len(await all_entities(directory, ScimKey)) == 2
    account = await scim.account()
    data = await scim.world.registry.administration.account_deletion.export_of(account, by=OPERATOR)
    assert [each.person.user_name for each in data.provisioned] == ["kim@example.org"]
    erasures = scim.world.registry.administration.account_erasures
    await erasures.erase_now(account, "Request 2026-31", by=OPERATOR)
    for kind in (ScimUser, ScimKey, Identity):
        assert await all_entities(directory, kind) == []


async def test_groups_pushed_before_the_takeover_give_roles_with_the_yes(scim: ScimWorld) -> None:
    rules = GroupRules.parse([f"entra:{DEVELOPERS} -> acme, maintainer"])
    await scim.world.registry.administration.group_rules.replace(rules, by=OPERATOR)
    scim.company.issuer.person.claims["oid"] = KIM
    await scim.company.signed_in("entra")
    user = await scim.user()
    group = {"displayName": "D", "externalId": DEVELOPERS, "members": [{"value": user["id"]}]}
    await scim.done("POST", "/Groups", group)
    memberships = scim.world.registry.organizations.memberships
    account = await scim.account()
    assert await memberships.of_account(account.id) == []
    await scim.world.registry.scim.takeovers.allow(["*"], by=OPERATOR)
    assert [each.org for each in await memberships.of_account(account.id)] == ["acme"]


async def test_roles_that_a_process_left_follow_with_the_task(scim: ScimWorld) -> None:
    """A process ended after the write of the members, and before the roles of anybody followed."""
    rules = GroupRules.parse([f"entra:{DEVELOPERS} -> acme, maintainer"])
    await scim.world.registry.administration.group_rules.replace(rules, by=OPERATOR)
    user = await scim.user()
    group = await scim.done("POST", "/Groups", {"displayName": "D", "externalId": DEVELOPERS})
    directory = scim.world.stores.directory
    record = await directory.get(ScimMembers, Place("scim-entra", group["id"]))
    assert record is not None
    left = {"members": (user["id"],), "pending": (user["id"],)}
    await directory.replace(record.model_copy(update=left))
    await scim.world.registry.maintenance.task_runner.run("apply-group-rules")
    memberships = scim.world.registry.organizations.memberships
    assert [each.org for each in await memberships.of_account((await scim.account()).id)] == [
        "acme"
    ]
    record = await directory.get(ScimMembers, record.place)
    assert record is not None
    assert record.pending == ()
