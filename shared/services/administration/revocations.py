"""The list of revocations: writing it with each act, and applying it to a restored registry."""

from collections import Counter
from collections.abc import Awaitable, Callable, Iterable, Sequence
from contextlib import suppress
from typing import Any, cast

from msgspec import Struct

from shared.domain.access import Invitation, Membership
from shared.domain.accounts import Account, Identity, Token
from shared.domain.archives.names import Digest
from shared.domain.errors.base import Refusal
from shared.domain.names import Package
from shared.domain.packages import Head, PublicReason, Release, State, Visibility
from shared.domain.principals import OPERATOR, Grant, Principal, Role
from shared.domain.records import Entity, PendingEvents, Place
from shared.domain.releases import Decision, with_change, with_decision
from shared.domain.revocations import (
    REMOVABLE,
    Revocation,
    Subject,
    digest_of,
    is_removal,
    last_of_each,
    place_digest,
    revocations_of,
)
from shared.domain.sessions import Session
from shared.domain.trusted_publishing.publishers import Publisher
from shared.domain.webhooks import Webhook
from shared.ports import (
    ArchiveStore,
    Clock,
    DirectoryStore,
    EventStore,
    MetadataStore,
    RevocationStore,
    Stale,
)
from shared.services.administration.account_deletion import AccountDeletion
from shared.services.administration.administration import AccountAdministration, Administrators
from shared.services.maintenance.erased_releases import ErasedReleases
from shared.services.packages.derived_data import PackageRecordWriter
from shared.services.records import (
    RECORDS_AT_ONCE,
    EntityChange,
    RecordWriter,
    entity_batches,
    package_batches,
)
from shared.services.tokens.tokens import token_change

REASON = "As before the restore of a backup"


def listing_revocations(events: EventStore, revocations: RevocationStore) -> EventStore:
    """Return an event store that lists the acts among the events before it publishes them.

    Every act has its event in the outbox of its record until then, so none is missed after a crash.
    """
    return cast("EventStore", _ListedEvents(events, revocations))


class _ListedEvents:
    """Its other members are those of the event store."""

    def __init__(self, events: EventStore, revocations: RevocationStore) -> None:
        self._events, self._revocations, self._registry = events, revocations, ""

    def __getattr__(self, name: str) -> Any:
        return getattr(self._events, name)

    async def publish(self, source: Head | Release | PendingEvents) -> None:
        if revocations_of(source, ""):
            self._registry = self._registry or await registry_digest(self._events)
            await self._revocations.add(revocations_of(source, self._registry))
        await self._events.publish(source)


async def registry_digest(events: EventStore) -> str:
    """Return what tells the lists of this registry from others; empty before its first event."""
    first = await events.since(0, 1)
    return digest_of(first[0][1].id)[:16] if first else ""


class AppliedRevocations(Struct, frozen=True):
    """What was applied, and what a person has to decide; sentences."""

    applied: tuple[str, ...] = ()
    undecided: tuple[str, ...] = ()


class RevocationApplication(Struct, frozen=True):
    """Applies the acts that a restored registry does not know.

    It makes nothing less strict: what was undone after the backup is left to a person. May be
    repeated.
    """

    store: RevocationStore
    metadata: MetadataStore
    directory: DirectoryStore
    events: EventStore
    archives: ArchiveStore
    administrators: Administrators
    accounts: AccountAdministration
    account_deletion: AccountDeletion
    erased_releases: ErasedReleases
    package_records: PackageRecordWriter
    record_writer: RecordWriter
    clock: Clock

    async def listed(self) -> list[Revocation]:
        """Return the list of this registry, the oldest act first."""
        return sorted(await self.store.read(), key=lambda each: each.at_ms)

    async def apply(self, others: Iterable[Revocation] = ()) -> AppliedRevocations:
        """Apply the list of this registry and entries of others of the same registry."""
        registry, listed = await registry_digest(self.events), [*await self.store.read(), *others]
        own = [each for each in listed if each.registry in ("", registry)]
        report = _Report()
        if foreign := len(listed) - len(own):
            report.undecided.append(
                f"{foreign} entries are of another registry, and were left out."
            )
        # Applied acts are listed anew, by another event: by the time of the first, the last counts.
        unknown = await self._not_in_feed(last_of_each(own))
        for each in unknown:
            if each.about in _HANDLED:
                await self._apply(each, report)
        await self._remove([each for each in unknown if each.about == Subject.RECORD.value], report)
        await self._narrow(
            [each for each in unknown if each.about == Subject.PACKAGE.value], report
        )
        known = {each.value for each in Subject}
        if later := sum(each.about not in known for each in unknown):
            report.undecided.append(
                f"{later} acts are of kinds that this version does not know. Upgrade, and run: "
                "ballroom revocations apply"
            )
        for what, count in report.missing.items():
            report.undecided.append(f"{count} {what}")
        return AppliedRevocations(tuple(report.applied), tuple(report.undecided))

    async def _not_in_feed(self, revocations: Sequence[Revocation]) -> list[Revocation]:
        """Return the entries whose events this registry does not have."""
        unknown, last = {each.event: each for each in revocations}, 0
        while unknown and (numbered := await self.events.since(last, RECORDS_AT_ONCE)):
            for _, event in numbered:
                unknown.pop(digest_of(event.id), None)
            last = numbered[-1][0]
        return list(unknown.values())

    async def _apply(self, revocation: Revocation, report: "_Report") -> None:
        handlers: dict[str, Callable[[Revocation, _Report], Awaitable[None]]] = {
            Subject.ACCOUNT.value: self._account,
            Subject.ADMINISTRATOR.value: self._administrator,
            Subject.RELEASE.value: self._release,
        }
        await handlers[revocation.about](revocation, report)

    async def _account(self, revocation: Revocation, report: "_Report") -> None:
        account = await self.directory.get(Account, Place(revocation.id))
        if account is None:
            if revocation.act == "account.locked":
                report.missing["locked accounts are not in the backup: see who signs in."] += 1
            return
        try:
            await self._change_account(revocation.act, account, report)
        except Refusal as refusal:
            report.undecided.append(
                f"{account.name}, {_SAID[revocation.act]} after the backup: {refusal}"
            )

    async def _change_account(self, act: str, account: Account, report: "_Report") -> None:
        if act == "account.locked" and not account.is_locked:
            await self.accounts.lock(account, REASON, by=OPERATOR)
            report.applied.append(f"locked {account.name}")
        elif act == "account.unlocked" and account.is_locked:
            report.undecided.append(
                f"{account.name} was unlocked after the backup, and is locked here: ballroom "
                f"account unlock {account.name}"
            )
        elif act == "account.deleted":
            now_ms = self.clock.now_ms()
            itself = Principal(account.id, "restore", (Grant(),), signed_in_ms=now_ms)
            await self.account_deletion.delete(by=itself)
            report.applied.append(f"erased the account {account.id}")

    async def _administrator(self, revocation: Revocation, report: "_Report") -> None:
        account = await self.directory.get(Account, Place(revocation.id))
        if account is None:
            return
        is_one = account.is_administrator_by_hand
        if revocation.act == "account.appointed" and not is_one:
            report.undecided.append(
                f"{account.name} became an administrator after the backup, and is none here."
            )
        elif revocation.act == "account.dismissed" and is_one:
            try:
                await self.administrators.dismiss(account, REASON, by=OPERATOR)
                report.applied.append(f"dismissed {account.name} as administrator")
            except Refusal as refusal:
                report.undecided.append(f"{account.name}, dismissed after the backup: {refusal}")

    async def _release(self, revocation: Revocation, report: "_Report") -> None:
        release = (await self.metadata.by_digest(Digest(revocation.id))).release
        if release is None:
            if revocation.act in ("release.removed", "release.erased"):
                report.missing[
                    "releases that were removed are not in the backup: their versions can be "
                    "published again."
                ] += 1
            return
        wanted = _STATES.get(revocation.act)
        if wanted is None or _STRICTNESS[wanted] < _STRICTNESS[release.state]:
            if release.state in (State.HELD, State.QUARANTINED):
                report.undecided.append(
                    f"{release.coordinate} was restored after the backup, and is "
                    f"{release.state.value} here: ballroom package release {release.coordinate}"
                )
            return
        if wanted is not release.state:
            await self._withdraw(release, revocation, wanted)
            report.applied.append(f"{wanted.value} {release.coordinate}")
        if revocation.act == "release.erased" and await self._erase(release):
            report.applied.append(f"erased the archive of {release.coordinate}")

    async def _withdraw(self, release: Release, revocation: Revocation, wanted: State) -> None:
        decision = Decision(
            wanted,
            REASON,
            PublicReason(why=revocation.why) if revocation.why else None,
            is_refusal=revocation.act == "release.refused",
        )
        kind = f"release.{wanted.value}"

        def decide(_head: Head, current: Release) -> Release:
            now_ms = self.clock.now_ms()
            return with_decision(current, kind, decision, by=OPERATOR, now_ms=now_ms)

        await self.package_records.change_release(release.coordinate, decide)

    async def _erase(self, release: Release) -> bool:
        erased = self.erased_releases
        if release.erased or await erased.needed_by(release.content, release):
            return False
        await self.archives.delete(release.content, self.clock.now_ms() + 1)
        await erased.delete_documents(release)
        until_ms = erased.kept_until_ms()
        await erased.note(release.coordinate, copies_until_ms=until_ms, by=OPERATOR)
        return True

    async def _remove(self, revocations: Sequence[Revocation], report: "_Report") -> None:
        """Remove the entities that were removed."""
        ended = {each.id for each in revocations if is_removal(each)}
        kinds = {each.entity for each in revocations if is_removal(each)}
        for kind in REMOVABLE:
            if kind.kind not in kinds:
                continue
            found = [
                each
                async for batch in entity_batches(self.directory, kind, RECORDS_AT_ONCE)
                for each in batch
                if place_digest(kind.kind, each.place) in ended
            ]
            for entity in found:
                await self._remove_one(entity, report)

    async def _remove_one(self, entity: Entity, report: "_Report") -> None:
        if isinstance(entity, Membership) and await self._is_last_owner(entity):
            report.undecided.append(
                f"The account {entity.account} was removed from {entity.org} after the backup, and "
                "is its only owner here: ballroom org add-member another one, and remove it."
            )
            return
        change, said = _removal(entity)
        with suppress(Stale):  # Somebody removed it meanwhile.
            await self.record_writer.remove(entity, change=change, by=OPERATOR)
        report.applied.append(said)

    async def _is_last_owner(self, membership: Membership) -> bool:
        if membership.hand_role is not Role.OWNER:
            return False
        others = await self.directory.list_by_owner(Membership, membership.place.owner)
        owners = [each for each in others if each.hand_role is Role.OWNER]
        return [each.account for each in owners] == [membership.account]

    async def _narrow(self, revocations: Sequence[Revocation], report: "_Report") -> None:
        """Give packages that fewer could read after the backup the visibility that they had."""
        wanted = {each.id: Visibility(each.act.partition(".")[2]) for each in revocations}
        if not wanted:
            return
        async for heads in package_batches(self.metadata, RECORDS_AT_ONCE):
            for head in heads:
                visibility = wanted.get(digest_of(head.package.key))
                if visibility is None or visibility is head.visibility:
                    continue
                if visibility.is_narrower_than(head.visibility):
                    await self._set_visibility(head.package, visibility)
                    report.applied.append(f"made {head.package} {visibility.value}")
                else:
                    report.undecided.append(
                        f"{head.package} was made {visibility.value} after the backup, and is "
                        f"{head.visibility.value} here."
                    )

    async def _set_visibility(self, package: Package, visibility: Visibility) -> None:
        def decide(head: Head) -> Head:
            now_ms, kind = self.clock.now_ms(), f"package.{visibility.value}"
            return with_change(head, kind, by=OPERATOR, now_ms=now_ms, visibility=visibility)

        await self.package_records.change_package(package, decide)


_HANDLED = frozenset((Subject.ACCOUNT.value, Subject.ADMINISTRATOR.value, Subject.RELEASE.value))
_SAID = {"account.locked": "locked", "account.unlocked": "unlocked", "account.deleted": "erased"}
_STATES = {
    "release.held": State.HELD,
    "release.quarantined": State.QUARANTINED,
    "release.removed": State.REMOVED,
    "release.refused": State.REMOVED,
    "release.erased": State.REMOVED,
}
_STRICTNESS = {State.LIVE: 0, State.HELD: 1, State.QUARANTINED: 2, State.REMOVED: 3}


class _Report:
    """Collects the sentences, and counts what the backup does not have."""

    def __init__(self) -> None:
        self.applied, self.undecided = list[str](), list[str]()
        self.missing = Counter[str]()


def _removal(entity: Entity) -> tuple[EntityChange, str]:
    """Return the change of the removal of an entity, and a sentence about it."""
    match entity:
        case Token():
            change = token_change("revoked", entity)
            said = f"revoked the token {entity.name} ({entity.id})"
        case Membership():
            org, account = entity.org, entity.account
            details = {"account": account, "before": entity.role.value, "after": ""}
            change = EntityChange("member.removed", org, org=org, account=account, details=details)
            said = f"removed the account {account} from {org}"
        case Publisher():
            subject = f"{entity.org}/{entity.package}"
            change = EntityChange("publisher.removed", subject, org=entity.org)
            said = f"removed a trusted publisher of {subject}"
        case Webhook():
            change = EntityChange("webhook.removed", entity.id, org=entity.org)
            said = f"removed the webhook {entity.id} of {entity.org or 'the registry'}"
        case Identity():
            change = EntityChange("identity.removed", entity.id, account=entity.account)
            said = f"removed an identity of the account {entity.account}"
        case Invitation():
            change = EntityChange("invitation.withdrawn", entity.org, org=entity.org)
            said = f"revoked an invitation to {entity.org}"
        case Session():
            change = EntityChange("session.ended", entity.id, account=entity.account)
            said = f"ended a session of the account {entity.account}"
        case _:
            raise TypeError(entity)
    return change, said
