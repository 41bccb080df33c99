"""The mode table, wildcards and lists: examples of each corner, then the laws."""

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from shared.domain.names import ANY_CLIENT, ClientProfile, Range, Version
from shared.domain.packages import ReleaseEntry, State, Survey
from shared.domain.resolution import ReleaseChoice, ResolutionMode, latest, usable_versions
from tests.support.surveys import deprecated, entry, survey
from tests.unit.shared.domain.strategies import (
    clients,
    entries,
    modes,
    small_versions,
    surveys,
    with_entry,
)

SOFT, MEDIUM, HARD, LOCKED = ResolutionMode
JAVA_2201_8 = ClientProfile.of("java17,any", "2201.8.3")

wanted_versions = st.one_of(st.none(), small_versions)


def pick(
    package: Survey, wanted: Version | None, mode: ResolutionMode, client: ClientProfile
) -> ReleaseEntry | None:
    """Return the release that is chosen when nothing else is asked."""
    return ReleaseChoice(package, client).pick(wanted, mode)


def picked(
    package: Survey,
    wanted: str = "",
    mode: ResolutionMode = SOFT,
    client: ClientProfile = ANY_CLIENT,
) -> str | None:
    """Return the version that is picked, as a client reads it."""
    found = pick(package, Version.parse(wanted) if wanted else None, mode, client)
    return found.version if found else None


# --- Modes -----------------------------------------------------------------------------------


@pytest.mark.parametrize("mode", ResolutionMode)
def test_a_mode_is_read_in_any_case(mode: ResolutionMode) -> None:
    assert ResolutionMode.parse(mode.value) is ResolutionMode.parse(mode.value.upper()) is mode


@pytest.mark.parametrize("text", [None, "", "sticky", "soft ", "softer"])
def test_an_unknown_mode_is_soft(text: str | None) -> None:
    assert ResolutionMode.parse(text) is SOFT


# --- The table -------------------------------------------------------------------------------

GREET = survey(
    "0.1.2", "0.1.9", "0.2.0", "1.4.0", "1.4.9", "1.5.0", "1.5.3", "1.10.0", "2.0.0", "3.0.0-rc.1"
)


@pytest.mark.parametrize(
    ("mode", "wanted", "expected"),
    [
        (SOFT, "1.4.0", "1.10.0"),
        (SOFT, "1.10.0", "1.10.0"),
        (SOFT, "1.10.1", None),
        (SOFT, "1.0.0", "1.10.0"),
        (SOFT, "2.0.0", "2.0.0"),
        (SOFT, "4.0.0", None),
        (SOFT, "0.1.2", "0.1.9"),
        (SOFT, "0.1.0", "0.1.9"),
        (SOFT, "0.1.10", None),
        (SOFT, "0.3.0", None),
        (MEDIUM, "1.4.0", "1.4.9"),
        (MEDIUM, "1.4.10", None),
        (MEDIUM, "1.6.0", None),
        (MEDIUM, "0.1.2", "0.1.9"),
        (HARD, "1.4.0", "1.4.0"),
        (HARD, "1.4.1", None),
        (HARD, "0.1.2", "0.1.2"),
        (HARD, "3.0.0-rc.1", "3.0.0-rc.1"),
        (LOCKED, "1.4.0", "1.4.0"),
        (LOCKED, "1.4.1", None),
    ],
)
def test_the_mode_says_how_far_from_the_given_version_a_build_goes(
    mode: ResolutionMode, wanted: str, expected: str | None
) -> None:
    assert picked(GREET, wanted, mode) == expected


# --- Pre-releases ----------------------------------------------------------------------------


# --- Deprecated releases ---------------------------------------------------------------------


def test_an_empty_message_deprecates_too() -> None:
    assert picked(survey("1.2.0", entry("1.3.0", deprecation=""))) == "1.2.0"


def test_in_a_deprecated_package_all_versions_are_equal() -> None:
    there = survey("1.2.0", deprecated("1.3.0"), "1.4.0-rc.1", deprecation="Gone.")
    assert picked(there) == "1.3.0"
    assert picked(there, "1.2.0") == "1.3.0"
    assert picked(there, "1.2.0", HARD) == "1.2.0"


# --- What the client can use, and what is served at all --------------------------------------


def test_versions_that_the_client_cannot_use_are_skipped_unless_requested_exactly() -> None:
    there = survey(
        "1.2.0",
        entry("1.3.0", built_with="2201.9.0"),
        entry("1.4.0", platform="java21"),
        entry("1.5.0", built_with="slalpha5"),
    )
    assert picked(there, "1.2.0", SOFT, JAVA_2201_8) == "1.2.0"
    assert picked(there, "", SOFT, JAVA_2201_8) == "1.2.0"
    assert picked(there, "1.3.0", SOFT, JAVA_2201_8) is None
    for version in ("1.3.0", "1.4.0", "1.5.0"):
        assert picked(there, version, HARD, JAVA_2201_8) == version
        assert picked(there, version, LOCKED, JAVA_2201_8) == version


# --- Wildcards and lists ---------------------------------------------------------------------


@pytest.mark.parametrize(
    ("within", "expected"),
    [
        ("*", "2.0.0"),
        ("0.*", "0.2.0"),
        ("0.1.*", "0.1.9"),
        ("1.*", "1.10.0"),
        ("1.5.*", "1.5.3"),
        ("3.*", "3.0.0-rc.1"),
        ("1.6.*", None),
        ("4.*", None),
    ],
)
def test_a_wildcard_selects_the_newest_version_in_it(within: str, expected: str | None) -> None:
    found = latest(GREET, Range.parse(within), ANY_CLIENT)
    assert (found.version if found else None) == expected


def test_a_wildcard_answers_when_everything_is_deprecated() -> None:
    for there in (survey(deprecated("1.0.0"), deprecated("1.1.0")),
                  survey("1.0.0", "1.1.0", deprecation="Gone.")):  # fmt: skip
        found = latest(there, Range(), ANY_CLIENT)
        assert found
        assert found.version == "1.1.0"


def test_lists_hold_what_the_client_can_use_newest_first_deprecated_ones_included() -> None:
    there = survey(
        "1.9.0",
        deprecated("1.10.0"),
        "2.0.0-rc.1",
        "2.0.0",
        entry("2.1.0", built_with="2201.9.0"),
        entry("2.2.0", state=State.QUARANTINED),
    )
    texts = [version.text for version in usable_versions(there, JAVA_2201_8)]
    assert texts == ["2.0.0", "2.0.0-rc.1", "1.10.0", "1.9.0"]


# --- The laws --------------------------------------------------------------------------------


def fits(
    each: ReleaseEntry, wanted: Version | None, mode: ResolutionMode, client: ClientProfile
) -> bool:
    """Say in the words of the table whether a release may be picked at all."""
    if each.state is not State.LIVE:
        return False
    if wanted and mode in (HARD, LOCKED):
        return each.version == wanted.text
    if not client.can_use(each.platform, each.ballerina_version):
        return False
    if wanted is None:
        return True
    same_major = each.parsed.major == wanted.major
    same_minor = same_major and each.parsed.minor == wanted.minor
    near = same_minor if mode is MEDIUM or wanted.major == 0 else same_major
    return near and each.parsed >= wanted


@given(package=surveys(), wanted=wanted_versions, mode=modes, client=clients, data=st.data())
def test_the_pick_is_the_best_of_what_fits_in_whatever_order_one_looks(
    package: Survey,
    wanted: Version | None,
    mode: ResolutionMode,
    client: ClientProfile,
    data: st.DataObject,
) -> None:
    def standing(each: ReleaseEntry) -> tuple[object, ...]:
        is_deprecated = (each.deprecation or package.head.deprecation) is not None
        is_deprecated = is_deprecated or each.deprecation == ""
        return (each.parsed.is_stable, not is_deprecated, each.parsed.precedence)

    stored = data.draw(st.permutations(package.entries))
    fitting = [each for each in stored if fits(each, wanted, mode, client)]
    assert pick(package, wanted, mode, client) == max(fitting, key=standing, default=None)


@given(surveys(), wanted_versions, modes, clients)
def test_a_stable_version_never_loses_to_a_pre_release_nor_a_fine_one_to_a_deprecated_one(
    package: Survey, wanted: Version | None, mode: ResolutionMode, client: ClientProfile
) -> None:
    found = pick(package, wanted, mode, client)
    fitting = [each for each in package.entries if fits(each, wanted, mode, client)]
    assert (found is None) == (not fitting)
    if found and not found.parsed.is_stable:
        assert not any(each.parsed.is_stable for each in fitting)
    if found and found.deprecation is not None and package.head.deprecation is None:
        alike = [e for e in fitting if e.parsed.is_stable == found.parsed.is_stable]
        assert all(each.deprecation is not None for each in alike)


@given(surveys(), wanted_versions, modes, clients, entries())
def test_another_release_is_picked_or_changes_nothing(
    package: Survey,
    wanted: Version | None,
    mode: ResolutionMode,
    client: ClientProfile,
    added: ReleaseEntry,
) -> None:
    assume(all(each.version != added.version for each in package.entries))
    before = pick(package, wanted, mode, client)
    after = pick(with_entry(package, added), wanted, mode, client)
    assert after in (before, added)
    if not fits(added, wanted, mode, client):
        assert after == before


@given(surveys(), wanted_versions, modes, clients, entries())
def test_a_higher_release_never_takes_a_build_backwards(
    package: Survey,
    wanted: Version | None,
    mode: ResolutionMode,
    client: ClientProfile,
    added: ReleaseEntry,
) -> None:
    before = pick(package, wanted, mode, client)
    assume(before is None or before.parsed < added.parsed)
    assume(all(each.version != added.version for each in package.entries))
    after = pick(with_entry(package, added), wanted, mode, client)
    assert before is None or (after is not None and before.parsed <= after.parsed)


@given(package=surveys(), mode=modes, wanted=wanted_versions, client=clients, data=st.data())
def test_deprecating_or_withdrawing_another_version_changes_nothing(
    package: Survey,
    mode: ResolutionMode,
    wanted: Version | None,
    client: ClientProfile,
    data: st.DataObject,
) -> None:
    before = pick(package, wanted, mode, client)
    others = [each for each in package.entries if each != before]
    assume(others)
    update = data.draw(
        st.sampled_from([{"deprecation": "Use another."}, *({"state": s} for s in State)])
    )
    assume(update != {"state": State.LIVE})
    changed = data.draw(st.sampled_from(others)).model_copy(update=update)
    assume(changed.deprecation is not None or update.get("state"))
    assert pick(with_entry(package, changed), wanted, mode, client) == before


@given(package=surveys(), mode=st.sampled_from([HARD, LOCKED]), client=clients, data=st.data())
def test_deprecating_a_version_or_its_package_never_changes_an_exact_answer(
    package: Survey, mode: ResolutionMode, client: ClientProfile, data: st.DataObject
) -> None:
    assume(package.entries)
    exact = data.draw(st.sampled_from(package.entries))
    marked = exact.model_copy(update={"deprecation": "Use another."})
    head = package.head.model_copy(update={"deprecation": "Gone."})
    before = pick(package, exact.parsed, mode, client)
    assert before == (exact if exact.state is State.LIVE else None)
    assert pick(Survey(head, package.entries), exact.parsed, mode, client) == before
    after = pick(with_entry(package, marked), exact.parsed, mode, client)
    assert (after and after.version) == (before and before.version)


@given(surveys(), small_versions, clients)
def test_a_looser_mode_finds_what_a_stricter_one_finds(
    package: Survey, wanted: Version, client: ClientProfile
) -> None:
    soft, medium = (pick(package, wanted, mode, client) for mode in (SOFT, MEDIUM))
    hard = pick(package, wanted, HARD, client)
    assert not medium or soft
    if hard and client.can_use(hard.platform, hard.ballerina_version):
        assert medium
        assert not hard.parsed.is_stable or medium.parsed >= hard.parsed


@given(surveys(), small_versions, clients)
def test_the_newest_lies_in_its_range_and_is_what_no_version_gives_for_all(
    package: Survey, version: Version, client: ClientProfile
) -> None:
    assert latest(package, Range(), client) == pick(package, None, SOFT, client)
    for within in (Range(version.major), Range(version.major, version.minor)):
        found = latest(package, within, client)
        usable = [each for each in usable_versions(package, client) if within.contains(each)]
        assert (found is None) == (not usable)
        assert found is None or found.parsed in usable


@given(surveys(), clients)
def test_lists_are_in_order_and_hold_each_live_and_usable_version_once(
    package: Survey, client: ClientProfile
) -> None:
    listed = usable_versions(package, client)
    assert list(listed) == sorted(set(listed), key=lambda v: v.precedence, reverse=True)
    assert {version.text for version in listed} == {
        each.version for each in package.entries if fits(each, None, SOFT, client)
    }
