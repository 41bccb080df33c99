"""The description of our own API, compared with the API."""

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
from syrupy.assertion import SnapshotAssertion

from functions.api.openapi import OPERATIONS
from shared.domain.coordinates import Coordinate
from shared.domain.principals import OPERATOR
from tests.security.access_table import DECLARED, Outcome, State
from tests.security.personas import PERSONAS
from tests.support.archives import bala
from tests.support.published_logs import write_log
from tests.support.world import URL, OpenWorld, World


async def described(world: World) -> dict[str, Any]:
    """Return the document as it is served."""
    answer = await world.get(f"{URL}/api/v1/openapi.json")
    assert answer.status_code == 200
    return answer.json()


async def test_the_document_changes_only_on_purpose(
    world: World, snapshot: SnapshotAssertion
) -> None:
    # Names of schemas are those of models and enums, which clients generate code from.
    assert json.dumps(await described(world), indent=1) == snapshot


async def test_every_reference_leads_to_a_schema(world: World) -> None:
    document = await described(world)
    references = set(re.findall(r"#/components/schemas/(\w+)", str(document)))
    assert references == set(document["components"]["schemas"])


def operations_of(document: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield the operations that a document describes, each with its method and path."""
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            yield f"{method.upper()} {path}", operation


async def test_the_refusals_that_any_request_may_get_are_described(world: World) -> None:
    missing = [
        (name, status)
        for name, operation in operations_of(await described(world))
        for status, is_possible in {
            "429": True,
            "503": True,
            "403": "401" in operation["responses"],  # For a token from another address.
            "413": "requestBody" in operation,
        }.items()
        if is_possible and status not in operation["responses"]
    ]
    assert not missing


async def test_each_answer_with_a_body_is_described_with_its_media_type(world: World) -> None:
    nameless = [
        (name, status)
        for name, operation in operations_of(await described(world))
        for status, answer in operation["responses"].items()
        if status != "204" and not answer.get("content")
    ]
    assert not nameless


@pytest.mark.parametrize(
    ("path", "accept"),
    [
        ("orgs/acme/audit.jsonl", ""),
        ("audit.jsonl", ""),
        ("orgs/acme/pulls.jsonl", ""),
        ("orgs/acme/pulls.csv", ""),
        ("rights.csv", ""),
        ("settings.toml", ""),
        ("openapi.json", ""),
        ("sbom/acme/greet/1.0.0", ""),
        ("sbom/acme/greet/1.0.0/author", ""),
        ("vex/acme/greet/1.0.0", ""),
        ("log/proof/acme/greet/1.0.0", "text/plain"),
        ("log/proof/acme/greet/1.0.0", "application/json"),
    ],
)
async def test_an_answer_has_a_media_type_that_is_described(
    world: World, path: str, accept: str
) -> None:
    await world.push(bala("acme/greet:1.0.0", sbom=b'{"bomFormat": "CycloneDX"}'))
    await world.document()
    await write_log(world)
    headers = {"Accept": accept} if accept else {}
    admin = world.people.admin
    answer = await world.send("GET", f"{URL}/api/v1/{path}", by=admin, headers=headers)
    assert answer.status_code == 200, answer.text
    words = {"acme": "{org}", "greet": "{name}", "1.0.0": "{version}"}
    route = "/".join(words.get(word, word) for word in path.split("/"))
    operation = (await described(world))["paths"][f"/api/v1/{route}"]["get"]
    media_types = {each.partition(";")[0] for each in operation["responses"]["200"]["content"]}
    assert answer.headers["content-type"].partition(";")[0] in media_types


async def test_an_answer_that_waits_for_a_second_administrator_is_described(world: World) -> None:
    waiting = [
        name
        for name, operation in operations_of(await described(world))
        if "202" in operation["responses"] and len(operation["responses"].keys() & {"200", "204"})
    ]
    assert waiting == [
        "POST /api/v1/orgs/{org}/ownership-requests/{account}/decision",
        "POST /api/v1/name-disputes/{dispute}/decision",
    ]


async def test_operations_that_need_no_token_are_described_so(world: World) -> None:
    anonymous = next(each for each in PERSONAS if each.name == "anonymous")
    # The first two prove their callers by what they send.
    open_to_all = {"api_trusted_exchange", "api_leaks_report"} | {
        each.name
        for each in OPERATIONS
        if Outcome.UNKNOWN not in DECLARED[each.name].expects(anonymous, State.PUBLIC)
    }
    described_so = {
        operation["operationId"]
        for _, operation in operations_of(await described(world))
        if operation.get("security", [{"token": []}]) in ([], [{}, {"token": []}])
    }
    assert described_so == open_to_all


async def test_where_only_signed_in_people_read_each_other_operation_needs_a_token(
    worlds: OpenWorld,
) -> None:
    world = await worlds(readers="signed_in")
    answer = await world.send("GET", f"{URL}/api/v1/openapi.json", by=world.people.ann)
    paths = answer.json()["paths"]
    assert paths["/api/v1/trusted-publishing/audience"]["get"]["security"] == []
    symbols = paths["/api/v1/symbols"]["get"]
    assert "security" not in symbols
    assert {"401", "403"} <= symbols["responses"].keys()
    assert (await world.send("GET", f"{URL}/api/v1/symbols?q=greet")).status_code == 401


async def test_a_refusal_of_a_withdrawn_release_has_the_fields_that_are_described(
    world: World,
) -> None:
    await world.push(bala("acme/greet:1.0.0"))
    withdrawn = Coordinate.parse("acme", "greet", "1.0.0")
    await world.registry.publishing.moderation.quarantine(withdrawn, "Malware.", by=OPERATOR)
    refused = await world.send("GET", f"{URL}/api/v1/provenance/acme/greet/1.0.0")
    assert refused.status_code == 404
    fields = (await described(world))["components"]["schemas"]["Problem"]["properties"]
    assert fields.keys() == refused.json()["error"].keys()
