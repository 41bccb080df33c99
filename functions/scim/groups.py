"""/scim/v2/Groups: the groups that a directory provisions. A change of a group answers without its
members, which may be thousands.
"""

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
from shared.domain.body_sizes import MAX_GROUP_BYTES
from shared.domain.scim import ScimGroup
from shared.runtime.answers import Answer
from shared.services.scim.groups import GroupWithMembers
from shared.services.scim.records import version_of

GROUP_ROUTE = "scim/v2/Groups/{id}"

groups = ScimFace()
FACES = (groups,)


@groups.read("scim/v2/Groups", limit=LIMIT)
async def scim_groups_list(call: ScimCall) -> Answer:
    resources, filters = await imported(RESOURCES, FILTERS)
    wanted = filters.list_filter_of(call.params.get("filter", ""), resources.Group)
    page = Page.of(call.params)
    selection = resources.selection_of(call.params)
    found = await found_groups(call, filters, wanted)
    chosen = await shown_groups(call, resources, page.select(found), selection)
    return scim_answer(list_json(chosen, len(found), page.start))


async def found_groups(call: ScimCall, filters: ModuleType, wanted: Any) -> Sequence[ScimGroup]:
    """Return the groups that a filter selects."""
    found = filters.matching_groups(wanted, await _candidates(call, wanted.equal))
    if not wanted.members:
        return found
    return [each for each in found if {*wanted.members} <= {*await _members(call, each)}]


async def shown_groups(
    call: ScimCall, resources: ModuleType, found: Sequence[ScimGroup], selection: Any
) -> list[dict[str, Any]]:
    base_url = call.registry.settings.base_url
    shown: list[dict[str, Any]] = []
    for each in found:
        members = await _members(call, each) if selection.has("members") else ()
        shown.append(resources.group_json(each, members, base_url, selection))
    return shown


async def _members(call: ScimCall, group: ScimGroup) -> tuple[str, ...]:
    return (await call.registry.scim.records.members(group)).members


@groups.change("scim/v2/Groups", limit=LIMIT, most_bytes=MAX_GROUP_BYTES)
async def scim_groups_create(call: ScimCall) -> Answer:
    [resources] = await imported(RESOURCES)
    values = resources.group_of(call.body(), is_new=True)
    group = await call.registry.scim.groups.create(values, of=call.directory)
    return _answer(resources, call, group, status=HTTPStatus.CREATED)


@groups.read(GROUP_ROUTE, limit=LIMIT)
async def scim_groups_show(call: ScimCall) -> Answer:
    [resources] = await imported(RESOURCES)
    group = await call.registry.scim.groups.read(call.route_params["id"], of=call.directory)
    return _answer(resources, call, group)


@groups.change(GROUP_ROUTE, ["PUT"], limit=LIMIT, most_bytes=MAX_GROUP_BYTES)
async def scim_groups_replace(call: ScimCall) -> Answer:
    [resources] = await imported(RESOURCES)
    values = resources.group_of(call.body(), is_new=False)
    group = await call.registry.scim.groups.change(
        call.route_params["id"],
        lambda _: values,
        version=call.header("if-match"),
        of=call.directory,
    )
    return _answer(resources, call, group)


@groups.change(GROUP_ROUTE, ["PATCH"], limit=LIMIT, most_bytes=MAX_GROUP_BYTES)
async def scim_groups_patch(call: ScimCall) -> Answer:
    """Answer with a 204, as Entra ID expects; with the group if the request names attributes."""
    resources, patches = await imported(RESOURCES, PATCHES)
    body = call.body()
    group = await call.registry.scim.groups.change(
        call.route_params["id"],
        lambda stored: patches.patched_group(stored, body),
        version=call.header("if-match"),
        of=call.directory,
    )
    if "attributes" in call.params:
        return _answer(resources, call, group)
    answer = empty_answer(204)
    answer.headers["ETag"] = version_of(group.group.revision)
    return answer


@groups.change(GROUP_ROUTE, ["DELETE"], limit=LIMIT)
async def scim_groups_remove(call: ScimCall) -> Answer:
    await call.registry.scim.groups.remove(
        call.route_params["id"], version=call.header("if-match"), of=call.directory
    )
    return empty_answer(204)


async def _candidates(call: ScimCall, equal: dict[str, str]) -> list[ScimGroup]:
    if "id" not in equal:
        return await call.registry.scim.records.groups(call.directory.provider)
    return await call.registry.scim.groups.find(equal["id"], of=call.directory)


def _answer(
    resources: ModuleType, call: ScimCall, found: GroupWithMembers, status: int = 200
) -> Answer:
    version = version_of(found.group.revision)
    if unchanged := unchanged_resource(call, version):
        return unchanged
    base_url = call.registry.settings.base_url
    selection = resources.selection_of(call.params)
    shown = resources.group_json(found.group, found.members, base_url, selection)
    location = f"{base_url}/scim/v2/Groups/{found.group.id}" if status == HTTPStatus.CREATED else ""
    return scim_answer(shown, status, version=version, location=location)
