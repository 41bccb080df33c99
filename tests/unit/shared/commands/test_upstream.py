"""upstream …, and what the doctor says of it."""

import asyncio
import json
from collections.abc import Iterator
from dataclasses import replace

import pytest

from shared.bootstrap import build_registry
from shared.domain.errors.base import Refusal
from shared.domain.identity import ANONYMOUS
from shared.domain.names import Coordinate
from shared.services.mirroring.upstream_reader import Asker
from shared.settings import Settings
from tests.support.terminal import Terminal
from tests.support.upstreams import FakeUpstream


@pytest.fixture
def upstream() -> Iterator[FakeUpstream]:
    """Return an upstream with a package that can be served, and one that cannot."""
    upstream = FakeUpstream()
    upstream.publish("ballerina/io:1.0.0")
    upstream.archives["ballerina/bad:1.0.0"] = b"no zip"
    with upstream.serving():
        yield upstream


@pytest.fixture
def mirroring(terminal: Terminal, upstream: FakeUpstream) -> Terminal:
    """Return the commands of a registry that mirrors it, after a pull of each package."""
    settings = {**terminal.settings, "BALLROOM_UPSTREAM": upstream.url}
    asyncio.run(pull_both(Settings(data=terminal.data, upstream=upstream.url)))
    return replace(terminal, settings=settings)


async def pull_both(settings: Settings) -> None:
    registry = build_registry(settings)
    assert registry.mirroring is not None
    for name in ("io", "bad"):
        coordinate = Coordinate.parse("ballerina", name, "1.0.0")
        try:
            await registry.mirroring.admission.admit(coordinate, Asker(ANONYMOUS, lambda: ""))
        except Refusal:
            assert name == "bad"
    await registry.close()


def test_a_check_says_what_is_stored(mirroring: Terminal, upstream: FakeUpstream) -> None:
    found = mirroring.json("upstream", "check")
    assert (found["answers"], found["packages"], found["refused"]) == (True, 1, 1)
    assert found["address"] == f"{upstream.url}/2.0/registry"


def test_a_check_fails_if_the_upstream_does_not_answer(mirroring: Terminal) -> None:
    elsewhere = {**mirroring.settings, "BALLROOM_UPSTREAM": "http://127.0.0.1:1"}
    result = mirroring.invoke("upstream", "check", **elsewhere)
    assert result.exit_code == 1
    assert "ConnectError" in result.stdout


def test_packages_and_refusals_are_listed(mirroring: Terminal) -> None:
    [package] = mirroring.json("upstream", "packages")
    assert (package["package"], package["releases"]) == ("ballerina/io", 1)
    [refused] = mirroring.json("upstream", "refusals")
    assert (refused["release"], refused["incident"]) == ("ballerina/bad:1.0.0", False)
    assert "zip" in refused["reason"]


def test_a_refusal_can_be_lifted_once(mirroring: Terminal) -> None:
    again = mirroring.run("upstream", "retry", "ballerina/bad:1.0.0")
    assert again == "ballerina/bad:1.0.0 is fetched again with the next pull.\n"
    again = mirroring.run("upstream", "retry", "ballerina/bad:1.0.0")
    assert again == "ballerina/bad:1.0.0 is not refused.\n"
    assert mirroring.invoke("upstream", "retry", "what").exit_code == 2


def test_without_an_upstream_the_commands_say_so(terminal: Terminal) -> None:
    said = terminal.fail("upstream", "check")
    assert said == "No registry is mirrored: BALLROOM_UPSTREAM is empty."


def test_the_doctor_asks_the_upstream(mirroring: Terminal) -> None:
    found = {each["what"]: each for each in json.loads(mirroring.run("doctor", "--json"))}
    assert found["upstream"]["found"].endswith(" answers.")
    result = mirroring.invoke("doctor", BALLROOM_UPSTREAM="http://127.0.0.1:1")
    assert result.exit_code == 0
    assert "advice" in result.stdout
    assert "does not answer: ConnectError." in result.stdout


def test_the_catalogue_is_listed_and_cleared(mirroring: Terminal) -> None:
    assert mirroring.json("upstream", "catalogue") == []
    mirroring.invoke("upkeep", "run", "update-upstream-catalogue")
    rows = mirroring.json("upstream", "catalogue")
    assert [each["package"] for each in rows] == ["ballerina/bad", "ballerina/io"]
    assert mirroring.json("upstream", "check")["catalogue"] == 2
    assert mirroring.json("upstream", "catalogue", "--clear") == []
