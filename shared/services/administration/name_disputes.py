"""Name disputes: opening them, statements of both parties, decisions and appeals. A decision gives
nobody a name: an administrator does afterwards what it asks for.
"""

from collections.abc import Mapping

from msgspec import Struct
from msgspec.structs import replace

from shared.auth.access_tokens import OWNER_LENGTH
from shared.auth.authorization import Authorization
from shared.auth.registry_authorization import RegistryAuthorization
from shared.auth.secrets import random_text
from shared.domain.access_rights import require_own_account
from shared.domain.accounts import Account
from shared.domain.coordinates import Package
from shared.domain.errors.base import Conflict, InvalidRequest, about_field
from shared.domain.errors.packages import PackageNotFound
from shared.domain.mail import MailText
from shared.domain.memberships import Membership
from shared.domain.name_disputes import (
    MAX_OPEN_DISPUTES,
    MAX_STATEMENTS,
    UNDECIDED,
    DisputeAppeal,
    DisputeDecision,
    DisputeOutcome,
    DisputeState,
    NameDispute,
    Statement,
    dispute_not_found,
    dispute_place,
    parse_disputed_name,
    parse_statement,
    without_account,
)
from shared.domain.names import OrgName
from shared.domain.principals import ACTOR_NAMES, OPERATOR_ID, Principal
from shared.domain.reasons import parse_required_reason
from shared.domain.scopes import Role
from shared.domain.times import MS, time_text
from shared.ports.directory import DirectoryStore
from shared.ports.metadata import MetadataStore
from shared.ports.system import Clock, Randomness
from shared.runtime.retries import retried_when_stale, retried_with_back_off
from shared.services.administration.administrators import Administrators
from shared.services.audited_writes import AuditedWriter, EntityChange
from shared.services.identity.accounts import (
    account_names,
    account_of_caller,
    accounts_by_ids,
    actor_name,
    organization_owners,
)
from shared.services.mail_delivery import NOTICE_MAIL_KEPT_FOR, MailDelivery, mail_text
from shared.services.record_batches import RECORDS_AT_ONCE, all_entities, entity_batches

_WHAT = "name disputes"
_FINAL = "The decision is final."
_ERASED_CLAIMANT = "Somebody whose account was deleted"


class DisputeDetails(Struct, frozen=True):
    """A dispute as one reader sees it; `names` are those of accounts by id."""

    dispute: NameDispute
    state: DisputeState
    names: Mapping[str, str]
    is_claimant: bool
    is_holder: bool  # An owner of the organization that has the name.

    @property
    def is_undecided(self) -> bool:
        return self.state in UNDECIDED

    @property
    def may_appeal(self) -> bool:
        return self.state is DisputeState.DECIDED and (self.is_claimant or self.is_holder)

    @property
    def may_withdraw(self) -> bool:
        return self.is_claimant and (self.is_undecided or self.state is DisputeState.DECIDED)


class _Notice(Struct, frozen=True):
    """A mail about a step of a dispute; `step` names it among those of the dispute."""

    step: str
    at_ms: int
    mail: MailText


class NameDisputes(Struct, frozen=True):
    """Opens, shows and decides name disputes.

    The parties are the claimant and the owners of the organization. They and administrators see a
    dispute; for everybody else it does not exist. Each change is mailed to both parties. If that
    fails after the change, a repeat sends the mail.
    """

    directory: DirectoryStore
    metadata: MetadataStore
    authorization: Authorization
    registry_authorization: RegistryAuthorization
    administrators: Administrators
    audited_writer: AuditedWriter
    clock: Clock
    mail_delivery: MailDelivery
    randomness: Randomness
    base_url: str

    async def open(
        self, name: str, statement: str, claimant: Account | None = None, *, by: Principal
    ) -> DisputeDetails:
        """Open a dispute; a repeat returns the one that is open.

        Administrators who signed in recently, and the operator, open one for another claimant.
        Raises `organization-not-found` or `PackageNotFound` for a name that the claimant may not
        see, `dispute-own-name` and `disputes-full`.
        """
        with about_field("name"):
            disputed = parse_disputed_name(name)
        with about_field("statement"):
            text = parse_statement(statement)
        claiming = await self._claimant(claimant, disputed, by)
        now_ms = self.clock.now_ms()
        org = _org_of(disputed)
        dispute = NameDispute(
            id=f"{org}-{random_text(self.randomness, OWNER_LENGTH)}",
            org=org,
            package=disputed.name if isinstance(disputed, Package) else "",
            claimant=claiming.id,
            opened_by=by.id,
            opened_ms=now_ms,
            statements=(Statement(at_ms=now_ms, by=by.id, text=text),),
        )
        stored = await self._add(dispute, by)
        mail = mail_text(
            "dispute-opened",
            disputed=stored.name,
            claimant=claiming.name,
            until=time_text(stored.notice_ends_ms),
            link=self._link(stored),
        )
        await self._send(stored, _Notice("opened", stored.opened_ms, mail))
        return await self._details(stored, by)

    async def all(self, *, by: Principal) -> list[NameDispute]:
        """Return all disputes to administrators and auditors, the latest first."""
        await self.registry_authorization.require_auditor(by, "list", _WHAT)
        found = await all_entities(self.directory, NameDispute)
        return sorted(found, key=lambda each: each.opened_ms, reverse=True)

    async def own(self, *, by: Principal) -> list[NameDispute]:
        """Return the disputes to which `by` is a party, the latest first."""
        require_own_account(by, "list", _WHAT)
        found = list(await self.directory.list_by_subject(NameDispute, by.id))
        now_ms = self.clock.now_ms()
        for each in await self.directory.list_by_subject(Membership, by.id):
            if each.role_at(now_ms) is Role.OWNER:
                found += await self.directory.list_by_owner(NameDispute, each.org.lower())
        distinct = {each.id: each for each in found}
        return sorted(distinct.values(), key=lambda each: each.opened_ms, reverse=True)

    async def show(self, text: str, *, by: Principal) -> DisputeDetails:
        """Return a dispute by its id to its parties, administrators and auditors; to the operator
        also by the name, if one dispute about it is not closed.

        Raises `dispute-not-found`, also for those who are no party, at the same cost, and
        `dispute-ambiguous`.
        """
        if not by.audits_everything:
            require_own_account(by, "see", _WHAT)
        details, _ = await self._found(text, by)
        return details

    async def _of_party(self, text: str, by: Principal) -> DisputeDetails:
        """Return a dispute as `show` does, to those who may say something about it."""
        require_own_account(by, "see", _WHAT)
        details, is_party = await self._found(text, by)
        if not is_party:
            raise dispute_not_found(text)
        return details

    async def _found(self, text: str, by: Principal) -> tuple[DisputeDetails, bool]:
        """Return a dispute, and whether `by` is a party, an administrator or the operator."""
        is_party = by.is_operator
        # No name contains a hyphen, so a text with one is the id of a dispute.
        if by.is_operator and "-" not in text:
            dispute = await self._named(text)
        else:
            place = dispute_place(text)
            now_ms = self.clock.now_ms()
            dispute = await self.directory.get(NameDispute, place)
            access = await self.directory.access_context(by.id, OrgName(place.owner), now_ms)
            is_claimant = dispute is not None and dispute.claimant == by.id
            is_party |= access.is_administrator or (
                by.manages_everything and (access.role is Role.OWNER or is_claimant)
            )
            if not (is_party or access.reads_management):
                raise dispute_not_found(text)
        if dispute is None:
            raise dispute_not_found(text)
        return await self._details(dispute, by), is_party

    async def state(self, text: str, statement: str, *, by: Principal) -> DisputeDetails:
        """Add a statement of a party or an administrator, while nothing is decided."""
        with about_field("statement"):
            statement = parse_statement(statement)
        return await self._state(text, statement, by)

    @retried_when_stale
    async def _state(self, text: str, statement: str, by: Principal) -> DisputeDetails:
        details = await self._of_party(text, by)
        dispute = details.dispute
        _require_undecided(details)
        for each in dispute.statements:
            if (each.by, each.text) == (by.id, statement):  # A repeated request changes nothing.
                await self._send(dispute, await self._statement_notice(dispute, each, by))
                return details
        if len(dispute.statements) >= MAX_STATEMENTS:
            raise Conflict(
                "dispute-full",
                f"The dispute {dispute.id} has {MAX_STATEMENTS} statements, which is the limit. "
                "The decision is made on these.",
            )
        added = Statement(at_ms=self.clock.now_ms(), by=by.id, text=statement)
        changed = dispute.model_copy(update={"statements": (*dispute.statements, added)})
        notice = await self._statement_notice(dispute, added, by)
        return await self._write(changed, self._change("dispute.stated", dispute), notice, by)

    async def require_decidable(self, text: str, *, by: Principal) -> DisputeDetails:
        """Return a dispute that `by` may decide now; raise as `decide` does."""
        await self.registry_authorization.require_fresh(by, "decide", _WHAT)
        details = await self._of_party(text, by)
        await self._require_decidable(details, by)
        return details

    async def _require_decidable(self, details: DisputeDetails, by: Principal) -> None:
        dispute = details.dispute
        _require_undecided(details)
        if details.state is DisputeState.NOTICE:
            raise Conflict(
                "dispute-in-notice",
                f"Both parties can state their case on {dispute.name} until "
                f"{time_text(dispute.notice_ends_ms)}. Decide after that.",
            )
        if details.state is DisputeState.APPEALED:
            await self._require_other_decider(dispute, by)

    @retried_when_stale
    async def decide(
        self,
        text: str,
        outcome: DisputeOutcome,
        reason: str,
        *,
        by: Principal,
        asked_ms: int | None = None,
    ) -> DisputeDetails:
        """Decide a dispute after its notice, or on an appeal; a repeat changes nothing.

        Takes an administrator who signed in recently; an appeal is decided by another one than the
        dispute, if there is one. `asked_ms` is when somebody asked a second administrator for it.
        Raises `dispute-in-notice`, `dispute-closed`, `dispute-same-decider` or `dispute-appealed`.
        """
        await self.registry_authorization.require_fresh(by, "decide", _WHAT)
        with about_field("reason"):
            reason = parse_required_reason(reason, "the decision")
        details = await self._of_party(text, by)
        dispute = details.dispute
        last = details.dispute.last_decision
        if last and not details.is_undecided and (last.outcome, last.reason) == (outcome, reason):
            await self._send(dispute, self._decision_notice(dispute, last))
            return details
        await self._require_decidable(details, by)
        if dispute.appeal and asked_ms is not None and asked_ms <= dispute.appeal.at_ms:
            raise Conflict(
                "dispute-appealed",
                f"A party appealed about {dispute.name} after this decision was asked for. Read "
                "the appeal, reject the proposal, and ask for a decision on the appeal.",
            )
        now_ms = self.clock.now_ms()
        decision = DisputeDecision(at_ms=now_ms, by=by.id, outcome=outcome, reason=reason)
        part = "decision_on_appeal" if dispute.appeal else "decision"
        changed = dispute.model_copy(update={part: decision})
        change = self._change("dispute.decided", dispute, outcome=outcome.value, reason=reason)
        return await self._write(changed, change, self._decision_notice(changed, decision), by)

    @retried_when_stale
    async def appeal(self, text: str, reason: str, *, by: Principal) -> DisputeDetails:
        """Appeal against the decision as a party, within its time; raise `not-appealable`."""
        with about_field("reason"):
            reason = parse_required_reason(reason, "the appeal")
        details = await self._of_party(text, by)
        dispute = details.dispute
        if dispute.appeal and dispute.appeal.by == by.id:  # A repeated request changes nothing.
            await self._send(dispute, await self._appeal_notice(dispute, dispute.appeal, by))
            return details
        if not details.may_appeal:
            raise Conflict(
                "not-appealable",
                f"Only a party can appeal, once, and within 14 days after a decision. The dispute "
                f"{dispute.id} is {details.state.value}.",
            )
        appeal = DisputeAppeal(at_ms=self.clock.now_ms(), by=by.id, reason=reason)
        changed = dispute.model_copy(update={"appeal": appeal})
        notice = await self._appeal_notice(dispute, appeal, by)
        change = self._change("dispute.appealed", dispute, reason=reason)
        return await self._write(changed, change, notice, by)

    @retried_when_stale
    async def withdraw(self, text: str, *, by: Principal) -> DisputeDetails:
        """Withdraw the claim as the claimant; a repeat changes nothing."""
        details = await self._of_party(text, by)
        dispute = details.dispute
        if dispute.withdrawn_ms is not None:
            if details.is_claimant:
                actor = await actor_name(self.directory, by)
                await self._send(
                    dispute, self._withdrawal_notice(dispute, dispute.withdrawn_ms, actor)
                )
            return details
        if not details.may_withdraw:
            raise Conflict(
                "not-withdrawable",
                f"Only the claimant can withdraw the claim, until the decision is final. The "
                f"dispute {dispute.id} is {details.state.value}.",
            )
        now_ms = self.clock.now_ms()
        changed = dispute.model_copy(update={"withdrawn_ms": now_ms})
        notice = self._withdrawal_notice(dispute, now_ms, await actor_name(self.directory, by))
        return await self._write(changed, self._change("dispute.withdrawn", dispute), notice, by)

    async def forget(self, account: Account, *, by: Principal) -> int:
        """Remove from disputes what identifies an account that is being erased, as
        `without_account` does, and tell the owners of withdrawn claims; return how many disputes
        were changed. Callers check rights; a repeat changes nothing more."""
        changed = 0
        async for batch in entity_batches(self.directory, NameDispute, RECORDS_AT_ONCE):
            for each in batch:
                changed += await self._forget(each, account, by)
        return changed

    @retried_when_stale
    async def _forget(self, listed: NameDispute, account: Account, by: Principal) -> bool:
        dispute = await self.directory.get(NameDispute, listed.place)
        if dispute is None:
            return False
        now_ms = self.clock.now_ms()
        changed = without_account(dispute, account.id, (account.name, account.email), now_ms)
        if changed.withdrawn_ms != dispute.withdrawn_ms:
            change = self._change("dispute.withdrawn", dispute)
            await self.audited_writer.replace(changed, change=change, by=_unlocated(by))
        elif changed != dispute:
            await self.directory.replace(changed)
        if changed.withdrawn_ms is not None and changed.claimant == account.id:
            notice = self._withdrawal_notice(changed, changed.withdrawn_ms, _ERASED_CLAIMANT)
            await self._send(changed, notice, but=account.id)
        return changed != dispute

    # --- Opening --------------------------------------------------------------------------------

    async def _claimant(
        self, claimant: Account | None, disputed: OrgName | Package, by: Principal
    ) -> Account:
        """Return the claimant, who may see the name and does not have it."""
        if claimant is not None and claimant.id != by.id:
            await self.registry_authorization.require_fresh(
                by, "open", "a name dispute for somebody"
            )
            await self._require_there(disputed)
        elif by.is_operator:
            message = "The operator opens a dispute for an account. Name the claimant."
            with about_field("claimant"):
                raise InvalidRequest(message)
        else:
            require_own_account(by, "open", _WHAT)
            claimant = await account_of_caller(self.directory, by)
            await self._require_visible(disputed, by)
        org = _org_of(disputed)
        now_ms = self.clock.now_ms()
        access = await self.directory.access_context(claimant.id, org, now_ms)
        if access.role is Role.OWNER:
            raise Conflict(
                "dispute-own-name",
                f"{claimant.name} is an owner of {org} already, so there is nothing to dispute.",
            )
        return claimant

    async def _require_there(self, disputed: OrgName | Package) -> None:
        """Raise unless the name exists, whoever may see it."""
        if isinstance(disputed, Package):
            if await self.metadata.head(disputed) is None:
                raise PackageNotFound(disputed)
            return
        from_store = await self.directory.access_context("", disputed, self.clock.now_ms())
        from_store.require_organization(disputed)

    async def _require_visible(self, disputed: OrgName | Package, by: Principal) -> None:
        if isinstance(disputed, Package):
            check = self.authorization.read_check(by)
            [survey] = await self.metadata.survey([disputed], check=check)
            if survey is None or not survey.is_known:
                raise PackageNotFound(disputed)
            return
        access = await self.authorization.access_context(by, disputed)
        access.seen_by(by, disputed).require_organization(disputed)

    @retried_with_back_off
    async def _add(self, dispute: NameDispute, by: Principal) -> NameDispute:
        """Store the dispute, unless it is open already; return the one that is stored."""
        now_ms = self.clock.now_ms()
        theirs = await self.directory.list_by_subject(NameDispute, dispute.claimant)
        for each in theirs:
            is_same = each.name.lower() == dispute.name.lower()
            if is_same and each.state_at(now_ms) in UNDECIDED:
                return each
        # Those that were withdrawn count for a while, since the owners got mail about each.
        counted = [
            each
            for each in theirs
            if now_ms < each.notice_ends_ms or each.state_at(now_ms) in UNDECIDED
        ]
        if len(counted) >= MAX_OPEN_DISPUTES:
            raise Conflict(
                "disputes-full",
                f"There are {MAX_OPEN_DISPUTES} disputes of this claimant that are open or were "
                "opened within seven days, which is the limit. Wait until one is older or decided.",
            )

        change = self._change("dispute.opened", dispute)
        return await self.audited_writer.add_checked(dispute, change=change, by=_unlocated(by))

    # --- Reading --------------------------------------------------------------------------------

    async def _named(self, text: str) -> NameDispute | None:
        disputed = parse_disputed_name(text)
        now_ms = self.clock.now_ms()
        closed = (DisputeState.FINAL, DisputeState.WITHDRAWN)
        listed = await self.directory.list_by_owner(NameDispute, _org_of(disputed).lower())
        found = [
            each
            for each in listed
            if each.name.lower() == str(disputed).lower() and each.state_at(now_ms) not in closed
        ]
        if len(found) > 1:
            ids = ", ".join(each.id for each in found)
            message = f"There are several disputes about {disputed}: {ids}. Name one by its id."
            raise Conflict("dispute-ambiguous", message)
        return found[0] if found else None

    async def _details(self, dispute: NameDispute, by: Principal) -> DisputeDetails:
        now_ms = self.clock.now_ms()
        ids = {dispute.claimant, dispute.opened_by, *(each.by for each in dispute.statements)}
        ids |= {each.by for each in dispute.decisions.values()}
        names = dict(await account_names(self.directory, ids - {OPERATOR_ID}))
        names[OPERATOR_ID] = ACTOR_NAMES[OPERATOR_ID]
        owners = await organization_owners(self.directory, dispute.org, now_ms)
        return DisputeDetails(
            dispute=dispute,
            state=dispute.state_at(now_ms),
            names=names,
            is_claimant=dispute.claimant == by.id,
            is_holder=any(each.id == by.id for each in owners),
        )

    # --- Writing --------------------------------------------------------------------------------

    async def _require_other_decider(self, dispute: NameDispute, by: Principal) -> None:
        decider = dispute.decision.by if dispute.decision else ""
        if by.is_operator or by.id != decider:
            return
        others = [each for each in await self.administrators.all() if not each.is_locked]
        if any(each.id != by.id for each in others):
            raise Conflict(
                "dispute-same-decider",
                "You made the decision that is appealed against, so another administrator decides "
                "on the appeal.",
            )

    async def _write(
        self, dispute: NameDispute, change: EntityChange, notice: _Notice, by: Principal
    ) -> DisputeDetails:
        stored = await self.audited_writer.replace(dispute, change=change, by=_unlocated(by))
        await self._send(stored, notice)
        return await self._details(stored, by)

    def _change(self, kind: str, dispute: NameDispute, **more: str) -> EntityChange:
        details = {"dispute": dispute.id, **more}
        return EntityChange(
            kind, dispute.name, org=dispute.org, account=dispute.claimant, details=details
        )

    # --- Mail -----------------------------------------------------------------------------------

    async def _statement_notice(
        self, dispute: NameDispute, statement: Statement, by: Principal
    ) -> _Notice:
        actor = await actor_name(self.directory, by)
        link = self._link(dispute)
        mail = mail_text("dispute-statement", disputed=dispute.name, by=actor, link=link)
        return _Notice(f"stated:{by.id}", statement.at_ms, mail)

    def _decision_notice(self, dispute: NameDispute, decision: DisputeDecision) -> _Notice:
        ends_ms = None if dispute.appeal else dispute.appeal_ends_ms
        mail = mail_text(
            "dispute-decided",
            disputed=dispute.name,
            outcome=decision.outcome.value,
            reason=decision.reason,
            what=f"Each party can appeal until {time_text(ends_ms)}." if ends_ms else _FINAL,
            link=self._link(dispute),
        )
        return _Notice("decided", decision.at_ms, mail)

    async def _appeal_notice(
        self, dispute: NameDispute, appeal: DisputeAppeal, by: Principal
    ) -> _Notice:
        mail = mail_text(
            "dispute-appealed",
            disputed=dispute.name,
            by=await actor_name(self.directory, by),
            reason=appeal.reason,
            link=self._link(dispute),
        )
        return _Notice("appealed", appeal.at_ms, mail)

    def _withdrawal_notice(self, dispute: NameDispute, at_ms: int, actor: str) -> _Notice:
        link = self._link(dispute)
        mail = mail_text("dispute-withdrawn", disputed=dispute.name, by=actor, link=link)
        return _Notice("withdrawn", at_ms, mail)

    async def _send(self, dispute: NameDispute, notice: _Notice, *, but: str = "") -> None:
        """Send mail once to both parties and all administrators, but not to the account `but`; the
        record is stored before. A repeat long after the step sends nothing."""
        now_ms = self.clock.now_ms()
        until_ms = notice.at_ms + NOTICE_MAIL_KEPT_FOR // MS
        if now_ms >= until_ms:
            return
        people = [
            *await organization_owners(self.directory, dispute.org, now_ms),
            *await accounts_by_ids(self.directory, [dispute.claimant]),
            *await self.administrators.all(),
        ]
        recipients = {each.id: each for each in people if each.id != but}
        key = f"name-dispute:{dispute.id}:{notice.step}:{notice.at_ms}"
        await self.mail_delivery.send_once(key, recipients.values(), notice.mail, until_ms=until_ms)

    def _link(self, dispute: NameDispute) -> str:
        return f"{self.base_url}/account/disputes/{dispute.id}"


def _org_of(disputed: OrgName | Package) -> OrgName:
    return disputed.org if isinstance(disputed, Package) else disputed


def _unlocated(by: Principal) -> Principal:
    """Return the actor of an event without address and credential, as the other party reads it."""
    return replace(by, address="", credential="")


def _require_undecided(details: DisputeDetails) -> None:
    if not details.is_undecided:
        raise Conflict(
            "dispute-closed",
            f"The dispute {details.dispute.id} is {details.state.value}, so nothing is added to it "
            "or decided now. A party can appeal against a decision while there is time.",
        )
