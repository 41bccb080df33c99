"""Invitations: sending, listing, accepting and declining them."""

import asyncio
from datetime import timedelta
from functools import partial
from typing import Self

from msgspec import Struct

from shared.auth.authorization import Authorization
from shared.auth.secrets import Secret, random_text
from shared.domain.access_rights import AccessContext, missing_grant, require_right
from shared.domain.accounts import Account
from shared.domain.errors.base import Conflict, about_field
from shared.domain.errors.identity import (
    InvitationNotFound,
    NotPermitted,
    TokenUnknown,
    credentials_missing,
)
from shared.domain.errors.requests import TooMany
from shared.domain.freezes import refusal_while_frozen
from shared.domain.invitations import (
    INVITATION_CODE_LENGTH,
    INVITATION_ID_LENGTH,
    INVITATION_LIFETIME_MS,
    MAX_INVITATIONS,
    Invitation,
    invitation_id,
    invitation_place,
    parse_invitation_label,
)
from shared.domain.mail import EmailAddress, mailbox_key, mask_email, parse_email
from shared.domain.memberships import MemberList
from shared.domain.names import OrgName
from shared.domain.one_time_links import INVITATION_PATH, code_hash, one_time_link
from shared.domain.organizations import Organization
from shared.domain.principals import Principal
from shared.domain.rate_limits import (
    RateLimitAllowance,
    RateLimitClass,
    RateLimitKeys,
    RateLimitSubject,
)
from shared.domain.reasons import reason_for_change
from shared.domain.scopes import Action, Role, Scope
from shared.domain.times import MS, time_text
from shared.domain.tokens import hash_secret
from shared.ports.conflicts import Stale
from shared.ports.directory import DirectoryStore
from shared.ports.system import Clock, Randomness
from shared.ports.work import WorkStore
from shared.runtime.retries import retried_when_stale, retried_with_back_off
from shared.services.audited_writes import AuditedWriter
from shared.services.identity.mail_domains import MailDomains
from shared.services.limits.notices import ReadOnlyMode
from shared.services.limits.rate_limits import RateLimiter
from shared.services.mail_delivery import MailDelivery, mail_text
from shared.services.organizations.made_by_accounts import invitation_change
from shared.services.organizations.membership_records import (
    Actor,
    MembershipRecords,
    RequestedMembership,
)

_MAIL_KIND = "invitation-mail"


class InvitationRequest(Struct, frozen=True):
    """A role to offer: by mail if there is an address, else by a link."""

    role: Role
    address: EmailAddress | None
    label: str

    @classmethod
    def parse(cls, role: Role, email: str | None, label: str) -> Self:
        """Return the request, or raise `InvalidRequest`."""
        if email is None:
            with about_field("label"):
                return cls(role, None, parse_invitation_label(label))
        with about_field("email"):
            address = parse_email(email)
        return cls(role, address, mask_email(address))


class IssuedInvitation(Struct, frozen=True):
    """A new invitation, with its link, which is shown once.

    A link that was mailed is not returned, so opening it proves access to the mailbox.
    """

    invitation: Invitation
    link: Secret | None
    mailed: bool


class InvitationDetails(Struct, frozen=True):
    """An open invitation for the invited person."""

    invitation: Invitation
    organization: Organization
    inviter: Actor


class Invitations(Struct, frozen=True):
    """Invites people to organizations, and makes them members when they accept.

    A code is random, stored as a hash, valid for one use, and names no organization.
    """

    directory: DirectoryStore
    work: WorkStore
    authorization: Authorization
    audited_writer: AuditedWriter
    membership_records: MembershipRecords
    mail_domains: MailDomains
    mail_delivery: MailDelivery
    rate_limiter: RateLimiter
    read_only_mode: ReadOnlyMode
    clock: Clock
    randomness: Randomness
    base_url: str
    invitation_mail_minutes: int  # Between two mails to one address; 0 is no limit.

    async def invite(
        self, org: OrgName, request: InvitationRequest, *, by: Principal
    ) -> IssuedInvitation:
        """Offer a role; an address that was invited before gets a new code and a new lifetime.

        Owners may; a role that publishes or owns takes `Action.GOVERN`. Raises `invitations-full`,
        `TooManyRequests`, and `TooMany` for an address that was just mailed.
        """
        access = await self.authorization.require_in_organization(by, Action.MANAGE, org)
        if request.role is not Role.MEMBER:
            require_right(by, access, Action.GOVERN, org)
        organization = access.require_organization(org)
        if request.address is not None:
            await self.mail_domains.require_trusted(request.address)
        code = random_text(self.randomness, INVITATION_CODE_LENGTH)
        new = self._new(organization, request, code, by)
        await self._require_below_maximum(
            new
        )  # This comes before the limits, which count each attempt.
        await self._check_limits(request.address, by)
        stored = await self._store(new, by, access)
        link = one_time_link(self.base_url, INVITATION_PATH, code)
        inviter = Actor(by, access).name
        if request.address is not None and await self._send_mail(
            stored, request.address, link, inviter
        ):
            return IssuedInvitation(stored, None, mailed=True)
        return IssuedInvitation(stored, Secret(link), mailed=False)

    async def pending(self, org: OrgName, *, by: Principal) -> list[Invitation]:
        """Return the open invitations of an organization, newest first, to owners."""
        await self.authorization.require_to_read(by, Action.MANAGE, org)
        return sorted(await self._list_open(org), key=lambda each: each.created_ms, reverse=True)

    async def revoke(
        self, org: OrgName, invitation_id: str, *, by: Principal, reason: str = ""
    ) -> None:
        """Revoke an open invitation, or one that would be open again if its maker were unlocked;
        raise `InvitationNotFound`.

        Administrators who do not own the organization say a `reason`.
        """
        access = await self.authorization.require_in_organization(by, Action.MANAGE, org)
        found = await self.directory.get(Invitation, invitation_place(org, invitation_id))
        if found is None or not found.is_open_at(self.clock.now_ms()):
            raise InvitationNotFound
        what = f"the invitation {found.label or found.id} to {found.org}"
        reason = reason_for_change(by, access, reason, f"revoking {what}")
        await self._end(found, "withdrawn", by, reason=reason)
        decision_mail = self.membership_records.decision_mail
        await decision_mail.send_if_from_outside(by, access, f"{what} is revoked", reason)

    async def show(self, code: str, *, by: Principal) -> InvitationDetails:
        """Return the invitation with this code, or raise `InvitationNotFound`."""
        if by.is_anonymous:
            raise credentials_missing()
        return await self.peek(code)

    async def peek(self, code: str) -> InvitationDetails:
        """Return the invitation with this code to whoever has the code; raise
        `InvitationNotFound`."""
        known_hash = code_hash(code)
        for listed in await self.directory.list_by_subject(Invitation, known_hash):
            # The list may lag behind, so the record is read.
            invitation = await self.directory.get(Invitation, listed.place)
            if invitation is not None and invitation.code_hash == known_hash:
                return await self._require_open(invitation)
        raise InvitationNotFound

    async def accept(self, code: str, *, by: Principal) -> Organization:
        """Make `by` a member; of concurrent calls one succeeds.

        Raises `InvitationNotFound`, and `already-member` without using the code.
        """
        return await self._accept(await self.show(code, by=by), by)

    async def decline(self, code: str, *, by: Principal) -> None:
        """Decline the invitation with this code, which ends it."""
        await self._decline(await self.show(code, by=by), by)

    async def _check_limits(self, address: EmailAddress | None, by: Principal) -> None:
        """Raise `TooManyRequests`, except for the operator, or `TooMany`."""
        if not by.is_operator:
            await self.rate_limiter.check(RateLimitClass.INVITATION, RateLimitKeys.of(by))
        if address is None or not self.invitation_mail_minutes:
            return
        now_ms = self.clock.now_ms()
        until_ms = now_ms + timedelta(minutes=self.invitation_mail_minutes) // MS
        key = hash_secret(mailbox_key(address))
        claimed = await self.work.claim(
            _MAIL_KIND, key, str(until_ms), expires_ms=until_ms, now_ms=now_ms
        )
        if not claimed:
            found = await self.work.peek(_MAIL_KIND, key, now_ms)
            allowance = _mail_limit(int(found or until_ms) - now_ms)
            raise TooMany(
                "mailed-lately",
                f"{mask_email(address)} got an invitation by mail a few minutes ago, and no "
                f"address gets many. Wait {allowance.wait} to send another "
                "one, or invite without an address and pass the link on yourself.",
                allowance,
            )

    def _new(
        self, organization: Organization, request: InvitationRequest, code: str, by: Principal
    ) -> Invitation:
        now_ms = self.clock.now_ms()
        address = request.address
        return Invitation(
            org=organization.name,
            id=invitation_id(organization.name, address) if address else self._random_id(),
            role=request.role,
            code_hash=code_hash(code),
            label=request.label,
            by=by.id,
            created_ms=now_ms,
            expires_ms=now_ms + INVITATION_LIFETIME_MS,
            made_with=by.token,
        )

    def _random_id(self) -> str:
        return self.randomness.token_bytes(INVITATION_ID_LENGTH // 2).hex()

    async def _list_open(self, org: OrgName) -> list[Invitation]:
        """Return the invitations that can be accepted: neither expired, nor of an account that may
        not invite any more."""
        unexpired = await self._unexpired(org)
        now_ms = self.clock.now_ms()
        inviters = sorted({each.by for each in unexpired})
        contexts = await asyncio.gather(*(self._inviter(each, org, now_ms) for each in inviters))
        may_invite = {each.by.id for each in contexts if _may_invite(each)}
        return [each for each in unexpired if each.by in may_invite]

    async def _unexpired(self, org: OrgName) -> list[Invitation]:
        found = await self.directory.list_by_owner(Invitation, org.lower())
        return [each for each in found if each.is_open_at(self.clock.now_ms())]

    async def _inviter(self, account_id: str, org: OrgName, now_ms: int) -> Actor:
        access = await self.directory.access_context(account_id, org, now_ms)
        return Actor(Principal(account_id), access)

    async def _require_below_maximum(self, new: Invitation) -> None:
        """Raise `invitations-full` if the organization has too many others, whose makers may be
        unlocked again."""
        others = [e for e in await self._unexpired(OrgName(new.org)) if e.id != new.id]
        if len(others) >= MAX_INVITATIONS:
            raise Conflict(
                "invitations-full",
                f"{new.org} has {MAX_INVITATIONS} pending invitations, which is the "
                "limit. Revoke one, or wait until one expires.",
            )

    @retried_with_back_off
    async def _store(
        self, invitation: Invitation, by: Principal, access: AccessContext
    ) -> Invitation:
        change = invitation_change("sent", invitation)
        known = await self.directory.get(Invitation, invitation.place)
        if known is not None and by.token and self._is_of_person(known):
            require_right(by, access, Action.GOVERN, OrgName(invitation.org))
        if known is not None and not known.is_open_at(self.clock.now_ms()):
            # An expired invitation is removed, so that the new one is counted.
            await self.directory.remove(known)
            known = None
        if known is None:
            return await self.audited_writer.add_checked(
                invitation,
                check=partial(self._require_below_maximum, invitation),
                change=change,
                by=by,
            )
        fields = {"revision": known.revision, "outbox": known.outbox}
        renewed = invitation.model_copy(update=fields)
        return await self.audited_writer.replace(renewed, change=change, by=by)

    def _is_of_person(self, invitation: Invitation) -> bool:
        """Check whether it is open and was sent by a person, not with a token.

        A token that replaces it learns the new code.
        """
        return not invitation.made_with and invitation.is_open_at(self.clock.now_ms())

    async def _send_mail(
        self, invitation: Invitation, address: EmailAddress, link: str, inviter: str
    ) -> bool:
        mail = mail_text(
            "invitation",
            org=invitation.org,
            role=invitation.role.value,
            by=inviter,
            link=link,
            until=time_text(invitation.expires_ms),
        )
        return await self.mail_delivery.send(address, mail)

    @retried_with_back_off
    async def _accept(self, details: InvitationDetails, by: Principal) -> Organization:
        organization = details.organization
        invitation = details.invitation
        actor, account = await self._joining_account(organization, by)
        async with self.membership_records.changing(organization) as members:
            _require_no_member(members, by)
            # Used before the membership: a crash in between loses an invitation, but no code is
            # valid twice.
            await self._end(invitation, "accepted", by, account=by.id)
            await self._join(details, actor, account)
        return organization

    @retried_when_stale
    async def _join(self, details: InvitationDetails, actor: Actor, account: Account) -> None:
        """Store the membership; the lock is held, and the invitation is used.

        So this starts again where a sign-in gives the account a role by groups at the same time,
        which needs no lock.
        """
        members = await self.membership_records.read(details.organization)
        invitation = details.invitation
        request = RequestedMembership(account, invitation.role, invitation.by)
        await self.membership_records.add_invited(members, request, actor, details.inviter)

    async def _decline(self, details: InvitationDetails, by: Principal) -> None:
        await self._end(details.invitation, "declined", by, account=by.id)

    async def _joining_account(
        self, organization: Organization, by: Principal
    ) -> tuple[Actor, Account]:
        org = OrgName(organization.name)
        if not by.allows(Scope.MANAGE, org):
            raise NotPermitted("join", org, missing_grant(by, Scope.MANAGE, org))
        access = await self.directory.access_context(by.id, org, self.clock.now_ms())
        if access.account is None:
            raise TokenUnknown  # A CI job has no account.
        if refusal := refusal_while_frozen(access.organization, "join", org):
            raise refusal
        return Actor(by, access), access.account

    async def _require_open(self, invitation: Invitation) -> InvitationDetails:
        """Raise `InvitationNotFound` if the invitation is expired or its inviter may not invite any
        more, which also keeps former owners from returning by their own invitation.
        """
        now_ms = self.clock.now_ms()
        org = OrgName(invitation.org)
        inviter = await self._inviter(invitation.by, org, now_ms)
        access = inviter.access_context
        if not invitation.is_open_at(now_ms) or access.is_deleted or not _may_invite(inviter):
            raise InvitationNotFound
        return InvitationDetails(invitation, access.require_organization(org), inviter)

    async def _end(
        self,
        invitation: Invitation,
        how: str,
        by: Principal,
        *,
        account: str = "",
        reason: str = "",
    ) -> None:
        """Remove the invitation; `account` is whose log has the event too."""
        try:
            await self.audited_writer.remove(
                invitation, change=invitation_change(how, invitation, account, reason), by=by
            )
        except Stale:
            raise InvitationNotFound from None


def _may_invite(inviter: Actor) -> bool:
    access = inviter.access_context
    is_in_charge = inviter.is_operator_or_administrator or access.role is Role.OWNER
    return is_in_charge and not access.is_locked


def _mail_limit(wait_ms: int) -> RateLimitAllowance:
    return RateLimitAllowance(
        RateLimitClass.INVITATION, RateLimitSubject.ADDRESS, 1, 0, wait_ms, is_exceeded=True
    )


def _require_no_member(members: MemberList, by: Principal) -> None:
    known = members.member(by.id)
    if known is not None:
        raise Conflict(
            "already-member",
            f"You are {known.role.value} of {members.org} already. Its owners can change your "
            "role; the invitation stays open for somebody else.",
        )
