"""The checklist of a release: what each check says of it."""

import pytest

from shared.domain.api_docs.records import ApiDocsRecord, DocsState, ReadmeContent
from shared.domain.checklists import (
    MOST_NAMED,
    NO_DEPENDENCIES,
    CheckState,
    DependencyStates,
    ReleaseCheck,
    checklist_of,
)
from shared.domain.coordinates import Coordinate
from shared.domain.distributions import NEWEST_LANGUAGE
from shared.domain.packages import Dependency, Origin, Provenance, UpstreamOrigin
from tests.contract.sample_records import release

MET = CheckState.MET
UNMET = CheckState.UNMET
UNKNOWN = CheckState.UNKNOWN
UPSTREAM = UpstreamOrigin(name="central", first_seen_ms=1)
JOB = Provenance(
    provider="github",
    repository="acme/greet",
    run_url="https://github.com/acme/greet/actions/runs/7",
)


def docs(**fields: object) -> ApiDocsRecord:
    return ApiDocsRecord.model_validate({"state": DocsState.DONE, "generator": 8, **fields})


def check(
    key: str,
    read: ApiDocsRecord | None = None,
    states: DependencyStates = NO_DEPENDENCIES,
    **fields: object,
) -> ReleaseCheck:
    """Return one check of a release with these fields."""
    checks = checklist_of(release("acme/greet:1.0.0", **fields), read, states).checks
    [found] = [each for each in checks if each.key == key]
    return found


@pytest.mark.parametrize(
    ("content", "bala_version", "state"),
    [
        (ReadmeContent.EXAMPLE, "3.0.0", MET),
        (ReadmeContent.TEXT, "3.0.0", UNMET),
        (ReadmeContent.NOTHING, "3.0.0", UNMET),
        (ReadmeContent.NOTHING, "4", UNKNOWN),
        (ReadmeContent.TEXT, "4", UNMET),
        (None, "3.0.0", UNKNOWN),
    ],
)
def test_a_readme_is_met_by_an_example(
    content: ReadmeContent | None, bala_version: str, state: CheckState
) -> None:
    assert check("readme", docs(readme=content), bala_version=bala_version).state is state


def test_what_could_not_be_read_says_why() -> None:
    failed = docs(state=DocsState.FAILED, reason="the sources are too large")
    for key in ("readme", "documentation"):
        found = check(key, failed, modules=("greet",))
        assert found.state is UNKNOWN
        assert "the sources are too large" in found.fact


@pytest.mark.parametrize(
    ("documented", "declarations", "state"),
    [(0, 0, MET), (4, 5, MET), (79, 100, UNMET), (80, 100, MET), (0, 1, UNMET)],
)
def test_the_documented_share_decides(
    documented: int, declarations: int, state: CheckState
) -> None:
    read = docs(documented=documented, declarations=declarations)
    assert check("documentation", read, modules=("greet",)).state is state


def test_a_release_without_modules_has_nothing_to_document() -> None:
    assert check("documentation", None, modules=()).state is MET
    assert check("documentation", None, modules=("greet",)).state is UNKNOWN
    pending = docs(state=DocsState.PENDING)
    assert check("documentation", pending, modules=("greet",)).state is UNKNOWN


@pytest.mark.parametrize(
    ("fields", "state"),
    [
        ({"source_repository": ""}, UNMET),
        ({"source_repository": "javascript:alert(1)"}, UNMET),
        ({"source_repository": "https://github.com/acme/greet"}, UNMET),
        (
            {
                "source_repository": "https://github.com/acme/greet",
                "origin": Origin(principal="p", provenance=JOB),
            },
            MET,
        ),
        (
            {
                "source_repository": "https://github.com/acme/other",
                "origin": Origin(principal="p", provenance=JOB),
            },
            UNMET,
        ),
        ({"source_repository": "https://github.com/acme/greet", "upstream": UPSTREAM}, UNKNOWN),
        ({"source_repository": "", "upstream": UPSTREAM}, UNMET),
    ],
)
def test_a_source_link_has_to_be_proven(fields: dict[str, object], state: CheckState) -> None:
    assert check("source", None, NO_DEPENDENCIES, **fields).state is state


def test_provenance_is_that_of_a_job_and_unknown_of_other_registries() -> None:
    assert check("provenance", origin=Origin(principal="p", provenance=JOB)).state is MET
    assert check("provenance").state is UNMET
    elsewhere = check("provenance", upstream=UPSTREAM)
    assert elsewhere.state is UNKNOWN
    assert "central" in elsewhere.fact


@pytest.mark.parametrize(
    ("built_with", "platform", "state"),
    [
        ("2201.8.0", "any", MET),
        ("2201.8.0", "java17", MET),
        (f"2201.{NEWEST_LANGUAGE.update + 1}.0", "java21", MET),
        ("2301.0.0", "java25", MET),
        ("1.2.0", "any", UNMET),
        ("2201.12.0", "go1.26", UNMET),
        ("not a version", "any", UNMET),
        ("", "any", UNKNOWN),
    ],
)
def test_the_newest_distribution_gets_what_builds_get(
    built_with: str, platform: str, state: CheckState
) -> None:
    found = check("distribution", ballerina_version=built_with, platform=platform)
    assert found.state is state
    assert bool(found.mend) == (state is UNMET)


def test_the_go_toolchain_takes_what_it_packed() -> None:
    found = check("distribution", ballerina_version="0.6.0", platform="go1.26", bala_version="4")
    assert found.state is MET


DEPENDENCIES = tuple(Dependency(org="acme", name=f"d{at}", version="1.0.0") for at in range(5))
COORDINATES = tuple(Coordinate.parse("acme", f"d{at}", "1.0.0") for at in range(5))


@pytest.mark.parametrize(
    ("states", "state", "fact"),
    [
        (DependencyStates(), MET, "None of its direct dependencies is deprecated."),
        (DependencyStates(unseen=4), MET, "None that is in this registry is deprecated."),
        (DependencyStates(unseen=5), UNKNOWN, "Its direct dependencies are not in this registry."),
        (DependencyStates(COORDINATES[:1], unseen=4), UNMET, "Deprecated: acme/d0:1.0.0."),
        (
            DependencyStates(COORDINATES[:1], COORDINATES[1:2]),
            UNMET,
            "Deprecated: acme/d0:1.0.0. Withdrawn: acme/d1:1.0.0.",
        ),
        (
            DependencyStates(COORDINATES),
            UNMET,
            "Deprecated: acme/d0:1.0.0, acme/d1:1.0.0, acme/d2:1.0.0 and 2 more.",
        ),
    ],
)
def test_deprecated_dependencies_are_named(
    states: DependencyStates, state: CheckState, fact: str
) -> None:
    found = check("dependencies", None, states, dependencies=DEPENDENCIES)
    assert (found.state, found.fact) == (state, fact)


def test_a_release_without_dependencies_has_no_deprecated_one() -> None:
    assert check("dependencies", dependencies=()).state is MET


@pytest.mark.parametrize("licenses", [(), ("",), (" ",)])
def test_an_empty_license_is_none(licenses: tuple[str, ...]) -> None:
    assert check("license", licenses=licenses).state is UNMET
    assert check("keywords", keywords=licenses).state is UNMET


def test_many_licenses_are_not_all_named() -> None:
    found = check("license", licenses=tuple(f"L{at}" for at in range(100)))
    assert found.fact == f"The manifest names L0, L1, L2 and {100 - MOST_NAMED} more."


def test_a_checklist_counts_what_is_known() -> None:
    found = checklist_of(release("acme/greet:1.0.0", upstream=UPSTREAM), None, NO_DEPENDENCIES)
    assert len(found.checks) == 8
    assert found.known == found.met + len(found.unmet)
    assert found.known < 8
