"""Ten tasks of an agent: each is done with at most four calls, of 20 KB together.

An agent follows the calls that answers name. It knows the tools, and nothing of the packages.
"""

import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from shared.ballerina.declarations import read_source
from tests.support.archives import bala
from tests.support.call_statements import read_call
from tests.support.documented_packages import documented_bala, published
from tests.support.mcp_agent import Agent, Told
from tests.support.world import OpenWorld

MOST_CALLS = 4
MOST_BYTES = 20_000

MAIL, SALESFORCE, HTTP = (
    (Path(__file__).parent / "sources" / f"{name}.bal").read_text("utf-8")
    for name in ("email", "salesforce", "http")
)
HTTP_LATER = HTTP.replace("int retries = 0", "int retries").replace("forward", "passOn")


@dataclass
class Session:
    """The calls of a task, and what they cost."""

    agent: Agent
    calls: int = 0
    size: int = 0

    async def use(self, tool: str, **arguments: object) -> Told:
        answer = await self.agent.use(tool, **arguments)
        assert not answer.is_error, answer.text
        self.calls += 1
        self.size += answer.size
        return answer

    async def follow(self, call: str) -> Told:
        """Make a call that an answer names, such as `get_symbol package=acme/a symbol=B.c d`."""
        tool, _, rest = call.partition(" ")
        pairs = re.findall(r"(\w+)=(.*?)(?= \w+=|$)", rest)
        return await self.use(tool, **dict(pairs))


@pytest.fixture(scope="module")
async def agent(shared_worlds: OpenWorld) -> Agent:
    world = await shared_worlds()
    await published(
        world,
        documented_bala("acme/email:2.0.0", {"a.bal": MAIL}, summary="Sends and receives email."),
        documented_bala("acme/salesforce:8.0.0", {"a.bal": SALESFORCE}, summary="Salesforce."),
        *(documented_bala(f"acme/http:2.{n}.0", {"a.bal": HTTP}) for n in (12, 13)),
        documented_bala("acme/http:2.15.0", {"a.bal": HTTP_LATER}, readme="# HTTP\n\nGet started."),
        bala("acme/app:1.0.0", dependencies=["acme/http:2.13.0"]),
        bala("acme/vault:1.0.0", visibility="private", summary="Keeps secrets."),
    )
    return Agent(world, world.people.ann)


async def which_client_sends_mail(task: Session) -> str:
    found = await task.use("search_symbols", query="send message mail")
    row = next(e for e in found.structured["symbols"] if e["kind"] == "method")
    return (await task.follow(row["next"])).text


async def what_changed_between_two_versions(task: Session) -> str:
    asked = {"package": "acme/http", "before": "2.12.0", "after": "2.15.0"}
    answer = await task.agent.use("compare_versions", **asked)
    if answer.is_error:  # It is being made.
        task.calls += 1
        assert "Retry after" in answer.text
        await task.agent.world.document()
    return (await task.use("compare_versions", **asked)).text


async def how_salesforce_creates_a_record(task: Session) -> str:
    found = await task.use("search_symbols", query="salesforce create")
    return (await task.follow(found.structured["symbols"][0]["next"])).text


async def what_to_import_for_mail(task: Session) -> str:
    found = await task.use("search_packages", query="email")
    return (await task.follow(found.structured["packages"][0]["next"])).text


async def whether_an_upgrade_is_safe(task: Session) -> str:
    locked = "[[package]]\norg = 'acme'\nname = 'http'\nversion = '2.13.0'\n"
    row = (await task.use("check", dependencies=locked)).structured["packages"][0]
    assert row["breakingVersions"] == "2.15.0"
    return (await task.follow(row["next"])).text


async def what_a_build_would_take(task: Session) -> str:
    return (await task.use("resolve", packages=["acme/app"], distribution="2201.13.0")).text


async def which_fields_a_configuration_has(task: Session) -> str:
    found = await task.use("list_api", package="acme/email", bucket="types", query="SmtpConfig")
    return (await task.follow(found.structured["declarations"][0]["next"])).text


async def how_to_begin(task: Session) -> str:
    return (await task.use("get_readme", package="acme/http")).text


async def everything_of_a_library(task: Session) -> str:
    return (await task.use("get_library", name="acme/email")).text


async def what_a_private_package_is(task: Session) -> str:
    found = await task.use("search_packages", query="vault")
    return (await task.follow(found.structured["packages"][0]["next"])).text


TASKS: list[tuple[Callable[[Session], Awaitable[str]], tuple[str, ...]]] = [
    (which_client_sends_mail, ("smtpClient->sendMessage(message)", "string[] to;")),
    (what_changed_between_two_versions, ("Client.forward", "The parameter retries is required")),
    (how_salesforce_creates_a_record, ("->create(sObjectName, sObject)", "boolean success")),
    (what_to_import_for_mail, ("import acme/email;", "2.0.0")),
    (whether_an_upgrade_is_safe, ("breakingCount: 2", "was removed")),
    (what_a_build_would_take, ("acme/http", "2.15.0")),
    (which_fields_a_configuration_has, ("int port = 465;", "START_TLS_AUTO")),
    (how_to_begin, ("Get started.",)),
    (everything_of_a_library, ("sendMessage", "public type Error distinct error")),
    (what_a_private_package_is, ("Keeps secrets.", "`private`")),
]


@pytest.mark.parametrize(("do", "expected"), TASKS, ids=[do.__name__ for do, _ in TASKS])
async def test_a_task_is_done_with_few_calls(
    agent: Agent, do: Callable[[Session], Awaitable[str]], expected: tuple[str, ...]
) -> None:
    task = Session(agent)
    said = await do(task)
    assert [each for each in expected if each not in said] == [], said
    assert task.calls <= MOST_CALLS
    assert task.size <= MOST_BYTES


BLOCK = re.compile(r"```ballerina\n(.*?)\n```", re.DOTALL)
CALL = re.compile(r"^## Call\n\n```ballerina\n(.*?)\n```", re.DOTALL | re.MULTILINE)
# Answers that end in code, and how many calls and blocks of declarations that has.
CODE: dict[Callable[[Session], Awaitable[str]], tuple[int, int]] = {
    which_client_sends_mail: (1, 3),
    how_salesforce_creates_a_record: (1, 2),
    which_fields_a_configuration_has: (0, 2),
    everything_of_a_library: (0, 1),
}


@pytest.mark.parametrize("do", CODE, ids=lambda do: do.__name__)
async def test_the_code_that_a_task_ends_in_parses(
    agent: Agent, do: Callable[[Session], Awaitable[str]]
) -> None:
    said = await do(Session(agent))
    calls = CALL.findall(said)
    others = [each for each in BLOCK.findall(said) if each not in calls and " " in each]
    assert (len(calls), len(others)) == CODE[do]
    for call in calls:
        assert read_call("\n".join(re.findall(r"^(?!import ).*$", call, re.MULTILINE)))
    for text in others:
        is_method = text.startswith(("remote ", "resource "))
        source = f"client class Shown {{\n{text}\n}}" if is_method else text
        assert read_source("shown.bal", source).unread == ()
