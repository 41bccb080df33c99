"""The official SDKs of the Model Context Protocol call the tools, over sockets."""

import asyncio
import json
import os
import subprocess
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import httpx
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from tests.paths import ROOT
from tests.repo import tool_environments
from tests.support import npm
from tests.support.documented_packages import CLIENT, documented_bala, published
from tests.support.mcp_agent import CALLS, MCP
from tests.support.server import served_app
from tests.support.world import OpenWorld, World

BOUND_SECONDS = 60  # Each client takes one or two on a quiet machine.
PROGRAMS = ROOT / "tests" / "clients" / "mcp"
NPM_PACKAGE = "@modelcontextprotocol/client@2.4.0"
NPM_FILE = "node_modules/@modelcontextprotocol/client/package.json"
REVISIONS = ("2026-07-28", pytest.param("2025-11-25", marks=pytest.mark.repeated))

CHANGED = CLIENT.replace("int times = 1", "string times")
Calls = Sequence[tuple[str, Mapping[str, object]]]


@dataclass(frozen=True)
class Sdk:
    """A program that calls tools by an SDK, and the folder that it runs in."""

    command: tuple[str | Path, ...]
    folder: Path
    missing: Callable[[], str]

    async def call(self, url: str, revision: str, calls: Calls, token: str = "") -> dict[str, Any]:
        """Call the tools one after the other, and return what the program says."""
        asked = [{"tool": tool, "arguments": arguments} for tool, arguments in calls]
        process = await asyncio.create_subprocess_exec(
            *self.command,
            url,
            revision,
            cwd=self.folder,
            env={**os.environ, "TOKEN": token, "NO_PROXY": "127.0.0.1"},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        try:
            async with asyncio.timeout(BOUND_SECONDS):
                told, errors = await process.communicate(json.dumps(asked).encode())
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()
        assert process.returncode == 0, errors.decode()
        return json.loads(told)


SDKS = {
    "Python": Sdk(
        (ROOT / tool_environments.folder("mcp") / "bin" / "python", PROGRAMS / "client.py"),
        ROOT,
        partial(tool_environments.unavailable, "mcp", "tests/clients/mcp/requirements.txt"),
    ),
    "TypeScript": Sdk(
        ("node", PROGRAMS / "client.mjs"),
        npm.folder_of(NPM_PACKAGE),
        partial(npm.missing, NPM_PACKAGE, NPM_FILE),
    ),
}


@pytest.fixture(params=SDKS)
def sdk(request: pytest.FixtureRequest) -> Sdk:
    if reason := SDKS[request.param].missing():
        pytest.skip(reason)
    return SDKS[request.param]


@dataclass(frozen=True)
class Served:
    url: str
    world: World


@pytest.fixture(scope="module")
async def served(shared_worlds: OpenWorld) -> AsyncGenerator[Served]:
    """Serve a registry with a public package of two versions and a private one."""
    world = await shared_worlds()
    changed = documented_bala("acme/greet:1.1.0", {"client.bal": CHANGED})
    await published(world, documented_bala(), changed)
    await published(world, documented_bala("acme/secret:1.0.0", visibility="private"))
    loop = asyncio.get_running_loop()  # Of the world, whose stores no other loop may use.

    async def answered(request: httpx.Request) -> Response:
        answer = await world.http.send(request, stream=True)
        body = b"".join([piece async for piece in answer.aiter_raw()])
        given = Response(body, answer.status_code)
        given.raw_headers = answer.headers.raw
        return given

    async def forward(request: Request) -> Response:
        headers = request.headers.raw
        body = await request.body()
        sent = httpx.Request(request.method, MCP, headers=headers, content=body)
        found = asyncio.run_coroutine_threadsafe(answered(sent), loop)
        return await asyncio.wrap_future(found)

    route = Route("/mcp", forward, methods=["POST", "GET", "DELETE"])
    with served_app(Starlette(routes=[route])) as address:
        yield Served(f"{address.url}/mcp", world)


@pytest.mark.parametrize("revision", REVISIONS)
async def test_an_sdk_lists_and_calls_every_tool(served: Served, sdk: Sdk, revision: str) -> None:
    told = await sdk.call(served.url, revision, list(CALLS.items()))
    assert (told["server"], told["revision"]) == ("ballroom", revision)
    assert sorted(told["tools"]) == sorted(CALLS)
    for tool, result in zip(CALLS, told["results"], strict=True):
        assert not result["isError"], (tool, result)
        assert result["structured"], tool
        assert "acme/greet" in result["text"], tool


@pytest.mark.parametrize("revision", REVISIONS)
async def test_an_sdk_finds_a_private_package_with_a_token_alone(
    served: Served, sdk: Sdk, revision: str
) -> None:
    calls = [("get_package", {"package": f"acme/{name}"}) for name in ("secret", "absent")]
    token = served.world.people.ann.token
    anns, others = await asyncio.gather(
        sdk.call(served.url, revision, calls, token), sdk.call(served.url, revision, calls)
    )
    found, absent = anns["results"]
    assert found["structured"]["visibility"] == "private"
    assert others["results"][0]["isError"]
    told = [each["text"].replace("acme/secret", "acme/absent") for each in others["results"]]
    assert told == [absent["text"]] * 2
