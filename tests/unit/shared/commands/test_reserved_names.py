"""names …"""

from shared.domain.reserved_names import RESERVED_WORDS
from tests.support.terminal import Terminal


def patterns(terminal: Terminal) -> list[object]:
    """Return the patterns that are kept back."""
    listed = [each["pattern"] for each in terminal.json("names", "list")]
    assert {*listed} > RESERVED_WORDS
    return [each for each in listed if each not in RESERVED_WORDS]


def test_names_are_reserved_until_they_are_released(terminal: Terminal) -> None:
    reported = terminal.run("names", "add", "wso2*", "--reason", "Theirs.")
    assert reported == "Nobody can create an organization that matches wso2* any more.\n"
    assert patterns(terminal) == ["ballerina*", "wso2*"]
    assert terminal.run("names", "remove", "WSO2*") == "WSO2* is free again.\n"
    assert patterns(terminal) == ["ballerina*"]


def test_names_that_the_setting_reserves_are_listed_and_stay(terminal: Terminal) -> None:
    listed = terminal.run("names", "list", BALLROOM_RESERVED_NAMES="init*")
    assert "BALLROOM_RESERVED_NAMES" in listed
    line = terminal.fail("names", "remove", "init*", BALLROOM_RESERVED_NAMES="init*")
    assert "BALLROOM_RESERVED_NAMES" in line
