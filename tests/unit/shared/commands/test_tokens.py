"""token …"""

import re

import pytest

from tests.support.terminal import Terminal

TOKEN = re.compile(r"blr_local_[0-9A-Za-z]{48}\n")


def listed(terminal: Terminal, name: str) -> dict[str, str]:
    """Return the token of ann with this name."""
    [token] = [each for each in terminal.json("token", "list", "ann") if each["name"] == name]
    return token


def test_a_token_is_printed_alone_so_that_a_script_can_keep_it(terminal: Terminal) -> None:
    assert TOKEN.fullmatch(terminal.run("token", "issue", "ann", "--name", "laptop"))
    assert listed(terminal, "laptop")["grants"] == "read on */*"


def test_a_token_allows_what_was_requested(terminal: Terminal) -> None:
    terminal.run(
        *("token", "issue", "ann", "--name", "ci", "--org", "acme", "--package", "g*"),
        *("--scope", "push-version", "--scope", "read", "--expires", "1"),
    )
    assert listed(terminal, "ci")["grants"] == "read,push-version on acme/g*"
    assert re.fullmatch(r"20\d\d-\d\d-\d\d \d\d:\d\dZ", listed(terminal, "ci")["expires"])


def test_the_operator_may_make_a_token_that_never_expires(terminal: Terminal) -> None:
    terminal.run("token", "issue", "ann", "--name", "mirror", "--expires", "never")
    assert listed(terminal, "mirror")["expires"] == "never"


def test_a_list_shows_no_token(terminal: Terminal) -> None:
    token = terminal.run("token", "issue", "ann", "--name", "laptop").strip()
    shown = terminal.run("token", "list", "ann") + terminal.run("token", "list", "ann", "--json")
    assert token not in shown
    assert token[10:] not in shown


def test_a_revoked_token_is_listed_no_more(terminal: Terminal) -> None:
    terminal.run("token", "issue", "ann", "--name", "laptop")
    terminal.run("token", "revoke", "ann", listed(terminal, "laptop")["id"])
    assert all(each["name"] != "laptop" for each in terminal.json("token", "list", "ann"))


def test_a_token_of_an_organization_is_made_listed_and_revoked(terminal: Terminal) -> None:
    issue = ("token", "issue", "@acme", "--name", "nightly", "--scope", "push-version")
    assert TOKEN.fullmatch(terminal.run(*issue))
    [token] = terminal.json("token", "list", "@acme")
    assert token["grants"] == "push-version on acme/*"
    terminal.run("token", "revoke", "@acme", token["id"])
    assert terminal.json("token", "list", "@acme") == []


def test_a_token_is_shown_with_all_but_its_text(terminal: Terminal) -> None:
    text = terminal.run(
        *("token", "issue", "ann", "--name", "ci"),
        *("--address", "203.0.113.0/24", "--address", "2001:DB8::1"),
    )
    token_id = listed(terminal, "ci")["id"]
    shown = terminal.json("token", "show", "ann", token_id)
    assert shown["addresses"] == "203.0.113.0/24, 2001:db8::1"
    assert shown["last_used_by"] is None
    assert text.strip() not in terminal.run("token", "show", "ann", token_id)


def test_a_token_is_renamed_and_rotated(terminal: Terminal) -> None:
    old = terminal.run("token", "issue", "ann", "--name", "ci")
    token_id = listed(terminal, "ci")["id"]
    terminal.run("token", "rename", "ann", token_id, "nightly")
    new = terminal.run("token", "rotate", "ann", token_id)
    assert TOKEN.fullmatch(new)
    assert new != old
    assert listed(terminal, "nightly")["id"] == token_id


def test_an_account_without_tokens_has_an_empty_list(terminal: Terminal) -> None:
    terminal.run("account", "add", "kim")
    assert terminal.run("token", "list", "kim") == "There is nothing to list.\n"
    assert terminal.json("token", "list", "kim") == []


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (("revoke", "ann", "nope"), "token not found: nope. List yours to see their ids."),
        (("issue", "nobody", "--name", "x"), "account not found: nobody"),
        (("issue", "@nobody", "--name", "x"), "organization not found: nobody"),
        (("list", "@a b"), "'a b' is not a valid organization name. "),
        (("show", "@acme", "nope"), "token not found: nope. List yours to see their ids."),
        (
            ("issue", "ann", "--name", "x", "--expires", "366"),
            "A token is good for 1 to 365 days, not 366.",
        ),
    ],
)
def test_an_impossible_request_is_one_line(
    terminal: Terminal, arguments: tuple[str, ...], line: str
) -> None:
    assert terminal.fail("token", *arguments).startswith(line)


def test_a_token_of_an_organization_ends(terminal: Terminal) -> None:
    with pytest.raises(AssertionError, match="A token of an organization has to expire"):
        terminal.run("token", "issue", "@acme", "--name", "x", "--expires", "never")


def test_an_invalid_lifetime_is_refused_with_an_example(terminal: Terminal) -> None:
    with pytest.raises(AssertionError, match="'soon' is neither a number of days nor never"):
        terminal.run("token", "issue", "ann", "--name", "x", "--expires", "soon")
