"""What Entra ID sends when it provisions, in the forms of its documentation and of its requests,
and what follows for accounts.
"""

import asyncio
import json
from dataclasses import dataclass
from functools import partial
from typing import Any

import pytest
from msgspec.structs import replace

from shared.domain.accounts import LockSource
from shared.domain.body_sizes import MAX_BODY_BYTES, MAX_GROUP_BYTES
from shared.domain.errors.requests import Busy
from shared.domain.group_rules import GroupRules
from shared.domain.identities import Identity, identity_place
from shared.domain.principals import OPERATOR
from shared.domain.scim import ScimPerson, ScimUser
from shared.localhost import sender_identifier
from shared.ports.work import WorkStore
from shared.services.adapters import Adapters
from shared.services.administration.directory_locks import DirectoryDecision
from tests.support.port_doubles import Fault, Moment, count_calls, with_fault
from tests.support.scim import BASE, GROUP, KIM, USER, ScimWorld, issue, open_scim
from tests.support.sign_in import HOST, TENANT, Lockable
from tests.support.world import URL, OpenWorld, Person, token_of

pytestmark = pytest.mark.measured

ENTERPRISE = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"
DEVELOPERS = "8f7c2f0e-5d0b-4c0a-9a56-0f5c2b7d9e11"
OTHER = "58342554-38d6-4ec8-948c-50044d0a33fd"


@pytest.fixture
async def scim(worlds: OpenWorld) -> ScimWorld:
    return await open_scim(worlds)


# What Entra ID sends of a new user with its default mappings, and objectId as externalId.
NEW_USER: dict[str, Any] = {
    "schemas": [USER, ENTERPRISE],
    "externalId": KIM,
    "userName": "kim@example.org",
    "active": True,
    "displayName": "Kim Lee",
    "emails": [{"primary": True, "type": "work", "value": "kim@example.org"}],
    "meta": {"resourceType": "User"},
    "name": {"formatted": "Kim Lee", "familyName": "Lee", "givenName": "Kim"},
    "roles": [],
    "title": "Engineer",
    ENTERPRISE: {"department": "Research", "employeeNumber": "17"},
}


async def test_the_test_of_the_connection_finds_nobody(scim: ScimWorld) -> None:
    wanted = 'userName eq "a4b0f0a5-5e92-4a54-a73f-a3bbd1e1a9d1"'
    found = await scim.done("GET", f"/Users?filter={wanted}")
    assert (found["totalResults"], found["Resources"]) == (0, [])


async def test_a_new_user_gets_an_account_with_the_identity_of_the_object_id(
    scim: ScimWorld,
) -> None:
    answer = await scim.send("POST", "/Users", NEW_USER)
    assert answer.status_code == 201
    user = answer.json()
    assert answer.headers["location"] == f"{BASE}/Users/{user['id']}" == user["meta"]["location"]
    assert answer.headers["etag"] == user["meta"]["version"]
    assert user["emails"] == NEW_USER["emails"]
    assert "title" not in user
    account = await scim.account()
    assert (account.email, account.administrator, account.is_locked) == (
        "kim@example.org",
        False,
        False,
    )
    place = identity_place(f"{HOST}/{TENANT}/v2.0", KIM)
    identity = await scim.world.stores.directory.get(Identity, place)
    assert identity is not None
    assert identity.account == account.id
    assert {"account.created", "identity.linked"} <= {*await scim.company.events(account.id)}


async def test_the_person_signs_in_to_the_account_of_the_directory(scim: ScimWorld) -> None:
    await scim.user()
    scim.company.issuer.person.claims["oid"] = KIM
    await scim.company.signed_in("entra")
    assert [name for name in await scim.accounts() if name.startswith("kim")] == ["kim"]


@pytest.mark.parametrize(
    "wanted",
    [
        f'userName eq "{"kim@example.org".upper()}"',
        f'externalId eq "{KIM}"',
        f'externalId eq "{KIM}" and active eq true',
        'emails[type eq "work"].value eq "kim@example.org"',
        'displayName sw "Kim"',
    ],
)
async def test_a_filter_finds_the_user(scim: ScimWorld, wanted: str) -> None:
    user = await scim.done("POST", "/Users", NEW_USER)
    await scim.user("lee", OTHER)
    found = await scim.done("GET", f"/Users?filter={wanted}")
    assert [each["id"] for each in found["Resources"]] == [user["id"]]


OFF: list[tuple[str, dict[str, Any]]] = [
    ("text", {"op": "Replace", "path": "active", "value": "False"}),
    ("values", {"op": "Replace", "path": "active", "value": [{"$ref": None, "value": "False"}]}),
    ("boolean", {"op": "replace", "path": "active", "value": False}),
    ("object", {"op": "replace", "value": {"active": False}}),
]


@pytest.mark.parametrize("operation", [each for _, each in OFF], ids=[name for name, _ in OFF])
async def test_a_user_who_is_disabled_is_locked_by_the_directory(
    scim: ScimWorld, operation: dict[str, Any]
) -> None:
    user = await scim.done("POST", "/Users", NEW_USER)
    kim = Person(account := await scim.account(), await token_of(scim.world.registry, account))
    changed = await scim.patched(f"/Users/{user['id']}", operation)
    assert changed["active"] is False
    scim.company.wait(seconds=5)
    answer = await scim.world.get(f"{URL}/api/v1/orgs", by=kim)
    assert answer.status_code == 401
    locked = await scim.account()
    assert locked.directory_lock is not None
    assert locked.directory_lock.source is LockSource.DIRECTORY
    assert "by SCIM" in locked.directory_lock.reason


@pytest.mark.parametrize("value", [True, "True"], ids=["boolean", "text"])
async def test_a_user_who_is_enabled_again_is_unlocked(scim: ScimWorld, value: object) -> None:
    user = await scim.done("POST", "/Users", NEW_USER)
    path = f"/Users/{user['id']}"
    await scim.patched(path, {"op": "Replace", "path": "active", "value": "False"})
    assert (await scim.account()).is_locked
    await scim.patched(path, {"op": "Replace", "path": "active", "value": value})
    assert not (await scim.account()).is_locked


async def test_the_lock_of_an_administrator_stays(scim: ScimWorld) -> None:
    user = await scim.done("POST", "/Users", NEW_USER)
    path = f"/Users/{user['id']}"
    accounts = scim.world.registry.administration.accounts
    await accounts.lock(await scim.account(), "A stolen laptop.", by=OPERATOR)
    await scim.patched(path, {"op": "Replace", "path": "active", "value": "False"})
    await scim.patched(path, {"op": "Replace", "path": "active", "value": "True"})
    account = await scim.account()
    assert (account.lock is not None, account.directory_lock) == (True, None)


async def test_an_answer_of_entra_id_does_not_end_what_scim_said(worlds: OpenWorld) -> None:
    scim = await open_scim(worlds)
    user = await scim.done("POST", "/Users", NEW_USER)
    await scim.patched(
        f"/Users/{user['id']}", {"op": "Replace", "path": "active", "value": "False"}
    )
    scim.company.issuer.graph_accounts[KIM] = True
    await scim.world.registry.maintenance.task_runner.run("lock-disabled-accounts")
    assert (await scim.account()).is_locked


async def test_an_account_that_an_administrator_keeps_is_not_locked_again(
    scim: ScimWorld,
) -> None:
    user = await scim.done("POST", "/Users", NEW_USER)
    path = f"/Users/{user['id']}"
    off = {"op": "Replace", "path": "active", "value": "False"}
    await scim.patched(path, off)
    locks = scim.world.registry.administration.directory_locks
    await locks.decide(["kim"], DirectoryDecision.KEEP, reason="She stays.", by=OPERATOR)
    assert not (await scim.account()).is_locked
    await scim.patched(path, {"op": "Replace", "path": "displayName", "value": "K."})
    await scim.patched(path, off)
    assert not (await scim.account()).is_locked


async def test_a_user_that_is_deleted_is_locked_and_its_account_stays(scim: ScimWorld) -> None:
    user = await scim.done("POST", "/Users", NEW_USER)
    assert (await scim.send("DELETE", f"/Users/{user['id']}")).status_code == 204
    assert (await scim.send("GET", f"/Users/{user['id']}")).status_code == 404
    account = await scim.account()
    assert account.is_locked
    # Entra ID restores a user within 30 days, with the same object id.
    again = await scim.done("POST", "/Users", NEW_USER)
    assert again["id"] != user["id"]
    assert (await scim.account()).id == account.id
    assert not (await scim.account()).is_locked


async def test_changed_attributes_are_stored(scim: ScimWorld) -> None:
    user = await scim.done("POST", "/Users", NEW_USER)
    changed = await scim.patched(
        f"/Users/{user['id']}",
        {"op": "Replace", "path": 'emails[type eq "work"].value', "value": "k.lee@example.org"},
        {"op": "Replace", "path": "displayName", "value": [{"$ref": None, "value": "K. Lee"}]},
        {"op": "Add", "path": "name.familyName", "value": "Lee-Park"},
        {"op": "Add", "path": f"{ENTERPRISE}:department", "value": "Sales"},
        {"op": "Replace", "path": "title", "value": "Director"},
    )
    assert changed["emails"][0]["value"] == "k.lee@example.org"
    assert changed["displayName"] == "K. Lee"
    assert changed["name"]["familyName"] == "Lee-Park"
    assert (await scim.account()).email == "k.lee@example.org"
    assert await scim.done("GET", f"/Users/{user['id']}") == changed


# --- Accounts that exist -------------------------------------------------------------------------


async def test_a_name_or_an_address_links_no_account(scim: ScimWorld) -> None:
    before = await scim.accounts()
    await scim.user("ann", OTHER, emails=[{"value": "ann@example.org", "primary": True}])
    after = await scim.accounts()
    assert after["ann"].id == before["ann"].id
    assert [name for name in after if name.startswith("ann-")]


async def test_an_account_that_exists_is_taken_over_with_the_yes_of_an_administrator(
    scim: ScimWorld,
) -> None:
    scim.company.issuer.person.claims["oid"] = KIM
    await scim.company.signed_in("entra")
    account = await scim.account()
    user = await scim.user(active=False)
    assert not (await scim.account()).is_locked
    takeovers = scim.world.registry.scim.takeovers
    waiting = await takeovers.listed(by=OPERATOR)
    assert [each.account.id for each in waiting] == [account.id]
    assert await takeovers.allow(["kim"], by=OPERATOR) == []
    assert (await scim.account()).is_locked
    assert "scim.takeover" in await scim.company.events(account.id)
    await scim.patched(f"/Users/{user['id']}", {"op": "Replace", "path": "active", "value": "True"})
    assert not (await scim.account()).is_locked


async def test_the_last_administrator_is_not_deactivated(scim: ScimWorld) -> None:
    user = await scim.done("POST", "/Users", NEW_USER)
    path = f"/Users/{user['id']}"
    administrators = scim.world.registry.administration.administrators
    await administrators.appoint(await scim.account(), by=OPERATOR)
    await administrators.dismiss((await scim.accounts())["admin"], "She left.", by=OPERATOR)
    for answer in (
        await scim.patch(path, {"op": "Replace", "path": "active", "value": "False"}),
        await scim.send("DELETE", path),
        await scim.patch(path, {"op": "Replace", "path": "externalId", "value": OTHER}),
    ):
        assert answer.status_code == 409
        assert "is the only administrator who can sign in" in answer.json()["detail"]
    assert not (await scim.account()).is_locked
    assert (await scim.done("GET", path))["active"] is True


@pytest.mark.parametrize("moment", Moment)
async def test_a_repeat_completes_a_lock_and_an_unlock_whichever_call_fails(
    worlds: OpenWorld, moment: Moment
) -> None:
    fault = Fault(None, Busy(), moment, nth=0)
    scim = await open_scim(worlds, fault.at("directory"))
    path = f"/Users/{(await scim.user())['id']}"
    lockable = Lockable(scim.world, (await scim.account()).id)

    async def activate(*, active: bool) -> None:
        answer = await scim.patch(path, {"op": "Replace", "path": "active", "value": active})
        if answer.status_code == 503:
            raise Busy
        assert answer.status_code == 200

    async def is_locked() -> bool:
        return (await scim.account()).is_locked

    await lockable.check_repeats(
        fault, partial(activate, active=False), partial(activate, active=True), is_locked
    )


# --- Groups --------------------------------------------------------------------------------------


async def ruled(scim: ScimWorld, *rules: str) -> None:
    await scim.world.registry.administration.group_rules.replace(
        GroupRules.parse(rules), by=OPERATOR
    )


async def group(scim: ScimWorld, *members: str, **fields: Any) -> Any:
    body = {"schemas": [GROUP], "externalId": DEVELOPERS, "displayName": "Developers", **fields}
    return await scim.done(
        "POST", "/Groups", {**body, "members": [{"value": each} for each in members]}
    )


async def roles(scim: ScimWorld, name: str = "kim") -> dict[str, str]:
    account = await scim.account(name)
    found = await scim.world.registry.organizations.memberships.of_account(account.id)
    return {each.org: each.role.value for each in found}


async def test_members_that_are_added_and_removed_get_and_lose_the_role_at_once(
    scim: ScimWorld,
) -> None:
    await ruled(scim, f"entra:{DEVELOPERS} -> acme, maintainer")
    kim = await scim.user()
    lee = await scim.user("lee", OTHER)
    made = await group(scim)
    path = f"/Groups/{made['id']}"
    both = [{"$ref": None, "value": each["id"]} for each in (kim, lee)]
    answer = await scim.patch(path, {"op": "Add", "path": "members", "value": both})
    assert (answer.status_code, answer.content) == (204, b"")
    assert (await roles(scim), await roles(scim, "lee")) == ({"acme": "maintainer"},) * 2
    await scim.patched(path, {"op": "Remove", "path": "members", "value": both[:1]})
    await scim.patched(path, {"op": "Remove", "path": f'members[value eq "{lee["id"]}"]'})
    assert (await roles(scim), await roles(scim, "lee")) == ({}, {})
    await scim.patched(path, {"op": "Replace", "path": "members", "value": both[1:]})
    assert (await roles(scim), await roles(scim, "lee")) == ({}, {"acme": "maintainer"})


async def test_a_member_who_was_removed_loses_the_role_whichever_read_fails(
    worlds: OpenWorld,
) -> None:
    fault = Fault("get", Busy(), nth=0)
    scim = await open_scim(worlds, fault.at("directory"))
    await ruled(scim, f"entra:{DEVELOPERS} -> acme, maintainer")
    kim = await scim.user()
    made = await group(scim)
    path = f"/Groups/{made['id']}"
    members = [{"value": kim["id"]}]
    add, remove = ({"op": each, "path": "members", "value": members} for each in ("Add", "Remove"))
    await scim.patched(path, add)
    reads = await count_calls(fault, partial(scim.patched, path, remove))
    for nth in range(1, reads + 1):
        await scim.patched(path, add)
        assert await roles(scim) == {"acme": "maintainer"}
        await with_fault(fault, nth, partial(scim.patch, path, remove))
        # The directory repeats what failed, and the task goes on with what was stored.
        await scim.patched(path, remove)
        await scim.world.registry.maintenance.task_runner.run("apply-group-rules")
        assert await roles(scim) == {}, nth


@dataclass
class SlowLeases:
    """The work store. One lease fails, and all later ones come only after `delay` turns of the
    loop; nothing of it while `is_quick`."""

    work: WorkStore
    is_quick: bool = True
    waiting: int = 0
    has_failed: bool = False
    delay: int = 100

    async def lease(self, name: str, *values: Any) -> bool:
        """Take a lease."""
        if self.is_quick or not name.startswith("scim-user:"):
            return await self.work.lease(name, *values)
        if not self.has_failed:
            self.has_failed = True
            raise Busy
        self.waiting += 1
        for _ in range(self.delay):
            await asyncio.sleep(0)
        self.waiting -= 1
        return await self.work.lease(name, *values)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.work, name)


async def test_an_addition_that_failed_gives_nobody_a_role_after_its_answer(
    worlds: OpenWorld,
) -> None:
    leases = list[SlowLeases]()

    def wrap(stores: Adapters) -> Adapters:
        leases.append(SlowLeases(stores.work))
        work: object = leases[0]
        return replace(stores, work=work)

    scim = await open_scim(worlds, wrap)
    [work] = leases
    await ruled(scim, f"entra:{DEVELOPERS} -> acme, maintainer")
    members = [{"value": each["id"]} for each in (await scim.user("lee", OTHER), await scim.user())]
    path = f"/Groups/{(await group(scim))['id']}"
    work.is_quick = False
    add = {"op": "Add", "path": "members", "value": members}
    assert (await scim.patch(path, add)).status_code == 503
    assert work.has_failed
    # Else it would give the role, even if the directory ends it meanwhile.
    assert work.waiting == 0


async def test_a_search_during_an_outage_finds_nobody_missing(worlds: OpenWorld) -> None:
    fault = Fault("get", Busy(), nth=0)
    scim = await open_scim(worlds, fault.at("directory"))
    await scim.user()
    search = f'/Users?filter=externalId eq "{KIM}"'
    reads = await count_calls(fault, partial(scim.done, "GET", search))
    assert reads
    for fault.nth in range(1, reads + 1):
        fault.calls = 0
        assert (await scim.send("GET", search)).status_code == 503, fault.nth


async def test_a_role_of_a_directory_has_no_end(scim: ScimWorld) -> None:
    await ruled(scim, f"entra:{DEVELOPERS} -> acme, maintainer")
    await group(scim, (await scim.user())["id"])
    scim.company.wait(days=300)
    await scim.world.registry.maintenance.task_runner.run("apply-group-rules")
    assert await roles(scim) == {"acme": "maintainer"}


async def test_a_role_of_the_last_sign_in_ends_when_the_directory_says_so(
    worlds: OpenWorld,
) -> None:
    scim = await open_scim(worlds, entra_groups=True)
    await ruled(scim, f"entra:{DEVELOPERS} -> acme, maintainer")
    kim = await scim.user()
    made = await group(scim, kim["id"])
    scim.company.issuer.person.claims |= {"oid": KIM, "groups": [DEVELOPERS]}
    scim.company.issuer.graph_groups = [DEVELOPERS]
    await scim.company.signed_in("entra")
    await scim.patched(f"/Groups/{made['id']}", {"op": "Remove", "path": "members"})
    assert await roles(scim) == {}


async def test_a_directory_makes_no_administrator(scim: ScimWorld) -> None:
    await ruled(scim, f"entra:{DEVELOPERS} -> administrator", f"entra:{DEVELOPERS} -> staff")
    await scim.user(roles=[{"value": "administrator"}])
    kim = (await scim.done("GET", "/Users"))["Resources"][0]
    await group(scim, kim["id"])
    account = await scim.account()
    assert not account.administrator
    assert account.by_groups is not None
    assert account.by_groups.staff


async def test_a_group_that_is_deleted_or_has_another_object_id_gives_nothing(
    scim: ScimWorld,
) -> None:
    await ruled(scim, f"entra:{DEVELOPERS} -> acme, maintainer")
    kim = await scim.user()
    made = await group(scim, kim["id"])
    path = f"/Groups/{made['id']}"
    await scim.patched(path, {"op": "Replace", "path": "externalId", "value": OTHER})
    assert await roles(scim) == {}
    await scim.patched(path, {"op": "Replace", "path": "externalId", "value": DEVELOPERS})
    assert await roles(scim) == {"acme": "maintainer"}
    await scim.done("DELETE", path)
    assert await roles(scim) == {}


async def test_groups_are_found_as_entra_id_asks(scim: ScimWorld) -> None:
    kim = await scim.user()
    made = await group(scim, kim["id"])
    for wanted in (
        'displayName eq "Developers"',
        f'externalId eq "{DEVELOPERS}"',
        f'id eq "{made["id"]}" and members eq "{kim["id"]}"',
    ):
        found = await scim.done("GET", f"/Groups?excludedAttributes=members&filter={wanted}")
        assert [each["id"] for each in found["Resources"]] == [made["id"]]
        assert "members" not in found["Resources"][0]
    other = f'id eq "{made["id"]}" and members eq "{"0" * 10}"'
    assert (await scim.done("GET", f"/Groups?filter={other}"))["totalResults"] == 0


async def test_a_group_of_5000_members_is_one_request_and_few_writes(scim: ScimWorld) -> None:
    await ruled(scim, f"entra:{DEVELOPERS} -> acme, maintainer")
    directory = scim.world.stores.directory
    ids = [f"{number:010}" for number in range(4_999)]
    for begin in range(0, len(ids), 50):
        entities = [
            ScimUser(
                id=each,
                directory="entra",
                person=ScimPerson(user_name=each),
                created_ms=0,
                modified_ms=0,
            )
            for each in ids[begin : begin + 50]
        ]
        await directory.add(*entities)
    kim = await scim.user()
    made = await group(scim)
    path = f"/Groups/{made['id']}"
    members = [{"$ref": None, "value": each} for each in (kim["id"], *ids)]
    await scim.patched(path, {"op": "Add", "path": "members", "value": members})
    assert await roles(scim) == {"acme": "maintainer"}
    read = await scim.done("GET", path)
    assert len(read["members"]) == 5_000
    each_alone = [{"op": "Add", "path": "members", "value": [each]} for each in members]
    assert len(json.dumps(each_alone)) > MAX_BODY_BYTES * 3
    await scim.patched(path, *each_alone)
    assert len((await scim.done("GET", path))["members"]) == 5_000
    answer = await scim.send("PATCH", path, {"schemas": [], "Operations": ["x" * MAX_GROUP_BYTES]})
    assert (answer.status_code, f"{MAX_GROUP_BYTES:,}" in answer.text) == (413, True)
    await scim.patched(path, {"op": "Remove", "path": f'members[value eq "{kim["id"]}"]'})
    assert await roles(scim) == {}


async def test_a_host_takes_larger_bodies_at_the_paths_of_groups_alone(scim: ScimWorld) -> None:
    identify = sender_identifier(scim.world.registry)
    for path in ("/scim/v2/Groups", "/scim/v2/Groups/1"):
        assert (await identify({}, path)).most_bytes == MAX_GROUP_BYTES
    for path in ("/scim/v2/Users", "/scim/v2/GroupsOfOthers", "/x/scim/v2/Groups"):
        assert (await identify({}, path)).most_bytes == 0


async def test_requests_of_two_directories_at_once(worlds: OpenWorld) -> None:
    scim = await open_scim(worlds)
    other = ScimWorld(scim.company, await issue(scim.company, "oidc"))
    await asyncio.gather(
        *(
            each.user(f"{name}{number}", f"{number:08}-0000-4000-8000-{tag:012}")
            for number in range(4)
            for tag, (name, each) in enumerate([("e", scim), ("o", other)])
        )
    )
    assert (await scim.done("GET", "/Users"))["totalResults"] == 4
    assert (await other.done("GET", "/Users"))["totalResults"] == 4
    found = (await other.done("GET", "/Users"))["Resources"][0]
    assert (await scim.send("GET", f"/Users/{found['id']}")).status_code == 404


async def test_an_account_of_two_directories_is_locked_while_one_says_so(
    worlds: OpenWorld,
) -> None:
    """Kim links both identities to one account; the second directory takes it over with a yes."""
    scim = await open_scim(worlds)
    first = await scim.user()
    account = await scim.account()
    await scim.world.stores.directory.add(
        Identity(
            issuer=f"{HOST}/{TENANT}/v2.0",
            identifier="00u1kim",
            account=account.id,
            label="kim",
            provider="oidc",
            linked_ms=0,
        )
    )
    other = ScimWorld(scim.company, await issue(scim.company, "oidc"))
    second = await other.user(external_id="00u1kim")
    await scim.world.registry.scim.takeovers.allow(["*"], by=OPERATOR)
    off, on = ({"op": "replace", "path": "active", "value": each} for each in (False, True))
    await scim.patched(f"/Users/{first['id']}", off)
    await other.patched(f"/Users/{second['id']}", off)
    await scim.patched(f"/Users/{first['id']}", on)
    assert (await scim.account()).is_locked
    await other.patched(f"/Users/{second['id']}", on)
    assert not (await scim.account()).is_locked


async def test_requests_about_one_user_at_once_leave_what_the_last_one_says(
    scim: ScimWorld,
) -> None:
    user = await scim.user()
    path = f"/Users/{user['id']}"
    values = [False, True] * 4
    await asyncio.gather(
        *(scim.patch(path, {"op": "replace", "path": "active", "value": each}) for each in values)
    )
    stored = await scim.done("GET", path)
    assert (await scim.account()).is_locked is (stored["active"] is False)


@pytest.mark.parametrize(
    ("path", "wanted", "count"),
    [
        ("/Users", 'userName eq "lee@example.org" and userName eq "kim@example.org"', 0),
        ("/Users", 'members eq "{kim}"', 0),
        ("/Groups", 'members eq "{kim}"', 2),
        ("/Groups", 'displayName sw "No" or displayName co "members"', 1),
        ("/Groups", 'members eq "{lee}" and members.value eq "{kim}"', 1),
        ("/Groups", 'members eq "{kim}" and displayName eq "Both"', 1),
        ("/Groups", 'members eq "{kim}" and displayName eq "Both" and displayName eq "x"', 0),
        ("/Groups", 'members eq "{kim}" and displayName eq "Both" and displayName eq "both"', 1),
    ],
)
async def test_each_comparison_of_a_filter_has_to_hold(
    scim: ScimWorld, path: str, wanted: str, count: int
) -> None:
    kim = (await scim.user())["id"]
    lee = (await scim.user("lee", OTHER))["id"]
    await group(scim, kim, displayName="Kim")
    await group(scim, kim, lee, displayName="Both", externalId=KIM)
    await group(scim, displayName="Nobody", externalId=OTHER)
    text = wanted.format(kim=kim, lee=lee)
    assert (await scim.done("GET", f"{path}?filter={text}"))["totalResults"] == count
    if path == "/Groups":
        found = await scim.done("POST", "/.search", {"filter": text})
        assert found["totalResults"] == count
