"""The quality score: the points of each part, and the sentence that says why."""

from datetime import timedelta
from typing import Any

import pytest

from shared.domain.api_docs.records import ApiDocsRecord, DocsState
from shared.domain.packages import Dependency, Origin, Provenance, Texts
from shared.domain.quality import (
    DEPENDENCIES,
    DOCUMENTATION,
    GUIDE,
    LICENSE,
    MAINTAINED,
    MAINTAINED_FOR,
    PROVENANCE,
    README,
    RULES,
    SOURCE,
    DependencyStates,
    QualityFacts,
    QualityPart,
    QualityRule,
    QualityScore,
)
from tests.contract.sample_records import head, release

NO_TEXTS = Texts()
DOCUMENTED = ApiDocsRecord(state=DocsState.DONE, generator=1, documented=2, declarations=2)
NOW_MS = 1_800_000_000_000
LIMIT_MS = MAINTAINED_FOR // timedelta(milliseconds=1)
EXAMPLE = "# Greet\n\n```ballerina\nimport acme/greet;\n```\n"
REPOSITORY = "https://github.com/acme/greet"
JOB = Provenance(provider="github", repository="acme/greet", run_url=f"{REPOSITORY}/actions/runs/1")
FROM_CI = Origin(principal="ci", provenance=JOB)
IO = Dependency(org="ballerina", name="io", version="1.6.0")
LOG = Dependency(org="ballerina", name="log", version="2.9.0")


def score(
    *,
    texts: Texts = NO_TEXTS,
    deprecated_package: bool = False,
    newest_ms: int = NOW_MS,
    states: DependencyStates | None = None,
    docs: ApiDocsRecord | None = DOCUMENTED,
    **fields: Any,
) -> QualityScore:
    """Return the score of a release."""
    fields.setdefault("modules", ("greet",))
    return QualityScore.of(
        QualityFacts(
            head=head(deprecation="" if deprecated_package else None),
            release=release(**fields),
            texts=texts,
            newest_ms=newest_ms,
            now_ms=NOW_MS,
            docs=docs,
            dependencies=states,
        )
    )


def part(rule: QualityRule, **fields: Any) -> QualityPart:
    """Return one part of the score of a release."""
    [found] = [each for each in score(**fields).parts if each.rule == rule]
    return found


def test_the_parts_add_up_to_a_hundred_points() -> None:
    assert sum(each.points for each in RULES) == 100
    assert len({each.key for each in RULES}) == len(RULES)


def test_the_go_toolchain_packs_no_readme_and_no_release_loses_points_by_that() -> None:
    found = part(README, bala_version="4")
    assert found.is_full
    assert found.reason == "The Go toolchain leaves the readme out of its archives."
    without_example = part(README, bala_version="4", texts=Texts(readme="# Greet\n"))
    assert without_example.points == README.partial_points


def test_a_release_that_has_everything_reaches_all_points() -> None:
    best = score(
        texts=Texts(readme=EXAMPLE),
        licenses=("Apache-2.0",),
        source_repository=REPOSITORY,
        origin=FROM_CI,
    )
    assert (best.points, best.possible) == (100, 100)
    assert (best.improvable, best.unchecked) == ((), ())
    assert [each.rule for each in best.parts] == list(RULES)


def test_a_release_that_has_nothing_is_at_least_maintained() -> None:
    least = score(docs=record(0, 1), dependencies=(IO,), states=DependencyStates(("x",)))
    assert (least.points, least.possible) == (10, 100)
    assert [each.rule for each in least.parts if each.is_full] == [MAINTAINED]
    assert len(least.improvable) == 6


def test_every_part_links_to_its_section_of_the_guide() -> None:
    assert [each.link for each in score().parts] == [f"{GUIDE}#{each.key}" for each in RULES]


@pytest.mark.parametrize(
    ("readme", "points", "reason"),
    [
        ("", 0, "This version has no readme."),
        (" \n", 0, "This version has no readme."),
        ("Greets ```people```.", 10, "The readme has no code block."),
        ("    ```\n    x\n", 10, "The readme has no code block."),
        (EXAMPLE, 20, "The readme has a code block that shows how to use the package."),
        (
            "   ~~~\nx\n   ~~~",
            20,
            "The readme has a code block that shows how to use the package.",
        ),
    ],
)
def test_a_readme_with_a_code_block_reaches_all_points(
    readme: str, points: int, reason: str
) -> None:
    found = part(README, texts=Texts(readme=readme))
    assert (found.points, found.reason) == (points, reason)


@pytest.mark.parametrize(
    ("docs", "points", "reason"),
    [
        ((3, 9), 6, "3 of 9 public declarations and methods have a comment."),
        ((1_200, 1_200), 20, "1,200 of 1,200 public declarations and methods have a comment."),
        ((0, 1), 0, "0 of 1 public declarations and methods have a comment."),
        ((0, 0), 20, "This version has no public declarations."),
    ],
)
def test_documentation_is_the_share_of_declarations_with_a_comment(
    docs: tuple[int, int], points: int, reason: str
) -> None:
    found = part(DOCUMENTATION, docs=record(*docs))
    assert (found.points, found.reason) == (points, reason)


def record(
    documented: int = 0, declarations: int = 0, state: DocsState = DocsState.DONE
) -> ApiDocsRecord:
    return ApiDocsRecord(
        state=state,
        generator=1,
        documented=documented,
        declarations=declarations,
        reason="there are none" if state is DocsState.FAILED else "",
    )


def test_a_version_that_cannot_be_documented_has_no_points_for_documentation() -> None:
    found = part(DOCUMENTATION, docs=record(state=DocsState.FAILED))
    assert found.points == 0
    assert found.reason == "The sources of this version could not be documented: there are none."


@pytest.mark.parametrize("docs", [None, record(state=DocsState.PENDING)])
def test_documentation_that_is_not_known_is_not_scored(docs: ApiDocsRecord | None) -> None:
    assert DOCUMENTATION in score(docs=docs).unchecked
    assert part(DOCUMENTATION, docs=docs, modules=()).is_full


@pytest.mark.parametrize(
    ("licenses", "points", "reason"),
    [
        ((), 0, "The manifest names no license."),
        ((" ",), 0, "The manifest names no license."),
        (("MIT",), 10, "The manifest names a license."),
        (("", "MIT"), 10, "The manifest names a license."),
    ],
)
def test_a_license_is_named(licenses: tuple[str, ...], points: int, reason: str) -> None:
    found = part(LICENSE, licenses=licenses)
    assert (found.points, found.reason) == (points, reason)


@pytest.mark.parametrize(
    ("address", "points", "reason"),
    [
        ("", 0, "The manifest names no source repository."),
        (
            "javascript:alert(1)",
            0,
            "The source repository in the manifest is not a valid URL.",
        ),
        (REPOSITORY, 10, "The manifest links to a source repository."),
    ],
)
def test_a_source_link_is_a_web_address(address: str, points: int, reason: str) -> None:
    found = part(SOURCE, source_repository=address)
    assert (found.points, found.reason) == (points, reason)


@pytest.mark.parametrize(
    ("origin", "address", "points", "reason"),
    [
        (
            Origin(principal="alice"),
            REPOSITORY,
            0,
            "This version was published with an access token, not from CI.",
        ),
        (
            FROM_CI,
            "",
            15,
            "A CI job published this version, but the manifest does not name its repository.",
        ),
        (
            FROM_CI,
            "https://github.com/acme/other",
            15,
            "A CI job published this version, but the manifest does not name its repository.",
        ),
        (FROM_CI, REPOSITORY, 20, "A CI job in the source repository published this version."),
    ],
)
def test_provenance_is_a_job_in_the_source_repository(
    origin: Origin, address: str, points: int, reason: str
) -> None:
    found = part(PROVENANCE, origin=origin, source_repository=address)
    assert (found.points, found.reason) == (points, reason)


@pytest.mark.parametrize(
    ("fields", "points", "reason"),
    [
        ({}, 10, "The package had a release in the last two years."),
        (
            {"newest_ms": NOW_MS - LIMIT_MS},
            10,
            "The package had a release in the last two years.",
        ),
        (
            {"newest_ms": NOW_MS - LIMIT_MS - 1},
            0,
            "The package had no release in the last two years.",
        ),
        ({"deprecation": ""}, 0, "This version is deprecated."),
        ({"deprecated_package": True}, 0, "This version is deprecated."),
    ],
)
def test_a_maintained_package_has_recent_releases_and_is_not_deprecated(
    fields: dict[str, Any], points: int, reason: str
) -> None:
    found = part(MAINTAINED, **fields)
    assert (found.points, found.reason) == (points, reason)


@pytest.mark.parametrize(
    ("states", "points", "reason"),
    [
        (DependencyStates(), 10, "No direct dependency is deprecated."),
        (
            DependencyStates(unknown=1),
            10,
            "No direct dependency that this registry has is deprecated.",
        ),
        (DependencyStates(unknown=2), 10, "Its direct dependencies are not in this registry."),
        (DependencyStates(("acme/a",)), 0, "Deprecated direct dependencies: acme/a."),
        (
            DependencyStates(("acme/a", "acme/b", "acme/c"), unknown=1),
            0,
            "Deprecated direct dependencies: acme/a, acme/b, acme/c.",
        ),
        (
            DependencyStates(("acme/a", "acme/b", "acme/c", "acme/d", "acme/e")),
            0,
            "Deprecated direct dependencies: acme/a, acme/b, acme/c and 2 more.",
        ),
    ],
)
def test_no_direct_dependency_may_be_deprecated(
    states: DependencyStates, points: int, reason: str
) -> None:
    found = part(DEPENDENCIES, dependencies=(IO, LOG), states=states)
    assert (found.points, found.reason) == (points, reason)


def test_a_release_without_dependencies_needs_no_check_of_them() -> None:
    found = part(DEPENDENCIES)
    assert (found.points, found.reason) == (10, "This version depends on no other package.")


def test_dependencies_that_were_not_looked_up_are_no_part_of_the_score() -> None:
    found = score(dependencies=(IO,))
    assert found.unchecked == (DEPENDENCIES,)
    assert found.possible == 90
