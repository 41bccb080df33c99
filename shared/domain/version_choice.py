"""Which release of a package a client gets: the mode table, wildcards and lists.

| mode             | version given   | picks the best of                                     |
|------------------|-----------------|-------------------------------------------------------|
| any              | none            | everything                                            |
| `soft`           | `a.b.c`, a >= 1 | the same major, not below the given version           |
| `medium`         | `a.b.c`         | the same major and minor, not below the given version |
| `soft`, `medium` | `0.b.c`         | the same `0.b`, not below the given version           |
| `hard`, `locked` | `a.b.c`         | that version alone                                    |

The best is the newest stable release that is not deprecated; failing that the newest stable one;
failing that the newest pre-release that is not deprecated; failing that the newest pre-release.
So deprecating a release never moves a build to a pre-release that it did not ask for.

- Live releases are the only candidates, in every mode.
- `hard` and `locked` ask for exactly one version: it is served deprecated or not, whatever the
  client's platform and language. Everything else is offered only what the client can use.
- `soft` and `medium` name a lower bound, which is not asking for exactly it: `soft` 1.2.0 with
  1.2.0 deprecated gives 1.3.0, and 1.2.0 only when nothing else fits.
- A pre-release is a version like any other: 1.2.0-rc.1 lies below 1.2.0, in the majors and minors
  of its numbers. As a lower bound it admits the pre-releases above it, and any stable release that
  fits beats those. With a stable lower bound a pre-release is picked where no stable release fits.
- All versions of a deprecated package are deprecated, so they are equal in that.

`listings.py` chooses the release that search results show.
"""

from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence
from enum import Enum
from itertools import islice, takewhile

from shared.domain.distributions import ClientProfile
from shared.domain.packages import Head, ReleaseEntry, Survey
from shared.domain.release_states import State
from shared.domain.versions import Range, Version


class ResolutionMode(Enum):
    """How far from the version that it names a build may be taken."""

    SOFT = "soft"
    MEDIUM = "medium"
    HARD = "hard"
    LOCKED = "locked"

    @classmethod
    def parse(cls, text: str | None) -> "ResolutionMode":
        """Return the mode with that name, in any case; unknown names are `soft`."""
        return _MODES.get((text or "").lower(), cls.SOFT)

    @property
    def is_exact(self) -> bool:
        """Whether only the requested version may be used."""
        return self in (ResolutionMode.HARD, ResolutionMode.LOCKED)


_MODES = {mode.value: mode for mode in ResolutionMode}
_EVERY_VERSION = Range()


class ReleaseChoice:
    """The releases of a package that a client can choose from.

    Only the latest releases of each rank in a range are ever picked, whatever the lower bound. They
    are searched once per range, so thousands of questions about a package with
    thousands of releases cost little more than one.
    """

    def __init__(self, survey: Survey, client: ClientProfile) -> None:
        self._survey = survey
        self._client = client
        self._leaders: dict[Range, tuple[ReleaseEntry, ...]] = {}

    def pick(self, wanted: Version | None, mode: ResolutionMode) -> ReleaseEntry | None:
        """Return the release by the mode table, or None when nothing fits."""
        if wanted is None:
            return self.latest(_EVERY_VERSION)
        if mode.is_exact:
            return _exactly(self._survey, wanted)
        leaders = self._leading(_compatible(wanted, mode))
        return next((entry for entry in leaders if wanted <= entry.parsed), None)

    def latest(self, within: Range) -> ReleaseEntry | None:
        """Return the release for a range, or None when nothing fits."""
        return next(iter(self._leading(within)), None)

    def _leading(self, within: Range) -> tuple[ReleaseEntry, ...]:
        leaders = self._leaders.get(within)
        if leaders is None:
            offered = _offered(_part(self._survey.entries, within), self._client)
            leaders = self._leaders[within] = _leaders(self._survey.head, offered)
        return leaders


def live_release(
    survey: Survey | None, wanted: Version | Range, client: ClientProfile
) -> ReleaseEntry | None:
    """Return the live release of an exact version, whatever the client can use, or the latest one
    of a range that the client can use; None when nothing fits, or without a package."""
    if survey is None:
        return None
    if isinstance(wanted, Version):
        return _exactly(survey, wanted)
    return latest(survey, wanted, client)


def latest(survey: Survey, within: Range, client: ClientProfile) -> ReleaseEntry | None:
    """Return the release for `*`, `1.*` or `1.2.*`, or None when nothing fits."""
    return ReleaseChoice(survey, client).latest(within)


def usable_versions(survey: Survey, client: ClientProfile) -> tuple[Version, ...]:
    """Return the versions that the client can use, latest first, including deprecated ones."""
    return tuple(entry.parsed for entry in usable_entries(survey, client))


def newest_stable_first(newest_first: Sequence[Version]) -> tuple[Version, ...]:
    """Return the versions in the order of lists, of which clients take the first one."""
    stable = next((each for each in newest_first if each.is_stable), None)
    if stable is None:
        return tuple(newest_first)
    return (stable, *[each for each in newest_first if each is not stable])


def usable_entries(survey: Survey, client: ClientProfile) -> tuple[ReleaseEntry, ...]:
    """Return the entries that the client can use, latest first, including deprecated ones."""
    return tuple(_offered(survey.entries, client))


def _exactly(survey: Survey, version: Version) -> ReleaseEntry | None:
    entries = survey.entries
    at = bisect_left(entries, True, key=lambda entry: entry.parsed <= version)
    if at == len(entries) or entries[at].version != version.text:
        return None
    return entries[at] if entries[at].state is State.LIVE else None


def are_compatible(one: Version, other: Version) -> bool:
    """Check whether the Go and Java toolchains may choose one version where the other is wanted.
    No build has two versions of a package that are not."""
    return _compatible(one, ResolutionMode.SOFT).contains(other)


def _compatible(wanted: Version, mode: ResolutionMode) -> Range:
    if mode is ResolutionMode.MEDIUM or wanted.major == 0:
        return Range(wanted.major, wanted.minor)
    return Range(wanted.major)


def _part(entries: Sequence[ReleaseEntry], within: Range) -> Iterator[ReleaseEntry]:
    """Yield the entries in the range. Surveys are sorted, so these are adjacent."""
    if within == _EVERY_VERSION:
        return iter(entries)
    begin = bisect_left(entries, True, key=lambda entry: not within.is_below(entry.parsed))
    return takewhile(lambda entry: within.contains(entry.parsed), islice(entries, begin, None))


def _offered(entries: Iterable[ReleaseEntry], client: ClientProfile) -> Iterator[ReleaseEntry]:
    for entry in entries:
        if entry.state is State.LIVE and client.can_use(entry.platform, entry.ballerina_version):
            yield entry


def _leaders(head: Head, newest_first: Iterable[ReleaseEntry]) -> tuple[ReleaseEntry, ...]:
    """Return the latest entry of each rank, the best rank first."""
    found: dict[tuple[bool, bool], ReleaseEntry] = {}
    for entry in newest_first:
        rank = (entry.parsed.is_stable, _is_no_worse(head, entry))
        found.setdefault(rank, entry)
        if rank == (True, True):
            break  # The rest is older and no better.
    return tuple(found[rank] for rank in sorted(found, reverse=True))


def _is_no_worse(head: Head, entry: ReleaseEntry) -> bool:
    """Check that `entry` is not deprecated, or that its whole package is."""
    return entry.deprecation is None or head.deprecation is not None
