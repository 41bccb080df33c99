"""`ballroom package quarantine|remove` of many releases, and `hold|release` of a whole package."""

import asyncio
import shutil
from functools import partial
from pathlib import Path

import pytest

from shared.adapters.file_archives import FileArchives
from shared.bootstrap.build import build_registry
from shared.domain.archives.digests import Digest
from shared.domain.errors.requests import Busy
from shared.domain.grants import Grant
from shared.domain.principals import Principal
from shared.services.publishing.uploads import Upload
from tests.support.archives import bala
from tests.support.port_doubles import Fault
from tests.support.terminal import Terminal
from tests.support.world import Template, settings_of

REASON = ("--reason", "Case 4711.")
BY_ANN = ("acme/greet:1.0.0", "acme/greet:1.1.0", "acme/tool:1.0.0")
BY_BOB = "other/app:1.0.0"


@pytest.fixture(scope="module")
def releases(template: Template, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder of a registry in which ann and bob have published, to copy."""
    data = shutil.copytree(template.folder, tmp_path_factory.mktemp("releases") / "data")

    async def publish() -> None:
        registry = build_registry(settings_of(data))
        for each in (*BY_ANN, BY_BOB):
            person = template.people.bob if each == BY_BOB else template.people.ann
            by = Principal(person.account.id, f"token-of-{person.account.name}", (Grant(),))
            await registry.publishing.releases.push(Upload(bala(each)), by=by)
        await registry.close()

    asyncio.run(publish())
    return data


@pytest.fixture
def many(releases: Path, tmp_path: Path) -> Terminal:
    """Return a terminal for such a registry of the test's own."""
    return Terminal(Path(shutil.copytree(releases, tmp_path / "data")))


def states(many: Terminal) -> list[str]:
    return [many.json("package", "show", each)["state"] for each in (*BY_ANN, BY_BOB)]


LIVE = ["live"] * 4


@pytest.mark.parametrize(
    ("selected", "expected"),
    [
        (("acme",), ["quarantined", "quarantined", "quarantined", "live"]),
        (("acme/greet",), ["quarantined", "quarantined", "live", "live"]),
        (("--by-account", "bob"), ["live", "live", "live", "quarantined"]),
        (("--by-token", "token-of-ann"), ["quarantined", "quarantined", "quarantined", "live"]),
        (("acme/tool", "--by-token", "token-of-ann"), ["live", "live", "quarantined", "live"]),
        (("--since", "24h"), ["quarantined"] * 4),
        (("--since", "2100-01-01"), LIVE),
        (("--by-publisher", "0000000000"), LIVE),
        (("other", "--by-account", "ann"), LIVE),
    ],
)
def test_all_releases_that_match_each_option_are_quarantined(
    many: Terminal, selected: tuple[str, ...], expected: list[str]
) -> None:
    many.run("package", "quarantine", *selected, *REASON, "--yes")
    assert states(many) == expected


def test_a_dry_run_lists_the_releases_and_changes_nothing(many: Terminal) -> None:
    printed = many.run("package", "remove", "acme", *REASON, "--dry-run")
    lines = [f"{each} (live)" for each in BY_ANN]
    assert sorted(printed.splitlines()[:-1]) == lines
    assert printed.splitlines()[-1] == "This would remove 3 releases."
    assert states(many) == LIVE


def test_many_releases_are_listed_before_the_question(many: Terminal) -> None:
    result = many.invoke("package", "remove", "acme/greet", *REASON)
    assert result.exit_code == 1
    assert "acme/greet:1.1.0 (live)" in result.output
    assert "Remove these 2 releases?" in result.output
    assert states(many) == LIVE


def test_one_release_is_named_in_the_singular(many: Terminal) -> None:
    dry = many.run("package", "remove", "acme/tool", *REASON, "--dry-run")
    assert dry.splitlines()[-1] == "This would remove 1 release."
    assert "Remove this release?" in many.invoke("package", "remove", "acme/tool", *REASON).output


def test_each_release_has_an_event_with_the_reason(many: Terminal) -> None:
    many.run("package", "remove", "acme", *REASON, "--yes")
    printed = many.run("package", "remove", "acme", *REASON, "--yes")
    assert printed == "There is no such release.\n"
    shown = [many.json("package", "show", each) for each in BY_ANN]
    assert {(each["state"], each["reason"]) for each in shown} == {("removed", "Case 4711.")}


def test_what_is_meant_has_to_be_said(many: Terminal) -> None:
    assert "Say which releases you mean" in many.fail("package", "remove", *REASON, "--yes")
    assert "account not found" in many.fail(
        "package", "quarantine", "--by-account", "nobody", *REASON, "--yes"
    )


def test_a_package_is_held_as_a_whole_until_it_is_released(many: Terminal) -> None:
    said = many.run("package", "hold", "acme/greet", *REASON)
    assert said.startswith("acme/greet is held. New releases wait until: ")
    assert states(many) == LIVE
    assert many.run("package", "release", "acme/greet") == "acme/greet is not held.\n"


def test_the_erasure_of_many_releases_may_be_repeated(many: Terminal) -> None:
    """Also of those that were removed before, whose archives the sweep has not deleted yet."""
    removed = ("package", "remove", "acme/greet", *REASON, "--yes")
    many.run(*removed)
    receipts = many.run(*removed, "--erase-now")
    assert [each for each in BY_ANN if f"Receipt for {each}, " in receipts] == list(BY_ANN[:2])
    again = many.run(*removed, "--erase-now")
    assert again == "There is no such release.\n"


def test_an_erasure_of_many_releases_that_fails_prints_the_receipts_before(
    many: Terminal, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A repeat does not find what is erased, so it would print no receipt of it."""
    fault = Fault("delete", Busy(), nth=2)
    delete = FileArchives.delete

    async def fail_once(archives: FileArchives, digest: Digest, stored_before_ms: int) -> bool:
        return await fault.intercept("delete", partial(delete, archives, digest, stored_before_ms))

    monkeypatch.setattr(FileArchives, "delete", fail_once)
    erase = ("package", "remove", "acme/greet", *REASON, "--yes", "--erase-now")
    failed = many.invoke(*erase)
    assert failed.exit_code == 1
    assert str(Busy()) in failed.stderr
    assert [each for each in BY_ANN if f"Receipt for {each}, " in failed.stdout] == [BY_ANN[0]]
    repeated = many.run(*erase)
    assert [each for each in BY_ANN if f"Receipt for {each}, " in repeated] == [BY_ANN[1]]
