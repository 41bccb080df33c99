"""POST /mcp as its clients of both revisions speak to it."""

import base64
import json
from typing import Any

import pytest
from syrupy.assertion import SnapshotAssertion

from shared.domain.visibility import Readers
from tests.support.mcp_agent import MCP, META, REVISION, Agent
from tests.support.world import URL, OpenWorld, World


@pytest.fixture
def agent(shared_world: World) -> Agent:
    return Agent(shared_world)


async def test_what_the_server_says_of_itself(agent: Agent, golden: SnapshotAssertion) -> None:
    answer = (await agent.request("server/discover")).json()
    del answer["result"]["_meta"]["io.modelcontextprotocol/serverInfo"]["version"]
    assert answer == golden


async def test_the_tools_have_schemas_and_only_read(
    agent: Agent, golden: SnapshotAssertion
) -> None:
    result = (await agent.request("tools/list")).json()["result"]
    assert (result["ttlMs"], result["cacheScope"]) == (3_600_000, "public")
    assert {each["annotations"]["readOnlyHint"] for each in result["tools"]} == {True}
    assert {each["outputSchema"]["type"] for each in result["tools"]} == {"object"}
    shown = {
        e["name"]: [e["description"], list(e["inputSchema"]["properties"])] for e in result["tools"]
    }
    assert shown == golden


WRONG_HEADERS = [
    {"mcp_protocol_version": "2025-12-01"},
    {"mcp_protocol_version": "2026-07-29"},
    {"mcp_method": "tools/list"},
    {"mcp_method": ""},
    {"mcp_name": "get_package"},
    {"mcp_name": ""},
    {"mcp_name": "=?base64?####?="},
    {"mcp_name": "=?base64?/w==?="},
]


@pytest.mark.parametrize("headers", WRONG_HEADERS)
async def test_headers_that_do_not_repeat_the_body_are_refused(
    agent: Agent, headers: dict[str, str]
) -> None:
    params = {"name": "search_packages", "arguments": {"query": ""}}
    answer = await agent.request("tools/call", params, **headers)
    assert answer.status_code == 400
    assert answer.json()["id"] == 7
    assert answer.json()["error"]["code"] == -32020
    assert "must repeat what the body says" in answer.json()["error"]["message"]


async def test_a_header_may_be_encoded(agent: Agent) -> None:
    name = f"=?base64?{base64.b64encode(b'search_packages').decode()}?="
    params = {"name": "search_packages", "arguments": {"query": "x"}}
    answer = await agent.request("tools/call", params, mcp_name=name)
    assert answer.status_code == 200


async def sent(agent: Agent, body: object, **headers: str) -> Any:
    """Send a body with the headers of the revision of 2026 for its method."""
    method = body.get("method", "") if isinstance(body, dict) else ""
    of_revision = {"mcp-protocol-version": REVISION, "mcp-method": str(method)}
    content = json.dumps(body).encode()
    return await agent.world.send("POST", MCP, headers=of_revision | headers, content=content)


async def test_an_unknown_revision_is_told_the_known_ones(agent: Agent) -> None:
    meta = {**META, "io.modelcontextprotocol/protocolVersion": "2027-01-01"}
    body = {"jsonrpc": "2.0", "id": 1, "method": "tools/list", "params": {"_meta": meta}}
    answer = await sent(agent, body, **{"mcp-protocol-version": "2027-01-01"})
    assert answer.status_code == 400
    error = answer.json()["error"]
    assert error["code"] == -32022
    assert error["data"] == {
        "supported": ["2026-07-28", "2025-11-25", "2025-06-18"],
        "requested": "2027-01-01",
    }


def request(**parts: object) -> dict[str, object]:
    """Return a request, whose parts may be others or left out, as with None."""
    usual: dict[str, object] = {"jsonrpc": "2.0", "id": 1, "method": "tools/list"}
    whole = {**usual, "params": {"_meta": META}, **parts}
    return {name: value for name, value in whole.items() if value is not ...}


NAMED = {"mcp-name": "search_packages"}
INVALID_REQUEST = -32600
INVALID_PARAMS = -32602
NO_METHOD = -32601
FAULTS = [
    (request(jsonrpc="1.0"), INVALID_REQUEST, 400),
    (request(method=...), INVALID_REQUEST, 400),
    (request(id=None), INVALID_REQUEST, 400),
    (request(id=True), INVALID_REQUEST, 400),
    (request(id=2**60), INVALID_REQUEST, 400),
    (request(id="\ud800"), INVALID_REQUEST, 400),
    (request(params=[]), INVALID_PARAMS, 400),
    (request(params=...), INVALID_PARAMS, 400),
    (request(params={"_meta": {}}), INVALID_PARAMS, 400),
    (request(params={"_meta": dict([*META.items()][:1])}), INVALID_PARAMS, 400),
    (request(method="ping"), NO_METHOD, 404),
    (request(method="resources/list"), NO_METHOD, 404),
]


@pytest.mark.parametrize(("body", "code", "status"), FAULTS)
async def test_a_request_that_is_none_is_an_error_of_json_rpc(
    agent: Agent, body: dict[str, object], code: int | None, status: int
) -> None:
    answer = await sent(agent, body)
    assert answer.status_code == status, answer.text
    assert answer.json().get("error", {}).get("code") == code


@pytest.mark.parametrize("body", [b"[]", b"{", b'"text"', b"[{}]"])
async def test_a_body_that_is_no_object_cannot_be_parsed(agent: Agent, body: bytes) -> None:
    answer = await agent.world.send("POST", MCP, content=body)
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, -32700)


async def test_a_body_of_more_than_128_kib_is_refused(agent: Agent) -> None:
    answer = await agent.world.send("POST", MCP, content=b" " * (128 * 1024 + 1))
    assert (answer.status_code, answer.json()["error"]["code"]) == (413, INVALID_REQUEST)


async def test_an_id_is_repeated_as_it_is(agent: Agent) -> None:
    for known in ("a\tb", "\u202e", "", -1):
        assert (await sent(agent, request(id=known))).json()["id"] == known


async def test_a_notification_gets_no_answer(agent: Agent) -> None:
    body = {"jsonrpc": "2.0", "method": "notifications/initialized"}
    answer = await agent.world.send("POST", MCP, json=body)
    assert (answer.status_code, answer.content) == (202, b"")


async def test_there_is_no_stream_to_get(agent: Agent) -> None:
    answer = await agent.world.get(MCP)
    assert (answer.status_code, answer.headers["Allow"]) == (405, "POST")


async def test_a_page_of_another_site_is_refused(agent: Agent) -> None:
    foreign = await agent.request("tools/list", origin="https://evil.example")
    assert foreign.status_code == 403
    assert "evil.example" in foreign.json()["error"]["message"]
    assert (await agent.request("tools/list", origin=URL)).status_code == 200


async def test_an_unknown_tool_and_wrong_arguments_are_told_apart(agent: Agent) -> None:
    unknown = await agent.request("tools/call", {"name": "push", "arguments": {}})
    assert (unknown.status_code, unknown.json()["error"]["code"]) == (400, INVALID_PARAMS)
    for arguments in ({}, {"query": 1}, {"query": "x", "more": 1}, {"query": "x", "offset": -1}):
        told = await agent.use("search_packages", **arguments)
        assert told.is_error
        assert "Known arguments: query, offset." in told.text
    long = await agent.use("list_api", package="acme/greet", bucket="x" * 100_000)
    assert long.is_error
    for odd in ([1], {"query": "\ud800"}, {"query": "x", "offset": 2**70}):
        params = {"name": "search_packages", "arguments": odd, "_meta": META}
        told = await sent(agent, request(method="tools/call", params=params), **NAMED)
        assert told.json()["result"]["isError"]


async def handshake(agent: Agent, method: str, params: object) -> Any:
    """Send a request of the revisions before 2026-07-28; return its result."""
    body = {"jsonrpc": "2.0", "id": "a", "method": method, "params": params}
    answer = await agent.world.send("POST", MCP, json=body)
    assert answer.status_code == 200, answer.text
    assert "mcp-session-id" not in answer.headers
    return answer.json()["result"]


@pytest.mark.parametrize(
    ("asked", "agreed"),
    [("2025-11-25", "2025-11-25"), ("2025-06-18", "2025-06-18"), ("2024-11-05", "2025-11-25")],
)
async def test_an_older_client_begins_with_initialize(
    agent: Agent, asked: str, agreed: str
) -> None:
    started = await handshake(agent, "initialize", {"protocolVersion": asked})
    assert started["protocolVersion"] == agreed
    assert started["serverInfo"]["name"] == "ballroom"
    assert await handshake(agent, "ping", {}) == {}
    tools = (await handshake(agent, "tools/list", {}))["tools"]
    assert len(tools) == 10
    params = {"name": "search_packages", "arguments": {"query": "nothing"}}
    told = await handshake(agent, "tools/call", params)
    assert told["structuredContent"]["packages"] == []
    assert "resultType" not in told


@pytest.mark.parametrize(
    ("method", "params", "code"),
    [("resources/list", {}, NO_METHOD), ("tools/call", {"name": "push"}, INVALID_PARAMS)],
)
async def test_an_older_client_gets_errors_that_do_not_end_its_session(
    agent: Agent, method: str, params: dict[str, object], code: int
) -> None:
    body = {"jsonrpc": "2.0", "id": 1, "method": method, "params": params}
    for headers in ({}, {"mcp-protocol-version": "2025-11-25"}):
        answer = await agent.world.send("POST", MCP, headers=headers, json=body)
        assert (answer.status_code, answer.json()["error"]["code"]) == (200, code)


async def test_calls_have_a_limit_of_their_own(worlds: OpenWorld) -> None:
    agent = Agent(await worlds(limit_agent="address=2"))
    assert [(await agent.request("tools/list")).status_code for _ in range(3)] == [200, 200, 429]
    refused = await agent.request("tools/list")
    assert int(refused.headers["Retry-After"]) > 0
    assert "calls of /mcp" in refused.json()["error"]["message"]
    assert (await agent.world.get("/packages")).status_code == 200


async def test_calls_without_a_token_do_not_lock_out_agents_with_one(worlds: OpenWorld) -> None:
    world = await worlds(limit_agent="token=2 address=1")
    stranger = Agent(world)
    agent = Agent(world, world.people.ann)
    assert [(await stranger.request("tools/list")).status_code for _ in range(2)] == [200, 429]
    assert [(await agent.request("tools/list")).status_code for _ in range(3)] == [200, 200, 429]


async def test_where_only_signed_in_people_read_a_call_takes_a_token(worlds: OpenWorld) -> None:
    world = await worlds(readers=Readers.SIGNED_IN)
    refused = await Agent(world).request("tools/list")
    assert (refused.status_code, refused.headers["WWW-Authenticate"]) == (401, "Bearer")
    assert (await Agent(world, world.people.bob).request("tools/list")).status_code == 200
