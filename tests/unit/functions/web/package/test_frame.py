"""The links of the frame of pages of a package."""

import pytest

from functions.web.package.frame import PackageFrame
from shared.domain.packages import Origin, Provenance
from shared.services.packages.package_details import PackageOwner, ReleaseDetails
from tests.contract.sample_records import release
from tests.support.surveys import survey

URL = "https://registry.test"


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
