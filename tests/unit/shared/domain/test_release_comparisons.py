"""How a release differs from the one before it."""

from shared.domain.packages import Dependency, Origin, Provenance, Release
from shared.domain.release_comparisons import ReleaseComparison
from tests.contract import sample_records

BY_ANN = Origin(principal="ann")
BY_JOB = Origin(principal="ann", provenance=Provenance(provider="github", repository="octo/greet"))
BY_FORK = Origin(principal="ann", provenance=Provenance(provider="github", repository="fork/greet"))


def compared(before: Release, after: Release) -> ReleaseComparison:
    return ReleaseComparison.of(after, before)


def release(*needs: str, platform: str = "any", origin: Origin = BY_ANN) -> Release:
    """Return a release that depends on these packages."""
    dependencies = tuple(Dependency(org="acme", name=each, version="1.0.0") for each in needs)
    fields = {"platform": platform, "dependencies": dependencies, "origin": origin}
    return sample_records.release("acme/greet:1.0.0", **fields)


def test_a_release_differs_by_new_dependencies_and_its_platform() -> None:
    same = compared(release("io", "http"), release("io"))
    assert (same.version, same.new_dependencies, same.platform) == ("1.0.0", (), "")
    more = compared(release("io"), release("miner", "io", "aes"))
    assert more.new_dependencies == ("acme/aes", "acme/miner")
    other = compared(release(), release(platform="java21"))
    assert other.platform == "any"
    assert [each.is_unchanged for each in (same, more, other)] == [True, False, False]


def test_a_publisher_is_an_account_or_the_jobs_of_a_repository() -> None:
    for before, after in ((BY_ANN, Origin(principal="eve")), (BY_ANN, BY_JOB), (BY_JOB, BY_FORK)):
        assert compared(release(origin=before), release(origin=after)).has_other_publisher
    assert compared(release(origin=BY_JOB), release(origin=BY_JOB)).is_unchanged
