"""Store operations of each tool of agents: first, and again when what it read is in memory."""

from collections import Counter
from pathlib import Path

import pytest

from tests.support.documented_packages import documented_bala, published
from tests.support.instances import edition_confirmed, shared_records_read
from tests.support.mcp_agent import CALLS, MCP, tool_call
from tests.support.port_doubles import CallRecorder
from tests.support.storage import one_instance
from tests.support.world import Template, World, asking

pytestmark = one_instance("it counts calls of one instance")
SURVEY = "metadata.survey"
FIND = "metadata.find"
TEXTS = "documents.texts"
RECORD = "documents.api_docs_record"
PIECES = "documents.read_pieces"
# What is read in any case, and what only if it is not in memory.
BUDGETS: dict[str, tuple[dict[str, int], dict[str, int]]] = {
    "search_packages": ({"search.search": 1}, {}),
    "search_symbols": ({"search.symbols": 1}, {}),
    "get_package": ({TEXTS: 1}, {FIND: 1, SURVEY: 1}),
    "get_readme": ({TEXTS: 1}, {FIND: 1}),
    "list_api": ({}, {FIND: 1, RECORD: 2}),
    "get_symbol": ({PIECES: 2}, {FIND: 1, RECORD: 2}),
    "get_library": ({PIECES: 9}, {FIND: 1, RECORD: 2}),
    "compare_versions": ({PIECES: 1}, {SURVEY: 1, RECORD: 1}),
    "resolve": ({"documents.graphs": 1}, {SURVEY: 1}),
    "check": ({"directory.list_by_owner": 1}, {SURVEY: 1}),
}


@pytest.mark.parametrize("tool", CALLS)
async def test_a_tool_asks_the_stores_no_more_than_its_budget(
    template: Template, scratch: Path, port_calls: CallRecorder, tool: str
) -> None:
    async with template.world(scratch / "data", wrap=port_calls.wrap, host=asking) as world:
        await published(world, documented_bala(), documented_bala("acme/greet:1.1.0"))
        await edition_confirmed(world.registry)
        await shared_records_read(world.registry)
        port_calls.taken()
        always, once = map(Counter, BUDGETS[tool])
        assert await calls(world, port_calls, tool) == always + once
        assert await calls(world, port_calls, tool) == always


async def calls(world: World, port_calls: CallRecorder, tool: str) -> Counter[str]:
    answer = await world.send("POST", MCP, json=tool_call(tool, **CALLS[tool]))
    assert not answer.json()["result"]["isError"], answer.text
    return Counter(port_calls.taken())
