"""POST …/resolve-dependencies and …/resolve-modules, which every build calls."""

from collections.abc import Mapping
from typing import cast

import orjson

from functions.central.central_face import OPEN_HEADERS, CentralFace
from functions.http.body_parsing import json_object
from functions.http.calls import Call
from functions.http.json_answers import json_answer
from shared.domain.build_resolution import (
    ModuleAnswer,
    ModuleRequest,
    PackageAnswer,
    PackageRequest,
    ResolvedPackage,
    ToolAnswer,
    ToolRequest,
)
from shared.domain.errors.requests import BodyUnreadable
from shared.runtime.answers import Answer

Item = Mapping[str, object]

central = CentralFace(shows_404=False)
FACES = (central,)


@central.read("2.0/registry/packages/resolve-dependencies", ["POST"])
async def central_resolve_packages(call: Call) -> Answer:
    requests = [_package_request(item) for item in _items(call, "packages")]
    answer = await call.package_source.resolve_packages(
        requests, client=call.client, by=call.caller
    )
    return json_answer(_packages_model(answer), headers=OPEN_HEADERS)


@central.read("2.0/registry/packages/resolve-modules", ["POST"])
async def central_resolve_modules(call: Call) -> Answer:
    requests = [_module_request(item) for item in _items(call, "modules")]
    answer = await call.package_source.resolve_modules(requests, client=call.client, by=call.caller)
    return json_answer(_modules_model(answer), headers=OPEN_HEADERS)


@central.read("2.0/registry/tools/resolve-dependencies", ["POST"])
async def central_resolve_tools(call: Call) -> Answer:
    requests = [_tool_request(item) for item in _items(call, "tools")]
    answer = await call.package_source.resolve_tools(requests, client=call.client, by=call.caller)
    return json_answer(_tools_model(answer), headers=OPEN_HEADERS)


def _items(call: Call, name: str) -> list[Item]:
    """Return the objects in the list `name` of the body; other elements are ignored."""
    return _objects(json_object(call).get(name), name)


def _objects(value: object, name: str) -> list[Item]:
    if value is None:
        return []
    if not isinstance(value, list):
        expected = f'a list under "{name}"'
        raise BodyUnreadable(expected)
    items = cast(list[object], value)
    return [cast(Item, item) for item in items if isinstance(item, dict)]


def _text(item: Item, *keys: str) -> str:
    """Return the first value that is a string; clients spell keys differently."""
    for key in keys:
        value = item.get(key)
        if isinstance(value, str):
            return value if value.isascii() else _replace_surrogates(value)
    return ""


def _replace_surrogates(text: str) -> str:
    """Replace unpaired surrogates, which JSON can escape but no answer can contain."""
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def _package_request(item: Item) -> PackageRequest:
    org = _text(item, "org", "orgName", "organization")
    return PackageRequest.of(org, _text(item, "name"), _text(item, "version"), _text(item, "mode"))


def _module_request(item: Item) -> ModuleRequest:
    possible = _objects(item.get("possiblePackages"), "possiblePackages")
    return ModuleRequest.of(
        _text(item, "organization", "org"),
        _text(item, "moduleName"),
        map(_package_request, possible),
        _text(item, "mode"),
    )


def _tool_request(item: Item) -> ToolRequest:
    return ToolRequest.of(_text(item, "id"), _text(item, "version"), _text(item, "mode"))


def _packages_model(answer: PackageAnswer) -> dict[str, object]:
    return {
        "resolved": [_resolved_model(each) for each in answer.resolved],
        "unresolved": [_unresolved_model(each) for each in answer.unresolved],
    }


def _resolved_model(each: ResolvedPackage) -> dict[str, object]:
    return {
        "org": each.request.org,
        "name": each.request.name,
        "version": each.version.text,
        "dependencyGraph": orjson.Fragment(each.graph),
        "isDeprecated": each.deprecation is not None,
        "deprecateMessage": each.deprecation or "",
    }


def _unresolved_model(each: PackageRequest) -> dict[str, object]:
    return {"org": each.org, "name": each.name, "version": each.version, "dependencyGraph": []}


def _modules_model(answer: ModuleAnswer) -> dict[str, object]:
    return {
        "resolvedModules": [
            _module_model(each.request, each.version.text, each.package, "")
            for each in answer.resolved
        ],
        "unresolvedModules": [
            _module_model(each.request, "", "", each.reason) for each in answer.unresolved
        ],
    }


def _module_model(
    request: ModuleRequest, version: str, package: str, reason: str
) -> dict[str, object]:
    return {
        "organization": request.organization,
        "moduleName": request.module,
        "version": version,
        "packageName": package,
        "reason": reason,
    }


def _tools_model(answer: ToolAnswer) -> dict[str, object]:
    return {
        "resolved": [
            {
                "id": each.request.id,
                "version": each.version.text,
                "name": each.package.name,
                "orgName": each.package.org,
            }
            for each in answer.resolved
        ],
        "unresolved": [{"id": each.id, "version": each.version} for each in answer.unresolved],
    }
