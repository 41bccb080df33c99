"""upstream …, and what the doctor says of it."""

import asyncio
import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from shared.bootstrap.build import build_registry
from shared.domain.coordinates import Coordinate
from shared.domain.errors.base import Refusal
from shared.domain.principals import ANONYMOUS
from shared.services.mirroring.upstream_questions import Asker
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
            await registry.mirroring.admission.admit(coordinate, Asker(ANONYMOUS))
        except Refusal:
            assert name == "bad"
    await registry.close()


def test_the_doctor_says_whether_the_token_is_accepted(
    mirroring: Terminal, upstream: FakeUpstream
) -> None:
    accepted = {**mirroring.settings, "BALLROOM_UPSTREAM_TOKEN": upstream.token}
    assert "answers with its token." in mirroring.invoke("doctor", **accepted).stdout
    refused = {**mirroring.settings, "BALLROOM_UPSTREAM_TOKEN": "blr_dev_old"}
    said = mirroring.invoke("doctor", **refused).stdout
    assert "does not accept the token (the answer was 401)" in said
    assert "blr_dev_old" not in said


def test_refusals_are_listed(mirroring: Terminal) -> None:
    [refused] = mirroring.json("upstream", "refusals")["releases"]
    assert (refused["release"], refused["incident"]) == ("ballerina/bad:1.0.0", False)
    assert "zip" in refused["reason"]


def test_a_refusal_can_be_lifted_once(mirroring: Terminal) -> None:
    retry = ("upstream", "retry", "ballerina/bad:1.0.0")
    assert mirroring.json(*retry) == {"retried": True}
    assert mirroring.run(*retry) == "retried  no\n"


def test_the_doctor_asks_the_upstream(mirroring: Terminal) -> None:
    found = {each["what"]: each for each in json.loads(mirroring.run("doctor", "--json"))}
    assert found["upstream"]["found"].endswith(" answers.")
    result = mirroring.invoke("doctor", BALLROOM_UPSTREAM="http://127.0.0.1:1")
    assert result.exit_code == 0
    assert "advice" in result.stdout
    assert "does not answer: the connection was refused." in result.stdout


def test_rules_are_changed_and_shown(mirroring: Terminal, upstream: FakeUpstream) -> None:
    shown = mirroring.json("upstream", "rules")
    assert (shown["rules"], shown["minimumAges"], shown["defaultMinimumAge"]) == ([], [], 0)
    rules = ("--rule", "ballerina/io deny", "--rule", "acme allow")
    [effect] = mirroring.json("upstream", "set", *rules, "--dry-run")["effects"]
    assert (effect["release"], effect["then"]) == (
        "ballerina/io:1.0.0",
        "denied by `ballerina/io deny`",
    )
    changed = mirroring.json("upstream", "set", *rules, "--minimum-age", f"7 {upstream.name}")
    assert changed["rules"] == ["ballerina/io deny", "acme allow"]
    assert changed.pop("removed") == []
    assert mirroring.json("upstream", "rules") == changed
    assert changed["minimumAges"] == [f"* 7 {upstream.name}"]
    address = f"{upstream.url}/2.0/registry"
    assert changed["upstreams"] == [{"name": upstream.name, "address": address}]
    mirroring.run("upstream", "set", "--upstream", "central")
    assert "ballerina central, ballerinax central, wso2 central" in mirroring.run(
        "upstream", "rules"
    )


def test_a_command_changes_the_rules_that_it_names_and_no_others(
    mirroring: Terminal, upstream: FakeUpstream
) -> None:
    address = f"{upstream.url}/2.0/registry"
    mirroring.run("upstream", "set", "--rule", "acme/* deny", "--rule", "* allow")
    mirroring.run("upstream", "set", "--minimum-age", "ballerina* 0", "--minimum-age", "7")
    mirroring.run("upstream", "set", "--rule", "Acme allow", "--rule", "ballerinax deny")
    changed = mirroring.json("upstream", "set", "--minimum-age", "14", "--upstream", "central")
    assert changed["rules"] == ["Acme allow", "ballerinax deny", "* allow"]
    assert changed["minimumAges"] == ["ballerina* 0", "* 14"]
    assert changed["removed"] == ["minimum age * 7"]
    before, added = changed["upstreams"]
    assert (before["address"], added["name"]) == (address, "central")
    removed = mirroring.json("upstream", "set", "--remove", "central", "--remove", "* ALLOW")
    assert removed["removed"] == ["upstream central", "rule * allow"]
    assert removed["rules"] == ["Acme allow", "ballerinax deny"]


def test_replacing_all_rules_is_said_and_shows_what_goes(mirroring: Terminal) -> None:
    mirroring.run("upstream", "set", "--rule", "acme deny", "--minimum-age", "7")
    replace = ("upstream", "set", "--replace", "--rule", "ballerina allow")
    planned = mirroring.invoke(*replace, "--dry-run")
    gone = ["rule acme deny", "minimum age * 7"]
    assert planned.stderr.splitlines() == [f"Would be removed: {each}" for each in gone]
    assert mirroring.json("upstream", "rules")["rules"] == ["acme deny"]
    done = mirroring.invoke(*replace)
    assert done.stderr.splitlines() == [f"Removed: {each}" for each in gone]
    shown = mirroring.json("upstream", "rules")
    assert (shown["rules"], shown["minimumAges"]) == (["ballerina allow"], [])
    assert len(shown["upstreams"]) == 1


def test_rules_are_kept_in_a_file_and_taken_from_it(mirroring: Terminal, tmp_path: Path) -> None:
    mirroring.run("upstream", "set", "--upstream", "central", "--rule", "acme deny")
    kept = mirroring.json("upstream", "rules")
    file = tmp_path / "rules.json"
    file.write_text(json.dumps(kept))
    mirroring.run("upstream", "set", "--replace", "--minimum-age", "7", "--upstream", "central")
    changed = mirroring.json("upstream", "set", "--file", str(file))
    assert changed["removed"] == ["minimum age * 7"]
    for name in ("upstreams", "rules", "minimumAges"):
        assert changed[name] == kept[name]
    file.write_text('{"rules": []}')
    refused = mirroring.invoke("upstream", "set", "--file", str(file))
    assert refused.exit_code == 1
    assert "is no file of rules. It needs the lists upstreams, rules and" in refused.stderr


@pytest.mark.parametrize(
    ("given", "reason"),
    [
        ([], "Say what to change"),
        (["--dry-run"], "Say what to change"),
        (["--replace", "--remove", "acme deny"], "Leave --remove out"),
        (["--remove", "acme deny"], "There is no upstream, rule or minimum age 'acme deny'"),
    ],
)
def test_a_change_of_rules_that_names_nothing_is_refused(
    mirroring: Terminal, given: list[str], reason: str
) -> None:
    refused = mirroring.invoke("upstream", "set", *given)
    assert refused.exit_code != 0
    assert reason in refused.stderr


def test_a_name_is_moved_after_a_dry_run(mirroring: Terminal, upstream: FakeUpstream) -> None:
    plan = mirroring.json("upstream", "move", "ballerina", "here")
    assert (plan["before"], plan["after"], plan["withheld"], plan["moved"]) == (
        upstream.name,
        "here",
        1,
        False,
    )
    assert mirroring.json(
        "upstream", "move", "ballerina", "here", "--yes", "--reason", "It was decided."
    )["moved"]
    plan = mirroring.json("upstream", "move", "ballerina", "here")
    assert (plan["before"], plan["withheld"]) == ("here", 0)


def test_the_catalogue_is_listed_and_cleared(mirroring: Terminal) -> None:
    assert mirroring.json("upstream", "catalogue") == []
    mirroring.invoke("upkeep", "run", "update-upstream-catalogue")
    rows = mirroring.json("upstream", "catalogue")
    assert [each["package"] for each in rows] == ["ballerina/bad", "ballerina/io"]
    assert mirroring.json("upstream", "catalogue", "--clear") == []
