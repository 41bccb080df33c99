"""Inviting: how somebody becomes a member by their own decision."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Self

from shared.auth.authorization import Authorization
from shared.auth.base62 import random_text
from shared.auth.secret import Secret
from shared.domain import mails
from shared.domain.accounts import Account
from shared.domain.errors import CredentialsMissing, NotPermitted, TokenUnknown
from shared.domain.identity import Principal, Standing, require
from shared.domain.invitations import (
    CODE_LENGTH,
    ID_LENGTH,
    INVITATION_LIFETIME_MS,
    MAX_INVITATIONS,
    Invitation,
    id_for,
    place_of_invitation,
)
from shared.domain.mails import EmailAddress, mailbox, masked, parse_email
from shared.domain.names import OrgName
from shared.domain.organization_errors import (
    AlreadyMember,
    InvitationNotFound,
    InvitationsFull,
    MailedLately,
)
from shared.domain.organizations import Organization
from shared.domain.profiles import parse_label
from shared.domain.rates import Allowance, Keys, OperationClass, Subject
from shared.domain.rights import Action, Role, Scope
from shared.domain.roster import Roster
from shared.domain.stored_hash import stored_hash
from shared.domain.tokens import Made
from shared.ports import AlreadyThere, Clock, DirectoryStore, Randomness, Stale, WorkStore
from shared.services.changing import until_fresh
from shared.services.limiting import Limiting
from shared.services.member_changes import Actor, MemberChanges, Wanted
from shared.services.recording import Change, Recording
from shared.services.rosters import Rosters
from shared.services.token_lineage import TokenLineage

_MAILED = "invitation-mail"


@dataclass(frozen=True, slots=True)
class Offer:
    """What somebody is to be offered: by mail if there is an address, else by a link."""

    role: Role
    address: EmailAddress | None
    label: str

    @classmethod
    def parse(cls, role: Role, email: str | None, label: str) -> Self:
        """Return the offer, or raise `InvalidRequest`."""
        if email is None:
            return cls(role, None, parse_label(label))
        address = parse_email(email)
        return cls(role, address, masked(address))


@dataclass(frozen=True, slots=True)
class Invited:
    """A new invitation, with the link that is shown this once.

    There is no link where a mail has it, which proves that whoever opens it reads that mail.
    """

    invitation: Invitation
    link: Secret | None
    mailed: bool


@dataclass(frozen=True, slots=True)
class Opened:
    """An open invitation as whoever holds its code sees it."""

    invitation: Invitation
    organization: Organization
    inviter: Actor


@dataclass(frozen=True, slots=True)
class InvitationPace:
    """Says whether one more invitation may be sent now: by whom, and to which address."""

    work: WorkStore
    clock: Clock
    limiting: Limiting
    between_mails: timedelta

    async def check(self, address: EmailAddress | None, by: Principal) -> None:
        """Count an invitation; raise `TooManyRequests`, or `MailedLately` and change nothing else.

        The operator sends as many as they like, and to each address as often as everybody.
        """
        if not by.is_operator:
            await self.limiting.check(OperationClass.INVITATION, Keys.of(by))
        if address is not None and self.between_mails:
            await self._claim(address)

    async def _claim(self, address: EmailAddress) -> None:
        now_ms = self.clock.now_ms()
        until_ms = now_ms + self.between_mails // timedelta(milliseconds=1)
        key = stored_hash(mailbox(address))
        claimed = await self.work.claim(
            _MAILED, key, str(until_ms), expires_ms=until_ms, now_ms=now_ms
        )
        if not claimed:
            found = await self.work.peek(_MAILED, key, now_ms)
            raise MailedLately(_one_mail(int(found or until_ms) - now_ms), masked(address))


def _one_mail(wait_ms: int) -> Allowance:
    return Allowance(OperationClass.INVITATION, Subject.ADDRESS, 1, 0, wait_ms, is_exceeded=True)


@dataclass(frozen=True, slots=True)
class Inviting:
    """Offers roles, and lets in whoever accepts.

    A code is random, stored as its hash alone, and good for one use. It names no organization, so
    whoever finds half of it learns nothing.
    """

    directory: DirectoryStore
    authorization: Authorization
    recording: Recording
    rosters: Rosters
    changes: MemberChanges
    lineage: TokenLineage
    pace: InvitationPace
    randomness: Randomness
    base_url: str

    async def invite(self, org: OrgName, offer: Offer, *, by: Principal) -> Invited:
        """Offer a role; an address that was invited before gets a new code, and a new week.

        Owners may; a role that publishes or owns takes `Action.GOVERN`. Raises `InvitationsFull`,
        `TooManyRequests`, and `MailedLately` for an address that got one a moment ago.
        """
        standing = await self.authorization.require_within(by, Action.MANAGE, org)
        if offer.role is not Role.MEMBER:
            require(by, standing, Action.GOVERN, org)
        organization = standing.existing(org)
        code = random_text(self.randomness, CODE_LENGTH)
        await self._require_room(organization)
        await self.pace.check(offer.address, by)
        new = self._new(organization, offer, code, by)
        stored = await self._store(new, by, standing)
        await self.lineage.check(by)
        link = f"{self.base_url}/account/invitations/{code}"
        inviter = Actor(by, standing).name
        if offer.address is not None and await self._mailed(stored, offer.address, link, inviter):
            return Invited(stored, None, mailed=True)
        return Invited(stored, Secret(link), mailed=False)

    async def pending(self, org: OrgName, *, by: Principal) -> list[Invitation]:
        """Return the open invitations, the newest first; owners may ask."""
        await self.authorization.require_within(by, Action.MANAGE, org)
        return sorted(await self._open(org), key=lambda each: each.created_ms, reverse=True)

    async def withdraw(self, org: OrgName, invitation_id: str, *, by: Principal) -> None:
        """Take an invitation back; raise `InvitationNotFound` when it is not open."""
        await self.authorization.require_within(by, Action.MANAGE, org)
        found = await self.directory.get(Invitation, place_of_invitation(org, invitation_id))
        if found is None or not found.is_open_at(self._now_ms()):
            raise InvitationNotFound
        await self._use(found, "withdrawn", by)

    async def show(self, code: str, *, by: Principal) -> Opened:
        """Return what the code offers; raise `InvitationNotFound`."""
        if by.is_anonymous:
            raise CredentialsMissing
        return await self._opened(code)

    async def accept(self, code: str, *, by: Principal) -> Organization:
        """Make `by` a member as offered; of many at once one gets in.

        Raises `InvitationNotFound`, and `AlreadyMember` without using the code.
        """
        return await self.admit(await self.show(code, by=by), by=by)

    async def admit(self, opened: Opened, *, by: Principal) -> Organization:
        """Make `by` a member as an open invitation says; raises what `accept` does."""
        actor, account = await self._joining(opened.organization, by)
        invitation = opened.invitation
        await self._note_joining(invitation, account)
        async with self.rosters.held(opened.organization) as roster:
            _require_stranger(roster, by)
            # Used before it counts: a crash between the two costs an invitation, and no code is
            # ever good for getting in again.
            await self._use(invitation, "accepted", by, account=by.id)
            wanted = Wanted(
                account,
                invitation.role,
                invited_by=invitation.by,
                made_with=invitation.made_with,
            )
            await self.changes.join(roster, wanted, actor, opened.inviter)
        await self._check_sender(invitation)
        return opened.organization

    async def decline(self, code: str, *, by: Principal) -> None:
        """End the invitation; whoever holds its code may."""
        await self.turn_down(await self.show(code, by=by), by=by)

    async def turn_down(self, opened: Opened, *, by: Principal) -> None:
        """End an open invitation on behalf of whom it was for."""
        await self._use(opened.invitation, "declined", by, account=by.id)

    async def valid(self, invitation: Invitation) -> Opened:
        """Return the invitation if its time is not over, and neither is its inviter's; else raise
        `InvitationNotFound`.

        Whoever was owner no longer lets anybody in, least of all themselves.
        """
        now_ms = self._now_ms()
        org = OrgName(invitation.org)
        standing = await self.directory.standing(invitation.by, org, now_ms)
        inviter = Actor(Principal(invitation.by), standing)
        may = (inviter.operates or standing.role is Role.OWNER) and not standing.is_locked
        if not invitation.is_open_at(now_ms) or standing.is_deleted or not may:
            raise InvitationNotFound
        await self._check_sender(invitation)
        return Opened(invitation, standing.existing(org), inviter)

    def _now_ms(self) -> int:
        return self.rosters.clock.now_ms()

    def _new(
        self, organization: Organization, offer: Offer, code: str, by: Principal
    ) -> Invitation:
        now_ms = self._now_ms()
        address = offer.address
        return Invitation(
            org=organization.name,
            id=id_for(organization.name, address) if address else self._random_id(),
            role=offer.role,
            code_hash=stored_hash(code),
            label=offer.label,
            by=by.id,
            created_ms=now_ms,
            expires_ms=now_ms + INVITATION_LIFETIME_MS,
            made_with=by.token,
        )

    def _random_id(self) -> str:
        return self.randomness.token_bytes(ID_LENGTH // 2).hex()

    async def _require_room(self, organization: Organization) -> None:
        if len(await self._open(OrgName(organization.name))) >= MAX_INVITATIONS:
            raise InvitationsFull(organization.name, MAX_INVITATIONS)

    async def _open(self, org: OrgName) -> list[Invitation]:
        now_ms = self._now_ms()
        found = await self.directory.of(Invitation, org.lower())
        return [each for each in found if each.is_open_at(now_ms)]

    async def _store(self, invitation: Invitation, by: Principal, standing: Standing) -> Invitation:
        change = _change("sent", invitation)

        async def attempt() -> Invitation:
            known = await self.directory.get(Invitation, invitation.place)
            if known is not None and by.token and self._is_of_person(known):
                require(by, standing, Action.GOVERN, OrgName(invitation.org))
            await self.lineage.note(
                by, Made.INVITATION, invitation.id, invitation.label, invitation.org
            )
            if known is None:
                return await self._add(invitation, change, by)
            kept = {"revision": known.revision, "outbox": known.outbox}
            renewed = invitation.model_copy(update=kept)
            return await self.recording.replace(renewed, change=change, by=by)

        return await until_fresh(attempt)

    def _is_of_person(self, invitation: Invitation) -> bool:
        """Say whether it is open and a person sent it.

        A token that replaced it would know its new code, and it would end with that token.
        """
        return not invitation.made_with and invitation.is_open_at(self._now_ms())

    async def _add(self, invitation: Invitation, change: Change, by: Principal) -> Invitation:
        try:
            return await self.recording.add(invitation, change=change, by=by)
        except AlreadyThere:
            raise Stale from None  # Another owner invited the same address: renew that one.

    async def _mailed(
        self, invitation: Invitation, address: EmailAddress, link: str, inviter: str
    ) -> bool:
        letter = mails.invited(
            invitation.org,
            invitation.role.value,
            by=inviter,
            link=link,
            until_ms=invitation.expires_ms,
        )
        return await self.changes.notifying.write(address, letter)

    async def _opened(self, code: str) -> Opened:
        code_hash = stored_hash(code)
        for listed in await self.directory.about(Invitation, code_hash):
            # The list may lag behind; the record itself is the truth.
            invitation = await self.directory.get(Invitation, listed.place)
            if invitation is not None and invitation.code_hash == code_hash:
                return await self.valid(invitation)
        raise InvitationNotFound

    async def _note_joining(self, invitation: Invitation, account: Account) -> None:
        if invitation.made_with:
            await self.lineage.note_with(
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
            await self.lineage.check_with(invitation.made_with, invitation.by)
        except TokenUnknown:
            raise InvitationNotFound from None

    async def _joining(self, organization: Organization, by: Principal) -> tuple[Actor, Account]:
        """Return who joins; a machine has no account, and joins nothing."""
        org = OrgName(organization.name)
        if not by.may_use(Scope.MANAGE, org):
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
            await self.recording.remove(invitation, change=_change(how, invitation, account), by=by)
        except Stale:
            raise InvitationNotFound from None


def _change(what: str, invitation: Invitation, account: str = "") -> Change:
    org = invitation.org
    details = {
        "invitation": invitation.id,
        "role": invitation.role.value,
        "label": invitation.label,
    }
    return Change(f"invitation.{what}", org, org=org, account=account, details=details)


def _require_stranger(roster: Roster, by: Principal) -> None:
    known = roster.member(by.id)
    if known is not None:
        raise AlreadyMember(roster.org, known.role.value)
