"""Calls tools of a registry by the official Python SDK: `client.py URL REVISION`.

TOKEN is who asks, and standard input a list of {"tool", "arguments"}. It runs in an environment of
its own, as the SDK needs a package whose module has the name of one of ours.
"""

import asyncio
import json
import os
import sys
from typing import Any

import httpx2
from mcp import Client
from mcp.client.streamable_http import streamable_http_client

SECONDS = 30.0


async def told(url: str, revision: str, calls: list[dict[str, Any]]) -> dict[str, Any]:
    """Return who answers, which tools there are, and what each call was answered."""
    token = os.environ["TOKEN"]
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    # A pinned revision would not ask the server who it is; who started this sees which it became.
    mode = "legacy" if revision == "2025-11-25" else "auto"
    async with (
        httpx2.AsyncClient(headers=headers, timeout=SECONDS) as http,
        Client(streamable_http_client(url, http_client=http), mode=mode) as client,
    ):
        listed = await client.list_tools()  # From now on the SDK validates what tools answer.
        results = [await client.call_tool(each["tool"], each["arguments"]) for each in calls]
        return {
            "revision": client.protocol_version,
            "server": client.server_info and client.server_info.name,
            "tools": [each.name for each in listed.tools],
            "results": [
                {
                    "isError": each.is_error,
                    "structured": each.structured_content,
                    "text": "\n".join(part.text for part in each.content),
                }
                for each in results
            ],
        }


if __name__ == "__main__":
    said = asyncio.run(told(sys.argv[1], sys.argv[2], json.load(sys.stdin)))
    sys.stdout.write(json.dumps(said))
