"""upkeep …"""

import sqlite3

from tests.terminal import Terminal


def test_every_task_runs_and_reports(terminal: Terminal) -> None:
    lines = terminal.run("upkeep", "run").splitlines()
    tasks = [line.partition(":")[0] for line in lines]
    assert {"settle", "sweep", "roll-up", "expire", "audit", "refresh"} <= set(tasks)


def test_one_task_runs_by_its_name(terminal: Terminal) -> None:
    assert terminal.run("upkeep", "run", "audit") == "audit: looked at 0, changed 0.\n"


def test_a_task_that_another_process_runs_is_left_to_it(terminal: Terminal) -> None:
    with sqlite3.connect(terminal.data / "ballroom.db") as connection:
        held = ("upkeep:audit", "another", 2**62)
        connection.execute("INSERT INTO leases (name, owner, until_ms) VALUES (?, ?, ?)", held)
    connection.close()
    assert terminal.run("upkeep", "run", "audit") == "audit: another process is at it.\n"


def test_a_task_that_does_not_exist_is_answered_with_those_that_do(terminal: Terminal) -> None:
    line = terminal.fail("upkeep", "run", "vacuum")
    assert line.startswith("There is no task 'vacuum'. There are: settle, sweep")


def test_what_a_task_finds_wrong_is_shown_and_fails(published: Terminal) -> None:
    [archive] = (published.data / "archives" / "sha256").glob("*/*/*")
    archive.unlink()
    result = published.invoke("upkeep", "run", "audit")
    assert result.exit_code == 1
    assert "  acme/greet:1.0.0: its archive is missing.\n" in result.stdout
