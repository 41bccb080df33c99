"""The list of revocations: applying it to a restored registry."""

from collections import Counter
from collections.abc import Awaitable, Callable, Iterable, Sequence

from msgspec import Struct
from msgspec.structs import replace

from shared.domain.accounts import Account, LockSource
from shared.domain.archives.digests import Digest
from shared.domain.coordinates import Package
from shared.domain.entities import Entity, Place
from shared.domain.errors.base import Refusal
from shared.domain.identities import Identity
from shared.domain.invitations import Invitation
from shared.domain.memberships import Membership, strongest
from shared.domain.names import OrgName
from shared.domain.organizations import Organization, organization_place
from shared.domain.packages import Head, Release
from shared.domain.principals import DIRECTORY, OPERATOR
from shared.domain.reasons import with_reason
from shared.domain.release_states import Holder, PackageHold, State
from shared.domain.releases import Decision, with_change, with_decision
from shared.domain.revocations import (
    BY_GROUPS,
    REMOVABLE,
    SCHEDULED,
    Revocation,
    RoleLimits,
    Subject,
    digest_of,
    is_removal,
    is_scheduled,
    last_of_each,
    place_digest,
)
from shared.domain.scopes import Role
from shared.domain.sessions import Session
from shared.domain.tokens import Token
from shared.domain.trusted_publishing.publishers import Publisher
from shared.domain.visibility import Visibility
from shared.domain.webhooks import Webhook
from shared.domain.withdrawal_reasons import PublicReason
from shared.ports.archive_store import STORED_AT_ANY_TIME_MS, ArchiveStore
from shared.ports.directory import DirectoryStore
from shared.ports.events import EventReader
from shared.ports.metadata import MetadataStore
from shared.ports.revocations import RevocationStore
from shared.ports.system import Clock
from shared.runtime.retries import retried_when_stale
from shared.services.administration.account_administration import AccountAdministration
from shared.services.administration.account_erasure import AccountErasures
from shared.services.administration.administrators import Administrators
from shared.services.administration.auditors import Auditors
from shared.services.audited_writes import AuditedWriter, EntityChange
from shared.services.erased_releases import ErasedReleases
from shared.services.identity.accounts import KeptName, RetiredNames
from shared.services.identity.sessions import Identities, identity_change, session_end
from shared.services.organizations.freezes import Freezes
from shared.services.organizations.made_by_accounts import invitation_change
from shared.services.organizations.membership_records import member_removal
from shared.services.organizations.memberships import Memberships
from shared.services.organizations.webhooks import webhook_change
from shared.services.packages.package_records import PackageRecordWriter
from shared.services.record_batches import RECORDS_AT_ONCE, entity_batches, package_batches
from shared.services.revocation_list import registry_digest
from shared.services.tokens.tokens import token_change
from shared.services.tokens.trusted_publishers import is_of_public_package, publisher_removal

REASON = "As before the restore of a backup"


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
    events: EventReader
    archives: ArchiveStore
    administrators: Administrators
    auditors: Auditors
    accounts: AccountAdministration
    account_erasures: AccountErasures
    identities: Identities
    retired_names: RetiredNames
    memberships: Memberships
    freezes: Freezes
    erased_releases: ErasedReleases
    package_records: PackageRecordWriter
    audited_writer: AuditedWriter
    clock: Clock

    async def listed(self) -> list[Revocation]:
        """Return the list of this registry, the oldest act first."""
        return sorted(await self.store.read(), key=lambda each: each.at_ms)

    async def removed_digests(self, others: Iterable[Revocation] = ()) -> frozenset[str]:
        """Return the digests of the releases that were removed or erased."""
        last = last_of_each([*await self.store.read(), *others])
        return frozenset(each.id for each in last if _STATES.get(each.act) is State.REMOVED)

    async def apply(self, others: Iterable[Revocation] = ()) -> AppliedRevocations:
        """Apply the list of this registry and entries of others of the same registry."""
        registry = await registry_digest(self.events)
        listed = [*await self.store.read(), *others]
        own = [each for each in listed if each.registry in ("", registry)]
        report = _Report()
        if foreign := len(listed) - len(own):
            report.undecided.append(
                f"{foreign} entries are of another registry, and were left out."
            )
        # Applied acts are listed anew, by another event: by the time of the first, the last counts.
        unknown = await self._not_in_feed(last_of_each(own))
        about = {
            each: [found for found in unknown if found.about == each.value] for each in Subject
        }
        # First: an account that is erased again has its name hashed by the salt that is kept.
        await self._retire_names(about[Subject.NAME], report)
        for each in _without_locks_of_erased(unknown):
            if each.about in _HANDLED:
                await self._apply(each, report)
        await self._remove(about[Subject.RECORD], report)
        await self._limit_roles(about[Subject.RECORD], report)
        await self._freeze_organizations(about[Subject.ORGANIZATION], report)
        await self._change_packages(unknown, report)
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
        unknown = {each.event: each for each in revocations}
        last = 0
        while unknown and (numbered := await self.events.since(last, RECORDS_AT_ONCE)):
            for _, event in numbered:
                unknown.pop(digest_of(event.id), None)
            last = numbered[-1][0]
        return list(unknown.values())

    async def _apply(self, revocation: Revocation, report: "_Report") -> None:
        handlers: dict[str, Callable[[Revocation, _Report], Awaitable[None]]] = {
            Subject.ACCOUNT.value: self._account,
            Subject.ADMINISTRATOR.value: self._administrator,
            Subject.AUDITOR.value: self._auditor,
            Subject.RELEASE.value: self._release,
        }
        await handlers[revocation.about](revocation, report)

    async def _retire_names(self, revocations: Sequence[Revocation], report: "_Report") -> None:
        kept = 0
        for each in revocations:
            outcome = await self.retired_names.keep(each.salt, each.id)
            kept += outcome is KeptName.NEW
            if outcome is KeptName.UNKNOWN_SALT:
                report.missing[
                    "former names of accounts were hashed with another salt than the backup has: "
                    "anybody can get them."
                ] += 1
        if kept:
            report.applied.append(f"kept {kept} former names of accounts from others")

    async def _account(self, revocation: Revocation, report: "_Report") -> None:
        account = await self.directory.get(Account, Place(revocation.id))
        if account is None:
            if revocation.act == "account.locked":
                report.missing["locked accounts are not in the backup: see who signs in."] += 1
            return
        try:
            await self._change_account(revocation, account, report)
        except Refusal as refusal:
            report.undecided.append(
                f"{account.name}, {_SAID[revocation.act]} after the backup: {refusal}"
            )

    async def _change_account(
        self, revocation: Revocation, account: Account, report: "_Report"
    ) -> None:
        if revocation.act == "account.deleted":
            receipt = await self.account_erasures.erase_again(account, by=OPERATOR)
            report.applied.append(f"erased the account {account.id}")
            report.undecided += [
                f"The organization {org} has no owner without the account {account.id}, which was "
                f"erased after the backup: ballroom org add-member {org} NAME --role owner"
                for org in receipt.without_owner
            ]
            return
        source = _lock_source(revocation)
        if source is None:
            report.undecided.append(
                f"{account.name} was {_SAID[revocation.act]} after the backup by what this version "
                f"does not know: {revocation.source}."
            )
        elif revocation.act == "account.locked" and account.lock_of(source) is None:
            by = DIRECTORY if source is LockSource.DIRECTORY else OPERATOR
            await self.accounts.lock(account, REASON, by=by, source=source)
            by_directory = ", as the directory did" if source is LockSource.DIRECTORY else ""
            report.applied.append(f"locked {account.name}{by_directory}")
        elif revocation.act == "account.unlocked" and account.lock_of(source) is not None:
            way_out = f"ballroom account unlock {account.name}"
            if source is LockSource.DIRECTORY:
                way_out = "the directory unlocks it again if its person is enabled."
            report.undecided.append(
                f"{account.name} was unlocked after the backup, and is locked here: {way_out}"
            )

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

    async def _auditor(self, revocation: Revocation, report: "_Report") -> None:
        account = await self.directory.get(Account, Place(revocation.id))
        if account is None:
            return
        if revocation.act == "auditor.appointed" and not account.auditor:
            report.undecided.append(
                f"{account.name} became an auditor after the backup, and is none here."
            )
        elif revocation.act == "auditor.dismissed" and account.auditor:
            await self.auditors.dismiss(account, REASON, by=OPERATOR)
            report.applied.append(f"dismissed {account.name} as auditor")

    async def _release(self, revocation: Revocation, report: "_Report") -> None:
        release = (await self.metadata.by_digest(Digest(revocation.id))).release
        if release is None:
            if _STATES.get(revocation.act) is State.REMOVED:
                report.missing[
                    "releases that were removed are not in the backup: their versions can be "
                    "published again."
                ] += 1
            return
        wanted = _STATES.get(revocation.act)
        holder = Holder.OWNER if revocation.act == "release.owner-held" else Holder.ADMINISTRATOR
        here = _strictness(
            release.state, release.holder, is_held_for_owner=release.is_held_for_owner
        )
        if wanted is None or _strictness(wanted, holder) < here:
            if release.state in (State.HELD, State.QUARANTINED):
                since = wanted.value if wanted else "restored"
                way_out = f"ballroom package restore {release.coordinate}"
                report.undecided.append(
                    f"{release.coordinate} was {since} after the backup, and is "
                    f"{release.state.value} here: {way_out}"
                )
            return
        if _strictness(wanted, holder) > here:
            await self._withdraw(release, revocation, wanted, holder)
            report.applied.append(f"{wanted.value} {release.coordinate}")
        if revocation.act == "release.erased" and await self._erase(release):
            report.applied.append(f"erased the archive of {release.coordinate}")

    async def _withdraw(
        self, release: Release, revocation: Revocation, wanted: State, holder: Holder
    ) -> None:
        decision = Decision(
            wanted,
            REASON,
            PublicReason(why=revocation.why) if revocation.why else None,
            is_refusal=revocation.act == "release.refused",
            holder=holder,
        )
        # The same act, so that the list says it again; of an erasure only its record is written.
        kind = "release.removed" if revocation.act == "release.erased" else revocation.act

        def decide(_head: Head, current: Release) -> Release:
            now_ms = self.clock.now_ms()
            return with_decision(current, kind, decision, by=OPERATOR, now_ms=now_ms)

        await self.package_records.change_release(release.coordinate, decide)

    async def _erase(self, release: Release) -> bool:
        erased = self.erased_releases
        if release.erased or await erased.needed_by(release.archive_digest, release):
            return False
        if not await self.archives.delete(release.archive_digest, STORED_AT_ANY_TIME_MS):
            return False  # Something stored it again meanwhile; a repeat or the sweep deletes it.
        await erased.delete_documents(release)
        until_ms = erased.kept_until_ms()
        await erased.note(release.coordinate, copies_until_ms=until_ms, by=OPERATOR)
        return True

    async def _remove(self, revocations: Sequence[Revocation], report: "_Report") -> None:
        """Remove the entities that were removed."""
        removals = [each for each in revocations if is_removal(each)]
        ended = {each.id for each in removals}
        kinds = {each.entity for each in removals}
        for kind in REMOVABLE:
            if kind is Membership or kind.kind not in kinds:
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
        change, sentence = _removal(entity)
        if isinstance(entity, Publisher):
            change = replace(change, public=await is_of_public_package(self.metadata, entity))
        if isinstance(entity, Identity):
            await self.identities.remove_again(entity, by=OPERATOR)
        else:
            await self.audited_writer.remove_stored(entity, lambda _: change, by=OPERATOR)
        report.applied.append(sentence)

    async def _limit_roles(self, revocations: Sequence[Revocation], report: "_Report") -> None:
        """Take from members the roles that were taken from them, by people and by groups."""
        limits = dict[str, RoleLimits]()
        for each in revocations:
            if each.entity == Membership.kind and each.source in ("", BY_GROUPS, SCHEDULED):
                limits[each.id] = limits.get(each.id, RoleLimits()).with_entry(each)
        if not limits:
            return
        found = [
            (each.place, limits[digest])
            async for batch in entity_batches(self.directory, Membership, RECORDS_AT_ONCE)
            for each in batch
            if (digest := place_digest(Membership.kind, each.place)) in limits
        ]
        for place, limit in found:
            await self._limit_role(place, limit, report)

    @retried_when_stale
    async def _limit_role(self, place: Place, limits: RoleLimits, report: "_Report") -> None:
        membership = await self.directory.get(Membership, place)
        if membership is None:
            return
        by_hand = limits.by_hand(membership.hand_role)
        by_groups = limits.by_groups(membership.group_role)
        if by_hand is None and by_groups is None:
            await self._remove_one(membership, report)
            return
        if by_groups is not membership.group_role:
            membership = await self._limit_group_role(membership, by_groups)
            report.applied.append(_limited(membership))
        if scheduled := limits.later_schedule():
            membership = await self._limit_schedule(membership, scheduled, report)
        if by_hand is membership.hand_role:
            return
        account = await self.directory.get(Account, Place(membership.account))
        if account is None:
            return
        org = OrgName(membership.org)
        members = self.memberships
        try:
            if by_hand is None:
                await members.remove_member(org, account, by=OPERATOR, reason=REASON)
            else:
                await members.set_member(org, account, by_hand, by=OPERATOR, reason=REASON)
            report.applied.append(_limited(membership, by_hand))
        except Refusal as refusal:
            report.undecided.append(
                f"{account.name} lost the role {membership.role.value} in {org} after the backup, "
                f"and has it here: {refusal}"
            )

    async def _limit_schedule(
        self, membership: Membership, scheduled: Revocation, report: "_Report"
    ) -> Membership:
        """Cancel a change that was canceled and gives rights; leave others to a person."""
        org = membership.org
        account = membership.account
        pending = membership.pending
        if not is_scheduled(scheduled):
            if pending is None or pending.on_hold:
                return membership
            role = pending.role
            if strongest(membership.hand_role, role) is membership.hand_role:
                report.undecided.append(
                    f"A change of the account {account} in {org} was canceled after the backup, "
                    f"and is scheduled here: ballroom org members {org}"
                )
                return membership
            details = {"account": account, "after": role.value if role else ""}
            change = EntityChange("owner.undone", org, org=org, account=account, details=details)
            changed = membership.model_copy(update={"pending": None})
            stored = await self.audited_writer.replace(changed, change=change, by=OPERATOR)
            report.applied.append(f"canceled the change of the account {account} in {org}")
            return stored
        wanted = next((each for each in Role if each.value == scheduled.role), None)
        is_known = pending is not None and pending.role is wanted
        if wanted is not membership.hand_role and not is_known:
            what = f"role {wanted.value}" if wanted else "removal"
            report.undecided.append(
                f"The {what} of the account {account} in {org} was scheduled after the backup, and "
                f"is not here: ballroom org members {org}"
            )
        return membership

    async def _limit_group_role(self, membership: Membership, role: Role | None) -> Membership:
        before = membership.role.value
        group = membership.group
        kept = group.model_copy(update={"role": role}) if group and role else None
        changed = membership.with_roles(membership.hand_role, kept)
        if changed is None:
            return membership
        org = membership.org
        account = membership.account
        details = {"account": account, "before": before, "after": changed.role.value}
        details["groups"] = ", ".join(membership.groups)
        change = EntityChange("member.set", org, org=org, account=account, details=details)
        return await self.audited_writer.replace(changed, change=change, by=OPERATOR)

    async def _is_last_owner(self, membership: Membership) -> bool:
        if membership.hand_role is not Role.OWNER:
            return False
        others = await self.directory.list_by_owner(Membership, membership.place.owner)
        owners = [each for each in others if each.hand_role is Role.OWNER]
        return [each.account for each in owners] == [membership.account]

    async def _freeze_organizations(
        self, revocations: Sequence[Revocation], report: "_Report"
    ) -> None:
        wanted = {each.id: each.act == "organization.frozen" for each in revocations}
        if not wanted:
            return
        async for batch in entity_batches(self.directory, Organization, RECORDS_AT_ONCE):
            for organization in batch:
                is_frozen = wanted.pop(digest_of(organization.key), None)
                if is_frozen is not None and is_frozen != (organization.freeze is not None):
                    await self._freeze_organization(organization, report, is_frozen=is_frozen)
        if missing := sum(wanted.values()):
            report.missing[
                "frozen organizations are not in the backup: anybody can found them again."
            ] += missing

    async def _freeze_organization(
        self, organization: Organization, report: "_Report", *, is_frozen: bool
    ) -> None:
        name = OrgName(organization.name)
        if not is_frozen:
            report.undecided.append(
                f"{name} was unfrozen after the backup, and is frozen here: ballroom org unfreeze "
                f"{name}"
            )
            return
        try:
            await self.freezes.freeze_organization(name, REASON, by=OPERATOR)
            report.applied.append(f"froze {name}")
        except Refusal as refusal:
            report.undecided.append(f"{name}, frozen after the backup: {refusal}")

    async def _change_packages(self, revocations: Iterable[Revocation], report: "_Report") -> None:
        """Hold and freeze packages, and narrow their visibility."""
        acts = {
            (each.about, each.id): each.act for each in revocations if each.about in _OF_PACKAGES
        }
        if not acts:
            return
        async for heads in package_batches(self.metadata, RECORDS_AT_ONCE):
            for head in heads:
                key = digest_of(head.key)
                for about in _OF_PACKAGES:
                    if act := acts.pop((about, key), ""):
                        await self._change_package(head, about, act, report)
        if missing := sum(act in ("package.frozen", "package.held") for act in acts.values()):
            report.missing[
                "packages that were frozen or held are not in the backup: see who pushes them."
            ] += missing

    async def _change_package(self, head: Head, about: str, act: str, report: "_Report") -> None:
        handlers = {
            Subject.PACKAGE.value: self._narrow,
            Subject.FROZEN_PACKAGE.value: self._freeze_package,
            Subject.HELD_PACKAGE.value: self._hold_package,
        }
        try:
            await handlers[about](head, act, report)
        except Refusal as refusal:
            done = act.partition(".")[2]
            report.undecided.append(f"{head.package}, {done} after the backup: {refusal}")

    async def _freeze_package(self, head: Head, act: str, report: "_Report") -> None:
        place = organization_place(head.org)
        organization = await self.directory.get(Organization, place)
        freezes = organization.frozen_packages if organization else ()
        is_frozen = any(each.name == head.name.lower() for each in freezes)
        if act == "package.frozen" and not is_frozen:
            await self.freezes.freeze_package(head.package, REASON, by=OPERATOR)
            report.applied.append(f"froze {head.package}")
        elif act == "package.unfrozen" and is_frozen:
            report.undecided.append(
                f"{head.package} was unfrozen after the backup, and is frozen here: ballroom "
                f"package unfreeze {head.package}"
            )

    async def _hold_package(self, head: Head, act: str, report: "_Report") -> None:
        if act == "package.held" and head.hold is None:
            await self._set_hold(head.package)
            report.applied.append(f"held {head.package}, so that its new releases wait")
        elif act == "package.released" and head.hold is not None:
            report.undecided.append(
                f"{head.package} is held here, which ended after the backup: ballroom package "
                f"restore {head.package}"
            )

    async def _narrow(self, head: Head, act: str, report: "_Report") -> None:
        """Give a package that fewer could read after the backup the visibility that it had."""
        visibility = Visibility(act.partition(".")[2])
        if visibility.is_narrower_than(head.visibility):
            await self._set_visibility(head.package, visibility)
            report.applied.append(f"made {head.package} {visibility.value}")
        elif visibility is not head.visibility:
            report.undecided.append(
                f"{head.package} was made {visibility.value} after the backup, and is "
                f"{head.visibility.value} here."
            )

    async def _set_hold(self, package: Package) -> None:
        def decide(head: Head) -> Head:
            now_ms = self.clock.now_ms()
            hold = PackageHold(reason=REASON, by=OPERATOR.id, since_ms=now_ms)
            return with_change(
                head, "package.held", by=OPERATOR, now_ms=now_ms, reason=REASON, hold=hold
            )

        await self.package_records.change_package(package, decide)

    async def _set_visibility(self, package: Package, visibility: Visibility) -> None:
        def decide(head: Head) -> Head:
            now_ms = self.clock.now_ms()
            kind = f"package.{visibility.value}"
            return with_change(head, kind, by=OPERATOR, now_ms=now_ms, visibility=visibility)

        await self.package_records.change_package(package, decide)


_HANDLED = frozenset(
    each.value
    for each in (Subject.ACCOUNT, Subject.ADMINISTRATOR, Subject.AUDITOR, Subject.RELEASE)
)
_SAID = {"account.locked": "locked", "account.unlocked": "unlocked", "account.deleted": "erased"}
_OF_PACKAGES = frozenset(
    (Subject.PACKAGE.value, Subject.FROZEN_PACKAGE.value, Subject.HELD_PACKAGE.value)
)
_STATES = {
    "release.held": State.HELD,
    "release.owner-held": State.HELD,
    "release.quarantined": State.QUARANTINED,
    "release.removed": State.REMOVED,
    "release.owner-erased": State.REMOVED,
    "release.refused": State.REMOVED,
    "release.erased": State.REMOVED,
}
_STRICTNESS = {State.LIVE: 0, State.HELD: 1, State.QUARANTINED: 3, State.REMOVED: 4}


def _strictness(state: State, holder: Holder, *, is_held_for_owner: bool = False) -> int:
    """Return a number that is greater for what fewer people can end."""
    is_by_administrator = holder is Holder.ADMINISTRATOR and not is_held_for_owner
    return _STRICTNESS[state] + (state is State.HELD and is_by_administrator)


def _lock_source(revocation: Revocation) -> LockSource | None:
    """Return who locked or unlocked; None for what this version does not know."""
    if not revocation.source:
        return LockSource.ADMINISTRATOR
    return next((each for each in LockSource if each.value == revocation.source), None)


def _without_locks_of_erased(revocations: Sequence[Revocation]) -> list[Revocation]:
    """Return the entries without those about locks of accounts that were erased."""
    erased = {each.id for each in revocations if each.act == "account.deleted"}
    is_account = Subject.ACCOUNT.value
    return [
        each
        for each in revocations
        if each.about != is_account or each.act == "account.deleted" or each.id not in erased
    ]


def _limited(membership: Membership, role: Role | None = None) -> str:
    """Return a sentence about the role that a member still has."""
    current = role or membership.group_role or membership.role
    return f"made the account {membership.account} {current.value} of {membership.org}"


class _Report:
    """Collects the sentences, and counts what the backup does not have."""

    def __init__(self) -> None:
        self.applied = list[str]()
        self.undecided = list[str]()
        self.missing = Counter[str]()


def _removal(entity: Entity) -> tuple[EntityChange, str]:
    """Return the change of the removal of an entity, which says what that by a page says, and a
    sentence about it."""
    match entity:
        case Token():
            change = token_change("revoked", entity, REASON)
            sentence = f"revoked the token {entity.name} ({entity.id})"
        case Membership():
            change = member_removal(entity, REASON)
            sentence = f"removed the account {entity.account} from {entity.org}"
        case Publisher():
            change = publisher_removal(entity, REASON, public=False)
            sentence = f"removed a trusted publisher of {change.subject}"
        case Webhook():
            change = webhook_change("removed", entity, OPERATOR, **with_reason(REASON))
            sentence = f"removed the webhook {entity.id} of {entity.org or 'the registry'}"
        case Identity():
            change = identity_change("identity.removed", entity)
            sentence = f"removed an identity of the account {entity.account}"
        case Invitation():
            change = invitation_change("withdrawn", entity, reason=REASON)
            sentence = f"revoked an invitation to {entity.org}"
        case Session():
            change = session_end(entity, REASON)
            sentence = f"ended a session of the account {entity.account}"
        case _:
            raise TypeError(entity)
    return change, sentence
