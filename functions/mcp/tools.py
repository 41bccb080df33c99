"""The tools that agents see, in their order, and how each is described to them."""

from collections.abc import Mapping
from functools import cache

import msgspec
from msgspec import Struct

from functions.mcp.api_docs_tools import get_library, get_symbol, list_api
from functions.mcp.dependency_tools import check, resolve
from functions.mcp.package_tools import get_package, get_readme
from functions.mcp.search_tools import search_packages, search_symbols
from functions.mcp.tool_declaration import Tool
from functions.mcp.version_tools import compare_versions

TOOLS: Mapping[str, Tool] = {
    each.name: each
    for each in (
        search_packages,
        search_symbols,
        get_package,
        get_readme,
        list_api,
        get_symbol,
        get_library,
        compare_versions,
        resolve,
        check,
    )
}


@cache
def tool_models() -> list[dict[str, object]]:
    return [
        {
            "name": name,
            "title": each.title,
            "description": each.description,
            "inputSchema": _schema(each.arguments),
            "outputSchema": _schema(each.answer),
            "annotations": {"readOnlyHint": True, "openWorldHint": False},
        }
        for name, each in TOOLS.items()
    ]


def _schema(model: type[Struct]) -> dict[str, object]:
    """Return the JSON schema of a model, which must be an object and no reference."""
    (schema,), others = msgspec.json.schema_components([model])
    own = others.pop(schema["$ref"].rpartition("/")[2])
    return {**own, "$defs": others} if others else own
