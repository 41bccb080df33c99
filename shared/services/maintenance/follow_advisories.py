"""Task `follow-advisories`, every 15 minutes: quarantines what advisories call malicious, where the
setting says so, and tells owners who asked about advisories for what their packages depend on."""

from dataclasses import dataclass

from shared.domain.status import TaskReport
from shared.domain.times import MS
from shared.ports.system import Clock
from shared.services.advisories.advisories import Advisories
from shared.services.advisories.advisory_notices import AdvisoryNotices
from shared.services.advisories.malware import MalwareQuarantine
from shared.services.maintenance.tasks import RUN_TIME, Task

SCHEDULE = "25 */15 * * * *"


@dataclass(frozen=True)
class FollowAdvisories(Task):
    id = "follow-advisories"
    title = "Follow advisories"
    sentence = (
        "Quarantines releases that advisories call malicious, where the setting says so, and tells "
        "owners who asked about advisories for what their packages depend on."
    )
    schedule = SCHEDULE

    advisories: Advisories
    malware: MalwareQuarantine
    notices: AdvisoryNotices
    clock: Clock

    async def run(self) -> TaskReport:
        until_ms = self.clock.now_ms() + RUN_TIME // MS
        matched = 0
        for each in await self.advisories.malware():
            matched += len(await self.malware.apply(each))
        told = await self.notices.run(until_ms)
        return TaskReport(told.seen + matched, told.changed + matched)
