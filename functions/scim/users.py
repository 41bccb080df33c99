"""/scim/v2/Users: the people whom a directory provisions."""

from collections.abc import Sequence
from http import HTTPStatus
from types import ModuleType
from typing import Any

from functions.http.json_answers import empty_answer
from functions.scim.lists import Page, list_json
from functions.scim.scim_face import (
    FILTERS,
    LIMIT,
    PATCHES,
    RESOURCES,
    ScimCall,
    ScimFace,
    imported,
    scim_answer,
    unchanged_resource,
)
from shared.domain.scim import ScimUser
from shared.runtime.answers import Answer
from shared.services.scim.records import version_of

USER_ROUTE = "scim/v2/Users/{id}"
_INDEXED = {"id": "id", "username": "userName", "externalid": "externalId"}

users = ScimFace()
FACES = (users,)


@users.read("scim/v2/Users", limit=LIMIT)
async def scim_users_list(call: ScimCall) -> Answer:
    resources, filters = await imported(RESOURCES, FILTERS)
    wanted = filters.list_filter_of(call.params.get("filter", ""), resources.User)
    page = Page.of(call.params)
    found = filters.matching(wanted, await _candidates(call, wanted.equal))
    selection = resources.selection_of(call.params)
    chosen = shown_users(call, resources, page.select(found), selection)
    return scim_answer(list_json(chosen, len(found), page.start))


def shown_users(
    call: ScimCall, resources: ModuleType, found: Sequence[ScimUser], selection: object
) -> list[dict[str, Any]]:
    base_url = call.registry.settings.base_url
    return [resources.user_json(each, base_url, selection) for each in found]


@users.change("scim/v2/Users", limit=LIMIT)
async def scim_users_create(call: ScimCall) -> Answer:
    [resources] = await imported(RESOURCES)
    person = resources.person_of(call.body(), is_new=True)
    user = await call.registry.scim.users.create(person, of=call.directory)
    return _answer(resources, call, user, status=HTTPStatus.CREATED)


@users.read(USER_ROUTE, limit=LIMIT)
async def scim_users_show(call: ScimCall) -> Answer:
    [resources] = await imported(RESOURCES)
    user = await call.registry.scim.records.user(call.directory.provider, call.route_params["id"])
    return _answer(resources, call, user)


@users.change(USER_ROUTE, ["PUT"], limit=LIMIT)
async def scim_users_replace(call: ScimCall) -> Answer:
    [resources] = await imported(RESOURCES)
    person = resources.person_of(call.body(), is_new=False)
    user = await call.registry.scim.users.change(
        call.route_params["id"],
        lambda _: person,
        version=call.header("if-match"),
        of=call.directory,
    )
    return _answer(resources, call, user)


@users.change(USER_ROUTE, ["PATCH"], limit=LIMIT)
async def scim_users_patch(call: ScimCall) -> Answer:
    resources, patches = await imported(RESOURCES, PATCHES)
    body = call.body()
    user = await call.registry.scim.users.change(
        call.route_params["id"],
        lambda stored: patches.patched_person(stored, body),
        version=call.header("if-match"),
        of=call.directory,
    )
    return _answer(resources, call, user)


@users.change(USER_ROUTE, ["DELETE"], limit=LIMIT)
async def scim_users_remove(call: ScimCall) -> Answer:
    await call.registry.scim.users.remove(
        call.route_params["id"], version=call.header("if-match"), of=call.directory
    )
    return empty_answer(204)


async def _candidates(call: ScimCall, equal: dict[str, str]) -> Sequence[ScimUser]:
    """Return the users that may match: one, if the filter names what no other user has."""
    field = next((each for each in _INDEXED if each in equal), None)
    of = call.directory
    if field is None:
        return await call.registry.scim.records.users(of.provider)
    return await call.registry.scim.users.find(_INDEXED[field], equal[field], of=of)


def _answer(resources: ModuleType, call: ScimCall, user: ScimUser, status: int = 200) -> Answer:
    version = version_of(user.revision)
    if unchanged := unchanged_resource(call, version):
        return unchanged
    [shown] = shown_users(call, resources, [user], resources.selection_of(call.params))
    location = f"{call.registry.settings.base_url}/scim/v2/Users/{user.id}"
    return scim_answer(
        shown, status, version=version, location=location if status == HTTPStatus.CREATED else ""
    )
