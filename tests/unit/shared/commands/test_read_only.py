"""read-only …"""

from tests.support.terminal import Terminal


def test_a_registry_is_turned_read_only_and_back(terminal: Terminal) -> None:
    said = terminal.run("read-only", "on", "--reason", "moving house until 22:00.")
    assert (
        "is in read-only mode: moving house until 22:00. Packages can still be searched and pulled."
        in said
    )
    shown = terminal.invoke("read-only", "show")
    assert shown.exit_code == 1
    assert shown.output.endswith("Z: moving house until 22:00.\n")
    assert terminal.run("read-only", "off") == "Changes are taken.\n"
    assert terminal.run("read-only", "show") == "Changes are taken.\n"


def test_tasks_that_change_records_are_not_run_by_hand_either(terminal: Terminal) -> None:
    terminal.run("read-only", "on", "--reason", "moving house")
    assert "is in read-only mode: moving house" in terminal.fail(
        "upkeep", "run", "delete-orphaned-archives"
    )
    assert terminal.run("upkeep", "run", "create-snapshot").startswith("create-snapshot: checked")


def test_the_operator_changes_things_meanwhile(terminal: Terminal) -> None:
    terminal.run("read-only", "on", "--reason", "moving house")
    assert "Created the organization" in terminal.run("org", "add", "fresh", "--owner", "ann")
