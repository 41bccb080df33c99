"""The description of our own API, compared with the API."""

import json
import re
from typing import Any

from syrupy.assertion import SnapshotAssertion

from functions.api import openapi
from functions.faces import build_app
from tests.support.world import URL, World


async def described(world: World) -> dict[str, Any]:
    """Return the document as it is served."""
    answer = await world.get(f"{URL}/api/v1/openapi.json")
    assert answer.status_code == 200
    return answer.json()


def served(world: World) -> set[tuple[str, str, str]]:
    """Return name, method and path of each Function of our own API."""
    found: set[tuple[str, str, str]] = set()
    for function in build_app(world.registry).get_functions():
        binding = function.get_trigger()
        trigger = binding.get_dict_repr() if binding else {}
        path = str(trigger.get("route", ""))
        if path.startswith("api/v1/"):
            name = str(function.get_function_name())
            found |= {(name, str(method), path) for method in trigger["methods"]}
    return found


async def test_every_operation_is_described_and_every_description_is_served(world: World) -> None:
    # The document leaves out that a HEAD is answered wherever a GET is.
    documented = {
        (each.name, method, each.route) for each in openapi.OPERATIONS for method in each.methods
    }
    assert documented == served(world)


async def test_the_document_changes_only_on_purpose(
    world: World, snapshot: SnapshotAssertion
) -> None:
    # Names of schemas are those of models and enums, which clients generate code from.
    assert json.dumps(await described(world), indent=1) == snapshot


async def test_every_reference_leads_to_a_schema(world: World) -> None:
    document = await described(world)
    references = set(re.findall(r"#/components/schemas/(\w+)", str(document)))
    assert references == set(document["components"]["schemas"])
