"""The part of JMESPath that our commands use (`--query`)."""

import re
from collections.abc import Mapping
from typing import Any, cast

from tests.fakes.azure_tools.state import refused

_STEP = re.compile(
    r"\.?(?:(?P<name>\w+)|\[\?starts_with\((?P<of>\w+), '(?P<start>[^']*)'\)\]"
    r"|\[\?(?P<path>[\w.]+)\s*(?P<sign>==|!=)\s*'(?P<text>[^']*)'\]|(?P<all>\[\])"
    r"|\[(?P<place>\d+)\]|\{(?P<fields>[^}]*)\})"
)
_JOINED = re.compile(r"join\('([^']*)',\s*(.*)\)", re.DOTALL)


def answer(query: str, document: Any) -> Any:
    """Return what a query finds in a document."""
    if joined := _JOINED.fullmatch(query.strip()):
        return joined[1].join(answer(joined[2], document) or [])
    return _found(query.strip(), document)


def _found(query: str, document: Any) -> Any:
    value: Any = document
    at = 0
    while at < len(query):
        step = _STEP.match(query, at)
        if step is None:
            raise refused("query", f"This double does not know {query[at:]!r}.")
        at = step.end()
        if step["all"] or step["path"] or step["of"]:
            items = [each for each in value or [] if _is_chosen(step, each)]
            # What follows is asked of each item, and lists in lists become one.
            rest = query[at:]
            found = [_found(rest, each) for each in items] if rest else items
            return _flat([each for each in found if each is not None])
        value = _stepped(step, value)
    return value


def _stepped(step: re.Match[str], value: Any) -> Any:
    if step["place"]:
        place = int(step["place"])
        return value[place] if value and place < len(value) else None
    if step["fields"] is not None:
        pairs = re.findall(r"(\w+):\s*([\w.\[\]]+)", step["fields"])
        return {name: _found(path, value) for name, path in pairs}
    return cast("Mapping[str, Any]", value).get(step["name"]) if isinstance(value, dict) else None


def _is_chosen(step: re.Match[str], item: Any) -> bool:
    if step["of"]:
        return str(_found(step["of"], item)).startswith(step["start"])
    if not step["path"]:
        return True
    return (_found(step["path"], item) == step["text"]) == (step["sign"] == "==")


def _flat(items: list[Any]) -> list[Any]:
    flat: list[Any] = []
    for each in items:
        if isinstance(each, list):
            flat.extend(cast("list[Any]", each))
        else:
            flat.append(each)
    return flat
