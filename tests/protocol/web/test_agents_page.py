"""docs/use/agents.md: the settings of clients name this registry, and their syntax is right."""

import json
import re
import shlex
import tomllib

import msgspec
import pytest

from functions.mcp.tools import TOOLS
from tests.paths import ROOT
from tests.support.world import URL, World

PAGE = (ROOT / "docs" / "use" / "agents.md").read_text("utf-8")
ADDRESS = "https://ballroom.example.org/mcp"
SAMPLES = dict(
    re.findall(r"### ([^\n]+)\n(?:(?!\n###).)*?```(?:json|toml|sh)\n(.*?)```", PAGE, re.DOTALL)
)


def servers(client: str) -> object:
    """Return the part of a sample that names servers."""
    text = SAMPLES[client]
    whole = tomllib.loads(text) if client == "Codex" else json.loads(text)
    return next(each for name, each in whole.items() if name.lower().endswith("servers"))


@pytest.mark.parametrize("client", ["VS Code", "Cursor", "Codex", "Gemini CLI"])
def test_a_sample_of_settings_names_the_address_and_no_token(client: str) -> None:
    found = json.dumps(servers(client))
    assert ADDRESS in found
    assert "BALLROOM_TOKEN" in found or "${input:ballroom-token}" in found
    assert "blr_" not in found


def test_the_sample_of_a_command_and_that_of_a_project_are_the_same_server() -> None:
    words = shlex.split(SAMPLES["Claude Code"])
    assert words[:3] == ["claude", "mcp", "add"]
    assert ADDRESS in words
    samples = re.findall(r"```json\n(.*?)```", PAGE, re.DOTALL)
    shared = next(each for each in samples if '"type"' in each)
    assert json.loads(shared)["mcpServers"]["ballroom"]["url"] == ADDRESS


def test_the_page_lists_every_tool_with_its_arguments() -> None:
    rows = dict(re.findall(r"^\| `(\w+)` \| .+ \| ([^|]+) \|$", PAGE, re.MULTILINE))
    listed = {name: re.findall(r"`(\w+)\??`", arguments) for name, arguments in rows.items()}
    declared = {
        name: sorted(each.encode_name for each in msgspec.structs.fields(tool.arguments))
        for name, tool in TOOLS.items()
    }
    assert {name: sorted(each) for name, each in listed.items()} == declared


async def test_the_registry_shows_the_page_with_its_own_address(shared_world: World) -> None:
    page = (await shared_world.get(f"{URL}/docs/agents")).text
    assert f"{URL}/mcp" in page
    assert "ballroom.example.org" not in page
    llms = (await shared_world.get(f"{URL}/llms.txt")).text
    assert f"{URL}/mcp: {URL}/docs/agents" in llms
