"""The census counts what is there, and what everybody may have of it."""

import pytest

from shared.domain.accounts import Account
from shared.domain.census import Census
from shared.domain.organizations import Organization
from shared.domain.package import State, Visibility
from tests.contract.samples import head, release

MiB = 1024 * 1024


@pytest.mark.parametrize(
    ("state", "releases", "public", "withheld"),
    [
        (State.LIVE, 1, 1, 0),
        (State.HELD, 1, 0, 1),
        (State.QUARANTINED, 1, 0, 1),
        (State.REMOVED, 0, 0, 0),
    ],
)
def test_a_release_counts_by_what_moderation_made_of_it(
    state: State, releases: int, public: int, withheld: int
) -> None:
    one = release("acme/greet:1.0.0").model_copy(update={"state": state, "size_bytes": MiB})
    census = Census.of_package(head("acme/greet"), [one])
    assert (census.releases, census.public_releases) == (releases, public)
    assert (census.withheld_releases, census.archive_bytes) == (withheld, releases * MiB)


def test_what_is_private_is_counted_and_is_not_public() -> None:
    secret = head("acme/secret").model_copy(update={"visibility": Visibility.PRIVATE, "pulls": 7})
    census = Census.of_package(secret, [release("acme/secret:1.0.0")])
    assert (census.packages, census.private_packages, census.pulls) == (1, 1, 7)
    assert (census.releases, census.public_releases) == (1, 0)


def test_an_organization_that_is_deleted_counts_no_more() -> None:
    ann = Account(id="ann", name="ann", created_ms=1)
    acme = Organization(name="acme", founder="ann", created_ms=1)
    gone = Organization(name="gone", founder="ann", created_ms=1, deleting_ms=5)
    assert Census.of_entities([ann, acme, gone], 4) == Census(accounts=1, organizations=2)
    assert Census.of_entities([ann, acme, gone], 5) == Census(accounts=1, organizations=1)


def test_two_censuses_add_up() -> None:
    one = Census(accounts=1, releases=2, archive_bytes=3)
    other = Census(organizations=4, releases=5, archive_bytes=6)
    assert one.plus(other) == Census(accounts=1, organizations=4, releases=7, archive_bytes=9)


def test_a_name_without_a_release_is_no_package() -> None:
    assert Census.of_package(head("acme/greet"), []) == Census()
