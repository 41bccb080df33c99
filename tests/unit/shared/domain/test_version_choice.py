"""The laws of modes, wildcards and lists; tests/protocol has the table of modes."""

from hypothesis import given
from hypothesis import strategies as st

from shared.domain.distributions import ClientProfile
from shared.domain.packages import ReleaseEntry, Survey
from shared.domain.release_states import State
from shared.domain.version_choice import (
    ReleaseChoice,
    ResolutionMode,
    latest,
    newest_stable_first,
    usable_versions,
)
from shared.domain.versions import Range, Version
from tests.support.surveys import entry, survey

# Few and small numbers, so that versions often share a major, a minor, or everything.
_SMALL = st.integers(0, 2)
_STAGES = st.sampled_from(["", "", "", "-alpha", "-rc.1", "-rc.2"])

small_versions = st.builds(
    lambda major, minor, patch, stage: Version.parse(f"{major}.{minor}.{patch}{stage}"),
    _SMALL,
    _SMALL,
    _SMALL,
    _STAGES,
)


clients = st.builds(
    ClientProfile.of,
    st.sampled_from(["", "any", "java21", "java17,java21"]),
    st.sampled_from(["", "2201.8.3", "2201.12.0"]),
)
modes = st.sampled_from(ResolutionMode)


@st.composite
def entries(draw: st.DrawFn, versions: st.SearchStrategy[Version] = small_versions) -> ReleaseEntry:
    """Make up a release; most are live, usable and not deprecated."""
    return entry(
        draw(versions).text,
        platform=draw(st.sampled_from(["any", "any", "any", "java21", "java11"])),
        built_with=draw(st.sampled_from(["", "slbeta6", "2201.8.9", "2201.12.0", "slalpha5"])),
        state=draw(st.sampled_from([State.LIVE, State.LIVE, State.LIVE, *State])),
        deprecation=draw(st.sampled_from([None, None, "", "Use another."])),
    )


@st.composite
def surveys(draw: st.DrawFn) -> Survey:
    """Make up a package with up to twelve releases."""
    releases = draw(st.lists(entries(), max_size=12, unique_by=lambda each: each.version))
    return survey(*releases, deprecation=draw(st.sampled_from([None, None, None, "Gone."])))


SOFT, MEDIUM, HARD, LOCKED = ResolutionMode

wanted_versions = st.one_of(st.none(), small_versions)


def pick(
    package: Survey, wanted: Version | None, mode: ResolutionMode, client: ClientProfile
) -> ReleaseEntry | None:
    """Return the release that is chosen when nothing else is asked."""
    return ReleaseChoice(package, client).pick(wanted, mode)


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
def test_the_newest_stable_version_comes_first_in_lists(
    package: Survey, client: ClientProfile
) -> None:
    versions = usable_versions(package, client)
    listed = newest_stable_first(versions)
    stable = [each for each in versions if each.is_stable]
    others = [each for each in versions if each not in stable[:1]]
    assert list(listed) == stable[:1] + others


@given(surveys(), clients)
def test_lists_are_in_order_and_hold_each_live_and_usable_version_once(
    package: Survey, client: ClientProfile
) -> None:
    listed = usable_versions(package, client)
    assert list(listed) == sorted(set(listed), key=lambda v: v.precedence, reverse=True)
    assert {version.text for version in listed} == {
        each.version for each in package.entries if fits(each, None, SOFT, client)
    }
