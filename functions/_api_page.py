"""Our API as people read it: the OpenAPI document, taken apart into what a page can show."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any, cast

from functions.api_docs import document

Node = Mapping[str, Any]

# Groups by the first part of a path below /api/v1, in the order in which one comes to need them.
_GROUPS = {
    "settings.toml": "Settings",
    "whoami": "Access tokens",
    "tokens": "Access tokens",
    "packages": "Packages",
    "orgs": "Organizations",
    "invitations": "Invitations",
    "account": "Your account",
    "sign-in-links": "Your account",
    "device": "Devices",
    "trusted-publishing": "Trusted publishing",
    "leaked-tokens": "Leaked tokens",
    "openapi.json": "This document",
}
_OTHERS = "More"
_ADDRESS_PARTS = 3  # Of /api/v1/orgs the empty one, and the two that all have.


@dataclass(frozen=True, slots=True)
class Value:
    """One field of a body."""

    name: str
    type: str
    is_required: bool
    description: str


@dataclass(frozen=True, slots=True)
class Described:
    """One operation."""

    name: str
    method: str
    path: str
    summary: str
    needs_token: bool
    status: int
    sent: tuple[Value, ...]
    answered: tuple[Value, ...]
    refusals: tuple[tuple[int, str], ...]


@cache
def described_api(base_url: str) -> dict[str, list[Described]]:
    """Return the operations of the API by group."""
    groups: dict[str, list[Described]] = {title: [] for title in _GROUPS.values()}
    whole = document(base_url)
    for path, methods in cast(Mapping[str, Mapping[str, Node]], whole["paths"]).items():
        first = path.split("/")[_ADDRESS_PARTS]
        title = _GROUPS.get(first, _OTHERS)
        for method, operation in methods.items():
            described = _operation(path, method.upper(), operation, whole)
            groups.setdefault(title, []).append(described)
    return {title: operations for title, operations in groups.items() if operations}


def _operation(path: str, method: str, operation: Node, whole: Node) -> Described:
    answers = {int(status): answer for status, answer in operation["responses"].items()}
    done = min(answers)
    return Described(
        name=str(operation["operationId"]),
        method=method,
        path=path,
        summary=str(operation["summary"]),
        needs_token="security" not in operation,
        status=done,
        sent=_values(operation.get("requestBody", {}), whole),
        answered=_values(answers[done], whole),
        refusals=tuple(
            (status, str(answer["description"]))
            for status, answer in answers.items()
            if status != done
        ),
    )


def _values(part: Node, whole: Node) -> tuple[Value, ...]:
    """Return the fields of a body; none where there is no body."""
    content = part.get("content", {})
    if not content:
        return ()
    schema = _resolved(content["application/json"]["schema"], whole)
    required = schema.get("required", ())
    return tuple(
        Value(name, _type(field), name in required, str(field.get("description", "")))
        for name, field in schema.get("properties", {}).items()
    )


def _resolved(schema: Node, whole: Node) -> Node:
    name = _model(schema)
    return cast(Node, whole["components"]["schemas"][name]) if name else schema


def _type(field: Node) -> str:
    """Return in a few words what a field holds."""
    if "enum" in field:
        return " or ".join(f'"{value}"' for value in field["enum"])
    if "anyOf" in field:
        return " or ".join(dict.fromkeys(_types(field["anyOf"])))
    if field.get("type") == "array":
        return f"list of {_type(field['items'])}"
    return _model(field) or str(field.get("format") or field.get("type", "anything"))


def _types(fields: list[Node]) -> Iterator[str]:
    return (_type(field) for field in fields)


def _model(field: Node) -> str:
    return str(field.get("$ref", "")).rpartition("/")[2]
