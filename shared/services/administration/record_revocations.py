"""Revocations of records: removed tokens, memberships, webhooks and others, and limited roles."""

from collections.abc import Sequence

from msgspec import Struct
from msgspec.structs import replace

from shared.domain.accounts import Account
from shared.domain.entities import Entity, Place
from shared.domain.errors.base import Refusal
from shared.domain.identities import Identity
from shared.domain.invitations import Invitation
from shared.domain.memberships import Membership, strongest
from shared.domain.names import OrgName
from shared.domain.principals import OPERATOR
from shared.domain.reasons import with_reason
from shared.domain.revocations import (
    BY_GROUPS,
    REMOVABLE,
    SCHEDULED,
    Revocation,
    RoleLimits,
    is_removal,
    is_scheduled,
    place_digest,
)
from shared.domain.scopes import Role
from shared.domain.sessions import Session
from shared.domain.tokens import Token
from shared.domain.trusted_publishing.publishers import Publisher
from shared.domain.webhooks import Webhook
from shared.ports.directory import DirectoryStore
from shared.ports.metadata import MetadataStore
from shared.runtime.retries import retried_when_stale
from shared.services.administration.revocation_report import REASON, RevocationReport
from shared.services.audited_writes import AuditedWriter, EntityChange
from shared.services.identity.sessions import Identities, identity_change, session_end
from shared.services.organizations.made_by_accounts import invitation_change
from shared.services.organizations.membership_records import member_removal
from shared.services.organizations.memberships import Memberships
from shared.services.organizations.webhooks import webhook_change
from shared.services.record_batches import RECORDS_AT_ONCE, entity_batches
from shared.services.tokens.tokens import token_change
from shared.services.tokens.trusted_publishers import is_of_public_package, publisher_removal


class RecordRevocations(Struct, frozen=True):
    """Removes records that were removed, and takes from members the roles that they lost."""

    metadata: MetadataStore
    directory: DirectoryStore
    identities: Identities
    memberships: Memberships
    audited_writer: AuditedWriter

    async def remove(self, revocations: Sequence[Revocation], report: RevocationReport) -> None:
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

    async def _remove_one(self, entity: Entity, report: RevocationReport) -> None:
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

    async def limit_roles(
        self, revocations: Sequence[Revocation], report: RevocationReport
    ) -> None:
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
    async def _limit_role(self, place: Place, limits: RoleLimits, report: RevocationReport) -> None:
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
        self, membership: Membership, scheduled: Revocation, report: RevocationReport
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


def _limited(membership: Membership, role: Role | None = None) -> str:
    """Return a sentence about the role that a member still has."""
    current = role or membership.group_role or membership.role
    return f"made the account {membership.account} {current.value} of {membership.org}"


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
