"""Tasks about records: outboxes, webhooks, counted pulls, deletions, expired records, reminders."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import cast

from shared.auth.identity_providers import EnabledPeople
from shared.auth.sessions import GroupRights
from shared.domain.errors.base import Refusal
from shared.domain.identities import Identity
from shared.domain.invitations import Invitation
from shared.domain.memberships import Membership
from shared.domain.name_disputes import NameDispute
from shared.domain.organizations import NameOwner, NameSkeleton, Organization
from shared.domain.ownership import OwnerlessOrganization, OwnershipRequest
from shared.domain.packages import Head, Release
from shared.domain.principals import UPKEEP
from shared.domain.pull_records import KEPT_FOR, pull_window
from shared.domain.records import AdditionCount, Entity, PendingEvents, Place
from shared.domain.status import TaskReport
from shared.domain.times import MS
from shared.domain.tokens import EXPIRED_KEPT_FOR, Token, TokenUse
from shared.domain.trusted_publishing.publishers import Publisher
from shared.domain.webhooks import Delivery, DeliveryLog, DeliveryState, Webhook
from shared.ports import (
    Clock,
    DirectoryStore,
    EventStore,
    MetadataStore,
    PullLedger,
    PullRecordStore,
    RollUp,
    Stale,
    WorkStore,
)
from shared.services.identity.mail import TokenMail
from shared.services.maintenance.tasks import CHECKPOINT_KEPT_FOR, RUN_TIME, Task
from shared.services.organizations.organizations import OrganizationDeletion
from shared.services.organizations.ownership import OwnerlessOrganizations
from shared.services.organizations.webhooks import WebhookDelivery, WebhookTurns
from shared.services.packages.derived_data import DerivedData
from shared.services.packages.pull_counter import FLUSH_AFTER, utc_day
from shared.services.records import (
    RECORDS_AT_ONCE,
    EntityChange,
    RecordWriter,
    all_entities,
    entity_batches,
)

# A push that started before the deletion ends long before that.
NAME_FREE_AFTER = timedelta(days=1)


@dataclass(frozen=True)
class FinishDeletions(Task):
    id = "finish-deletions"
    title = "Finish deletions of organizations"
    sentence = (
        "Releases the names of deleted organizations after a day, and cancels the deletion if a "
        "push in progress published a package."
    )
    schedule = "0 15 */6 * * *"

    directory: DirectoryStore
    metadata: MetadataStore
    record_writer: RecordWriter
    organization_deletion: OrganizationDeletion

    async def run(self) -> TaskReport:
        """Process each organization; the next run repeats what failed."""
        released_before_ms = self.record_writer.clock.now_ms() - NAME_FREE_AFTER // timedelta(
            milliseconds=1
        )
        organizations = await all_entities(self.directory, Organization)
        due = [each for each in organizations if each.deleting_ms is not None]
        changed = 0
        problems = list[str]()
        for each in due:
            try:
                changed += await self._process(each, released_before_ms)
            except Refusal as refusal:
                problems.append(f"{each.name}: {refusal}")
            except Stale:
                problems.append(f"{each.name}: it was changed meanwhile.")
        return TaskReport(len(due), changed, tuple(problems))

    async def _process(self, organization: Organization, released_before_ms: int) -> bool:
        """Restore the organization, or release its name; say whether anything changed."""
        if await self.organization_deletion.package_of(organization) is not None:
            await self.organization_deletion.restore(organization)
            return True
        return organization.is_deleted_at(released_before_ms) and await self._release(organization)

    async def _release(self, organization: Organization) -> bool:
        """Delete all records of the organization, its own last, which frees the name for another
        organization of ours.

        A later organization of this name inherits no members, tokens or publishers. An
        organization with a claimed package name stays forever. A repeat continues after a crash.
        """
        prefix = f"{organization.key}/"
        heads = await self.metadata.packages(prefix, 1)
        if any(head.package.key.startswith(prefix) for head in heads):
            return False
        for entity in await self._records_of(organization):
            await self.directory.remove(entity)
        name = organization.name
        since_ms = organization.created_ms
        # The name stays ours: nobody gets packages of an upstream by it.
        await self.directory.put(NameOwner(org=name, since_ms=since_ms))
        change = EntityChange("organization.released", name, org=name)
        await self.record_writer.remove(organization, change=change, by=UPKEEP)
        return True

    async def _records_of(self, organization: Organization) -> list[Entity]:
        found: list[Entity] = []
        for kind in (Token, TokenUse):
            found += await self.directory.list_by_owner(kind, organization.id)
        of_name = (Publisher, Membership, Invitation, NameSkeleton, Webhook, DeliveryLog)
        of_owners = (OwnerlessOrganization, OwnershipRequest)
        for kind in (*of_name, *of_owners, NameDispute, AdditionCount):
            found += await self.directory.list_by_owner(kind, organization.key)
        return found


@dataclass(frozen=True)
class AnonymizeEvents(Task):
    id = "anonymize-events"
    title = "Anonymize old events"
    sentence = (
        "Removes IP address, credential, browser and names from events after their retention "
        "period, and overwrites deleted data in the file of the database."
    )
    schedule = "0 50 3 * * *"

    events: EventStore
    clock: Clock
    audit_days: int

    async def run(self) -> TaskReport:
        """Anonymize in batches, so that no write is long."""
        age = timedelta(days=self.audit_days)
        before_ms = self.clock.now_ms() - age // MS
        forgotten = 0
        while count := await self.events.forget_origins(before_ms, RECORDS_AT_ONCE):
            forgotten += count
        await self.events.overwrite_forgotten()
        return TaskReport(forgotten, forgotten)


_LOGS = ("event-logs", "packages")  # In the work store, with how far they are complete.
_COMPLETE = "complete"


@dataclass(frozen=True)
class CompleteEventLogs(Task):
    """New events are in all of their logs, so it has nothing to do once it was at the end."""

    id = "complete-event-logs"
    title = "Complete event logs"
    sentence = "Adds events of earlier versions to the histories and feeds of packages."
    schedule = "0 40 * * * *"
    runs_first = True

    events: EventStore
    work: WorkStore
    clock: Clock

    async def run(self) -> TaskReport:
        until_ms = self.clock.now_ms() + RUN_TIME // MS
        kind, key = _LOGS
        done = await self.work.peek(kind, key, self.clock.now_ms()) or "0"
        if done == _COMPLETE:
            await self._save(done)  # It is forgotten if the task does not run for a month.
        seen = 0
        while done != _COMPLETE and self.clock.now_ms() < until_ms:
            number = int(done)
            last = await self.events.complete_logs(number, RECORDS_AT_ONCE)
            seen += last - number
            done = _COMPLETE if last == number else str(last)
            await self._save(done)
        return TaskReport(seen, seen, unfinished=done != _COMPLETE)

    async def _save(self, done: str) -> None:
        kind, key = _LOGS
        await self.work.put(kind, key, done, self.clock.now_ms() + CHECKPOINT_KEPT_FOR // MS)


PULLS_AT_ONCE = 5_000  # Deleting them takes some 20 ms on one machine; pushes go between two.


@dataclass(frozen=True)
class DeleteExpiredRecords(Task):
    id = "delete-expired-records"
    title = "Delete expired records"
    sentence = (
        "Deletes expired tokens, codes, invitations and counts, and who pulled a release more than "
        "90 days ago."
    )
    schedule = "30 7 * * * *"

    directory: DirectoryStore
    work: WorkStore
    pull_records: PullRecordStore
    clock: Clock

    async def run(self) -> TaskReport:
        now_ms = self.clock.now_ms()
        removed = await self.directory.remove_expired(now_ms - EXPIRED_KEPT_FOR // MS)
        removed += await self.work.remove_expired(now_ms)
        pulled_before_ms = now_ms - KEPT_FOR // MS
        while pulls := await self.pull_records.remove_before(pulled_before_ms, PULLS_AT_ONCE):
            removed += pulls
        return TaskReport(removed, removed)


ROLL_UP_PAUSE = timedelta(minutes=1)
ROLL_UP_TIME = timedelta(minutes=13)  # Its last roll-up ends before the task is due again.


@dataclass(frozen=True)
class RollUpPulls(Task):
    id = "roll-up-pulls"
    title = "Roll up pulls"
    sentence = "Adds counted pulls to the totals of packages, which search uses for ranking."
    schedule = "0 */15 * * * *"
    longest_run = timedelta(minutes=15)  # Until it is due again.

    ledger: PullLedger
    derived_data: DerivedData
    clock: Clock
    sleep: Callable[[float], Awaitable[object]] = asyncio.sleep

    async def run(self) -> TaskReport:
        """Roll up all counts, and again each minute while many instances write them: they would be
        too many for a run at its next time."""
        until_ms = self.clock.now_ms() + ROLL_UP_TIME // MS
        rolled_up = await self._roll_up()
        packages = len(rolled_up.changed)
        while rolled_up.is_behind and self.clock.now_ms() < until_ms:
            await self.sleep(ROLL_UP_PAUSE.total_seconds())
            rolled_up = await self._roll_up()
            packages += len(rolled_up.changed)
        return TaskReport(packages, packages)

    async def _roll_up(self) -> RollUp:
        """Roll up once; keep the callers of the current and the previous window."""
        now_ms = self.clock.now_ms()
        # A day is over when the processes have written the last pulls of it.
        today = utc_day(now_ms - 2 * FLUSH_AFTER // MS)
        rolled_up = await self.ledger.roll_up(pull_window(now_ms) - 1, today)
        for package in rolled_up.changed:
            await self.derived_data.update_search(package)
        return rolled_up


@dataclass(frozen=True)
class ProcessOutboxes(Task):
    id = "process-outboxes"
    title = "Process outboxes"
    sentence = "Adds changes to lists, search and logs that a crash left out."
    schedule = "15 * * * * *"  # A crash is repaired within a minute.

    metadata: MetadataStore
    derived_data: DerivedData
    directory: DirectoryStore
    events: EventStore

    async def run(self) -> TaskReport:
        """Process all outboxes; a record that cannot be processed now delays no other one."""
        seen = 0
        problems = list[str]()
        while batch := await self._read_batch():
            refused = [each for record in batch if (each := await self._process(record))]
            seen = seen + len(batch)
            problems = problems + refused
            if refused:
                break  # The same records would come again; the next run is a minute away.
        return TaskReport(seen, seen - len(problems), tuple(problems))

    async def _read_batch(self) -> list[Head | Release | PendingEvents]:
        return [
            *await self.metadata.unpublished_events(RECORDS_AT_ONCE),
            *await self.directory.unpublished(RECORDS_AT_ONCE),
        ]

    async def _process(self, record: Head | Release | PendingEvents) -> str | None:
        """Process the outbox of a record, or return the reason why that has to wait."""
        try:
            if isinstance(record, PendingEvents):
                await self.events.publish(record)
            else:
                await self.derived_data.update(record)
        except Refusal as refusal:
            return str(refusal)
        return None


REMINDER_LEADS = (timedelta(days=1), timedelta(days=7))  # Before a token expires.


@dataclass(frozen=True)
class SendExpiryReminders(Task):
    id = "send-expiry-reminders"
    title = "Send reminders about expiring tokens"
    sentence = "Notifies the owners of tokens seven days and one day before they expire."
    schedule = "30 37 * * * *"

    directory: DirectoryStore
    token_mail: TokenMail
    clock: Clock

    async def run(self) -> TaskReport:
        seen = sent = 0
        now_ms = self.clock.now_ms()
        async for token in self._expiring(now_ms, now_ms + max(REMINDER_LEADS) // MS + 1):
            seen += 1
            sent += await self._remind(token, now_ms)
        return TaskReport(seen, sent)

    async def _expiring(self, after_ms: int, before_ms: int) -> AsyncIterator[Token]:
        while batch := await self.directory.list_expiring(
            Token, after_ms, before_ms, RECORDS_AT_ONCE
        ):
            for token in batch:
                yield token
            if len(batch) < RECORDS_AT_ONCE:
                return
            # The batch may end among tokens that expire at the same time, so the next one repeats
            # them; each reminder is sent once.
            after_ms = max((batch[-1].expires_ms or 0) - 1, after_ms + 1)

    async def _remind(self, token: Token, now_ms: int) -> bool:
        lead = _due_reminder(token, now_ms)
        if lead is None or token.expires_ms is None:
            return False
        sent = await self.token_mail.send_expiry_reminder(token, lead, until_ms=token.expires_ms)
        return sent > 0


def _due_reminder(token: Token, now_ms: int) -> timedelta | None:
    """Return the reminder that is due; None for a token whose lifetime is not longer than it."""
    left_ms = (token.expires_ms or 0) - now_ms
    due = next((lead for lead in REMINDER_LEADS if left_ms <= lead // MS), None)
    if due is None or (token.expires_ms or 0) - token.created_ms <= due // MS:
        return None
    return due


@dataclass(frozen=True)
class ApplyGroupRules(Task):
    id = "apply-group-rules"
    title = "Apply rules about groups"
    sentence = (
        "Applies the rules about groups to the stored groups of people, and sends mail to people "
        "whose roles by groups end within a week."
    )
    schedule = "0 25 */6 * * *"
    runs_first = True  # Older versions did not store until when somebody is staff.

    directory: DirectoryStore
    rights: GroupRights

    async def run(self) -> TaskReport:
        """Visit each account whose groups are known; a repeat changes nothing and sends nothing."""
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
            known = {each.account for each in batch if each.groups_ms is not None} - visited
            visited |= known
            for account_id in sorted(known):
                yield account_id


@dataclass(frozen=True)
class FindOwnerlessOrganizations(Task):
    id = "find-ownerless-organizations"
    title = "Find organizations without an owner"
    sentence = (
        "Finds organizations none of whose owners can sign in, and sends mail to their members, "
        "once and again after 30 days."
    )
    schedule = "0 35 */6 * * *"
    runs_first = True  # Earlier versions did not look.

    ownerless_organizations: OwnerlessOrganizations

    async def run(self) -> TaskReport:
        return await self.ownerless_organizations.review_all()


@dataclass(frozen=True)
class LockDisabledAccounts(Task):
    id = "lock-disabled-accounts"
    title = "Lock accounts of disabled people"
    sentence = (
        "Asks Entra ID about everybody who signs in with it, locks the accounts of people who are "
        "disabled or gone, and unlocks those of people who are enabled again."
    )
    schedule = "0 40 4 * * *"
    runs_first = True  # Earlier versions did not ask.

    enabled_people: EnabledPeople

    async def run(self) -> TaskReport:
        return await self.enabled_people.review_everybody()


# Of a run, in which no webhook begins later: with those under way it ends before the next run.
DELIVERY_TIME = timedelta(seconds=40)
WEBHOOKS_LEFT_KEPT = 1_000  # Places of a run that ended before all had their turn.

_TURNS_KIND = "webhook-turns"


@dataclass(frozen=True)
class DeliverWebhooks(Task):
    id = "deliver-webhooks"
    title = "Deliver webhooks"
    sentence = "Sends new events to webhooks, and repeats what their receivers did not accept."
    schedule = "45 * * * * *"

    directory: DirectoryStore
    work: WorkStore
    delivery: WebhookDelivery
    clock: Clock

    async def run(self) -> TaskReport:
        """Serve each webhook, beginning where the last run ended; a receiver that fails is a
        problem of its owners alone."""
        webhooks = await all_entities(self.directory, Webhook)
        if not webhooks:
            return TaskReport(0, 0)
        first = await self._left()
        turns = WebhookTurns(webhooks, first)
        outcomes = await self._serve(turns)
        if first or turns.left:
            await self._keep(turns.left)
        problems = [str(each) for each in outcomes if isinstance(each, Refusal)]
        tried = [each for found in outcomes if isinstance(found, list) for each in found]
        delivered = sum(each.state is DeliveryState.DELIVERED for each in tried)
        return TaskReport(len(tried), delivered, tuple(problems))

    async def _serve(self, turns: WebhookTurns) -> list[list[Delivery] | Refusal]:
        """Serve webhooks until all had their turn or the time is over."""
        until_ms = self.clock.now_ms() + DELIVERY_TIME // MS
        running = dict[asyncio.Task[list[Delivery] | Refusal], Webhook]()
        outcomes = list[list[Delivery] | Refusal]()
        try:
            while True:
                while self.clock.now_ms() < until_ms and (webhook := turns.begin()):
                    running[asyncio.create_task(self._deliver(webhook))] = webhook
                if not running:
                    return outcomes
                ended, _ = await asyncio.wait(running, return_when=asyncio.FIRST_COMPLETED)
                for each in ended:
                    turns.end(running.pop(each))
                    outcomes.append(each.result())
        finally:
            for each in running:
                each.cancel()

    async def _left(self) -> list[Place]:
        stored = await self.work.peek(_TURNS_KIND, self.id, self.clock.now_ms())
        return [Place(*each) for each in cast("list[list[str]]", json.loads(stored or "[]"))]

    async def _keep(self, left: Sequence[Place]) -> None:
        ends_ms = self.clock.now_ms() + CHECKPOINT_KEPT_FOR // MS
        value = json.dumps(left[:WEBHOOKS_LEFT_KEPT])
        await self.work.put(_TURNS_KIND, self.id, value, ends_ms)

    async def _deliver(self, webhook: Webhook) -> list[Delivery] | Refusal:
        try:
            return await self.delivery.deliver(webhook)
        except Refusal as refusal:
            return refusal
