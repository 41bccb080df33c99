"""POST /scim/v2/.search: users and groups at once."""

from collections.abc import Mapping, Sequence
from typing import Any

from functions.scim.groups import found_groups, shown_groups
from functions.scim.lists import Page, list_json
from functions.scim.scim_face import (
    FILTERS,
    LIMIT,
    RESOURCES,
    ScimCall,
    ScimFace,
    imported,
    scim_answer,
)
from functions.scim.users import shown_users
from shared.runtime.answers import Answer

search = ScimFace()
FACES = (search,)


@search.read("scim/v2/.search", ["POST"], limit=LIMIT)
async def scim_search(call: ScimCall) -> Answer:
    resources, filters = await imported(RESOURCES, FILTERS)
    params = _params(call.body())
    page = Page.of(params)
    text = params.get("filter", "")
    every = await call.registry.scim.records.users(call.directory.provider)
    users = filters.matching(filters.list_filter_of(text, resources.User), every)
    groups = await found_groups(call, filters, filters.list_filter_of(text, resources.Group))
    first = page.select(users)
    later = Page(max(1, page.start - len(users)), page.count - len(first))
    selection = resources.selection_of(params)
    shown: Sequence[Mapping[str, Any]] = [
        *shown_users(call, resources, first, selection),
        *await shown_groups(call, resources, later.select(groups), selection),
    ]
    return scim_answer(list_json(shown, len(users) + len(groups), page.start))


def _params(body: Mapping[str, object]) -> dict[str, str]:
    """Return the fields of a search as the query of a list has them."""
    found: dict[str, str] = {}
    for name, value in body.items():
        if isinstance(value, list):
            found[name] = ",".join(map(str, value))  # pyright: ignore[reportUnknownArgumentType, reportUnknownVariableType] - of JSON.
        elif value is not None:
            found[name] = str(value)
    return found
