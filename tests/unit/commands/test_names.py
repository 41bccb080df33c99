"""names …"""

from shared.domain.reserved_names import RESERVED_WORDS
from tests.terminal import Terminal


def patterns(terminal: Terminal) -> list[object]:
    """Return the patterns that are kept back."""
    listed = [each["pattern"] for each in terminal.json("names", "list")]
    assert {*listed} > RESERVED_WORDS
    return [each for each in listed if each not in RESERVED_WORDS]


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
    listed = terminal.run("names", "list", BALLROOM_RESERVED_NAMES="init*")
    assert "BALLROOM_RESERVED_NAMES" in listed
    line = terminal.fail("names", "remove", "init*", BALLROOM_RESERVED_NAMES="init*")
    assert "BALLROOM_RESERVED_NAMES" in line
