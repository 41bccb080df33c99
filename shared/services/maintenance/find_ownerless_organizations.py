"""Task `find-ownerless-organizations`, every 6 hours at minute 35: finds organizations none of
whose owners can sign in, and sends mail to their members."""

from shared.domain.tasks import TaskReport
from shared.services.maintenance.tasks import Task
from shared.services.organizations.ownership import OwnerlessOrganizations

SCHEDULE = "0 35 */6 * * *"


class FindOwnerlessOrganizations(Task, frozen=True):
    id = "find-ownerless-organizations"
    title = "Find organizations without an owner"
    sentence = (
        "Finds organizations none of whose owners can sign in, and sends mail to their members, "
        "once and again after 30 days."
    )
    schedule = SCHEDULE
    runs_first = True  # Earlier versions did not look.

    ownerless_organizations: OwnerlessOrganizations

    async def run(self) -> TaskReport:
        return await self.ownerless_organizations.review_all()
