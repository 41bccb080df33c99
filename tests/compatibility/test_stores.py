"""What an earlier commit wrote, in a data folder and in the cloud, is read by today's code."""

from collections.abc import AsyncGenerator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.compatibility.asking import REMOVED_PATHS, Ask, Asking, differences
from tests.compatibility.fixtures import ANSWERS, read_json
from tests.compatibility.story import Facts, shown
from tests.compatibility.write import STORAGE_BY_KIND, facts_of, open_folder, read_by_this_code
from tests.protocol.bal.okhttp import FORM, multipart
from tests.support.archives import bala
from tests.support.terminal import Terminal
from tests.support.world import URL, World

ARCHIVE = {"Accept": "application/octet-stream"}


@dataclass
class Old:
    """A registry over stores that an earlier commit wrote, and what it answered."""

    world: World
    facts: Facts
    answers: dict[str, list[dict[str, Any]]]

    async def differing(self, part: str) -> list[str]:
        """Ask once more; say what is not as it was."""
        return [
            f"{ask}: {each}"
            for ask, answer in self._asked(part)
            for each in differences(answer, await ask.send(self.world.http))
        ]

    def _asked(self, part: str) -> list[tuple[Ask, dict[str, Any]]]:
        asked = [(Ask.of(each["ask"]), each["answer"]) for each in self.answers[part]]
        return [each for each in asked if not each[0].path.endswith(REMOVED_PATHS)]

    async def push(self, archive: bytes, token: str) -> httpx.Response:
        bearer = {"Authorization": f"Bearer {self.facts.tokens[token]}"}
        content = multipart("any.bala", archive)
        headers = {**FORM, **bearer}
        return await self.world.send("POST", "/packages", headers=headers, content=content)


@pytest.fixture(params=list(STORAGE_BY_KIND))
async def old(request: pytest.FixtureRequest, scratch: Path) -> AsyncGenerator[Old]:
    kind: str = request.param
    answers = read_json(ANSWERS[kind])
    facts = facts_of(answers)
    async with read_by_this_code(kind, scratch / "data", facts.at_ms) as world:
        # An index of an older schema is empty until the start of a machine, or the task of the
        # cloud, has built it again; operators then run the other task once, as the changelog says.
        if kind != "folder":
            await world.registry.maintenance.tasks["update-search-index"].run()
        await world.registry.maintenance.tasks["rebuild-derived-data"].run()
        yield Old(world, facts, answers)


async def test_every_request_is_answered_as_the_code_did_that_wrote_the_stores(old: Old) -> None:
    await old.world.registry.maintenance.tasks["generate-api-docs"].run()  # As after an upgrade.
    assert await old.differing("reads") == []


async def test_changes_succeed_as_they_did(old: Old) -> None:
    assert await old.differing("changes") == []


async def test_further_versions_are_pushed_and_pulled(old: Old) -> None:
    [reopened] = [each for each in Asking(old.facts).changes() if "/off" in each.path]
    assert (await reopened.send(old.world.http))["status"] == 303
    for token, coordinate in {"laptop": "acme/greet:3.0.0", "of acme": "acme/fresh:1.0.0"}.items():
        answer = await old.push(bala(coordinate), token)
        assert answer.status_code == 204, answer.text
        path = f"/packages/{coordinate.replace(':', '/')}"
        first = await old.world.get(path, headers=ARCHIVE)
        assert (await old.world.get(first.headers["location"])).content == bala(coordinate)
    again = await old.push(bala("acme/gone:1.0.0", readme="Another.\n"), "laptop")
    assert again.status_code in (400, 409), "the version of a removed release is never free again"


async def test_upkeep_finds_nothing_wrong(old: Old) -> None:
    [reopened] = [each for each in Asking(old.facts).changes() if "/off" in each.path]
    await reopened.send(old.world.http)
    problems: dict[str, Any] = {}
    changed: dict[str, int] = {}
    for task in old.world.registry.maintenance.task_runner.tasks:
        report = await old.world.registry.maintenance.task_runner.run(task)
        assert report, task
        problems[task] = report.problems
        changed[task] = report.changed
    assert not any(problems.values()), problems
    assert changed["repair-derived-data"] == 0, "what is derived is what today's code would derive"


async def test_the_snapshot_is_complete(old: Old) -> None:
    shelf = old.world.registry.maintenance.snapshot_creation.snapshots
    names = [each.name for each in await shelf.manifests()]
    assert len(names) == 1
    assert (await shelf.verify(names[0])).lines > 0


# --- a data folder, by the commands of its operator --------------------------------------------


@pytest.fixture
def terminal(scratch: Path) -> Terminal:
    """Return the terminal of somebody whose data folder is old."""
    open_folder(scratch / "data")
    return Terminal(scratch / "data", {"BALLROOM_URL": URL})


def test_doctor_finds_no_problem_but_the_permissions_of_earlier_versions(
    terminal: Terminal, scratch: Path
) -> None:
    for path in ((scratch / "data"), *(scratch / "data").rglob("*")):
        path.chmod(path.stat().st_mode & 0o700)  # As doctor says.
    found = terminal.json("doctor")
    # The issuer of its trusted publisher and its own address are elsewhere, which no test reaches.
    # It names nobody to whom those write who appeal, and what was made before makers were stored
    # has none.
    expected = {"issuer", "own address", "appeals", "contact", "operator", "makers"}
    assert {each["what"] for each in found if not each["ok"]} <= expected


def test_a_backup_of_an_upgraded_store_is_restored_with_its_accounts(
    terminal: Terminal, scratch: Path
) -> None:
    terminal.run("backup", str(scratch / "backup"))
    other = Terminal(scratch / "restored", terminal.settings)
    other.run("restore", str(scratch / "backup"))
    assert other.json("account", "list") == terminal.json("account", "list")


def test_a_snapshot_of_an_earlier_version_is_restored_with_its_packages(
    terminal: Terminal, scratch: Path
) -> None:
    [snapshot] = terminal.json("snapshot", "list")
    other = Terminal(scratch / "restored", terminal.settings)
    other.run("snapshot", "restore", snapshot["name"], "--from", str(scratch / "data"))
    for coordinate in ("acme/greet:1.1.0", "acme/secret:1.0.0", "acme/harms:1.0.0"):
        assert other.json("package", "show", coordinate) == terminal.json(
            "package", "show", coordinate
        )


async def test_the_script_that_wrote_the_stores_runs_with_the_current_code(scratch: Path) -> None:
    facts = await shown(scratch / "data", STORAGE_BY_KIND["folder"])
    known = facts_of(read_json(ANSWERS["folder"]))
    assert (facts.at_ms, set(facts.tokens)) == (known.at_ms, set(known.tokens))
    assert [str(each) for each in Asking(facts).reads()]
