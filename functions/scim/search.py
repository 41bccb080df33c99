"""POST /scim/v2/.search: users and groups at once."""

from collections.abc import Mapping, Sequence
from typing import Any

from functions.scim.groups import shown_groups
from functions.scim.scim_face import LIMIT, ScimCall, ScimFace, messages, scim_answer
from functions.scim.users import shown_users
from shared.runtime.answers import Answer

search = ScimFace()
FACES = (search,)


@search.read("scim/v2/.search", ["POST"], limit=LIMIT)
async def scim_search(call: ScimCall) -> Answer:
    scim = await messages()
    params = _params(call.body())
    page = scim.Page.of(params)
    records = call.registry.scim.records
    provider = call.directory.provider
    text = params.get("filter", "")
    users = scim.matching(scim.list_filter_of(text, scim.User), await records.users(provider))
    groups = scim.matching_groups(
        scim.list_filter_of(text, scim.Group), await records.groups(provider)
    )
    first = page.select(users)
    later = scim.Page(max(1, page.start - len(users)), page.count - len(first))
    selection = scim.selection_of(params)
    shown: Sequence[Mapping[str, Any]] = [
        *shown_users(call, scim, first, selection),
        *await shown_groups(call, scim, later.select(groups), selection),
    ]
    return scim_answer(scim.list_json(shown, len(users) + len(groups), page.start))


def _params(body: Mapping[str, object]) -> dict[str, str]:
    """Return the fields of a search as the query of a list has them."""
    found: dict[str, str] = {}
    for name, value in body.items():
        if isinstance(value, list):
            found[name] = ",".join(map(str, value))  # pyright: ignore[reportUnknownArgumentType, reportUnknownVariableType] - of JSON.
        elif value is not None:
            found[name] = str(value)
    return found
