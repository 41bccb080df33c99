"""The documentation of a module as the JSON document that Central has, and back.

Keys have Central's order: those of the kind of declaration, those that all kinds share, then ours.
Keys without a value are left out; lists, numbers and booleans never are.
"""

from collections.abc import Iterable, Iterator
from functools import cache
from inspect import get_annotations
from itertools import chain
from json.encoder import encode_basestring
from typing import Any, NamedTuple, cast

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
_JSON = TypeAdapter(JsonObject, config=ConfigDict(defer_build=True))

# An inclusion of fields has no name and no type.
_INCLUSION_FIELDS = frozenset(("inclusion_type", "is_deprecated", "is_read_only"))


class _DocsData(BaseModel):
    model_config = ConfigDict(alias_generator=to_camel, defer_build=True)

    modules: tuple[ModuleDocs, ...]


class _Document(BaseModel):
    model_config = ConfigDict(alias_generator=to_camel, defer_build=True)

    docs_data: _DocsData


def write_document(module: ModuleDocs) -> bytes:
    head = f'{{"apiDocsVersion":"{API_DOCS_VERSION}","docsData":{{"releaseVersion":"","langLibs":[]'
    search = _JSON.dump_json(_search_data(module)).decode()
    return f'{head},"modules":[{_json(module)}]}},"searchData":{search}}}'.encode()


def read_document(content: bytes) -> ModuleDocs:
    """Return the module of a document, ours or Central's."""
    return _Document.model_validate_json(content).docs_data.modules[0]


def facts_text(module: ModuleDocs) -> str:
    """Return the facts of a module that are no lists as JSON, by the keys in its document."""
    facts = {
        to_camel(key.name): value
        for key in _keys(ModuleDocs)
        if not isinstance(value := getattr(module, key.name), tuple)
    }
    return _JSON.dump_json(facts).decode()


def list_texts(module: ModuleDocs) -> Iterator[tuple[str, str]]:
    """Yield the lists of a module as JSON, by their keys in its document."""
    for key in _keys(ModuleDocs):
        value = getattr(module, key.name)
        if isinstance(value, tuple):
            yield to_camel(key.name), _json(cast("tuple[object, ...]", value))


def item_texts(items: Iterable[Documented]) -> Iterator[tuple[str, str]]:
    """Yield the items of a list as JSON, by their names."""
    for each in items:
        yield each.name, _json(each)


def _json(value: object) -> str:
    """Return a part of a documentation as JSON, as text at once: a tree of 60,000 objects would
    cost the garbage collector more time than all else."""
    if isinstance(value, str):
        return encode_basestring(value)
    if isinstance(value, tuple):
        items = cast("tuple[object, ...]", value)
        return f"[{','.join(map(_json, items))}]"
    if not isinstance(value, DocsModel):
        return str(value).lower()  # A number, or a boolean.
    keys = _keys(type(value))
    if isinstance(value, VariableDocs) and value.is_inclusion:
        keys = tuple(each for each in keys if each.name in _INCLUSION_FIELDS)
    found: list[str] = []
    for name, start, is_extra in keys:
        inner = getattr(value, name)
        if inner or not (is_extra or inner is None):
            found.append(start + _json(inner))
    return f"{{{','.join(found)}}}"


class _Key(NamedTuple):
    """A key of an object, and the field that it is of."""

    name: str
    start: str  # What precedes the value.
    is_extra: bool  # Whether documents of Central do not have the field.


@cache
def _keys(kind: type[DocsModel]) -> tuple[_Key, ...]:
    """Return the keys of a class in their order."""
    bases = [each for each in kind.__mro__ if issubclass(each, DocsModel)]
    extra = {name for name, each in kind.model_fields.items() if each.json_schema_extra}
    names = list(kind.model_fields)
    if issubclass(kind, DeclarationDocs):
        names = [name for base in bases for name in get_annotations(base)]
        names = [name for name in dict.fromkeys(names) if name in kind.model_fields]
    names.sort(key=lambda name: name in extra)
    return tuple(_Key(name, f'"{to_camel(name)}":', name in extra) for name in names)


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
