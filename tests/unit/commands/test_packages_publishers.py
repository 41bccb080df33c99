"""publisher …"""

from tests.support.terminal import Terminal
from tests.support.trusted_publishing import ORGANIZATION, PROJECT

GITHUB = (
    "--provider", "github", "--id", "repository_id=74", "--id", "repository_owner_id=65",
    "--workflow", "release.yml", "--ref", "refs/tags/v*", "--environment", "release", "--protected",
)  # fmt: skip


def add(terminal: Terminal, package: str = "acme/greet") -> str:
    """Add the publisher of a package, and return its id."""
    line = terminal.run("publisher", "add", package, *GITHUB)
    assert line.startswith("Added the trusted publisher ")
    return line.split()[4]


def test_a_publisher_is_added_listed_and_removed(terminal: Terminal) -> None:
    added = add(terminal)
    [row] = terminal.json("publisher", "list", "acme")
    assert row == {
        "id": added,
        "package": "greet",
        "provider": "github",
        "ids": "repository_id=74 repository_owner_id=65",
        "workflow": "release.yml",
        "reusable_workflow": "",
        "refs": "refs/tags/v*",
        "environment": "release",
        "protected": "yes",
        "pending_until": row["pending_until"],
    }
    assert "Removed" in terminal.run("publisher", "remove", "acme", added)
    assert terminal.json("publisher", "list", "acme") == []


def test_a_publisher_names_the_reusable_workflow_of_its_job(terminal: Terminal) -> None:
    reusable = "octo/ci/.github/workflows/publish.yml@refs/tags/v1"
    terminal.run("publisher", "add", "acme/greet", *GITHUB, "--reusable-workflow", reusable)
    [row] = terminal.json("publisher", "list", "acme")
    assert row["reusable_workflow"] == reusable


def test_a_publisher_that_waits_for_its_package_says_until_when(terminal: Terminal) -> None:
    line = terminal.run("publisher", "add", "acme/greet", *GITHUB)
    assert "It makes the package until 20" in line


def test_a_package_that_is_there_is_published_at_once(published: Terminal) -> None:
    line = published.run("publisher", "add", "acme/greet", *GITHUB)
    assert line.rstrip().endswith("of acme/greet.")


def test_a_package_is_closed_to_all_but_publishers_and_opened_again(published: Terminal) -> None:
    assert "no trusted publisher" in published.fail("publisher", "only", "acme/greet", "publishers")
    add(published)
    line = published.run("publisher", "only", "acme/greet", "publishers")
    assert line.rstrip() == "acme/greet takes pushes from publishers."
    assert "members" in published.run("publisher", "only", "acme/greet", "members")


def test_ids_that_are_missing_are_one_line(terminal: Terminal) -> None:
    line = terminal.fail("publisher", "add", "acme/greet", *GITHUB[:4], *GITHUB[6:])
    assert line.startswith("A publisher of GitHub Actions is known by repository_id and")


def test_what_the_operator_does_not_take_is_one_line(terminal: Terminal) -> None:
    ids = (f"org_id={ORGANIZATION}", f"prj_id={PROJECT}", "def_id=1")
    options = [part for each in ids for part in ("--id", each)]
    line = terminal.fail(
        "publisher", "add", "acme/greet", "--provider", "azure-devops", *options,
        "--ref", "refs/heads/main",
    )  # fmt: skip
    assert "takes no jobs of Azure DevOps" in line


def test_a_release_of_a_stored_token_shows_no_run(published: Terminal) -> None:
    assert published.json("package", "show", "acme/greet:1.0.0")["run"] is None
