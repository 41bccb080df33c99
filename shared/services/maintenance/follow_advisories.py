"""Task `follow-advisories`, every 15 minutes: quarantines what advisories call malicious, where the
setting says so, and tells owners who asked about advisories for what their packages depend on. It
also completes reports about releases whose process ended after it stored them."""

from functools import partial
from typing import Protocol

from shared.domain.errors.base import Refusal
from shared.domain.tasks import TaskReport
from shared.domain.times import MS
from shared.ports.system import Clock
from shared.services.advisories.advisories import Advisories
from shared.services.advisories.advisory_notices import AdvisoryNotices
from shared.services.advisories.malicious_libraries import MaliciousLibraries
from shared.services.advisories.malware import MalwareQuarantine
from shared.services.maintenance.tasks import RUN_TIME, Checkpoints, Task

SCHEDULE = "25 */15 * * * *"


class UnfinishedReports(Protocol):
    """Completes reports whose process ended after it stored them."""

    async def complete(self, until_ms: int) -> TaskReport: ...


class FollowAdvisories(Task, frozen=True):
    id = "follow-advisories"
    title = "Follow advisories"
    sentence = (
        "Quarantines releases that advisories call malicious, where the setting says so, and tells "
        "owners who asked about advisories for what their packages depend on. Completes reports "
        "about releases whose process ended before administrators were told."
    )
    schedule = SCHEDULE

    advisories: Advisories
    malware: MalwareQuarantine
    malicious_libraries: MaliciousLibraries
    notices: AdvisoryNotices
    reports: UnfinishedReports
    checkpoints: Checkpoints
    clock: Clock

    async def run(self) -> TaskReport:
        until_ms = self.clock.now_ms() + RUN_TIME // MS
        matched = 0
        problems = list[str]()
        for each in await self.advisories.malware():
            try:
                matched += len(await self.malware.apply(each))
            # Only this release is affected; the others are still decided on.
            except Refusal as refusal:
                problems.append(f"{each.id}: {refusal}")
        matched += await self.malicious_libraries.run(
            partial(self.checkpoints.visit_packages, self)
        )
        told = await self.notices.run(until_ms)
        completed = await self.reports.complete(until_ms)
        return TaskReport(
            told.seen + matched + completed.seen,
            told.changed + matched + completed.changed,
            (*problems, *told.problems),
            unfinished=told.unfinished,
        )
