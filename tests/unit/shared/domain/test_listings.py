"""Which release of a package search shows."""

from typing import Any

import pytest

from shared.domain.listings import Listing, release_for_search
from shared.domain.packages import Texts, Visibility
from tests.contract.sample_records import head, release


def listing(text: str, *, head_revision: int = 1, **fields: Any) -> Listing:
    """Return the listing of `org/name:version`."""
    owner = head(text.partition(":")[0], revision=head_revision)
    return Listing(owner, release(text, **fields), Texts())


def version_of(shown: Listing) -> str:
    return shown.release.version


def test_the_first_release_that_is_offered_is_shown() -> None:
    first = listing("acme/greet:1.0.0-rc.1")
    assert release_for_search(None, first) is first


@pytest.mark.parametrize(
    ("better", "worse"),
    [
        ({"text": "acme/greet:1.10.0"}, {"text": "acme/greet:1.9.0"}),
        ({"text": "acme/greet:1.0.0"}, {"text": "acme/greet:2.0.0-rc.1"}),
        ({"text": "acme/greet:1.0.0"}, {"text": "acme/greet:2.0.0", "deprecation": "Broken."}),
    ],
    ids=["newer", "stable", "not-deprecated"],
)
def test_the_better_release_is_shown_whichever_comes_first(
    better: dict[str, Any], worse: dict[str, Any]
) -> None:
    good, bad = listing(**better), listing(**worse)
    assert version_of(release_for_search(bad, good)) == version_of(good)
    assert version_of(release_for_search(good, bad)) == version_of(good)


def test_the_later_revision_of_a_version_is_shown() -> None:
    old, new = (listing("acme/greet:1.0.0", revision=number) for number in (1, 2))
    assert release_for_search(old, new).release.revision == 2
    assert release_for_search(new, old).release.revision == 2


def test_the_newer_head_counts_for_the_release_that_stays() -> None:
    stays = listing("acme/greet:2.0.0")
    late = listing("acme/greet:1.0.0", head_revision=2)
    hidden = Listing(
        late.head.model_copy(update={"visibility": Visibility.PRIVATE}), late.release, Texts()
    )
    shown = release_for_search(stays, hidden)
    assert (version_of(shown), shown.head.visibility) == ("2.0.0", Visibility.PRIVATE)
