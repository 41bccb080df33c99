"""Connectors, triggers and symbols, as the language server and editors read them.

Lists respond with 200 whatever the parameters are, since an error status crashes their clients.
"""

from collections.abc import Mapping
from functools import partial

import orjson
from msgspec.structs import replace

from functions.central.central_face import OPEN_HEADERS, CentralFace, page_model, page_of
from functions.central.package_model import package_model
from functions.central.search import query_of, symbol_model, symbol_query_of
from functions.http.calls import Call
from functions.http.json_answers import JSON, json_answer
from shared.domain.distributions import ANY_PLATFORM, ClientProfile, is_platform
from shared.domain.search import parse_terms
from shared.registry import Registry
from shared.runtime.answers import Answer
from shared.services.api_docs.editor_items import (
    EditorItem,
    ItemDetails,
    ItemFilter,
    ItemKind,
    ItemName,
)

central = CentralFace()
FACES = (central,)

_ITEM = "/{org}/{package}/{version}/{module}/{name}"


async def _list(kind: ItemKind, call: Call) -> Answer:
    page = page_of(call.params)
    found = await call.registry.api_docs.editor_items.list(
        kind, item_filter_of(call.params, _client_of(call)), page, by=call.caller
    )
    items = [_row(call.registry, each) for each in found.items]
    model = page_model(kind.value, items, count=found.count, page=page)
    return json_answer(model, headers=OPEN_HEADERS)


async def _one_by_id(kind: ItemKind, call: Call) -> Answer:
    found = await call.registry.api_docs.editor_items.by_id(
        kind, call.route_params["id"], call.package_source, by=call.caller
    )
    return _details_answer(call.registry, found)


async def _one_by_name(kind: ItemKind, call: Call) -> Answer:
    params = call.route_params
    name = ItemName(
        org=params["org"],
        package=params["package"],
        version=params["version"],
        module=params["module"],
        name=params["name"],
    )
    found = await call.registry.api_docs.editor_items.by_name(
        kind, name, call.package_source, by=call.caller
    )
    return _details_answer(call.registry, found)


for _kind in ItemKind:
    _path = f"2.0/registry/{_kind.value}"
    _name = f"central_{_kind.value}"
    central.read(_path, name=_name)(partial(_list, _kind))
    central.read(f"{_path}/{{id}}", name=f"{_name}_by_id")(partial(_one_by_id, _kind))
    central.read(_path + _ITEM, name=f"{_name}_by_name")(partial(_one_by_name, _kind))


def _details_answer(registry: Registry, details: ItemDetails) -> Answer:
    """Return an item; its parts are JSON already."""
    row = orjson.dumps(_row(registry, details.item)).decode()
    content = f"{row[:-1]},{details.parts[1:]}"
    return Answer(content.encode(), headers=dict(OPEN_HEADERS), media_type=JSON)


def item_filter_of(params: Mapping[str, str], client: ClientProfile) -> ItemFilter:
    """Parse the parameters of a list; each one is a condition."""
    words = " ".join(params.get(each, "") for each in ("q", "description"))
    keyword = params.get("keyword", "").replace('"', "")
    terms = parse_terms(f'{words} keyword:"{keyword}"' if keyword else words)
    query = replace(query_of(params, client), terms=terms)
    platform = params.get("platform", "").lower()  # Visual Studio Code sends the flag `1`.
    return ItemFilter(query, platform=platform if is_platform(platform) else "")


_ANY_ALONE = frozenset({ANY_PLATFORM})


def _client_of(call: Call) -> ClientProfile:
    # The language server sends `any` itself, and expects what is built for Java as well.
    client = call.client
    return client.on_any_platform() if client.platforms == _ANY_ALONE else client


@central.read("2.0/registry/search-symbols")
async def central_search_symbols(call: Call) -> Answer:
    page = page_of(call.params)
    found = await call.registry.packages.search.symbols(
        symbol_query_of(call.params), page, by=call.caller
    )
    items = [symbol_model(hit) for hit in found.hits]
    model = page_model("symbols", items, count=found.count, page=page)
    return json_answer(model, headers=OPEN_HEADERS)


def _row(registry: Registry, item: EditorItem) -> dict[str, object]:
    """Return the item without its functions; older editors read the names beside `package`."""
    release = item.listing.release
    summary = item.summary
    display = {
        key: value for key, value in (("label", summary.label), ("iconPath", summary.icon)) if value
    }
    return {
        "id": summary.id,
        "name": summary.name,
        "displayName": summary.label or summary.module,
        "documentation": summary.documentation,
        "moduleName": summary.module,
        "orgName": release.org,
        "packageName": release.name,
        "version": release.version,
        "platform": release.platform,
        "ballerinaVersion": release.ballerina_version,
        "icon": release.icon,
        **({"displayAnnotation": display} if display else {}),
        "package": package_model(registry, item.listing),
    }
