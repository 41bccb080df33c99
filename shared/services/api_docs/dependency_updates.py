"""What became of the versions that a build uses: withdrawn, deprecated, or newer ones exist."""

import asyncio
from collections.abc import Sequence
from enum import Enum

from msgspec import Struct
from msgspec.structs import replace

from shared.domain.coordinates import Coordinate, Package
from shared.domain.distributions import ANY_CLIENT
from shared.domain.errors.packages import Withdrawal
from shared.domain.packages import Survey, effective_deprecation
from shared.domain.principals import Principal
from shared.domain.version_choice import latest
from shared.domain.versions import Range
from shared.domain.withdrawals import withdrawal_of
from shared.services.api_docs.api_docs_generation import ApiHistory
from shared.services.packages.hosted_packages import HostedPackages
from shared.services.packages.successors import Successors


class DependencyState(Enum):
    """The gravest that is known of a version that is used."""

    WITHDRAWN = "withdrawn"
    MISSING = "missing"
    DEPRECATED = "deprecated"
    NEWER = "newer"  # There are newer versions.
    CURRENT = "current"


class CheckedDependency(Struct, frozen=True):
    """A version that is used. `breaking` are newer versions that break callers."""

    used: Coordinate
    state: DependencyState = DependencyState.MISSING
    withdrawal: Withdrawal | None = None
    deprecation: str | None = None
    successor: Package | None = None
    newest: str = ""  # Empty if it is used.
    breaking: tuple[str, ...] = ()


class DependencyUpdates(Struct, frozen=True):
    """Checks the versions that a build uses, as far as the caller may see their packages."""

    hosted: HostedPackages
    successors: Successors
    history: ApiHistory

    async def check(self, used: Sequence[Coordinate], *, by: Principal) -> list[CheckedDependency]:
        """Return what is known of each, in their order; what is hidden is missing."""
        surveys = await self.hosted.visible([each.package for each in used], by=by)
        heads = [each.head for each in surveys.values()]
        successors = await self.successors.named_of(heads, by=by)

        async def checked(each: Coordinate) -> CheckedDependency:
            found = CheckedDependency(each, successor=successors.get(each.package.key))
            survey = surveys.get(each.package.key)
            return found if survey is None else await self._in_survey(found, survey)

        return list(await asyncio.gather(*map(checked, used)))

    async def newest(self, packages: Sequence[Package], *, by: Principal) -> dict[str, Coordinate]:
        """Return the newest release of each package that the caller may see, by its key."""
        surveys = await self.hosted.visible(packages, by=by)
        found = {key: latest(each, Range(), ANY_CLIENT) for key, each in surveys.items()}
        return {
            key: surveys[key].head.package.at(entry.parsed) for key, entry in found.items() if entry
        }

    async def _in_survey(self, found: CheckedDependency, survey: Survey) -> CheckedDependency:
        used = found.used
        entries = [e for e in reversed(survey.entries) if e.is_known]
        entry = next((each for each in entries if each.version == used.version.text), None)
        state = DependencyState.MISSING
        withdrawal: Withdrawal | None = None
        deprecation: str | None = None
        if entry is not None:
            deprecation = effective_deprecation(survey.head, entry.deprecation)
            is_deprecated = deprecation is not None
            state = DependencyState.DEPRECATED if is_deprecated else DependencyState.CURRENT
        if entry is not None and entry.is_publicly_withheld:
            state = DependencyState.WITHDRAWN
            withdrawal = withdrawal_of(entry)
        newest = latest(survey, Range(), ANY_CLIENT)
        newer = [e.version for e in entries if newest and used.version < e.parsed <= newest.parsed]
        breaking: tuple[str, ...] = ()
        if newer:
            verdicts = await self.history.verdicts(used.package)
            breaking = tuple(e for e in newer if (known := verdicts.get(e)) and known.breaking)
            state = DependencyState.NEWER if state is DependencyState.CURRENT else state
        return replace(
            found,
            state=state,
            withdrawal=withdrawal,
            deprecation=deprecation,
            newest=newer[-1] if newer else "",
            breaking=breaking,
        )
