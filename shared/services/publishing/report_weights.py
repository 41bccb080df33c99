"""What reports are worth, and the quarantine of a release whose reports weigh enough. The rules are
the table of docs/run/reports.md."""

import asyncio
from collections.abc import Iterable, Sequence

from msgspec import Struct

from shared.domain.coordinates import Coordinate
from shared.domain.errors.base import Unavailable
from shared.domain.packages import Release
from shared.domain.principals import MAINTENANCE, OPERATOR
from shared.domain.release_states import State
from shared.domain.reports import (
    MAX_DEPENDENTS,
    MAX_QUARANTINES,
    QUARANTINED_BY_REPORTS,
    Report,
    ReportedRelease,
    main_reason,
    total_weight,
    weight_of,
)
from shared.domain.search import Query
from shared.domain.withdrawal_reasons import PublicReason
from shared.ports.system import Clock
from shared.runtime.retries import retried_when_stale
from shared.services.identity.accounts import accounts_by_ids
from shared.services.packages.search import PackageSearch
from shared.services.publishing.moderation import Moderation
from shared.services.report_records import ReportRecords

_PUBLIC_NOTE = "This is provisional: users reported it, and its review is open."


class WeighedReport(Struct, frozen=True):
    """A report, and what it is worth now."""

    report: Report
    weight: float


class ReportWeights(Struct, frozen=True):
    """Weighs reports, and quarantines releases by them. An administrator decides afterwards."""

    report_records: ReportRecords
    moderation: Moderation
    search: PackageSearch
    clock: Clock
    threshold: int  # The weight of reports that quarantines a release; 0 if none does.

    async def weighed(self, reports: Sequence[Report]) -> list[WeighedReport]:
        """Return what each report is worth now. The accounts of those that may weigh are read."""
        reporters = list({e.reporter: None for e in reports if e.is_weighty and e.reporter})
        accounts = await accounts_by_ids(self.report_records.directory, reporters)
        counts = await asyncio.gather(*map(self._false_reports, reporters))
        by_id = {each.id: each for each in accounts}
        false_reports = dict(zip(reporters, counts, strict=True))
        return [
            WeighedReport(
                each, weight_of(each, by_id.get(each.reporter), false_reports.get(each.reporter, 0))
            )
            for each in reports
        ]

    async def _false_reports(self, account_id: str) -> int:
        now_ms = self.clock.now_ms()
        return sum(
            each.is_false_at(now_ms) for each in await self.report_records.of_account(account_id)
        )

    async def quarantine_if_enough(self, case: ReportedRelease) -> bool:
        """Quarantine the release if its reports weigh enough; return whether it is quarantined by
        reports now. Once an administrator has decided, reports have no effect."""
        if not self.threshold or case.reviewed_ms is not None:
            return False
        if case.quarantined_ms is not None:  # Somebody may have restored it without a decision.
            found = await self.moderation.metadata.find(case.coordinate)
            return is_quarantined_by_reports(found.release)
        decisive = await self._decisive(case.coordinate)
        if not decisive or not await self._may_be_quarantined(case.coordinate):
            return False
        now = await self.report_records.case(case.coordinate)
        if now is None or now.reviewed_ms is not None:  # Decided while the reports were weighed.
            return False
        public = PublicReason(why=main_reason(decisive), note=_PUBLIC_NOTE)
        release = await self.moderation.quarantine_by_rule(
            case.coordinate, QUARANTINED_BY_REPORTS, public, by=MAINTENANCE
        )
        if not is_quarantined_by_reports(release):
            return False  # Somebody withheld it meanwhile.
        await self._mark(case.coordinate)
        return True

    async def _decisive(self, coordinate: Coordinate) -> list[Report]:
        """Return the reports that weigh something, or none if they do not weigh enough."""
        reports = await self.report_records.about(coordinate)
        waiting = [each for each in reports if each.decision is None]
        # The accounts are read only if the reports could be enough.
        at_most = total_weight((each, float(each.is_weighty)) for each in waiting)
        if at_most < self.threshold:
            return []
        weighed = await self.weighed(waiting)
        if weight_together(weighed) < self.threshold:
            return []
        return [each.report for each in weighed if each.weight]

    async def _may_be_quarantined(self, coordinate: Coordinate) -> bool:
        """Check that a quarantine would break few builds, and that few others wait; what the search
        cannot say now is left to an administrator."""
        query = Query(depends_on=coordinate.package.key, include_deprecated=True)
        try:
            count = await self.search.count(query, by=OPERATOR)
        except Unavailable:
            return False
        if count is None or count > MAX_DEPENDENTS:
            return False
        waiting = await self.report_records.waiting_cases()
        undecided = [each for each in waiting if each.quarantined_ms and not each.reviewed_ms]
        return len(undecided) < MAX_QUARANTINES

    @retried_when_stale
    async def _mark(self, coordinate: Coordinate) -> None:
        case = await self.report_records.case(coordinate)
        if case is not None and case.quarantined_ms is None:
            marked = case.model_copy(update={"quarantined_ms": self.clock.now_ms()})
            await self.report_records.directory.replace(marked)


def weight_together(weighed: Iterable[WeighedReport]) -> float:
    return total_weight((each.report, each.weight) for each in weighed)


def is_quarantined_by_reports(release: Release | None) -> bool:
    """Check whether reports quarantined the release, and no administrator has decided since."""
    return (
        release is not None
        and release.state is State.QUARANTINED
        and release.state_reason == QUARANTINED_BY_REPORTS
    )
