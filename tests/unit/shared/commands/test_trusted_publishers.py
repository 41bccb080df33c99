"""publisher …"""

import pytest

from tests.support.terminal import Terminal

GITHUB = (
    "--provider",
    "github",
    "--id",
    "repository_id=74",
    "--id",
    "repository_owner_id=65",
    "--workflow",
    "release.yml",
    "--ref",
    "refs/tags/v*",
    "--environment",
    "release",
    "--protected",
)


def test_a_publisher_is_added_listed_and_removed(terminal: Terminal) -> None:
    reusable = "octo/ci/.github/workflows/publish.yml@refs/tags/v1"
    options = (*GITHUB, "--reusable-workflow", reusable)
    added = terminal.json("publisher", "add", "acme/greet", *options)
    assert terminal.json("publisher", "list", "acme") == {"publishers": [added]}
    assert added["ids"] == {"repository_id": "74", "repository_owner_id": "65"}
    assert (added["package"], added["refs"]) == ("greet", ["refs/tags/v*"])
    assert (added["reusableWorkflow"], added["protected"]) == (reusable, True)
    assert "repository_id=74 repository_owner_id=65" in terminal.run("publisher", "list", "acme")
    assert "Removed" in terminal.run(
        "publisher", "remove", "acme", added["id"], "--reason", "It was decided."
    )
    assert terminal.json("publisher", "list", "acme") == {"publishers": []}


@pytest.mark.parametrize(
    ("given", "pattern"),
    [
        ((), ""),
        (("--tag-version",), "v{version}"),
        (("--tag-version", "g-{version}"), "g-{version}"),
    ],
)
def test_a_publisher_is_tied_to_tags_and_runners_and_reads_private_packages(
    terminal: Terminal, given: tuple[str, ...], pattern: str
) -> None:
    options = ("--runner", "provider", "--reads", "organization", "--claim", "actor_id=12", *given)
    added = terminal.json("publisher", "add", "acme/greet", *GITHUB, *options)
    assert (added["tagVersion"], added["runner"], added["reads"]) == (
        pattern,
        "provider",
        "organization",
    )
    assert added["claims"] == {"actor_id": "12"}


def test_no_publisher_of_entra_is_offered(terminal: Terminal) -> None:
    assert "[github|gitlab|azure-devops|oidc]" in terminal.run("publisher", "add", "--help")


KUBERNETES = ("--provider", "oidc", "--issuer", "kubernetes")


SUBJECT = "sub=system:serviceaccount:builds:default"


def test_a_publisher_of_any_issuer_is_added_by_claims(
    terminal: Terminal, monkeypatch: pytest.MonkeyPatch
) -> None:
    issuers = "kubernetes=https://oidc.example.org"
    monkeypatch.setenv("BALLROOM_PUBLISH_FROM_ISSUERS", issuers)
    claims = ("--claim", SUBJECT, "--claim", "kubernetes.io/namespace=build*")
    added = terminal.json("publisher", "add", "acme/greet", *KUBERNETES, *claims)
    assert added["issuer"] == "https://oidc.example.org"
    assert added["claims"] == {
        "kubernetes.io/namespace": "build*",
        "sub": "system:serviceaccount:builds:default",
    }
    assert SUBJECT in terminal.run("publisher", "list", "acme")


def test_a_publisher_that_reads_is_added_for_an_organization(
    terminal: Terminal, monkeypatch: pytest.MonkeyPatch
) -> None:
    issuers = "kubernetes=https://oidc.example.org"
    monkeypatch.setenv("BALLROOM_PUBLISH_FROM_ISSUERS", issuers)
    options = ("--scopes", "read", *KUBERNETES, "--claim", SUBJECT)
    added = terminal.json("publisher", "add", "acme", *options)
    assert (added["package"], added["scopes"]) == ("", "read")
    assert "Leave the package out" in terminal.fail("publisher", "add", "acme/greet", *options)
    publishing = terminal.fail("publisher", "add", "acme", *KUBERNETES, "--claim", SUBJECT)
    assert "Enter its name, or choose the scopes read" in publishing


def test_a_package_is_closed_to_all_but_publishers_and_opened_again(published: Terminal) -> None:
    only = ("publisher", "only", "acme/greet", "publishers", "--reason", "A test.")
    assert "no trusted publisher" in published.fail(*only)
    published.run("publisher", "add", "acme/greet", *GITHUB)
    line = published.run(*only)
    assert line == "acme/greet accepts pushes from publishers.\n"
    assert "members" in published.run("publisher", "only", "acme/greet", "members")
