"""Changes of members; those of owners wait two days, are told to all of them, and can be undone."""

from dataclasses import dataclass, replace
from datetime import timedelta

from shared.domain import mails
from shared.domain.accounts import Account
from shared.domain.identity import Principal, Standing, require
from shared.domain.mails import Letter
from shared.domain.names import OrgName
from shared.domain.organization_errors import NothingPending
from shared.domain.organizations import COOLING_OFF, Membership, PendingRole
from shared.domain.rights import Action, Role
from shared.domain.roster import Roster
from shared.ports import DirectoryStore
from shared.services.finding import accounts_of
from shared.services.notifying import Notifying
from shared.services.recording import Change, E, Recording

OPERATOR_NAME = "The operator"


@dataclass(frozen=True, slots=True)
class Actor:
    """Who makes a change, and what they are in the organization."""

    by: Principal
    standing: Standing

    @property
    def name(self) -> str:
        """Return what others know them by."""
        if self.standing.account is not None:
            return self.standing.account.name
        return OPERATOR_NAME if self.by.is_operator else self.by.id

    @property
    def operates(self) -> bool:
        """Say whether it is theirs to put the registry in order, which waits for nothing."""
        return self.by.is_operator or self.standing.is_administrator


@dataclass(frozen=True, slots=True)
class Wanted:
    """What an account is to be; None is no member."""

    account: Account
    role: Role | None
    invited_by: str = ""
    made_with: str = ""  # The token that asked for it.

    def __str__(self) -> str:
        """Return it as a part of a sentence."""
        if self.role is None:
            return f"{self.account.name} is no member any more"
        return f"{self.account.name} becomes {self.role.value}"


@dataclass(frozen=True, slots=True)
class MemberChanges:
    """Changes what people are in an organization; whoever calls it holds the roster."""

    directory: DirectoryStore
    recording: Recording
    notifying: Notifying
    base_url: str

    async def make(self, roster: Roster, wanted: Wanted, actor: Actor) -> None:
        """Make the change, or begin it where it is one of owners and not the operator's.

        To be what one is, is to undo what waits. Raises `LastOwner`, `ChangePending`,
        `OwnerTooNew`, or what `Action.GOVERN` raises.
        """
        now = roster.member(wanted.account.id)
        if wanted.role is (now.role if now else None):
            if now is not None and now.pending is not None:
                await self.undo(roster, wanted.account, actor)
            return
        was_owner = now is not None and now.role is Role.OWNER
        if was_owner or wanted.role is Role.OWNER:
            await self._govern(roster, wanted, actor)
            return
        if wanted.role is not None and not actor.operates:
            roster.require_no_change_of(wanted.account.id, wanted.account.name)
        await self._write_now(roster, wanted, actor)

    async def begin(
        self, roster: Roster, wanted: Wanted, actor: Actor, decider: Actor | None = None
    ) -> int:
        """Let the change count after the cooling-off, and tell everybody whom it concerns; return
        from when on it counts.

        Somebody who is no member becomes one at once: until then they are a member and no more.
        `decider` is whose wish it is, where the actor only agrees.
        """
        decided = decider or actor
        at_ms = roster.now_ms + COOLING_OFF // timedelta(milliseconds=1)
        pending = PendingRole(role=wanted.role, at_ms=at_ms, by=decided.by.id)
        await self._begin(roster, wanted, pending, actor, decided.name)
        return at_ms

    async def give_way(
        self, roster: Roster, wanted: Wanted, actor: Actor, *, heir: str, at_ms: int
    ) -> None:
        """Let an owner be less from that moment on, at which somebody else becomes owner."""
        pending = PendingRole(role=wanted.role, at_ms=at_ms, by=actor.by.id, heir=heir)
        await self._begin(roster, wanted, pending, actor, actor.name)

    async def undo(self, roster: Roster, account: Account, actor: Actor) -> None:
        """Take back a change that waits.

        Raises `NothingPending`, `OwnerTooNew`, or what `Action.GOVERN` raises.
        """
        require(actor.by, actor.standing, Action.GOVERN, OrgName(roster.org))
        now = roster.member(account.id)
        if now is None or now.pending is None:
            raise NothingPending(account.name, roster.org)
        roster.require_seniority(actor.by.id, now.pending.by)
        await self._keep_owners(roster, account, actor)
        undone = Wanted(account, now.pending.role)
        change = _change("owner.undone", roster, undone)
        await self._write(roster, now.model_copy(update={"pending": None}), change, actor)
        link = self.link(roster.org)
        letter = mails.owners_will_stay(roster.org, str(undone), by=actor.name, link=link)
        await self.tell(roster, letter, account)

    async def join(self, roster: Roster, wanted: Wanted, actor: Actor, inviter: Actor) -> None:
        """Let somebody in who was invited; to own the organization takes the cooling-off."""
        if wanted.role is Role.OWNER:
            await self.begin(roster, wanted, actor, inviter)
        else:
            await self._write_now(roster, wanted, actor)

    def noticed(self, entity: E, roster: Roster, change: Change, by: Principal) -> E:
        """Return the entity with an event more for each owner, which their own log shows."""
        others = [each.account for each in roster.owners if each.account != change.account]
        notices = [
            self.recording.event(replace(change, org="", account=other), by) for other in others
        ]
        return entity.model_copy(update={"outbox": (*entity.outbox, *notices)})

    async def tell(self, roster: Roster, letter: Letter, *besides: Account) -> None:
        """Write to every owner, and to whom else it concerns."""
        ids = {each.account for each in roster.owners} - {each.id for each in besides}
        await self.notifying.tell(
            [*besides, *await accounts_of(self.directory, sorted(ids))], *letter
        )

    def link(self, org: str) -> str:
        """Return the page on which members see changes, and owners undo them."""
        return f"{self.base_url}/account/organizations/{org}"

    async def _govern(self, roster: Roster, wanted: Wanted, actor: Actor) -> None:
        require(actor.by, actor.standing, Action.GOVERN, OrgName(roster.org))
        account = wanted.account
        if wanted.role is not Role.OWNER:
            roster.require_owner_beside(account.id, account.name)
        if actor.operates or actor.by.id == account.id:
            await self._govern_now(roster, wanted, actor)
            return
        roster.require_no_change_of(account.id, account.name)
        if wanted.role is not Role.OWNER:
            roster.require_seniority(actor.by.id, account.id)
        await self.begin(roster, wanted, actor)

    async def _govern_now(self, roster: Roster, wanted: Wanted, actor: Actor) -> None:
        await self._write_now(roster, wanted, actor)
        link = self.link(roster.org)
        letter = mails.owners_changed(roster.org, str(wanted), by=actor.name, link=link)
        await self.tell(roster, letter, wanted.account)

    async def _begin(
        self, roster: Roster, wanted: Wanted, pending: PendingRole, actor: Actor, decider: str
    ) -> None:
        now = roster.member(wanted.account.id) or _member(roster, wanted.account)
        change = _change("owner.pending", roster, wanted, at_ms=str(pending.at_ms))
        invited_by = wanted.invited_by or now.invited_by
        waiting = now.model_copy(update={"pending": pending, "invited_by": invited_by})
        await self._write(roster, waiting, change, actor)
        link = self.link(roster.org)
        letter = mails.owners_will_change(
            roster.org, str(wanted), by=decider, at_ms=pending.at_ms, link=link
        )
        await self.tell(roster, letter, wanted.account)

    async def _keep_owners(self, roster: Roster, heir: Account, actor: Actor) -> None:
        """Let those stay owners who hand the organization over to somebody who does not get it.

        Before anything else is written: a crash in between leaves an owner too many, and never
        none.
        """
        for each, role in roster.giving_way_to(heir.id):
            for account in await accounts_of(self.directory, [each.account]):
                change = _change("owner.undone", roster, Wanted(account, role))
                await self._write(roster, each.model_copy(update={"pending": None}), change, actor)

    async def _write_now(self, roster: Roster, wanted: Wanted, actor: Actor) -> None:
        if wanted.role is not Role.OWNER:
            await self._keep_owners(roster, wanted.account, actor)
        known = roster.member(wanted.account.id)
        now = known or _member(roster, wanted.account)
        if wanted.role is None:
            change = _change("member.removed", roster, wanted)
            noticed = self._noticed_of_owners(now, roster, change, actor)
            await self.recording.remove(noticed, change=change, by=actor.by)
            return
        fields = {
            "role": wanted.role,
            "since_ms": roster.now_ms,
            "pending": None,
            "invited_by": wanted.invited_by or now.invited_by,
            "made_with": _mark(known, wanted, actor),
        }
        change = _change("member.set", roster, wanted)
        await self._write(roster, now.model_copy(update=fields), change, actor)

    async def _write(
        self, roster: Roster, membership: Membership, change: Change, actor: Actor
    ) -> None:
        noticed = self._noticed_of_owners(membership, roster, change, actor)
        if roster.record(membership.account) is None:
            await self.recording.add(noticed, change=change, by=actor.by)
        else:
            await self.recording.replace(noticed, change=change, by=actor.by)

    def _noticed_of_owners(
        self, membership: Membership, roster: Roster, change: Change, actor: Actor
    ) -> Membership:
        """Return the membership with notices, where it is about owning: not of every member."""
        if Role.OWNER.value not in (change.details["before"], change.details["after"]):
            return membership
        return self.noticed(membership, roster, change, actor.by)


def _mark(known: Membership | None, wanted: Wanted, actor: Actor) -> str:
    """Return which token somebody is a member by: a token marks whom it brings in, and nobody who
    was there; a person who decides on a role vouches for whoever has it."""
    if known is None:
        return wanted.made_with
    return known.made_with if actor.by.token else ""


def _member(roster: Roster, account: Account) -> Membership:
    """Return a new member, over what is left of an earlier membership."""
    new = Membership(org=roster.org, account=account.id, role=Role.MEMBER, since_ms=roster.now_ms)
    left = roster.record(account.id)
    return new.model_copy(
        update={} if left is None else {"revision": left.revision, "outbox": left.outbox}
    )


def _change(kind: str, roster: Roster, wanted: Wanted, **details: str) -> Change:
    now = roster.member(wanted.account.id)
    told = {
        "account": wanted.account.id,
        "before": now.role.value if now else "",
        "after": wanted.role.value if wanted.role else "",
        **details,
    }
    return Change(kind, roster.org, org=roster.org, account=wanted.account.id, details=told)
