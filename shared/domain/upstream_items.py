"""Connectors and triggers of an upstream registry, read as what strangers send.

Every function raises `ValueError` for an answer that cannot be used. Of lists, entries that break
the rules of names and versions are left out. Numbers of connectors and triggers are made here, as
those of ours are: what an upstream says never stands for an item of another package, and a pull
changes no number.
"""

import json
from collections.abc import Sequence
from typing import Annotated, Any, cast

from pydantic import BaseModel, BeforeValidator, ConfigDict
from pydantic.alias_generators import to_camel

from shared.domain.api_docs.records import (
    MAX_LABEL,
    MAX_SUMMARY,
    ConnectorSummary,
    TriggerSummary,
    connector_id,
    trigger_id,
)
from shared.domain.archives.summaries import in_one_line
from shared.domain.errors.base import Refusal
from shared.domain.mirroring import DescribedItem, Summary, UpstreamItem, UpstreamItemsPage
from shared.domain.names import Package, parse_module_name, possible_packages
from shared.domain.outside_values import Item, Number, text
from shared.domain.search import SearchKind
from shared.domain.upstream_answers import MAX_PAGE, catalogued_package, read_object

MAX_NAME = 200  # Characters.

# The parts of one connector or trigger; others are not passed on.
_PARTS = {
    SearchKind.CONNECTORS: ("functions",),
    SearchKind.TRIGGERS: (
        "serviceTypes", "listenerParams", "listener", "listenerProtocol", "type",
    ),
}  # fmt: skip


def _cut(length: int) -> Any:
    return BeforeValidator(lambda value: in_one_line(text(value, length)))


_Name = Annotated[str, _cut(MAX_NAME)]
_Label = Annotated[str, _cut(MAX_LABEL)]
_Text = Annotated[str, BeforeValidator(lambda value: text(value, MAX_SUMMARY))]


def _object(value: object) -> dict[str, Any]:
    return cast("dict[str, Any]", value) if isinstance(value, dict) else {}


_Object = Annotated[dict[str, Any], BeforeValidator(_object)]


class _Row(BaseModel):
    model_config = ConfigDict(alias_generator=to_camel, extra="ignore", defer_build=True)

    id: Number = 0
    name: _Name = ""
    module_name: _Name = ""
    documentation: _Text = ""
    display_annotation: _Object = {}
    package: _Object = {}


class _Display(BaseModel):
    model_config = ConfigDict(alias_generator=to_camel, extra="ignore", defer_build=True)

    label: _Label = ""
    icon_path: _Label = ""


def read_items_page(body: bytes, kind: SearchKind, *, upstream: str) -> UpstreamItemsPage:
    """Return a page of the list of connectors or triggers."""
    answer = read_object(body)
    rows, total = _rows(answer, kind.value), answer.get("count")
    if not isinstance(total, int) or total < 0:
        message = f"the list of {kind.value} has no count"
        raise ValueError(message)
    found = (_item(each, kind, upstream) for each in rows)
    return UpstreamItemsPage(tuple(each for each in found if each), len(rows), total)


def read_item(body: bytes, kind: SearchKind, *, upstream: str, now_ms: int) -> DescribedItem:
    """Return a connector or trigger with its parts."""
    answer = read_object(body)
    row = _Row.model_validate(answer)
    package = catalogued_package(row.package, upstream, now_ms)
    summary = _summary(row, kind, package.package) if package else None
    if package is None or summary is None:
        message = f"it describes no one of the {kind.value}"
        raise ValueError(message)
    first, *_ = _PARTS[kind]
    parts: dict[str, object] = {first: []}
    parts |= {key: answer[key] for key in _PARTS[kind] if key in answer}
    return DescribedItem(summary, package, json.dumps(parts))


def _rows(answer: Item, name: str) -> Sequence[Item]:
    rows = answer.get(name)
    if not isinstance(rows, list) or len(cast("list[object]", rows)) > MAX_PAGE:
        message = f"the answer has no list of {name}, or a longer one than was asked for"
        raise ValueError(message)
    found = cast("list[object]", rows)
    return [cast(Item, each if isinstance(each, dict) else {}) for each in found]


def _item(item: Item, kind: SearchKind, upstream: str) -> UpstreamItem | None:
    row = _Row.model_validate(item)
    package = catalogued_package(row.package, upstream, 0)
    summary = _summary(row, kind, package.package) if package else None
    if package is None or summary is None:
        return None
    return UpstreamItem(package.package, package.release.version, summary, row.id)


def _summary(row: _Row, kind: SearchKind, package: Package) -> Summary | None:
    """Return the item as lists show it; None if its names break the rules."""
    module = _module(row.module_name, package)
    if module is None or not row.name:
        return None
    is_connector = kind is SearchKind.CONNECTORS
    summary = ConnectorSummary if is_connector else TriggerSummary
    number = (
        connector_id(package.org, module, row.name)
        if is_connector
        else trigger_id(package.org, module)
    )
    display = _Display.model_validate(row.display_annotation)
    return summary(
        id=number,
        module=module,
        name=row.name,
        label=display.label,
        icon=display.icon_path,
        documentation=row.documentation,
    )


def _module(text: str, package: Package) -> str | None:
    """Return the name of a module of the package; None if it can be none of it."""
    try:
        module = parse_module_name(text)
    except Refusal:
        return None
    return module if package.name in possible_packages(module) else None
