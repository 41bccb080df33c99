"""Handing over: an owner gives an organization to another member, with two days to think again."""

from dataclasses import dataclass

from shared.auth.authorization import Authorization
from shared.domain.accounts import Account
from shared.domain.errors import InvalidRequest, NotPermitted
from shared.domain.identity import Principal
from shared.domain.names import OrgName
from shared.domain.organization_errors import MemberNotFound
from shared.domain.organizations import Membership
from shared.domain.rights import Action, Role
from shared.domain.roster import Roster
from shared.services.member_changes import Actor, MemberChanges, Wanted
from shared.services.rosters import Rosters


@dataclass(frozen=True, slots=True)
class HandingOver:
    """Makes somebody owner in one's own place.

    Both changes count at the same moment, and one does not without the other: undoing that somebody
    becomes owner undoes that whoever hands over gives way.
    """

    authorization: Authorization
    rosters: Rosters
    changes: MemberChanges

    async def begin(self, org: OrgName, heir: Account, then: Role | None, *, by: Principal) -> None:
        """Let `heir` own the organization after the cooling-off, and `by` be less from then on;
        None is no member.

        Owners may who signed in a moment ago. Raises `MemberNotFound`, `ChangePending` where
        something waits for `by` already, and `InvalidRequest` for what hands nothing over.
        """
        standing = await self.authorization.require_within(by, Action.GOVERN, org)
        async with self.rosters.held(standing.existing(org)) as roster:
            actor = Actor(by, standing)
            giver = _giver(roster, actor)
            _check(roster, heir, then)
            at_ms = await self._made_owner(roster, heir, actor)
            wanted = Wanted(giver, then)
            await self.changes.give_way(roster, wanted, actor, heir=heir.id, at_ms=at_ms)

    async def _made_owner(self, roster: Roster, heir: Account, actor: Actor) -> int:
        """Have the heir become owner, and return from when on they are."""
        now = _member(roster, heir)
        if now.pending is not None and now.pending.role is Role.OWNER:
            return now.pending.at_ms
        return await self.changes.begin(roster, Wanted(heir, Role.OWNER), actor)


def _giver(roster: Roster, actor: Actor) -> Account:
    """Return who hands over: an owner of whom nothing else waits."""
    now, account = roster.member(actor.by.id), actor.standing.account
    if account is None or now is None or now.role is not Role.OWNER:
        reason = f"it takes being owner of {roster.org}"
        raise NotPermitted("transfer", roster.org, reason)
    roster.require_no_change_of(account.id, account.name)
    return account


def _check(roster: Roster, heir: Account, then: Role | None) -> None:
    if then is Role.OWNER:
        message = "Who hands an organization over does not own it any more. Choose less for you."
        raise InvalidRequest(message)
    if _member(roster, heir).role is Role.OWNER:
        message = (
            f"{heir.name} owns {roster.org} already. Choose somebody who does not, or leave the "
            "organization to those who do."
        )
        raise InvalidRequest(message)


def _member(roster: Roster, heir: Account) -> Membership:
    found = roster.member(heir.id)
    if found is None:
        raise MemberNotFound(heir.name, roster.org)
    return found
