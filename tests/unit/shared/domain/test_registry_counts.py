"""What is counted of packages, accounts and organizations."""

import pytest

from shared.domain.accounts import Account
from shared.domain.organizations import Organization
from shared.domain.registry_counts import RegistryCounts
from shared.domain.release_states import State
from shared.domain.visibility import Visibility
from tests.contract.sample_records import head, release

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
    census = RegistryCounts.of_package(head("acme/greet"), [one])
    assert (census.releases, census.public_releases) == (releases, public)
    assert (census.withheld_releases, census.archive_bytes) == (withheld, releases * MiB)
    secret = head("acme/greet").model_copy(update={"visibility": Visibility.PRIVATE, "pulls": 7})
    hidden = RegistryCounts.of_package(secret, [one])
    assert (hidden.packages, hidden.private_packages) == (releases, releases)
    assert (hidden.pulls, hidden.public_releases) == (7 * releases, 0)


def test_an_organization_that_is_deleted_counts_no_more() -> None:
    ann = Account(id="ann", name="ann", created_ms=1)
    acme = Organization(name="acme", founder="ann", created_ms=1)
    gone = Organization(name="gone", founder="ann", created_ms=1, deleting_ms=5)
    assert RegistryCounts.of_entities([ann, acme, gone], 4) == RegistryCounts(
        accounts=1, organizations=2
    )
    later = RegistryCounts.of_entities([ann, acme, gone], 5)
    assert later == RegistryCounts(accounts=1, organizations=1)
    more = RegistryCounts(organizations=4, releases=5, archive_bytes=6)
    both = RegistryCounts(accounts=1, organizations=5, releases=5, archive_bytes=6)
    assert later.plus(more) == both
