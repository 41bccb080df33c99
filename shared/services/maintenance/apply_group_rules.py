"""Task `apply-group-rules`, every 6 hours at minute 25: applies the rules about groups to the
stored groups of people, and sends mail to people whose roles by groups end soon."""

from collections.abc import AsyncIterator, Awaitable, Callable

from shared.auth.sessions import GroupRights
from shared.domain.errors.base import Refusal
from shared.domain.identities import Identity
from shared.domain.tasks import TaskReport
from shared.ports.directory import DirectoryStore
from shared.services.maintenance.tasks import Task
from shared.services.record_batches import RECORDS_AT_ONCE, entity_batches

SCHEDULE = "0 25 */6 * * *"


class ApplyGroupRules(Task, frozen=True):
    id = "apply-group-rules"
    title = "Apply rules about groups"
    sentence = (
        "Applies the rules about groups to the stored groups of people, and sends mail to people "
        "whose roles by groups end within a week."
    )
    schedule = SCHEDULE
    runs_first = True  # Older versions did not store until when somebody is staff.

    directory: DirectoryStore
    rights: GroupRights
    follow_pushed_groups: Callable[[], Awaitable[object]]

    async def run(self) -> TaskReport:
        """Visit each account whose groups are known; a repeat changes nothing and sends nothing."""
        await self.follow_pushed_groups()
        seen = 0
        sent = 0
        problems = list[str]()
        async for account_id in self._accounts():
            seen += 1
            try:
                sent += await self.rights.review(account_id)
            except Refusal as refusal:
                problems.append(str(refusal))
        return TaskReport(seen, sent, tuple(problems))

    async def _accounts(self) -> AsyncIterator[str]:
        visited = set[str]()
        async for batch in entity_batches(self.directory, Identity, RECORDS_AT_ONCE):
            known = {each.account for each in batch if _knows_groups(each)} - visited
            visited |= known
            for account_id in sorted(known):
                yield account_id


def _knows_groups(identity: Identity) -> bool:
    return identity.groups_ms is not None or identity.is_provisioned
