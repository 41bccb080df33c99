"""Which releases lost the provenance that their package had before."""

from shared.domain.packages import ReleaseEntry
from shared.domain.provenance.losses import lost_provenance


def entry(version: str, published: int, *, by_ci: bool) -> ReleaseEntry:
    return ReleaseEntry(
        version=version,
        platform="any",
        digest="0" * 64,
        size_bytes=1,
        created_ms=published,
        by_ci=by_ci,
    )


def test_a_package_that_ci_never_published_lost_nothing() -> None:
    assert lost_provenance([entry("1.0.0", 1, by_ci=False), entry("1.1.0", 2, by_ci=False)]) == {}


def test_the_order_is_that_of_publication_and_not_of_versions() -> None:
    entries = [
        entry("2.0.0", 1, by_ci=False),
        entry("1.0.0", 2, by_ci=True),
        entry("0.9.0", 3, by_ci=False),
        entry("1.1.0", 4, by_ci=True),
        entry("1.2.0", 5, by_ci=False),
        entry("1.3.0", 6, by_ci=False),
    ]
    expected = {"0.9.0": "1.0.0", "1.2.0": "1.1.0", "1.3.0": "1.1.0"}
    assert lost_provenance(reversed(entries)) == expected
