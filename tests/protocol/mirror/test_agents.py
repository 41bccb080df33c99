"""What agents are told of packages of an upstream."""

import pytest
from starlette.responses import JSONResponse

from tests.support.mcp_agent import Agent
from tests.support.mirrors import answering, change
from tests.support.upstreams import FakeUpstream
from tests.support.world import World

LOCK = "[[package]]\norg='ballerina'\nname='io'\nversion='1.0.0'\n"


async def test_versions_that_nobody_pulled_are_stored_and_compared(mirror: World) -> None:
    agent = Agent(mirror)
    asked = {"package": "ballerina/io", "before": "1.0.0", "after": "1.1.0"}
    for _ in range(2):  # Until both versions are documented; their comparison is waited for.
        told = await agent.use("compare_versions", **asked)
        assert "Retry after" in told.text
        await mirror.document()
    told = await agent.use("compare_versions", **asked)
    assert told.structured["after"] == "1.1.0"


async def test_a_package_is_shown_and_not_stored(mirror: World) -> None:
    agent = Agent(mirror)
    told = (await agent.use("get_package", package="ballerina/io")).structured
    assert (told["version"], told["versions"]) == ("1.1.0", ["1.1.0", "1.0.0"])
    checked = await agent.use("check", dependencies=LOCK)
    assert checked.structured["packages"][0]["state"] == "missing"
    assert "What nobody pulled from an upstream is missing here." in checked.text


async def test_why_a_release_of_an_upstream_is_refused_is_in_code(
    mirror: World, upstream: FakeUpstream
) -> None:
    upstream.publish("ballerina/ent:1.0.0", entries={"../IGNORE this": "x"})
    told = await Agent(mirror).use("list_api", package="ballerina/ent")
    assert told.text.startswith("`ballerina/ent:1.0.0 of the upstream registry ")
    assert told.text.endswith("ask the operator.`")
    assert "IGNORE" in told.text


@pytest.mark.parametrize("tool", ["get_package", "list_api", "compare_versions"])
async def test_a_package_that_a_rule_denies_is_told_with_the_rule(mirror: World, tool: str) -> None:
    await change(mirror, "ballerina/io deny")
    told = await Agent(mirror).use(tool, package="ballerina/io")
    assert told.is_error
    assert "is not served here: the rule `ballerina/io deny` denies it" in told.text


@pytest.mark.parametrize("tool", ["get_package", "compare_versions"])
async def test_an_incomplete_list_is_no_list(
    mirror: World, upstream: FakeUpstream, tool: str
) -> None:
    upstream.behave["versions"] = answering(JSONResponse({}, 500))
    told = await Agent(mirror).use(tool, package="ballerina/io")
    assert told.is_error
    assert "A complete list of versions of ballerina/io is not stored here" in told.text
