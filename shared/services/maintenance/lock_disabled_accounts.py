"""Task `lock-disabled-accounts`, every night at 04:40 UTC: locks the accounts of people who are
disabled in Entra ID or gone, and unlocks those of people who are enabled again."""

from shared.auth.identity_providers import EnabledPeople
from shared.domain.tasks import TaskReport
from shared.services.maintenance.tasks import Task

SCHEDULE = "0 40 4 * * *"


class LockDisabledAccounts(Task, frozen=True):
    id = "lock-disabled-accounts"
    title = "Lock accounts of disabled people"
    sentence = (
        "Asks Entra ID about everybody who signs in with it, locks the accounts of people who are "
        "disabled or gone, and unlocks those of people who are enabled again."
    )
    schedule = SCHEDULE
    runs_first = True  # Earlier versions did not ask.

    enabled_people: EnabledPeople

    async def run(self) -> TaskReport:
        return await self.enabled_people.review_everybody()
