"""Which release of a package a search shows."""

from typing import Any

import pytest

from shared.domain.package import Listing, Texts, Visibility
from shared.domain.showing import shown_of
from tests.contract.samples import head, release


def listing(text: str, *, head_revision: int = 1, **fields: Any) -> Listing:
    """Return the listing of `org/name:version`."""
    owner = head(text.partition(":")[0], revision=head_revision)
    return Listing(owner, release(text, **fields), Texts())


def version_of(shown: Listing) -> str:
    """Return the version that is shown."""
    return shown.release.version


def test_the_first_release_that_is_offered_is_shown() -> None:
    first = listing("acme/greet:1.0.0-rc.1")
    assert shown_of(None, first) is first


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
    assert version_of(shown_of(bad, good)) == version_of(good)
    assert version_of(shown_of(good, bad)) == version_of(good)


def test_of_one_version_the_later_revision_is_shown() -> None:
    old, new = (listing("acme/greet:1.0.0", revision=number) for number in (1, 2))
    assert shown_of(old, new).release.revision == 2
    assert shown_of(new, old).release.revision == 2


def test_what_the_newer_head_says_holds_for_the_release_that_stays() -> None:
    stays = listing("acme/greet:2.0.0")
    late = listing("acme/greet:1.0.0", head_revision=2)
    hidden = Listing(
        late.head.model_copy(update={"visibility": Visibility.PRIVATE}), late.release, Texts()
    )
    shown = shown_of(stays, hidden)
    assert (version_of(shown), shown.head.visibility) == ("2.0.0", Visibility.PRIVATE)
