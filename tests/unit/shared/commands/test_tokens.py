"""token …"""

import re

import pytest

from tests.support.terminal import Terminal

TOKEN = re.compile(r"blr_local_[0-9A-Za-z]{48}\n")


def listed(terminal: Terminal, name: str, owner: str = "ann") -> dict[str, object]:
    """Return the token of this name."""
    tokens = terminal.json("token", "list", owner)["tokens"]
    return next(each for each in tokens if each["name"] == name)


def test_a_token_is_printed_alone_so_that_a_script_can_keep_it(terminal: Terminal) -> None:
    assert TOKEN.fullmatch(terminal.run("token", "issue", "ann", "--name", "laptop"))
    [grant] = terminal.json("token", "list", "ann")["tokens"][-1]["grants"]
    assert grant == {"scopes": ["read"], "org": "*", "package": "*"}


def test_a_token_allows_what_was_requested(terminal: Terminal) -> None:
    text = terminal.run(
        "token",
        "issue",
        "ann",
        "--name",
        "ci",
        "--org",
        "acme",
        "--package",
        "g*",
        "--scope",
        "push-version",
        "--scope",
        "read",
        "--expires",
        "1",
        "--address",
        "203.0.113.0/24",
        "--address",
        "2001:DB8::1",
    )
    token_id = str(listed(terminal, "ci")["id"])
    lines = terminal.run("token", "show", "ann", token_id).splitlines()
    assert "grants          scopes=read, push-version org=acme package=g*" in lines
    assert "addresses       203.0.113.0/24, 2001:db8::1" in lines
    assert text[10:].strip() not in "".join(lines) + terminal.run("token", "list", "ann", "--json")


def test_the_operator_may_make_a_token_that_never_expires(terminal: Terminal) -> None:
    terminal.run("token", "issue", "ann", "--name", "mirror", "--expires", "never")
    assert listed(terminal, "mirror")["expiresAt"] is None


@pytest.mark.parametrize("owner", ["ann", "@acme"])
def test_a_token_is_renamed_rotated_and_revoked(terminal: Terminal, owner: str) -> None:
    old = terminal.run("token", "issue", owner, "--name", "ci", "--scope", "push-version")
    token_id = str(listed(terminal, "ci", owner)["id"])
    renamed = terminal.run("token", "rename", owner, token_id, "nightly")
    assert renamed == f"Renamed {token_id} to nightly.\n"
    new = terminal.run("token", "rotate", owner, token_id, "--reason", "It was decided.")
    assert TOKEN.fullmatch(new)
    assert new != old
    assert listed(terminal, "nightly", owner)["id"] == token_id
    terminal.run("token", "revoke", owner, token_id, "--reason", "It was decided.")
    assert token_id not in terminal.run("token", "list", owner)


def test_an_account_without_tokens_has_an_empty_list(terminal: Terminal) -> None:
    terminal.run("account", "add", "kim")
    assert terminal.run("token", "list", "kim") == "There is nothing to list.\n"
    assert terminal.json("token", "list", "kim") == {"tokens": []}
