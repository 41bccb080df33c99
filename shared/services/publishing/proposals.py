"""Proposals: a token with the scope moderate can only propose what cannot be undone, and so can an
administrator where two of them decide; an administrator confirms or rejects it."""

from collections.abc import Iterable, Mapping

from msgspec import Struct

from shared.auth.registry_authorization import RegistryAuthorization
from shared.auth.secrets import random_text
from shared.domain.accounts import Account
from shared.domain.coordinates import Coordinate
from shared.domain.errors.base import Conflict, Forbidden, NotFound, about_field
from shared.domain.name_disputes import DisputeOutcome
from shared.domain.names import OrgName, parse_org
from shared.domain.principals import MAINTENANCE, Principal
from shared.domain.proposals import (
    ERASE_LATER,
    ERASE_NOW,
    MAX_PROPOSALS,
    PROPOSAL_ID_LENGTH,
    PROPOSALS_OWNER,
    Proposal,
    ProposedAct,
    proposal_place,
)
from shared.domain.reasons import with_reason
from shared.domain.release_states import State
from shared.domain.releases import parse_decision_reason
from shared.domain.reserved_names import parse_reserved_name
from shared.domain.withdrawal_reasons import PublicReason
from shared.ports.directory import DirectoryStore
from shared.ports.system import Clock, Randomness
from shared.runtime.retries import retried_with_back_off
from shared.services.administration.account_erasure import AccountErasures, ErasureReceipt
from shared.services.administration.name_disputes import NameDisputes
from shared.services.administration.second_administrator import SecondAdministrator
from shared.services.audited_writes import AuditedWriter, EntityChange
from shared.services.identity.accounts import account_by_id
from shared.services.organizations.name_moves import NameMoves
from shared.services.organizations.ownership import OwnershipDecision, OwnershipRequests
from shared.services.organizations.reserved_names import ReservedNames
from shared.services.publishing.erasure import Erasure, ReleaseErasure
from shared.services.publishing.moderation import Moderation


class ConfirmedProposal(Struct, frozen=True):
    """A proposal that was carried out, and what it deleted, if it was to erase a release or an
    account."""

    proposal: Proposal
    erasure: Erasure | None = None
    receipt: ErasureReceipt | None = None


class Proposals(Struct, frozen=True):
    """Stores proposals until an administrator who signed in recently decides on them.

    Whoever proposes the same again gets the proposal that waits already. Confirming a proposal does
    what was proposed, in the name of the administrator, and may be repeated. What an administrator
    asks a second one for is mailed to all of them, with what becomes of it, and expires after a
    day.
    """

    registry_authorization: RegistryAuthorization
    directory: DirectoryStore
    audited_writer: AuditedWriter
    randomness: Randomness
    clock: Clock
    moderation: Moderation
    erasure: ReleaseErasure
    reserved_names: ReservedNames
    account_erasures: AccountErasures
    name_disputes: NameDisputes
    ownership_requests: OwnershipRequests
    second_administrator: SecondAdministrator

    async def remove(
        self,
        coordinate: Coordinate,
        reason: str,
        public: PublicReason | None = None,
        *,
        by: Principal,
    ) -> Proposal:
        """Propose to remove a release; raise `ReleaseNotFound` and `removed-already`."""
        return await self._propose(ProposedAct.REMOVE, coordinate, reason, public, by)

    async def erase(
        self,
        coordinate: Coordinate,
        reason: str,
        public: PublicReason | None = None,
        *,
        by: Principal,
    ) -> Proposal:
        """Propose to remove a release and to delete all that is stored of it at once; raise
        `ReleaseNotFound` and `erased-already`."""
        return await self._propose(ProposedAct.ERASE, coordinate, reason, public, by)

    async def _propose(
        self,
        act: ProposedAct,
        coordinate: Coordinate,
        reason: str,
        public: PublicReason | None,
        by: Principal,
    ) -> Proposal:
        reason = parse_decision_reason(reason, coordinate)
        await self.registry_authorization.require_moderator(
            by, "propose", coordinate, coordinate.package
        )
        release = await self.moderation.find(coordinate, by=by)
        if act is ProposedAct.ERASE and release.erased:
            raise Conflict(
                "erased-already", f"{coordinate} was erased already. Nothing is left to erase."
            )
        if act is ProposedAct.REMOVE and release.state is State.REMOVED:
            raise Conflict("removed-already", f"{coordinate} was removed permanently already.")
        proposal = self._new(act, str(release.coordinate), reason, by, public=public)
        return await self._add(proposal, by)

    async def reserve_name(self, pattern: str, reason: str, *, by: Principal) -> Proposal:
        """Propose to reserve a name or pattern of names."""
        with about_field("pattern"):
            parsed_pattern = parse_reserved_name(pattern)
        reason = parse_decision_reason(reason, parsed_pattern)
        await self.registry_authorization.require_moderator(
            by, "propose", f"the name {parsed_pattern}"
        )
        return await self._add(self._new(ProposedAct.RESERVE_NAME, parsed_pattern, reason, by), by)

    async def move_name(self, org: OrgName, to: str, reason: str, *, by: Principal) -> Proposal:
        """Propose to move the name of an organization to this registry or an upstream."""
        reason = parse_decision_reason(reason, org)
        await self.registry_authorization.require_moderator(
            by, "propose", f"a move of the name {org}"
        )
        return await self._add(self._new(ProposedAct.MOVE_NAME, org, reason, by, to=to), by)

    async def erase_account(
        self, account: Account, reason: str, *, is_now: bool, by: Principal
    ) -> Proposal:
        """Ask a second administrator to erase an account; raise as
        `AccountErasures.check` does."""
        checked = await self.account_erasures.check(account, reason, by=by)
        to = ERASE_NOW if is_now else ERASE_LATER
        proposal = self._new(ProposedAct.ERASE_ACCOUNT, account.id, checked, by, to=to)
        return await self._add(proposal, by)

    async def decide_dispute(
        self, text: str, outcome: DisputeOutcome, reason: str, *, by: Principal
    ) -> Proposal:
        """Ask a second administrator to decide a name dispute; raise as
        `NameDisputes.require_decidable` does."""
        with about_field("reason"):
            reason = parse_decision_reason(reason, "the dispute")
        details = await self.name_disputes.require_decidable(text, by=by)
        dispute = details.dispute.id
        proposal = self._new(ProposedAct.DECIDE_DISPUTE, dispute, reason, by, to=outcome.value)
        return await self._add(proposal, by)

    async def grant_ownership(
        self, org: OrgName, name: str, reason: str, *, by: Principal
    ) -> Proposal:
        """Ask a second administrator to make an account an owner that asked for it; raise as the
        decision does."""
        with about_field("reason"):
            reason = parse_decision_reason(reason, org)
        request = await self.ownership_requests.require_grantable(org, name, by=by)
        proposal = self._new(
            ProposedAct.GRANT_OWNERSHIP, request.org, reason, by, to=request.account
        )
        return await self._add(proposal, by)

    async def all(self, *, by: Principal) -> list[Proposal]:
        """Return the proposals that wait, the oldest first."""
        await self.registry_authorization.require_reviewer(by, "list", "proposals")
        return await self._open()

    async def names(self, proposals: Iterable[Proposal]) -> Mapping[str, str]:
        """Return the names of the accounts that the proposals are by and about, by id."""
        return await self.second_administrator.names_of(*proposals)

    async def confirm(
        self, proposal_id: str, *, by: Principal, moves: NameMoves | None = None
    ) -> ConfirmedProposal:
        """Do what was proposed. `moves` moves names, where another registry is mirrored.

        Raises `proposal-not-found`, `second-administrator-needed`, and what the act raises, after
        which the proposal still waits.
        """
        await self.registry_authorization.require_fresh(
            by, "confirm", f"the proposal {proposal_id}"
        )
        proposal = await self._get(proposal_id)
        await self.second_administrator.require(proposal, by)
        done = await self._do(proposal, by, moves)
        await self._end(proposal, "confirmed", "", by)
        return done

    async def reject(self, proposal_id: str, reason: str, *, by: Principal) -> Proposal:
        """End a proposal without doing it; raise `proposal-not-found`."""
        reason = parse_decision_reason(reason, f"the proposal {proposal_id}")
        await self.registry_authorization.require_fresh(by, "reject", f"the proposal {proposal_id}")
        proposal = await self._get(proposal_id)
        await self._end(proposal, "rejected", reason, by)
        return proposal

    async def withdraw(self, proposal_id: str, *, by: Principal) -> Proposal:
        """End what `by` asked a second administrator for; raise `proposal-not-found` and
        `proposal-of-another`."""
        await self.registry_authorization.require_fresh(
            by, "withdraw", f"the proposal {proposal_id}"
        )
        proposal = await self._get(proposal_id)
        if by.id != proposal.by:
            raise Forbidden(
                "proposal-of-another",
                "Another administrator asked for this, who alone withdraws it. You can reject it.",
            )
        await self._end(proposal, "withdrawn", "", by)
        return proposal

    async def expire(self) -> int:
        """Remove what waited a day for a second administrator, and tell all of them; return how
        many there were. A repeat after a crash continues."""
        now_ms = self.clock.now_ms()
        found = await self.directory.list_by_owner(Proposal, PROPOSALS_OWNER)
        expired = [each for each in found if each.of_person and not each.is_open_at(now_ms)]
        for each in expired:
            await self._end(each, "expired", "", MAINTENANCE)
        return len(expired)

    async def _do(
        self, proposal: Proposal, by: Principal, moves: NameMoves | None
    ) -> ConfirmedProposal:
        about = proposal.about
        reason = proposal.reason
        public = proposal.public_reason
        match proposal.act:
            case ProposedAct.REMOVE:
                await self.moderation.remove(Coordinate.from_text(about), reason, public, by=by)
            case ProposedAct.ERASE:
                erasure = await self.erasure.erase(
                    Coordinate.from_text(about), reason, public, by=by
                )
                return ConfirmedProposal(proposal, erasure)
            case ProposedAct.RESERVE_NAME:
                await self.reserved_names.add(about, reason, by=by)
            case ProposedAct.MOVE_NAME:
                if moves is None:
                    raise _no_upstream(about)
                await moves.move(parse_org(about), proposal.to, reason)
            case ProposedAct.ERASE_ACCOUNT:
                return ConfirmedProposal(proposal, receipt=await self._erase_account(proposal, by))
            case ProposedAct.DECIDE_DISPUTE:
                outcome = DisputeOutcome(proposal.to)
                asked_ms = proposal.created_ms
                await self.name_disputes.decide(about, outcome, reason, by=by, asked_ms=asked_ms)
            case ProposedAct.GRANT_OWNERSHIP:
                granted = OwnershipDecision.GRANT
                name = f"id:{proposal.to}"
                await self.ownership_requests.decide(
                    parse_org(about), name, granted, reason=reason, by=by
                )
        return ConfirmedProposal(proposal)

    async def _erase_account(self, proposal: Proposal, by: Principal) -> ErasureReceipt | None:
        found = await account_by_id(self.directory, proposal.about)
        if found is None:  # A crash came before the end of the proposal.
            return None
        if proposal.to == ERASE_NOW:
            return await self.account_erasures.erase_now(found, proposal.reason, by=by)
        await self.account_erasures.announce(found, proposal.reason, by=by)
        return None

    def _new(
        self,
        act: ProposedAct,
        about: str,
        reason: str,
        by: Principal,
        *,
        public: PublicReason | None = None,
        to: str = "",
    ) -> Proposal:
        return Proposal(
            id=random_text(self.randomness, PROPOSAL_ID_LENGTH),
            act=act,
            about=about,
            reason=reason,
            public_reason=public,
            to=to,
            by=by.id,
            token=by.token,
            created_ms=self.clock.now_ms(),
            of_person=self.second_administrator.must_confirm(by) and by.is_person,
        )

    @retried_with_back_off
    async def _add(self, proposal: Proposal, by: Principal) -> Proposal:
        async def require_below_maximum() -> None:
            waiting = await self._open()
            if len(waiting) >= MAX_PROPOSALS:
                raise Conflict(
                    "proposals-full",
                    f"{MAX_PROPOSALS} proposals wait for an administrator, which is the limit. "
                    "Decide on them on /manage/proposals.",
                )
            for each in waiting:
                if each.is_like(proposal):
                    raise _Proposed(each)

        try:
            added = await self.audited_writer.add_checked(
                proposal, check=require_below_maximum, change=_change("made", proposal), by=by
            )
        except _Proposed as known:
            return known.proposal
        if added.of_person:
            await self.second_administrator.send_asked_mail(added, by)
        return added

    async def _open(self) -> list[Proposal]:
        now_ms = self.clock.now_ms()
        found = await self.directory.list_by_owner(Proposal, PROPOSALS_OWNER)
        waiting = [each for each in found if each.is_open_at(now_ms)]
        return sorted(waiting, key=lambda each: (each.created_ms, each.id))

    async def _get(self, proposal_id: str) -> Proposal:
        now_ms = self.clock.now_ms()
        found = await self.directory.get(Proposal, proposal_place(proposal_id))
        if found is None or not found.is_open_at(now_ms):
            raise NotFound(
                "proposal-not-found",
                f"No proposal {proposal_id[:20]!r} waits here. It was decided on, or has expired.",
            )
        return found

    async def _end(self, proposal: Proposal, what: str, reason: str, by: Principal) -> None:
        ended = await self.audited_writer.remove_stored(
            proposal, lambda stored: _change(what, stored, **with_reason(reason)), by=by
        )
        if ended is not None and ended.of_person:
            await self.second_administrator.send_ended_mail(ended, _ENDED[what])


# What became of a decision that waited for a second administrator, as mail says it.
_ENDED = {
    "confirmed": "a second administrator confirmed it, and it is done",
    "rejected": "a second administrator rejected it",
    "withdrawn": "it was withdrawn",
    "expired": "it expired after a day without a second administrator",
}


class _Proposed(Exception):
    """Raised if the same is proposed already."""

    def __init__(self, proposal: Proposal) -> None:
        super().__init__(proposal.id)
        self.proposal = proposal


def _no_upstream(org: str) -> Conflict:
    return Conflict(
        "name-not-movable",
        f"The name {org} cannot be moved, since this registry mirrors no other one.",
    )


def _change(what: str, proposal: Proposal, **more: str) -> EntityChange:
    details = {
        "act": proposal.act.value,
        "about": proposal.about,
        "reason": proposal.reason,
        "proposed_by": proposal.by,
        "token": proposal.token,
        **({"to": proposal.to} if proposal.to else {}),
        **more,
    }
    return EntityChange(f"proposal.{what}", proposal.id, details=details)
