"""drill: the newest backup is restored beside it, audited and reported."""

import asyncio
import json
import shutil
import sqlite3
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from shared.bootstrap.build import build_registry
from shared.domain.drills import Drill, DrillOutcome
from tests.support.terminal import Terminal
from tests.support.world import settings_of

pytestmark = pytest.mark.measured


@pytest.fixture
def backups(published: Terminal, tmp_path: Path) -> Path:
    """Return a folder with the backup of this hour, made after an entry of the log was written."""
    published.run("upkeep", "run", "write-log")
    backups = tmp_path / "backups"
    backups.mkdir()
    published.run("backup", str(backups / name_of(timedelta())))
    return backups


def name_of(age: timedelta) -> str:
    return f"{datetime.now(UTC) - age:%Y%m%dT%H%M%SZ}"


def last(terminal: Terminal) -> tuple[Drill | None, Drill | None]:
    """Return the last drill that the registry knows, and the last one that found nothing."""

    async def read() -> tuple[Drill | None, Drill | None]:
        registry = build_registry(settings_of(terminal.data))
        drills = registry.administration.recovery_drills
        found = (await drills.last_drill(), await drills.last_whole_drill())
        await registry.close()
        return found

    return asyncio.run(read())


def files(folder: Path) -> dict[str, bytes]:
    return {
        str(each.relative_to(folder)): each.read_bytes()
        for each in folder.rglob("*")
        if each.is_file()
    }


def only(backups: Path) -> Path:
    [backup] = (each for each in backups.iterdir() if each.is_dir())
    return backup


def test_the_newest_backup_is_restored_and_audited_and_nothing_is_left(
    published: Terminal, backups: Path
) -> None:
    before = files(backups)
    archives = files(published.data / "archives")
    printed = published.run("drill", str(backups))
    assert [line.split()[0] for line in printed.splitlines()[:5]] == [
        "restore",
        "upgrade",
        "database",
        "archives",
        "log",
    ]
    assert "has 1 package and 1 release, and " in printed
    assert "Archives read: 1." in printed
    assert printed.endswith("nothing is wrong.\n")
    assert files(backups) == before
    assert files(published.data / "archives") == archives
    drill, whole = last(published)
    assert drill is not None
    assert drill == whole
    assert (drill.releases, drill.outcome, drill.problems) == (1, DrillOutcome.WHOLE, ())
    assert drill.entries > 0
    assert list(drill.seconds) == ["restore", "upgrade", "database", "archives", "log"]
    assert drill.total_seconds >= drill.restore_seconds > 0


def test_a_drill_is_printed_as_json(published: Terminal, backups: Path) -> None:
    found = json.loads(published.run("drill", str(only(backups)), "--json"))
    assert found["outcome"] == "whole"
    assert found["source"] == str(only(backups))


@pytest.mark.parametrize("content", [b"", None])
def test_a_damaged_archive_is_a_problem(
    published: Terminal, backups: Path, content: bytes | None
) -> None:
    assert published.invoke("drill", str(backups)).exit_code == 0
    [archive] = (only(backups) / "archives" / "sha256").glob("*/*/*")
    archive.unlink()
    if content is not None:
        archive.write_bytes(content)
    result = published.invoke("drill", str(backups))
    assert result.exit_code == 1
    assert "problem: acme/greet:1.0.0: " in result.stdout
    assert result.stdout.endswith("1 problem found.\n")
    drill, whole = last(published)
    assert drill is not None
    assert whole is not None
    assert drill.outcome is DrillOutcome.PROBLEMS
    assert whole.at_ms < drill.at_ms


def test_an_event_that_was_changed_is_not_the_one_that_was_logged(
    published: Terminal, backups: Path
) -> None:
    with closing(sqlite3.connect(only(backups) / "ballroom.db")) as database, database:
        database.execute(
            "UPDATE events SET leaf = CAST(replace(CAST(leaf AS TEXT), 'acme', 'evil') AS BLOB)"
        )
    result = published.invoke("drill", str(backups))
    assert result.exit_code == 1
    assert "problem: The events do not lead to the root of the checkpoint of " in result.stdout


def test_a_file_of_the_log_that_was_changed_is_a_problem(
    published: Terminal, backups: Path
) -> None:
    [tile, *_] = (only(backups) / "transparency" / "log" / "tile" / "0").rglob("*.p/*")
    content = tile.read_bytes()
    tile.unlink()  # It is a link to the one of the registry.
    tile.write_bytes(bytes(each ^ 1 for each in content))
    result = published.invoke("drill", str(backups))
    assert result.exit_code == 1
    assert "problem: The files of the transparency log are not those of its" in result.stdout


def test_a_log_that_was_mended_has_entries_without_events(
    published: Terminal, backups: Path, tmp_path: Path
) -> None:
    # Entries of the log that the restored registry has no event of, and one after them.
    published.run("org", "add", "lost", "--owner", "ann")
    published.run("upkeep", "run", "write-log")
    restored = Terminal(tmp_path / "restored")
    restored.run("restore", str(only(backups)))
    shutil.rmtree(restored.data / "transparency")
    shutil.copytree(published.data / "transparency", restored.data / "transparency")
    assert "are of events that the registry does not have" in restored.run("log", "mend", "--yes")
    restored.run("org", "add", "later", "--owner", "ann")
    restored.run("upkeep", "run", "write-log")
    restored.run("backup", str(tmp_path / "second"))
    found = json.loads(restored.run("drill", str(tmp_path / "second"), "--json"))
    assert (found["outcome"], found["problems"]) == ("whole", [])
    assert found["entries"] > json.loads(published.run("drill", str(backups), "--json"))["entries"]


def test_a_release_without_its_package_is_a_problem(published: Terminal, backups: Path) -> None:
    with closing(sqlite3.connect(only(backups) / "ballroom.db")) as database, database:
        database.execute("DELETE FROM heads")
    result = published.invoke("drill", str(backups))
    assert "problem: acme/greet:1.0.0: its package has no record.\n" in result.stdout


def test_a_backup_that_cannot_be_restored_is_named(published: Terminal, backups: Path) -> None:
    (only(backups) / "ballroom.db").write_bytes(b"no database" * 1000)
    line = published.fail("drill", str(backups))
    assert line.startswith(f"{only(backups) / 'ballroom.db'} is damaged: ")
    drill, whole = last(published)
    assert drill is not None
    assert (drill.outcome, drill.problems, whole) == (DrillOutcome.FAILED, (line,), None)
    assert [each.name for each in backups.iterdir() if each.name.startswith(".")] == []


def test_the_newest_backup_counts_also_if_it_lost_its_database(
    published: Terminal, backups: Path
) -> None:
    only(backups).rename(backups / name_of(timedelta(hours=1)))
    (backups / name_of(timedelta())).mkdir()
    assert "holds no registry or no whole backup" in published.fail("drill", str(backups))


def test_a_backup_from_before_the_clock_was_set_back_is_the_oldest(
    published: Terminal, backups: Path
) -> None:
    newest = only(backups)
    (backups / name_of(timedelta(days=-365))).mkdir()
    assert f"{newest} of " in published.run("drill", str(backups))


def test_a_backup_that_is_being_made_does_not_count(published: Terminal, backups: Path) -> None:
    backup = only(backups)
    for name in (".unproven", "tuesday.partial"):
        shutil.copytree(backup, backups / name)
        (backups / name / "ballroom.db").touch()  # Now.
    source = json.loads(published.run("drill", str(backups), "--json"))["source"]
    assert source == str(backup)


def test_there_is_no_backup(published: Terminal, tmp_path: Path) -> None:
    line = published.fail("drill", str(tmp_path / "nowhere"))
    assert line.startswith(f"There is no backup in {tmp_path / 'nowhere'}. Make one, ")


def test_a_backup_that_is_older_than_it_may_be_is_a_problem(
    published: Terminal, backups: Path
) -> None:
    only(backups).rename(backups / name_of(timedelta(days=2, hours=3, minutes=5)))
    result = published.invoke("drill", str(backups))
    assert result.exit_code == 1
    assert (
        f"problem: {only(backups)} is the newest copy, and it is 2 days and 3 hours old: it "
        "may be 1 day and 12 hours old at most. See why no newer one was made, and make one.\n"
    ) in result.stdout
    assert published.invoke("drill", str(backups), "--max-age", "72").exit_code == 0


def test_the_folder_of_a_drill_that_was_killed_is_deleted(
    published: Terminal, backups: Path
) -> None:
    (backups / ".recovery-drill-killed" / "data").mkdir(parents=True)
    published.run("drill", str(backups))
    assert [each.name for each in backups.iterdir() if each.name.startswith(".")] == []


def test_a_link_with_the_name_of_a_drill_leads_it_nowhere(
    published: Terminal, backups: Path, tmp_path: Path
) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (backups / ".recovery-drill-link").symlink_to(elsewhere)
    published.run("drill", str(backups))
    assert list(elsewhere.iterdir()) == []


def test_a_drill_without_a_registry_says_that_its_result_is_not_recorded(
    published: Terminal, backups: Path
) -> None:
    shutil.rmtree(published.data)
    result = published.invoke("drill", str(backups))
    assert result.exit_code == 0
    assert "The result is not recorded: " in result.stderr


def test_a_place_that_cannot_be_written_is_named(published: Terminal, backups: Path) -> None:
    (backups / "file").touch()
    line = published.fail("drill", str(backups), "--scratch", str(backups / "file"))
    assert line.startswith(f"Nothing can be written to {backups / 'file'}: ")


def test_a_backup_without_keys_is_restored_and_they_are_asked_for(
    published: Terminal, backups: Path
) -> None:
    shutil.rmtree(only(backups) / "keys")
    result = published.invoke("drill", str(backups))
    assert result.exit_code == 0, result.output
    assert "The backup has no keys, " in result.stderr
