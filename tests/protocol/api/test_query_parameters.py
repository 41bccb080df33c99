"""Parameters of the query are described in openapi.json, and each is read."""

import ast
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import suppress
from typing import Any

import azure.functions as func

from functions.api.api_face import ApiCall
from functions.api.openapi import OPERATIONS
from functions.http.calls import Exchange
from functions.http.operations import Operation
from shared.domain.errors.base import Refusal
from shared.domain.principals import OPERATOR, Principal
from tests.paths import ROOT
from tests.support.archives import bala
from tests.support.world import URL, World

PATH = {"org": "acme", "name": "greet", "version": "1.0.0"}


class NotedParameters(Mapping[str, str]):
    """A query without parameters, which knows what was looked for."""

    def __init__(self) -> None:
        self.read: set[str] = set()

    def __getitem__(self, name: str) -> str:
        self.read.add(name)
        raise KeyError(name)

    def __iter__(self) -> Iterator[str]:
        return iter(())

    def __len__(self) -> int:
        return 0


class NotedCall(ApiCall):
    noted: NotedParameters

    @property
    def params(self) -> Mapping[str, str]:
        return self.noted


async def read_by(world: World, operation: Operation) -> set[str]:
    """Return the parameters that the handler of an operation looks for."""
    read: set[str] = set()
    path = {each: PATH.get(each, "x") for each in re.findall(r"{(\w+)}", operation.route)}
    for by in (OPERATOR, Principal(world.people.ann.account.id, "session")):
        request = func.HttpRequest("GET", URL, route_params=path, body=b"")
        call = NotedCall(world.registry, request, Exchange.begin(operation.name))
        call.noted = NotedParameters()
        call.caller = by
        with suppress(Refusal):
            await operation.handler(call)
        read |= call.noted.read
    return read


async def test_each_operation_reads_the_parameters_that_are_described_and_no_others(
    world: World,
) -> None:
    await world.push(bala("acme/greet:1.0.0"))
    described = {
        each: {parameter.name for parameter in each.openapi.parameters}
        for each in OPERATIONS
        if "GET" in each.methods or each.openapi.parameters
    }
    assert any(described.values())
    for operation, parameters in described.items():
        assert await read_by(world, operation) == parameters, operation.name


def test_only_the_face_reads_the_query_itself() -> None:
    """Handlers read `ApiCall.query`, which has the described parameters and no others."""
    readers = Counter(
        file.name
        for file in (ROOT / "functions" / "api").glob("*.py")
        for node in ast.walk(ast.parse(file.read_text("utf-8")))
        if isinstance(node, ast.Attribute) and node.attr == "params"
    )
    assert readers == {"api_face.py": 1}


async def test_the_document_has_them_with_their_types(world: World) -> None:
    document: dict[str, Any] = (await world.get(f"{URL}/api/v1/openapi.json")).json()
    parameters = document["paths"]["/api/v1/symbols"]["get"]["parameters"]
    assert [each["name"] for each in parameters] == ["q", "limit", "offset"]
    assert {each["in"] for each in parameters} == {"query"}
    assert not any(each["required"] for each in parameters)
    assert parameters[1]["schema"] == {
        "type": "integer",
        "minimum": 0,
        "maximum": 1_000,
        "default": 10,
    }
    of_path = document["paths"]["/api/v1/packages/{org}/{name}/history"]["get"]["parameters"]
    assert [(each["name"], each["in"]) for each in of_path] == [
        ("org", "path"),
        ("name", "path"),
        ("before", "query"),
        ("count", "query"),
    ]
