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
    terminal.run("org", "remove-member", "acme", "mia", "--reason", "It was decided.")
    assert roles(terminal) == {"ann": "owner", "bob": "member"}


def test_an_empty_organization_is_deleted_for_ever(terminal: Terminal) -> None:
    terminal.run("org", "add", "Globex", "--owner", "bob")
    assert "Deleted the organization Globex." in terminal.run(
        "org", "delete", "Globex", "--yes", "--reason", "It was decided."
    )
    assert terminal.fail("org", "members", "globex") == "organization not found: globex"
    assert "exists already" in terminal.fail("org", "add", "globex", "--owner", "bob")
    [globex] = [each for each in terminal.json("org", "list") if each["name"] == "Globex"]
    assert globex["deleted"]
