"""Task `freeze-leaves`, every 5 minutes: stores the leaves of events that an earlier version
appended, for the transparency log."""

from shared.domain.events import Event
from shared.domain.names import OrgName
from shared.domain.packages import Release
from shared.domain.tasks import TaskReport
from shared.domain.times import MS
from shared.domain.transparency.leaves import PUBLICATIONS, SALT_BYTES, frozen, is_disclosed
from shared.domain.visibility import Visibility
from shared.ports.events import EventStore
from shared.ports.metadata import MetadataStore
from shared.ports.system import Clock, Randomness
from shared.ports.work import WorkStore
from shared.services.maintenance.tasks import CHECKPOINT_KEPT_FOR, RUN_TIME, Task
from shared.services.public_packages import is_public
from shared.services.record_batches import RECORDS_AT_ONCE
from shared.services.transparency.openings import disclosed_package

SCHEDULE = "10 */5 * * * *"

# Kind and key in the work store; the value is the number up to which all events have a leaf.
_FROZEN = ("leaves", "frozen")


class FreezeLeaves(Task, frozen=True):
    """Of events from before the update, and of those that a process of the earlier version appends
    while the update is deployed. The leaves say that they were logged later.

    Such an event is readable if everybody may read its package now: whether that was so when it
    happened, nothing says.
    """

    id = "freeze-leaves"
    title = "Freeze leaves"
    sentence = "Stores the leaves of events of earlier versions for the transparency log."
    schedule = SCHEDULE
    runs_first = True

    events: EventStore
    metadata: MetadataStore
    work: WorkStore
    clock: Clock
    randomness: Randomness

    async def run(self) -> TaskReport:
        """Go on after the last event that is known to have a leaf, as all before it have."""
        until_ms = self.clock.now_ms() + RUN_TIME // MS
        kind, key = _FROZEN
        done = int(await self.work.peek(kind, key, self.clock.now_ms()) or 0)
        newest = await self.events.newest(None, 1)
        last = newest[0][0] if newest else 0
        count = 0
        while done < last and self.clock.now_ms() < until_ms:
            batch = await self.events.without_leaf(done, RECORDS_AT_ONCE)
            for number, event in batch:
                await self._freeze(number, event)
            count += len(batch)
            done = batch[-1][0] if batch else last
            ends_ms = self.clock.now_ms() + CHECKPOINT_KEPT_FOR // MS
            await self.work.put(kind, key, str(done), ends_ms)
        return TaskReport(count, count, unfinished=done < last)

    async def _freeze(self, number: int, event: Event) -> None:
        salt = self.randomness.token_bytes(SALT_BYTES)
        told = await self._as_told_now(event)
        await self.events.freeze(number, frozen(told, number, salt=salt, logged_later=True))

    async def _as_told_now(self, event: Event) -> Event:
        """Return the event as public if everybody may read what it says now."""
        if event.public or not is_disclosed(event):
            return event
        if "/" not in event.subject:  # A change of the ownership of an organization.
            public = bool(event.org) and await is_public(self.metadata, OrgName(event.org))
            return event.model_copy(update={"public": public})
        told = await disclosed_package(self.metadata, event)
        if told is None:
            return event
        public = told.head.visibility is Visibility.PUBLIC
        details = _details(event, told.release)
        return event.model_copy(update={"public": public, "details": details})


def _details(event: Event, release: Release | None) -> dict[str, str]:
    """Return the details with the digest and the size of a release, which events of earlier
    versions do not say."""
    digest = event.details.get("digest")
    if release is None or event.kind not in PUBLICATIONS or digest not in (None, release.digest):
        return event.details
    return {**event.details, "digest": release.digest, "size": str(release.size_bytes)}
