"""What all pages of a package have: snippets to use a release, and links."""

import tomllib

import pytest

from functions.web.package.frame import PackageFrame, Snippet, snippets
from shared.domain.client_settings import REPOSITORY, TOKEN_PLACEHOLDER, client_settings
from shared.domain.packages import Origin, Provenance
from shared.services.packages.package_details import PackageOwner, ReleaseDetails
from tests.contract.sample_records import release
from tests.support.surveys import survey

URL = "https://registry.test"


def ways(text: str = "acme/greet:1.0.0", **fields: object) -> dict[str, Snippet]:
    """Return the snippets of a release by their ids."""
    return {each.id: each for each in snippets(release(text, **fields), URL)}


def test_a_dependency_is_toml_that_names_the_repository_of_the_settings() -> None:
    read = tomllib.loads(ways()["dependency"].text)
    named = {"org": "acme", "name": "greet", "version": "1.0.0", "repository": REPOSITORY}
    assert read == {"dependency": [named]}


def test_the_settings_are_an_entry_of_the_complete_file() -> None:
    [entry] = tomllib.loads(ways()["settings"].text)["repository"]["maven"]
    assert entry in tomllib.loads(client_settings(URL, "me"))["repository"]["maven"]
    assert entry["accesstoken"] == TOKEN_PLACEHOLDER


def test_a_tool_is_pulled_first_of_all() -> None:
    found = snippets(release(tools=("greeter", "other")), URL)
    assert (found[0].id, found[0].text) == ("tool", "bal tool pull greeter:1.0.0")


def frame(**fields: object) -> PackageFrame:
    """Return the frame of a release with these fields."""
    found = survey("1.0.0")
    shown = release("acme/greet:1.0.0", **fields)
    details = ReleaseDetails(
        found.head, shown, PackageOwner("acme"), found.entries, found.entries[0]
    )
    return PackageFrame(details, URL)


@pytest.mark.parametrize(
    ("run", "commit"),
    [
        (
            "https://github.com/acme/greet/actions/runs/7",
            "https://github.com/acme/greet/commit/b8962f4",
        ),
        (
            "https://gitlab.com/acme/sub/greet/-/jobs/7",
            "https://gitlab.com/acme/sub/greet/-/commit/b8962f4",
        ),
        ("https://dev.azure.com/acme/greet/_build/results?buildId=7", ""),
        ("javascript:alert(1)/actions/runs/7", ""),
        ("", ""),
    ],
)
def test_a_commit_is_a_link_where_its_address_is_known(run: str, commit: str) -> None:
    job = Provenance(provider="any", repository="acme/greet", commit="b8962f4", run_url=run)
    assert frame(origin=Origin(principal="p", provenance=job)).commit_url == commit


def test_a_release_without_a_commit_links_to_none() -> None:
    run = "https://github.com/acme/greet/actions/runs/7"
    job = Provenance(provider="github", repository="acme/greet", run_url=run)
    assert frame(origin=Origin(principal="p", provenance=job)).commit_url == ""
    assert frame().commit_url == ""


@pytest.mark.parametrize(
    ("source", "issues"),
    [
        ("https://github.com/acme/greet", "https://github.com/acme/greet/issues"),
        ("https://gitlab.com/acme/greet.git", "https://gitlab.com/acme/greet/issues"),
        ("https://github.com/acme", ""),
        ("https://github.com/acme/greet/tree/main", ""),
        ("https://git.example.com/acme/greet", ""),
        ("javascript:alert(1)", ""),
        ("", ""),
    ],
)
def test_issues_are_a_link_where_the_host_has_them(source: str, issues: str) -> None:
    assert frame(source_repository=source).issues_url == issues
