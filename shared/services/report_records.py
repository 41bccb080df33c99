"""Records of reports about releases: reading them, and deleting what identifies people."""

from msgspec import Struct

from shared.domain.accounts import Account
from shared.domain.coordinates import Coordinate
from shared.domain.entities import Place
from shared.domain.reports import (
    WAITING_RELEASES,
    Report,
    ReportedRelease,
    report_id,
    report_owner,
    reports_not_found,
    without_reporter,
)
from shared.ports.directory import DirectoryStore
from shared.runtime.retries import retried_when_stale
from shared.services.record_batches import RECORDS_AT_ONCE, entity_batches


class ReportRecords(Struct, frozen=True):
    """Reads reports and the releases that they are about; callers check rights."""

    directory: DirectoryStore

    async def case(self, coordinate: Coordinate) -> ReportedRelease | None:
        return await self.directory.get(ReportedRelease, Place(report_owner(coordinate), "case"))

    async def known_case(self, coordinate: Coordinate) -> ReportedRelease:
        """Return the case, or raise `reports-not-found`."""
        case = await self.case(coordinate)
        if case is None:
            raise reports_not_found(coordinate)
        return case

    async def waiting_cases(self) -> list[ReportedRelease]:
        """Return the releases whose reports wait, in order of place."""
        return await self.directory.list_by_subject(ReportedRelease, WAITING_RELEASES)

    async def about(self, coordinate: Coordinate) -> list[Report]:
        return await self.directory.list_by_owner(Report, report_owner(coordinate))

    async def of_account(self, account_id: str) -> list[Report]:
        """Return the reports of an account, the latest first."""
        found = await self.directory.list_by_subject(Report, account_id)
        return sorted(found, key=lambda each: each.reported_ms, reverse=True)

    async def find(self, coordinate: Coordinate, account_id: str) -> Report | None:
        """Return the report of an account about a release, or None."""
        place = Place(report_owner(coordinate), report_id(coordinate, account_id))
        return await self.directory.get(Report, place)

    async def forget(self, account: Account) -> int:
        """Remove from reports who made them and what they wrote, for an account that is erased;
        return how many were changed. A repeat changes nothing more."""
        changed = 0
        async for batch in entity_batches(self.directory, Report, RECORDS_AT_ONCE):
            for each in batch:
                if each.reporter == account.id:
                    changed += await self._forget(each.place)
        return changed

    @retried_when_stale
    async def _forget(self, place: Place) -> bool:
        report = await self.directory.get(Report, place)
        if report is None or not report.reporter:
            return False
        await self.directory.replace(without_reporter(report))
        return True

    async def forget_words(self, coordinate: Coordinate) -> int:
        """Delete what reports about a release say, since it may repeat what is erased with the
        release; return how many were changed. A repeat changes nothing more."""
        changed = 0
        for each in await self.about(coordinate):
            changed += await self._forget_words(each.place)
        return changed

    @retried_when_stale
    async def _forget_words(self, place: Place) -> bool:
        report = await self.directory.get(Report, place)
        if report is None or not report.text:
            return False
        await self.directory.replace(report.model_copy(update={"text": ""}))
        return True
