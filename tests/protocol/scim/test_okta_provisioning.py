"""What Okta sends when it provisions (users by PUT, groups by PATCH), bad input of any directory,
and concurrent requests."""

from typing import Any

import pytest

from shared.domain.group_rules import GroupRules
from shared.domain.identities import Identity, identity_place
from shared.domain.principals import OPERATOR
from tests.support.scim import GROUP, USER, ScimWorld, open_scim
from tests.support.sign_in import HOST, TENANT
from tests.support.world import OpenWorld

pytestmark = pytest.mark.measured

# https://developer.okta.com/docs/api/openapi/okta-scim/guides/scim-20/
NEW_USER: dict[str, Any] = {
    "schemas": [USER],
    "userName": "kim@example.org",
    "name": {"givenName": "Kim", "familyName": "Lee"},
    "emails": [{"primary": True, "value": "kim@example.org", "type": "work"}],
    "displayName": "Kim Lee",
    "locale": "en-US",
    "externalId": "00ujl29u0le5T6Aj10h7",
    "groups": [],
    "password": "1mz050nq",
    "active": True,
}


@pytest.fixture
async def scim(worlds: OpenWorld) -> ScimWorld:
    return await open_scim(worlds, provider="oidc")


async def roles(scim: ScimWorld) -> dict[str, str]:
    account = await scim.account()
    found = await scim.world.registry.organizations.memberships.of_account(account.id)
    return {each.org: each.role.value for each in found}


async def test_a_user_is_looked_for_created_and_replaced(scim: ScimWorld) -> None:
    path = '/Users?filter=userName eq "kim@example.org"&startIndex=1&count=100'
    assert (await scim.done("GET", path))["totalResults"] == 0
    user = await scim.done("POST", "/Users", NEW_USER)
    assert "password" not in user
    place = identity_place(f"{HOST}/{TENANT}/v2.0", "00ujl29u0le5T6Aj10h7")
    assert await scim.world.stores.directory.get(Identity, place) is not None
    changed = {**NEW_USER, "id": user["id"], "meta": user["meta"], "displayName": "K. Lee"}
    replaced = await scim.done("PUT", f"/Users/{user['id']}", changed)
    assert replaced["displayName"] == "K. Lee"
    off = await scim.done("PUT", f"/Users/{user['id']}", {**changed, "active": False})
    assert off["active"] is False
    assert (await scim.account()).is_locked


async def test_a_group_is_pushed_and_its_name_is_that_of_the_rules(scim: ScimWorld) -> None:
    rules = GroupRules.parse(["oidc:Developers -> acme, member"])
    await scim.world.registry.administration.group_rules.replace(rules, by=OPERATOR)
    user = await scim.done("POST", "/Users", NEW_USER)
    body = {"schemas": [GROUP], "displayName": "Developers", "members": []}
    group = await scim.done("POST", "/Groups", body)
    path = f"/Groups/{group['id']}"
    member = {"value": user["id"], "display": "kim@example.org"}
    await scim.patched(path, {"op": "add", "path": "members", "value": [member]})
    assert await roles(scim) == {"acme": "member"}
    # Okta renames with the id of the group in the value.
    named = {"id": group["id"], "displayName": "Engineers"}
    await scim.patched(path, {"op": "replace", "value": named})
    assert await roles(scim) == {}
    await scim.patched(path, {"op": "replace", "value": {**named, "displayName": "Developers"}})
    assert await roles(scim) == {"acme": "member"}
    await scim.patched(path, {"op": "remove", "path": f'members[value eq "{user["id"]}"]'})
    assert await roles(scim) == {}
    put = {**body, "members": [member]}
    assert len((await scim.done("PUT", path, put))["members"]) == 1
    assert await roles(scim) == {"acme": "member"}


async def test_a_removed_user_is_in_no_group(scim: ScimWorld) -> None:
    user = await scim.done("POST", "/Users", NEW_USER)
    body = {"schemas": [GROUP], "displayName": "A", "members": [{"value": user["id"]}]}
    group = await scim.done("POST", "/Groups", body)
    await scim.done("DELETE", f"/Users/{user['id']}")
    assert "members" not in await scim.done("GET", f"/Groups/{group['id']}")


# --- Bad input -----------------------------------------------------------------------------------

BAD: dict[str, tuple[str, str, object, int, str, str]] = {
    "no body": ("POST", "/Users", None, 400, "invalidSyntax", "must be a JSON object"),
    "a list": ("POST", "/Users", [], 400, "invalidSyntax", "must be a JSON object"),
    "no user name": ("POST", "/Users", {"schemas": [USER]}, 400, "invalidValue", "userName"),
    "blank user name": ("POST", "/Users", {"userName": " "}, 400, "invalidValue", "userName"),
    "long": ("POST", "/Users", {"userName": "x" * 300}, 400, "invalidValue", "more than 256"),
    "unprintable": ("POST", "/Users", {"userName": "a\nb"}, 400, "invalidValue", "printed"),
    "unknown user": ("GET", "/Users/0000000000", None, 404, "", "There is no user"),
    "strange id": ("GET", "/Users/%2e%2e%2fx", None, 404, "", "There is no"),
    "unknown group": ("PATCH", "/Groups/0000000000", {"Operations": [{}]}, 404, "", "no group"),
    "filter": ("GET", "/Users?filter=userName", None, 400, "invalidFilter", "syntax"),
    "other filter of members": (
        "GET",
        '/Groups?filter=members.value eq "1" or displayName eq "members"',
        None,
        400,
        "invalidFilter",
        "Members are compared with `eq` only",
    ),
    "count": ("GET", "/Users?count=many", None, 400, "invalidValue", "must be a number"),
    "missing page": ("GET", "/Devices", None, 404, "", "/scim/v2/Devices"),
    "method": ("DELETE", "/Users", None, 405, "", "DELETE"),
    "member": (
        "POST",
        "/Groups",
        {"displayName": "A", "members": [{"value": "0000000000"}]},
        400,
        "invalidValue",
        "no user of this directory",
    ),
    "members": ("POST", "/Groups", {"displayName": "A", "members": [7]}, 400, "invalidValue", "id"),
    "nameless group": (
        "POST",
        "/Groups",
        {"members": []},
        400,
        "invalidValue",
        "displayName",
    ),
}


@pytest.mark.parametrize("name", BAD)
async def test_bad_input_gets_an_error_of_scim_with_a_sentence(scim: ScimWorld, name: str) -> None:
    method, path, body, status, keyword, sentence = BAD[name]
    answer = await scim.send(method, path, body)
    assert answer.headers["content-type"] == "application/scim+json"
    problem = answer.json()
    assert (answer.status_code, problem.get("scimType", "")) == (status, keyword), problem
    assert problem["status"] == str(status)
    assert sentence in problem["detail"]


async def test_with_entra_id_an_external_id_is_an_object_id(worlds: OpenWorld) -> None:
    scim = await open_scim(worlds)
    body = {"schemas": [USER], "userName": "kim", "externalId": "kim"}
    answer = await scim.send("POST", "/Users", body)
    assert answer.status_code == 400
    assert "Map objectId to externalId" in answer.json()["detail"]


async def test_a_user_without_an_external_id_has_no_account(scim: ScimWorld) -> None:
    before = await scim.accounts()
    user = await scim.user(external_id=None)
    assert (await scim.accounts()).keys() == before.keys()
    operation = {"op": "add", "path": "externalId", "value": "00u1"}
    await scim.patched(f"/Users/{user['id']}", operation)
    assert (await scim.accounts()).keys() == before.keys() | {"kim"}


async def test_a_user_name_is_that_of_one_user(scim: ScimWorld) -> None:
    first = await scim.user()
    second = await scim.user("lee", "00u2")
    answer = await scim.send("POST", "/Users", {**NEW_USER, "userName": "KIM@example.org"})
    assert (answer.status_code, answer.json()["scimType"]) == (409, "uniqueness")
    operation = {"op": "replace", "path": "userName", "value": "kim@example.org"}
    assert (await scim.patch(f"/Users/{second['id']}", operation)).status_code == 409
    await scim.done("DELETE", f"/Users/{first['id']}")
    assert (await scim.patch(f"/Users/{second['id']}", operation)).status_code == 200


async def test_pages_of_a_list_have_every_user_once(scim: ScimWorld) -> None:
    made = {(await scim.user(f"kim{n}", f"00u{n}"))["id"] for n in range(5)}
    found: list[str] = []
    for start in (1, 3, 5):
        page = await scim.done("GET", f"/Users?startIndex={start}&count=2&attributes=userName")
        assert (page["totalResults"], page["startIndex"]) == (5, start)
        found += [each["id"] for each in page["Resources"]]
    assert (len(found), {*found}) == (5, made)


async def test_an_old_version_is_not_changed(scim: ScimWorld) -> None:
    user = await scim.user()
    path = f"/Users/{user['id']}"
    tag = user["meta"]["version"]
    same = await scim.send("GET", path, headers={"If-None-Match": tag})
    assert (same.status_code, same.content) == (304, b"")
    changed = {**NEW_USER, "externalId": user["externalId"], "displayName": "K."}
    assert (await scim.send("PUT", path, changed, headers={"If-Match": tag})).status_code == 200
    old = await scim.send("PUT", path, changed, headers={"If-Match": tag})
    assert old.status_code == 412
    assert "Read it again" in old.json()["detail"]


@pytest.mark.parametrize("method", ["GET", "HEAD"])
@pytest.mark.parametrize("known", ["{tag}", 'W/"0", {tag}', "{strong}", "*"])
@pytest.mark.parametrize("resource", ["Users", "Groups"])
async def test_a_version_that_the_directory_has_is_not_sent_again(
    scim: ScimWorld, method: str, known: str, resource: str
) -> None:
    user = await scim.user()
    made = await scim.done("POST", "/Groups", {"schemas": [GROUP], "displayName": "Developers"})
    path, tag = {
        "Users": (f"/Users/{user['id']}", user["meta"]["version"]),
        "Groups": (f"/Groups/{made['id']}", made["meta"]["version"]),
    }[resource]
    sent = known.format(tag=tag, strong=tag.removeprefix("W/"))
    same = await scim.send(method, path, headers={"If-None-Match": sent})
    assert (same.status_code, same.content, same.headers["etag"]) == (304, b"", tag)
    other = await scim.send(method, path, headers={"If-None-Match": 'W/"0"'})
    assert other.status_code == 200


async def test_requests_above_the_limit_are_refused(worlds: OpenWorld) -> None:
    scim = await open_scim(worlds, provider="oidc", limit_scim="token=2")
    statuses = [(await scim.send("GET", "/Users")).status_code for _ in range(3)]
    assert statuses == [200, 200, 429]


async def test_a_registry_that_is_read_only_changes_nothing(scim: ScimWorld) -> None:
    notices = scim.world.registry.limits.notices
    await notices.enter_read_only_mode("A restore.", by=OPERATOR)
    assert (await scim.send("POST", "/Users", NEW_USER)).status_code == 503
    assert (await scim.send("GET", "/Users")).status_code == 200
