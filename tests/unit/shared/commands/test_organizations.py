"""org …"""

from tests.support.terminal import Terminal


def roles(terminal: Terminal, org: str = "acme") -> dict[str, str]:
    members = terminal.json("org", "members", org)["members"]
    return {each["name"]: each["role"] for each in members}


def test_an_organization_is_created_with_its_owner(terminal: Terminal) -> None:
    terminal.run("org", "add", "Globex", "--owner", "bob")
    assert roles(terminal, "globex") == {"bob": "owner"}
    [globex] = [each for each in terminal.json("org", "list") if each["name"] == "Globex"]
    assert (globex["founder"], globex["deleted"]) == ("bob", None)


def test_members_come_change_and_go(terminal: Terminal) -> None:
    assert roles(terminal) == {"ann": "owner", "mia": "member"}
    terminal.run("org", "add-member", "acme", "mia", "--role", "maintainer")
    terminal.run("org", "add-member", "acme", "bob")
    assert roles(terminal) == {"ann": "owner", "mia": "maintainer", "bob": "member"}
    terminal.run("org", "remove-member", "acme", "mia")
    assert roles(terminal) == {"ann": "owner", "bob": "member"}


def test_the_last_owner_stays(terminal: Terminal) -> None:
    line = terminal.fail("org", "remove-member", "acme", "ann")
    assert line.startswith("ann is the only owner of acme")


def test_an_invalid_name_is_one_line(terminal: Terminal) -> None:
    assert terminal.fail("org", "members", "a-b").startswith("'a-b' is not a valid organization")


def test_an_organization_that_is_not_there_is_one_line(terminal: Terminal) -> None:
    assert terminal.fail("org", "members", "nowhere") == "organization not found: nowhere"


def test_an_empty_organization_is_deleted_for_ever(terminal: Terminal) -> None:
    terminal.run("org", "add", "Globex", "--owner", "bob")
    assert "Deleted the organization Globex." in terminal.run("org", "delete", "Globex", "--yes")
    assert terminal.fail("org", "members", "globex") == "organization not found: globex"
    assert "exists already" in terminal.fail("org", "add", "globex", "--owner", "bob")
    [globex] = [each for each in terminal.json("org", "list") if each["name"] == "Globex"]
    assert globex["deleted"]


def test_undoing_a_deletion_that_nobody_requested_is_refused(terminal: Terminal) -> None:
    assert terminal.fail("org", "keep", "acme").startswith("acme is not being deleted")
