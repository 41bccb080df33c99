"""docs/private-packages.md tells of caches what the code does."""

from datetime import timedelta

from functions import archives
from functions.index import sparse_index
from shared.domain.recent_sign_in import RECENT_SIGN_IN
from shared.runtime.edition import CHANGES_KNOWN_WITHIN
from shared.services.packages.archives import SIGNED_LINK_LIFETIME
from tests.paths import ROOT

PAGE = " ".join((ROOT / "docs" / "private-packages.md").read_text("utf-8").split())


def test_the_ages_of_copies_are_those_of_the_answers() -> None:
    assert archives.ARCHIVE_CACHE_PUBLIC == "public, max-age=300"
    assert sparse_index.INDEX_CACHE_PUBLIC == "public, max-age=60"
    assert "`max-age=300`: gone after five minutes" in PAGE
    assert "`max-age=60`: gone after a minute" in PAGE


def test_the_times_are_those_of_the_code() -> None:
    assert timedelta(seconds=1) == CHANGES_KNOWN_WITHIN
    assert "confirmed for a second at most" in PAGE
    assert timedelta(minutes=10) == SIGNED_LINK_LIFETIME == RECENT_SIGN_IN
    assert "ten minutes after they were made" in PAGE
    assert "who signed in within ten minutes" in PAGE
