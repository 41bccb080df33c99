"""rules … and org rules …"""

from tests.support.terminal import Terminal


def test_rules_of_an_organization_are_shown_and_changed(terminal: Terminal) -> None:
    assert terminal.json("org", "rules", "acme")["staged"] is False
    changed = terminal.json("org", "rules", "acme", "--staged", "--approvals", "2")
    assert (changed["staged"], changed["approvals"]) == (True, 2)
    assert terminal.json("org", "rules", "acme", "--no-staged")["staged"] is False
    assert terminal.json("org", "rules", "acme")["approvals"] == 2


def test_an_empty_text_alone_empties_a_list(terminal: Terminal) -> None:
    rules = ("org", "rules", "acme")
    changed = terminal.json(*rules, "--license", "MIT", "--license", "Apache-2.0")
    assert changed["licenses"] == ["MIT", "Apache-2.0"]
    assert terminal.json(*rules, "--license", "")["licenses"] == []


def test_a_dry_run_changes_nothing(terminal: Terminal) -> None:
    said = terminal.run("org", "rules", "acme", "--staged", "--dry-run")
    assert "of the last 30 days. Nothing was changed." in said
    assert terminal.json("org", "rules", "acme")["staged"] is False


def test_rules_of_the_registry_are_shown_and_changed(terminal: Terminal) -> None:
    assert terminal.json("rules")["versionRule"] == "warn"
    assert terminal.json("rules", "--version-rule", "hold")["versionRule"] == "hold"
    assert terminal.json("org", "rules", "acme")["effective"]["versionRule"] == "hold"
    assert "of the last 30 days" in terminal.run("rules", "--version-rule", "warn", "--dry-run")
