"""The documentation of a module as the JSON document that Central has, and back.

Keys have Central's order: those of the kind of declaration, those that all kinds share, then ours.
Keys without a value are left out; lists, numbers and booleans never are.
"""

from collections.abc import Iterable
from functools import cache
from inspect import get_annotations
from itertools import chain
from typing import Any, cast

from pydantic import BaseModel, ConfigDict, TypeAdapter
from pydantic.alias_generators import to_camel

from shared.domain.api_docs.model import (
    DeclarationDocs,
    DocsModel,
    Documented,
    ModuleDocs,
    VariableDocs,
    alias_lists,
)

API_DOCS_VERSION = "1.0.0"

JsonObject = dict[str, Any]
_JSON = TypeAdapter(JsonObject)

# An inclusion of fields has no name and no type.
_INCLUSION_FIELDS = frozenset(("inclusion_type", "is_deprecated", "is_read_only"))


class _DocsData(BaseModel):
    model_config = ConfigDict(alias_generator=to_camel)

    modules: tuple[ModuleDocs, ...]


class _Document(BaseModel):
    model_config = ConfigDict(alias_generator=to_camel)

    docs_data: _DocsData


def write_document(module: ModuleDocs) -> bytes:
    """Return the document of a module."""
    docs = {"releaseVersion": "", "langLibs": [], "modules": [_written(module)]}
    return _JSON.dump_json(
        {
            "apiDocsVersion": API_DOCS_VERSION,
            "docsData": docs,
            "searchData": _search_data(module),
        }
    )


def read_document(content: bytes) -> ModuleDocs:
    """Return the module of a document, ours or Central's."""
    return _Document.model_validate_json(content).docs_data.modules[0]


def _written(docs: DocsModel) -> JsonObject:
    keys = _keys(type(docs))
    if isinstance(docs, VariableDocs) and docs.type is None and docs.inclusion_type:
        keys = tuple(each for each in keys if each[0] in _INCLUSION_FIELDS)
    found: JsonObject = {}
    for name, key, is_extra in keys:
        value = getattr(docs, name)
        if value or not (is_extra or value is None):
            found[key] = _json(value)
    return found


def _json(value: object) -> object:
    if isinstance(value, DocsModel):
        return _written(value)
    if isinstance(value, tuple):
        return [_json(each) for each in cast("tuple[object, ...]", value)]
    return value


@cache
def _keys(kind: type[DocsModel]) -> tuple[tuple[str, str, bool], ...]:
    """Return the fields of a class in the order of their keys: name, key, and whether Central does
    not have it."""
    bases = [each for each in kind.__mro__ if issubclass(each, DocsModel)]
    extra = {name for base in bases for name in base.__dict__.get("EXTRA", ())}
    names = list(kind.model_fields)
    if issubclass(kind, DeclarationDocs):
        names = [name for base in bases for name in get_annotations(base)]
        names = [name for name in dict.fromkeys(names) if name in kind.model_fields]
    names.sort(key=lambda name: name in extra)
    return tuple((name, to_camel(name), name in extra) for name in names)


def _search_data(module: ModuleDocs) -> JsonObject:
    def entries(*lists: Iterable[Documented]) -> list[JsonObject]:
        return [_search_entry(each, module) for each in chain.from_iterable(lists)]

    this = {
        "id": module.id,
        "description": module.summary,
        "orgName": module.org_name,
        "version": module.version,
        "isDefaultModule": module.is_default_module,
    }
    return {
        "modules": [this],
        "classes": entries(module.classes),
        "functions": entries(module.functions),
        "records": entries(module.records),
        "constants": entries(module.constants),
        "errors": entries(module.errors),
        "types": entries(*alias_lists(module)),
        "clients": entries(module.clients),
        "listeners": entries(module.listeners),
        "annotations": entries(module.annotations),
        "objectTypes": entries(module.object_types, module.service_types),
        "enums": entries(module.enums),
    }


def _search_entry(docs: Documented, module: ModuleDocs) -> JsonObject:
    return {
        "id": docs.name,
        "description": docs.description,
        "moduleId": module.id,
        "moduleOrgName": module.org_name,
        "moduleVersion": module.version,
    }
