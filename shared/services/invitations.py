"""Invitations: how a person becomes a member by their own decision."""

from collections.abc import AsyncIterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from typing import Self

from shared.auth.authorization import Authorization
from shared.auth.secrets import Secret, random_text
from shared.domain import mail
from shared.domain.accounts import Account
from shared.domain.errors.identity import CredentialsMissing, NotPermitted, TokenUnknown
from shared.domain.errors.organizations import AlreadyMember, InvitationNotFound, InvitationsFull
from shared.domain.errors.requests import MailedLately, TakesNoChanges
from shared.domain.identity import AccessContext, Principal, require_right
from shared.domain.mail import EmailAddress, mailbox_key, mask_email, parse_email
from shared.domain.members import (
    INVITATION_CODE_LENGTH,
    INVITATION_ID_LENGTH,
    INVITATION_LIFETIME_MS,
    MAX_INVITATIONS,
    Invitation,
    MemberList,
    OpenedInvitation,
    invitation_id,
    invitation_place,
    opened_invitation_place,
)
from shared.domain.names import OrgName
from shared.domain.organizations import Organization, parse_invitation_label
from shared.domain.rate_limits import (
    RateLimitAllowance,
    RateLimitClass,
    RateLimitKeys,
    RateLimitSubject,
)
from shared.domain.rights import Action, Role, Scope
from shared.domain.secrets import hash_secret
from shared.domain.tokens import Made
from shared.ports import AlreadyThere, Clock, DirectoryStore, Randomness, Stale, WorkStore
from shared.retries import retry_when_stale
from shared.services.members import Actor, MemberChanges, OrganizationMembers, RequestedMembership
from shared.services.notices import ReadOnlyMode
from shared.services.rate_limits import RateLimiter
from shared.services.records import EntityChange, RecordWriter
from shared.services.token_records import TokenLineage

_MAILED = "invitation-mail"


@dataclass(frozen=True, slots=True)
class InvitationRequest:
    """What somebody is to be offered: by mail if there is an address, else by a link."""

    role: Role
    address: EmailAddress | None
    label: str

    @classmethod
    def parse(cls, role: Role, email: str | None, label: str) -> Self:
        """Return the offer, or raise `InvalidRequest`."""
        if email is None:
            return cls(role, None, parse_invitation_label(label))
        address = parse_email(email)
        return cls(role, address, mask_email(address))


@dataclass(frozen=True, slots=True)
class IssuedInvitation:
    """A new invitation, with the link that is shown this once.

    There is no link where a mail has it, which proves that whoever opens it reads that mail.
    """

    invitation: Invitation
    link: Secret | None
    mailed: bool


@dataclass(frozen=True, slots=True)
class InvitationDetails:
    """An open invitation as whoever holds its code sees it."""

    invitation: Invitation
    organization: Organization
    inviter: Actor


@dataclass(frozen=True, slots=True)
class InvitationLimits:
    """Says whether one more invitation may be sent now: by whom, and to which address."""

    work: WorkStore
    clock: Clock
    rate_limiter: RateLimiter
    invitation_mail_minutes: int

    async def check(self, address: EmailAddress | None, by: Principal) -> None:
        """Count an invitation; raise `TooManyRequests`, or `MailedLately` and change nothing else.

        The operator sends as many as they like, and to each address as often as everybody.
        """
        if not by.is_operator:
            await self.rate_limiter.check(RateLimitClass.INVITATION, RateLimitKeys.of(by))
        if address is not None and self.invitation_mail_minutes:
            await self._claim(address)

    async def _claim(self, address: EmailAddress) -> None:
        now_ms = self.clock.now_ms()
        pause = timedelta(minutes=self.invitation_mail_minutes)
        until_ms = now_ms + pause // timedelta(milliseconds=1)
        key = hash_secret(mailbox_key(address))
        claimed = await self.work.claim(
            _MAILED, key, str(until_ms), expires_ms=until_ms, now_ms=now_ms
        )
        if not claimed:
            found = await self.work.peek(_MAILED, key, now_ms)
            raise MailedLately(_one_mail(int(found or until_ms) - now_ms), mask_email(address))


def _one_mail(wait_ms: int) -> RateLimitAllowance:
    return RateLimitAllowance(
        RateLimitClass.INVITATION, RateLimitSubject.ADDRESS, 1, 0, wait_ms, is_exceeded=True
    )


@dataclass(frozen=True, slots=True)
class Invitations:
    """Offers roles, and lets in whoever accepts.

    A code is random, stored as its hash alone, and good for one use. It names no organization, so
    whoever finds half of it learns nothing.
    """

    directory: DirectoryStore
    authorization: Authorization
    record_writer: RecordWriter
    organization_members: OrganizationMembers
    changes: MemberChanges
    lineage: TokenLineage
    limits: InvitationLimits
    randomness: Randomness
    base_url: str

    async def invite(
        self, org: OrgName, offer: InvitationRequest, *, by: Principal
    ) -> IssuedInvitation:
        """Offer a role; an address that was invited before gets a new code, and a new week.

        Owners may; a role that publishes or owns takes `Action.GOVERN`. Raises `InvitationsFull`,
        `TooManyRequests`, and `MailedLately` for an address that got one a moment ago.
        """
        standing = await self.authorization.require_within(by, Action.MANAGE, org)
        if offer.role is not Role.MEMBER:
            require_right(by, standing, Action.GOVERN, org)
        organization = standing.require_organization(org)
        code = random_text(self.randomness, INVITATION_CODE_LENGTH)
        await self._require_room(organization)
        await self.limits.check(offer.address, by)
        new = self._new(organization, offer, code, by)
        stored = await self._store(new, by, standing)
        await self.lineage.require_not_stolen(by)
        link = f"{self.base_url}/account/invitations/{code}"
        inviter = Actor(by, standing).name
        if offer.address is not None and await self._mailed(stored, offer.address, link, inviter):
            return IssuedInvitation(stored, None, mailed=True)
        return IssuedInvitation(stored, Secret(link), mailed=False)

    async def pending(self, org: OrgName, *, by: Principal) -> list[Invitation]:
        """Return the open invitations, the newest first; owners may ask."""
        await self.authorization.require_within(by, Action.MANAGE, org)
        return sorted(await self._open(org), key=lambda each: each.created_ms, reverse=True)

    async def withdraw(self, org: OrgName, invitation_id: str, *, by: Principal) -> None:
        """Take an invitation back; raise `InvitationNotFound` when it is not open."""
        await self.authorization.require_within(by, Action.MANAGE, org)
        found = await self.directory.get(Invitation, invitation_place(org, invitation_id))
        if found is None or not found.is_open_at(self._now_ms()):
            raise InvitationNotFound
        await self._use(found, "withdrawn", by)

    async def show(self, code: str, *, by: Principal) -> InvitationDetails:
        """Return what the code offers; raise `InvitationNotFound`."""
        if by.is_anonymous:
            raise CredentialsMissing
        return await self._opened(code)

    async def accept(self, code: str, *, by: Principal) -> Organization:
        """Make `by` a member as offered; of many at once one gets in.

        Raises `InvitationNotFound`, and `AlreadyMember` without using the code.
        """
        return await self.accept_opened(await self.show(code, by=by), by=by)

    async def accept_opened(self, opened: InvitationDetails, *, by: Principal) -> Organization:
        """Make `by` a member as an open invitation says; raises what `accept` does."""
        actor, account = await self._joining(opened.organization, by)
        invitation = opened.invitation
        await self._note_joining(invitation, account)
        async with self.organization_members.locked(opened.organization) as roster:
            _require_stranger(roster, by)
            # Used before it counts: a crash between the two costs an invitation, and no code is
            # ever good for getting in again.
            await self._use(invitation, "accepted", by, account=by.id)
            wanted = RequestedMembership(
                account,
                invitation.role,
                invited_by=invitation.by,
                made_with=invitation.made_with,
            )
            await self.changes.add_invited(roster, wanted, actor, opened.inviter)
        await self._check_sender(invitation)
        return opened.organization

    async def decline(self, code: str, *, by: Principal) -> None:
        """End the invitation; whoever holds its code may."""
        await self.decline_opened(await self.show(code, by=by), by=by)

    async def decline_opened(self, opened: InvitationDetails, *, by: Principal) -> None:
        """End an open invitation on behalf of whom it was for."""
        await self._use(opened.invitation, "declined", by, account=by.id)

    async def require_open(self, invitation: Invitation) -> InvitationDetails:
        """Return the invitation if its time is not over, and neither is its inviter's; else raise
        `InvitationNotFound`.

        Whoever was owner no longer lets anybody in, least of all themselves.
        """
        now_ms = self._now_ms()
        org = OrgName(invitation.org)
        standing = await self.directory.standing(invitation.by, org, now_ms)
        inviter = Actor(Principal(invitation.by), standing)
        may = (
            inviter.is_operator_or_administrator or standing.role is Role.OWNER
        ) and not standing.is_locked
        if not invitation.is_open_at(now_ms) or standing.is_deleted or not may:
            raise InvitationNotFound
        await self._check_sender(invitation)
        return InvitationDetails(invitation, standing.require_organization(org), inviter)

    def _now_ms(self) -> int:
        return self.organization_members.clock.now_ms()

    def _new(
        self, organization: Organization, offer: InvitationRequest, code: str, by: Principal
    ) -> Invitation:
        now_ms = self._now_ms()
        address = offer.address
        return Invitation(
            org=organization.name,
            id=invitation_id(organization.name, address) if address else self._random_id(),
            role=offer.role,
            code_hash=hash_secret(code),
            label=offer.label,
            by=by.id,
            created_ms=now_ms,
            expires_ms=now_ms + INVITATION_LIFETIME_MS,
            made_with=by.token,
        )

    def _random_id(self) -> str:
        return self.randomness.token_bytes(INVITATION_ID_LENGTH // 2).hex()

    async def _require_room(self, organization: Organization) -> None:
        if len(await self._open(OrgName(organization.name))) >= MAX_INVITATIONS:
            raise InvitationsFull(organization.name, MAX_INVITATIONS)

    async def _open(self, org: OrgName) -> list[Invitation]:
        now_ms = self._now_ms()
        found = await self.directory.of(Invitation, org.lower())
        return [each for each in found if each.is_open_at(now_ms)]

    async def _store(
        self, invitation: Invitation, by: Principal, standing: AccessContext
    ) -> Invitation:
        change = _change("sent", invitation)

        async def attempt() -> Invitation:
            known = await self.directory.get(Invitation, invitation.place)
            if known is not None and by.token and self._is_of_person(known):
                require_right(by, standing, Action.GOVERN, OrgName(invitation.org))
            await self.lineage.record(
                by, Made.INVITATION, invitation.id, invitation.label, invitation.org
            )
            if known is None:
                return await self._add(invitation, change, by)
            kept = {"revision": known.revision, "outbox": known.outbox}
            renewed = invitation.model_copy(update=kept)
            return await self.record_writer.replace(renewed, change=change, by=by)

        return await retry_when_stale(attempt)

    def _is_of_person(self, invitation: Invitation) -> bool:
        """Say whether it is open and a person sent it.

        A token that replaced it would know its new code, and it would end with that token.
        """
        return not invitation.made_with and invitation.is_open_at(self._now_ms())

    async def _add(self, invitation: Invitation, change: EntityChange, by: Principal) -> Invitation:
        try:
            return await self.record_writer.add(invitation, change=change, by=by)
        except AlreadyThere:
            raise Stale from None  # Another owner invited the same address: renew that one.

    async def _mailed(
        self, invitation: Invitation, address: EmailAddress, link: str, inviter: str
    ) -> bool:
        letter = mail.invitation_mail(
            invitation.org,
            invitation.role.value,
            by=inviter,
            link=link,
            until_ms=invitation.expires_ms,
        )
        return await self.changes.mail_delivery.send(address, letter)

    async def _opened(self, code: str) -> InvitationDetails:
        code_hash = hash_secret(code)
        for listed in await self.directory.about(Invitation, code_hash):
            # The list may lag behind; the record itself is the truth.
            invitation = await self.directory.get(Invitation, listed.place)
            if invitation is not None and invitation.code_hash == code_hash:
                return await self.require_open(invitation)
        raise InvitationNotFound

    async def _note_joining(self, invitation: Invitation, account: Account) -> None:
        if invitation.made_with:
            await self.lineage.record_for(
                invitation.made_with,
                invitation.by,
                Made.MEMBERSHIP,
                account.id,
                name=account.name,
                org=invitation.org,
            )

    async def _check_sender(self, invitation: Invitation) -> None:
        """Raise `InvitationNotFound` if a token sent the invitation that was stolen."""
        if not invitation.made_with:
            return
        try:
            await self.lineage.require_token_not_stolen(invitation.made_with, invitation.by)
        except TokenUnknown:
            raise InvitationNotFound from None

    async def _joining(self, organization: Organization, by: Principal) -> tuple[Actor, Account]:
        """Return who joins; a machine has no account, and joins nothing."""
        org = OrgName(organization.name)
        if not by.allows(Scope.MANAGE, org):
            raise NotPermitted("join", org, "the token lacks the scope manage here")
        standing = await self.directory.standing(by.id, org, self._now_ms())
        if standing.account is None:
            raise TokenUnknown
        return Actor(by, standing), standing.account

    async def _use(
        self, invitation: Invitation, how: str, by: Principal, *, account: str = ""
    ) -> None:
        """End the invitation; `account` is in whose log it stands besides the organization's."""
        try:
            await self.record_writer.remove(
                invitation, change=_change(how, invitation, account), by=by
            )
        except Stale:
            raise InvitationNotFound from None


def _change(what: str, invitation: Invitation, account: str = "") -> EntityChange:
    org = invitation.org
    details = {
        "invitation": invitation.id,
        "role": invitation.role.value,
        "label": invitation.label,
    }
    return EntityChange(f"invitation.{what}", org, org=org, account=account, details=details)


def _require_stranger(roster: MemberList, by: Principal) -> None:
    known = roster.member(by.id)
    if known is not None:
        raise AlreadyMember(roster.org, known.role.value)


@dataclass(frozen=True, slots=True)
class OpenedInvitations:
    """Lets people answer an invitation later, without its link."""

    directory: DirectoryStore
    invitations: Invitations
    read_only_mode: ReadOnlyMode

    async def open(self, code: str, *, by: Principal) -> InvitationDetails:
        """Return what the code offers, and keep that for `by`; raise `InvitationNotFound`.

        While the registry takes no changes it is shown all the same.
        """
        opened = await self.invitations.show(code, by=by)
        with suppress(TakesNoChanges):
            await self.read_only_mode.require_changes_allowed()
            await self.directory.put(OpenedInvitation.of(opened.invitation, by.id))
        return opened

    async def of(self, *, by: Principal) -> list[InvitationDetails]:
        """Return what `by` has opened and can still accept, what ends first first."""
        found = [each async for each in self._found(by)]
        return sorted(found, key=lambda each: each.invitation.expires_ms)

    async def accept(self, org: OrgName, invitation_id: str, *, by: Principal) -> Organization:
        """Make `by` a member as offered; raises as `Invitations.accept` does."""
        return await self.invitations.accept_opened(
            await self._opened(org, invitation_id, by), by=by
        )

    async def decline(self, org: OrgName, invitation_id: str, *, by: Principal) -> None:
        """End the invitation; raise `InvitationNotFound`."""
        await self.invitations.decline_opened(await self._opened(org, invitation_id, by), by=by)

    async def _found(self, by: Principal) -> AsyncIterator[InvitationDetails]:
        for kept in await self.directory.of(OpenedInvitation, by.id):
            try:
                yield await self._valid(kept)
            except InvitationNotFound:
                continue  # It was answered, withdrawn, or sent anew; upkeep forgets it.

    async def _opened(self, org: OrgName, invitation_id: str, by: Principal) -> InvitationDetails:
        kept = await self.directory.get(
            OpenedInvitation, opened_invitation_place(by.id, org, invitation_id)
        )
        if kept is None:
            raise InvitationNotFound
        return await self._valid(kept)

    async def _valid(self, kept: OpenedInvitation) -> InvitationDetails:
        place = invitation_place(kept.org, kept.id)
        invitation = await self.directory.get(Invitation, place)
        if invitation is None or invitation.code_hash != kept.code_hash:
            raise InvitationNotFound
        return await self.invitations.require_open(invitation)
