"""read-only …"""

from tests.terminal import Terminal


def test_changes_are_taken_unless_the_operator_says_otherwise(terminal: Terminal) -> None:
    assert terminal.run("read-only", "show") == "Changes are taken.\n"


def test_a_registry_is_turned_read_only_and_back(terminal: Terminal) -> None:
    said = terminal.run("read-only", "on", "--reason", "moving house until 22:00.")
    assert "takes no changes now: moving house until 22:00. Reading and pulling go on." in said
    shown = terminal.invoke("read-only", "show")
    assert shown.exit_code == 1
    assert shown.output.endswith("Z: moving house until 22:00.\n")
    assert terminal.run("read-only", "off") == "Changes are taken.\n"
    assert terminal.run("read-only", "show") == "Changes are taken.\n"


def test_a_reason_is_needed(terminal: Terminal) -> None:
    assert "A reason has 1 to 200 characters" in terminal.fail("read-only", "on", "--reason", " ")


def test_tasks_that_change_records_are_not_run_by_hand_either(terminal: Terminal) -> None:
    terminal.run("read-only", "on", "--reason", "moving house")
    assert "takes no changes now: moving house" in terminal.fail("upkeep", "run", "sweep")
    assert terminal.run("upkeep", "run", "snapshot").startswith("snapshot: looked at")


def test_the_operator_changes_things_meanwhile(terminal: Terminal) -> None:
    terminal.run("read-only", "on", "--reason", "moving house")
    assert "Created the organization" in terminal.run("org", "add", "fresh", "--owner", "ann")
