"""Records hold what is known of a package, and derive the rest from it."""

import pytest

from shared.domain.coordinates import Coordinate
from shared.domain.listings import Listing
from shared.domain.packages import (
    Dependency,
    Head,
    Origin,
    Provenance,
    Release,
    ReleaseEntry,
    Survey,
    Texts,
    effective_deprecation,
    numeric_id,
)
from shared.domain.principals import ANONYMOUS
from shared.domain.release_states import State
from shared.domain.releases import with_change
from shared.domain.versions import Version
from shared.domain.visibility import Visibility

HEAD = Head(org="acme", name="greet", created_ms=1)
RELEASE = Release(
    org="acme",
    name="greet",
    version="1.2.0-rc.1",
    digest="ab" * 32,
    size_bytes=9,
    platform="java21",
    ballerina_version="2201.12.0",
    modules=("greet", "greet.sub"),
    dependencies=(Dependency(org="acme", name="base", version="1.0.0"),),
    tools=("greet",),
    created_ms=2,
    origin=Origin(principal="ann"),
    state=State.HELD,
    deprecation="Use another.",
    revision=7,
)


def test_an_entry_says_what_its_release_says() -> None:
    entry = ReleaseEntry.of(RELEASE)
    assert entry.parsed == Version.parse("1.2.0-rc.1")
    for field in ReleaseEntry.model_fields:
        assert getattr(entry, field) == getattr(RELEASE, field), field


@pytest.mark.parametrize(
    ("of_package", "own", "effective"),
    [
        (None, None, None),
        (None, "Own.", "Own."),
        ("All.", None, "All."),
        ("All.", "Own.", "Own."),
        ("All.", "", ""),
        ("", None, ""),
    ],
)
def test_a_release_is_deprecated_by_itself_or_with_its_package(
    of_package: str | None, own: str | None, effective: str | None
) -> None:
    head = HEAD.model_copy(update={"deprecation": of_package})
    release = RELEASE.model_copy(update={"deprecation": own})
    assert effective_deprecation(head, own) == effective
    assert Listing(head, release, Texts()).deprecation == effective


def test_the_number_of_a_coordinate_is_the_same_for_ever() -> None:
    for org in ("acme", "ACME"):
        assert numeric_id(Coordinate.parse(org, "greet", "1.0.0")) == 1_137_458_423


@pytest.mark.parametrize(
    ("head", "entries", "newest"),
    [
        ({}, [], 1),
        ({"created_ms": 0}, [], 0),
        ({}, [{"created_ms": 5}, {"created_ms": 4}], 5),
        ({}, [{"created_ms": 5}, {"created_ms": 4, "changed_ms": 7}], 7),
        ({}, [{"created_ms": 5, "changed_ms": 6, "state": State.REMOVED}], 6),
        ({"changed_ms": 9}, [{"created_ms": 5, "changed_ms": 6}], 9),
    ],
)
def test_a_survey_knows_when_anything_of_it_changed_last(
    head: dict[str, int], entries: list[dict[str, object]], newest: int
) -> None:
    records = tuple(ReleaseEntry.of(RELEASE).model_copy(update=each) for each in entries)
    survey = Survey(HEAD.model_copy(update={**head, "revision": 3}), records)
    assert (survey.changed_ms, survey.revision) == (newest, 3 + 7 * len(records))


def test_a_change_leaves_its_time_on_the_record() -> None:
    private = Visibility.PRIVATE
    head = with_change(HEAD, "test.changed", by=ANONYMOUS, now_ms=50, visibility=private, pulls=7)
    release = with_change(RELEASE, "test.changed", by=ANONYMOUS, now_ms=50, deprecation="Gone.")
    assert (HEAD.changed_ms, RELEASE.changed_ms) == (None, None)
    assert (head.changed_ms, release.changed_ms) == (50, 50)
    assert release.outbox[-1].details == {
        "deprecation": "Gone.",
        "deprecation_before": "Use another.",
    }
    before = {"visibility_before": "public", "pulls_before": "0"}
    assert head.outbox[-1].details == {"visibility": "private", "pulls": "7", **before}


JOB = Provenance(
    provider="github",
    repository="Acme/greet",
    run_url="https://github.com/Acme/greet/actions/runs/1",
)


def test_pages_link_to_runs_only_over_https() -> None:
    assert JOB.link == JOB.run_url
    for run_url in (JOB.run_url.replace("https", "http"), "javascript:alert(1)//https://"):
        assert JOB.model_copy(update={"run_url": run_url}).link == ""


def test_a_tool_is_found_by_its_id_in_any_case_and_the_first_one_by_any_other() -> None:
    tools = RELEASE.model_copy(update={"tools": ("greet", "hi", "Other")})
    found = [tools.tool_named(text) for text in ("hi", " HI ", "Other", "none")]
    assert found == ["hi", "hi", "Other", "greet"]
    assert RELEASE.model_copy(update={"tools": ()}).tool_named("hi") == ""


def test_the_releases_with_a_tool_are_a_survey_of_the_package() -> None:
    entries = [
        ReleaseEntry.of(RELEASE).model_copy(update={"version": version, "tools": tools})
        for version, tools in (("1.2.0", ("a", "b")), ("1.1.0", ("b",)), ("1.0.0", ()))
    ]
    survey = Survey(HEAD, tuple(entries))
    assert survey.with_tool("b") == Survey(HEAD, tuple(entries[:2]))
    assert survey.with_tool("a").entries == (entries[0],)
    assert survey.with_tool("c") == Survey(HEAD, ())
