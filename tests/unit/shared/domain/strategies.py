"""Strategies of hypothesis: versions, releases and clients."""

from hypothesis import strategies as st

from shared.domain.names import ClientProfile, Version
from shared.domain.packages import ReleaseEntry, State, Survey
from shared.domain.resolution import ResolutionMode
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
