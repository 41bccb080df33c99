"""An agent that calls /mcp as the revision 2026-07-28 says, without a library."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import httpx

from tests.support.world import URL, Person, World

MCP = f"{URL}/mcp"
REVISION = "2026-07-28"
META = {
    "io.modelcontextprotocol/protocolVersion": REVISION,
    "io.modelcontextprotocol/clientCapabilities": {},
}
MOST_BYTES = 24 * 1024

GREET = "acme/greet"
FIRST = {"package": GREET, "version": "1.0.0"}
CALLS: Mapping[str, Mapping[str, object]] = {  # Of each tool, about a package of two versions.
    "search_packages": {"query": "greet"},
    "search_symbols": {"query": "greetWorld"},
    "get_package": FIRST,
    "get_readme": FIRST,
    "list_api": {**FIRST, "bucket": "client"},
    "get_symbol": {**FIRST, "symbol": "Client.greet"},
    "get_library": {"name": GREET, "version": "1.0.0"},
    "compare_versions": {"package": GREET},
    "resolve": {"packages": [GREET], "distribution": "2201.12.0"},
    "check": {"dependencies": "[[package]]\norg='acme'\nname='greet'\nversion='1.0.0'\n"},
}


def tool_call(name: str, /, **arguments: object) -> dict[str, object]:
    """Return the call of a tool as clients of 2025-11-25 send it."""
    params = {"name": name, "arguments": arguments}
    return {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params}


@dataclass(frozen=True)
class Told:
    """What a tool answered: for programs, and for agents."""

    structured: dict[str, Any]
    text: str
    is_error: bool
    size: int


@dataclass(frozen=True)
class Agent:
    """An agent with the token of somebody, or without one."""

    world: World
    person: Person | None = None

    async def request(
        self, method: str, params: Mapping[str, Any] | None = None, **headers: str
    ) -> httpx.Response:
        """Send one request; a header may be given in another form, or be empty to leave it out."""
        whole = {**(params or {}), "_meta": META}
        body = {"jsonrpc": "2.0", "id": 7, "method": method, "params": whole}
        sent = {"mcp-protocol-version": REVISION, "mcp-method": method}
        if "name" in whole:
            sent["mcp-name"] = str(whole["name"])
        sent |= {name.replace("_", "-"): value for name, value in headers.items()}
        kept = {name: value for name, value in sent.items() if value}
        return await self.world.send("POST", MCP, by=self.person, headers=kept, json=body)

    async def use(self, tool: str, **arguments: Any) -> Told:
        """Call a tool; its answer is one page."""
        answer = await self.request("tools/call", {"name": tool, "arguments": arguments})
        assert answer.status_code == 200, answer.text
        assert len(answer.content) <= MOST_BYTES
        result = answer.json()["result"]
        [content] = result["content"]
        return Told(
            result.get("structuredContent", {}),
            content["text"],
            result["isError"],
            len(answer.content),
        )
