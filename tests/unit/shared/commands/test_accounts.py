"""account … and signin-link."""

from tests.support.terminal import Terminal


def test_an_account_is_locked_for_a_reason_until_it_is_unlocked(terminal: Terminal) -> None:
    def locked() -> dict[str, object]:
        return next(each for each in terminal.json("account", "list") if each["name"] == "ann")

    terminal.run("account", "lock", "ann", "--reason", "Its laptop was stolen.")
    assert locked()["locked"]
    terminal.run("account", "unlock", "ann")
    assert locked()["locked"] is None
    assert terminal.fail("account", "lock", "ann", "--reason", " ").startswith("Enter a reason")


def test_administrators_come_and_go_but_for_the_last(terminal: Terminal) -> None:
    assert terminal.run("account", "appoint", "ann") == "ann is an administrator.\n"
    assert (
        terminal.run("account", "dismiss", "admin", "--reason", "It was decided.")
        == "admin is no longer an administrator.\n"
    )
    assert terminal.fail("account", "dismiss", "ann", "--reason", "It was decided.").startswith(
        "ann is the only administrator"
    )


def test_an_account_is_renamed_and_its_name_before_is_nobodys(terminal: Terminal) -> None:
    assert terminal.run("account", "rename", "ann", "anna").endswith(" is called anna.\n")
    assert "account not found: ann" in terminal.fail("signin-link", "ann")
    assert "ann exists already" in terminal.fail("account", "add", "ann")
    assert "/sign-in/link#" in terminal.run("signin-link", "anna")


def test_an_account_is_named_by_its_id_as_well(terminal: Terminal) -> None:
    [ann] = [each["id"] for each in terminal.json("account", "list") if each["name"] == "ann"]
    assert "/sign-in/link#" in terminal.run("signin-link", f"id:{ann}")
    assert f"An id has id: before it: id:{ann}." in terminal.fail("signin-link", ann)
