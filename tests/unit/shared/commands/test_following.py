"""follow …"""

import pytest

from tests.support.terminal import Terminal

pytestmark = pytest.mark.measured


def test_an_account_follows_and_leaves(published: Terminal) -> None:
    assert "There is nothing to list." in published.run("follow", "list", "mia")
    assert "mia follows acme/greet." in published.run("follow", "add", "mia", "Acme/Greet")
    assert "mia follows acme." in published.run("follow", "add", "mia", "acme", "--pace", "weekly")
    found = published.json("follow", "list", "mia")
    assert [(each["followed"], each["pace"]) for each in found] == [
        ("acme", "weekly"),
        ("acme/greet", "at-once"),
    ]
    for _ in range(2):
        said = published.run("follow", "leave", "mia", "acme/greet")
        assert "mia follows acme/greet no longer." in said
    assert [each["followed"] for each in published.json("follow", "list", "mia")] == ["acme"]


def test_what_is_not_there_is_one_sentence(published: Terminal) -> None:
    assert "account not found: nobody" in published.fail("follow", "add", "nobody", "acme")
    assert "not found: acme/none" in published.fail("follow", "add", "mia", "acme/none")
    assert "not found: nowhere" in published.fail("follow", "add", "mia", "nowhere")
