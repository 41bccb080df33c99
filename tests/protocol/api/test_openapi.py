"""The description of our own API, compared with the API."""

import json
import re
from typing import Any

from syrupy.assertion import SnapshotAssertion

from tests.support.world import URL, World


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
