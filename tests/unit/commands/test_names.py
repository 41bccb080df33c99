"""names …"""

from tests.terminal import Terminal


def patterns(terminal: Terminal) -> list[object]:
    """Return the patterns that are kept back."""
    return [each["pattern"] for each in terminal.json("names", "list")]


def test_names_are_kept_back_until_they_are_given_free(terminal: Terminal) -> None:
    told = terminal.run("names", "add", "wso2*", "--reason", "Theirs.")
    assert told == "Nobody founds wso2* from now on.\n"
    assert patterns(terminal) == ["ballerina*", "wso2*"]
    assert "kept back by administrators: Theirs." in terminal.run("names", "check", "WSO2labs")
    assert terminal.run("names", "remove", "WSO2*") == "WSO2* is free again.\n"
    assert patterns(terminal) == ["ballerina*"]
    assert terminal.run("names", "check", "WSO2labs") == "WSO2labs is free.\n"


def test_organizations_that_are_there_already_are_told(terminal: Terminal) -> None:
    told = terminal.run("names", "add", "a?me", "--reason", "To see.")
    assert "These are there, and stay: acme." in told


def test_what_the_setting_keeps_back_is_listed_and_stays(terminal: Terminal) -> None:
    listed = terminal.run("names", "list", BALLROOM_RESERVED_NAMES="admin")
    assert "BALLROOM_RESERVED_NAMES" in listed
    line = terminal.fail("names", "remove", "admin", BALLROOM_RESERVED_NAMES="admin")
    assert "BALLROOM_RESERVED_NAMES" in line
