"""Approvals: who takes only approved releases from upstreams, what people ask for, and what
curators approve.

Curators are the administrators. Nothing is read for a caller while neither the registry nor any
organization has the rule; the list of approvals is in memory, and at most three seconds old.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import timedelta
from typing import Protocol

from msgspec import Struct

from shared.auth.authorization import Authorization
from shared.auth.registry_authorization import RegistryAuthorization
from shared.domain.accounts import Account
from shared.domain.approved_packages import (
    APPROVALS_PLACE,
    MAX_APPROVED_PACKAGES,
    MAX_ASKERS,
    Approval,
    ApprovalAsker,
    ApprovalLimit,
    ApprovalRequest,
    Approvals,
    ApprovedVersions,
    RequestState,
    WantedApproval,
    approval_path,
    parse_approval,
    parse_asked_reason,
    request_place,
)
from shared.domain.coordinates import Package
from shared.domain.entities import Place
from shared.domain.errors.base import Conflict, InvalidRequest, NotFound, about_field
from shared.domain.errors.identity import credentials_missing
from shared.domain.memberships import Membership
from shared.domain.names import OrgName
from shared.domain.organizations import Organization, organization_place
from shared.domain.principals import Principal
from shared.domain.publishing_rules import OF_REGISTRY, RegistryRules
from shared.domain.queued_mail import Audience, Recipients
from shared.domain.reasons import parse_required_reason
from shared.domain.scopes import Action
from shared.domain.times import MS
from shared.domain.versions import Range, Version
from shared.domain.visibility import Visibility
from shared.ports.directory import DirectoryStore
from shared.ports.metadata import MetadataStore
from shared.ports.pull_ledger import PullLedger
from shared.ports.system import Clock
from shared.runtime.cached_record import CachedRecord
from shared.runtime.lru_cache import LruCache
from shared.runtime.retries import retried_when_stale
from shared.services.audited_writes import AuditedWriter, EntityChange
from shared.services.identity.accounts import accounts_by_ids
from shared.services.mail_delivery import MailDelivery, mail_text
from shared.services.packages.pull_counter import utc_day
from shared.services.record_batches import PACKAGES_READ_AT_ONCE, package_batches

APPROVALS_READ_EVERY = timedelta(seconds=3)  # A change is in force everywhere within five.
CALLERS_REMEMBERED = 5_000
DRY_RUN_PERIOD = timedelta(days=30)
MAX_LISTED_REQUESTS = 500

_WHAT = "what is approved of other registries"


class RegistryRuleSource(Protocol):
    """The rules of the registry, which a service of publishing keeps in memory."""

    @property
    def known(self) -> RegistryRules | None:
        """The rules in effect, if they are known without a read."""
        ...

    async def current(self) -> RegistryRules:
        """Return the rules in effect."""
        ...


class _ReadApprovals(Struct, frozen=True):
    """The list as it was read, and what it approves."""

    stored: Approvals
    versions: ApprovedVersions


class ApprovalRules:
    """Says what a caller may take from upstreams.

    The rule of the registry holds for everybody. That of an organization holds for its tokens and
    CI jobs, and for its members, whatever credential of theirs they use.
    """

    def __init__(
        self,
        directory: DirectoryStore,
        registry_rules: RegistryRuleSource,
        clock: Clock,
        base_url: str,
    ) -> None:
        self.registry_rules = registry_rules
        self.base_url = base_url
        self._directory = directory
        self._clock = clock
        self._approvals = CachedRecord(self._read, clock, APPROVALS_READ_EVERY)
        self._rules = LruCache[tuple[str, str], tuple[str, int]](CALLERS_REMEMBERED)

    async def limit(self, by: Principal) -> ApprovalLimit | None:
        """Return what the caller is limited to; None for one who may take everything."""
        whose = await self.rule_of(by)
        return await self.limit_of(whose) if whose else None

    async def limit_of(self, whose: str) -> ApprovalLimit:
        """Return the limit by the rule of the registry, or of an organization, and by the list as
        it was at most three seconds ago; while the store fails, by the one that was read last.
        Raises `Unavailable` if none was read."""
        approvals = await self._approvals.current()
        return ApprovalLimit(approvals.versions, whose, self.base_url)

    async def rule_of(self, by: Principal) -> str:
        """Return whose rule limits the caller: `OF_REGISTRY`, or the name of an organization; empty
        for nobody's, and for the operator."""
        if by.is_operator:
            return ""
        of_registry = await self.registry_rules.current()
        organizations = of_registry.limited_organizations
        if of_registry.approved_only:
            return OF_REGISTRY
        if by.is_anonymous or not organizations:
            return ""
        key = (by.id, by.organization)
        known = self._rules.get(key)
        now_ms = self._clock.monotonic_ms()
        if known is None or now_ms >= known[1]:
            whose = await self._rule_of_organizations(by, organizations)
            known = (whose, now_ms + APPROVALS_READ_EVERY // MS)
            self._rules.put(key, known)
        return known[0]

    @property
    def may_be_in_force(self) -> bool:
        """Whether somebody may be limited, as far as is known without a read: an answer that was
        made for others is not repeated then."""
        known = self.registry_rules.known
        return known is None or known.approved_only or bool(known.limited_organizations)

    async def _rule_of_organizations(self, by: Principal, marked: Sequence[str]) -> str:
        orgs = {by.organization.lower()} - {""}
        if not by.organization:
            members = await self._directory.list_by_subject(Membership, by.id)
            now_ms = self._clock.now_ms()
            orgs = {each.org.lower() for each in members if each.role_at(now_ms)}
        for org in sorted(orgs.intersection(marked)):
            organization = await self._directory.get(Organization, organization_place(org))
            if organization is not None and organization.rules.approved_only:
                return organization.name
        return ""

    async def stored(self) -> Approvals:
        """Return the list as it is stored; before anything was approved, with revision 0."""
        found = await self._directory.get(Approvals, APPROVALS_PLACE)
        return found or Approvals(revision=0)

    def invalidate(self) -> None:
        """Read the list again at the next request, because this process changed it."""
        self._approvals.invalidate()
        self._rules = LruCache[tuple[str, str], tuple[str, int]](CALLERS_REMEMBERED)

    async def close(self) -> None:
        """Cancel a read that is under way."""
        await self._approvals.close()

    async def _read(self) -> _ReadApprovals:
        stored = await self.stored()
        last = self._approvals.last
        if last is not None and last.stored.approved == stored.approved:
            return _ReadApprovals(stored, last.versions)
        return _ReadApprovals(stored, ApprovedVersions.of(stored.approved))


class ApprovalEffect(Struct, frozen=True):
    """A stored release that the rule would refuse, and its pulls of the last month."""

    release: str
    pulls: int


class ApprovalDryRun(Struct, frozen=True):
    """The releases that the rule would refuse, those with the most pulls first."""

    effects: tuple[ApprovalEffect, ...]
    releases_read: int

    @property
    def pulls(self) -> int:
        """The pulls of the last month that would have been refused."""
        return sum(each.pulls for each in self.effects)


class Curation(Struct, frozen=True):
    """Asks for packages, approves and refuses them. Every change may be repeated."""

    registry_authorization: RegistryAuthorization
    authorization: Authorization
    rules: ApprovalRules
    metadata: MetadataStore
    directory: DirectoryStore
    pulls: PullLedger
    audited_writer: AuditedWriter
    clock: Clock
    mail_delivery: MailDelivery

    # --- The list --------------------------------------------------------------------------------

    async def approved(self, *, by: Principal) -> Approvals:
        """Return the list to whoever it limits, and to administrators and auditors."""
        if not await self.rules.rule_of(by):
            await self.registry_authorization.require_auditor(by, "look at", _WHAT)
        return await self.rules.stored()

    async def approve(self, texts: Sequence[str], reason: str, *, by: Principal) -> Approvals:
        """Approve versions, such as `acme/greet:1.*`, and tell those who asked for the packages;
        the audit log has the reason. Raises `InvalidRequest` and `approvals-full`."""
        await self.registry_authorization.require_fresh(by, "change", _WHAT)
        wanted = _parsed(texts)
        reason = _reason(reason)

        def change(stored: Approvals) -> tuple[Approval, ...]:
            known = {each.key for each in stored.approved}
            now_ms = self.clock.now_ms()
            added = (
                Approval(package=each.package, versions=str(each.versions), at_ms=now_ms)
                for each in wanted
                if each.key not in known
            )
            return (*stored.approved, *added)

        changed = await self._change(change, "changed", wanted, reason, by)
        for each in wanted:
            await self._decide(each, reason, by)
        return changed

    async def withdraw(self, texts: Sequence[str], reason: str, *, by: Principal) -> Approvals:
        """Take approvals off the list. What was taken before stays with those who have it."""
        await self.registry_authorization.require_fresh(by, "change", _WHAT)
        wanted = _parsed(texts)
        reason = _reason(reason)
        gone = {each.key for each in wanted}

        def change(stored: Approvals) -> tuple[Approval, ...]:
            missing = gone - {each.key for each in stored.approved}
            for package, versions in sorted(missing):
                message = f"{package}:{versions} is not on the list of what is approved."
                raise NotFound("approval-not-found", message)
            return tuple(each for each in stored.approved if each.key not in gone)

        return await self._change(change, "withdrawn", wanted, reason, by)

    @retried_when_stale
    async def _change(
        self,
        change: Callable[[Approvals], tuple[Approval, ...]],
        what: str,
        wanted: Sequence[WantedApproval],
        reason: str,
        by: Principal,
    ) -> Approvals:
        stored = await self.rules.stored()
        approved = change(stored)
        if len(approved) > MAX_APPROVED_PACKAGES:
            raise Conflict(
                "approvals-full",
                f"There can be {MAX_APPROVED_PACKAGES:,} approvals. Replace several by a range, "
                "such as acme/greet:1.*, or by acme/*:*.",
            )
        if approved == stored.approved:
            return stored
        named = "; ".join(map(str, wanted))[:_MOST_IN_AN_EVENT]
        details = {"releases": named, "reason": reason}
        event = EntityChange(f"approval.{what}", "mirror", account=by.id, details=details)
        return await self._write(stored.model_copy(update={"approved": approved}), event, by)

    async def _write(self, approvals: Approvals, event: EntityChange, by: Principal) -> Approvals:
        written = await self.audited_writer.put(approvals, stored=approvals, change=event, by=by)
        self.rules.invalidate()
        return written

    # --- Requests --------------------------------------------------------------------------------

    async def request_for(self, package: Package, *, by: Principal) -> ApprovalRequest | None:
        """Return the request for a package that was asked for, to people with an account; without
        those who asked, except to administrators and themselves."""
        found = await self.directory.get(ApprovalRequest, request_place(package))
        if found is None or await self._is_curator(by):
            return found
        return found.seen_by(by.id)

    async def _is_curator(self, by: Principal) -> bool:
        if by.is_operator:
            return True
        account = await self.directory.get(Account, Place(by.id)) if by.id else None
        now_ms = self.clock.now_ms()
        return account is not None and account.administers_at(now_ms) and by.manages_everything

    async def requests(self, *, by: Principal) -> list[ApprovalRequest]:
        """Return the open requests to administrators and auditors, the oldest first."""
        await self.registry_authorization.require_auditor(by, "look at", _WHAT)
        found = await self.directory.list_by_subject(ApprovalRequest, RequestState.OPEN.value)
        return sorted(found, key=lambda each: each.asked_ms)[:MAX_LISTED_REQUESTS]

    async def ask(
        self, package: Package, wanted: Version | Range, reason: str, *, by: Principal
    ) -> ApprovalRequest:
        """Ask for a package; the first request is mailed to administrators, and whoever asks is
        mailed the decision. A repeat changes the reason."""
        if by.is_anonymous:
            raise credentials_missing()
        reason = parse_asked_reason(reason)
        if not await self.rules.rule_of(by):
            raise Conflict(
                "approval-not-needed",
                f"You may take {package} without an approval: no rule limits what you take from "
                "other registries.",
            )
        request, is_new = await self._ask(package, wanted, reason, by)
        if is_new:
            await self._send_to_curators(request, reason)
        return request

    @retried_when_stale
    async def _ask(
        self, package: Package, wanted: Version | Range, reason: str, by: Principal
    ) -> tuple[ApprovalRequest, bool]:
        now_ms = self.clock.now_ms()
        stored = await self.directory.get(ApprovalRequest, request_place(package))
        asker = ApprovalAsker(account=by.id, reason=reason, at_ms=now_ms)
        is_open = stored is not None and stored.state is RequestState.OPEN
        others = stored.askers if stored and is_open else ()
        askers = (*(each for each in others if each.account != by.id), asker)[-MAX_ASKERS:]
        request = ApprovalRequest(
            org=package.org,
            name=package.name,
            wanted=stored.wanted if stored and is_open else str(wanted),
            askers=askers,
            asked_ms=stored.asked_ms if stored and is_open else now_ms,
        )
        details = {"wanted": str(wanted), "reason": reason}
        event = EntityChange("approval.asked", str(package), account=by.id, details=details)
        written = await self.audited_writer.put(request, stored=stored, change=event, by=by)
        return written, not is_open

    async def refuse(self, package: Package, reason: str, *, by: Principal) -> ApprovalRequest:
        """Refuse a request, and tell those who asked why. Raises `approval-not-asked`."""
        await self.registry_authorization.require_fresh(by, "change", _WHAT)
        reason = _reason(reason)
        decided = await self._close(package, RequestState.REFUSED, reason, by)
        if decided is None:
            message = f"Nobody asks for {package} at the moment, so there is nothing to refuse."
            raise NotFound("approval-not-asked", message)
        return decided

    async def _decide(self, approved: WantedApproval, reason: str, by: Principal) -> None:
        """Close the request for a package of which something was approved."""
        if not approved.package.endswith("/*"):
            package = Package.parse(*approved.package.split("/"))
            answer = f"{approved} is approved: {reason}"
            await self._close(package, RequestState.APPROVED, answer, by)

    @retried_when_stale
    async def _close(
        self, package: Package, state: RequestState, answer: str, by: Principal
    ) -> ApprovalRequest | None:
        """Close an open request, and tell those who asked; None if there is none. After a crash
        between the two they read the decision on the page of the package."""
        stored = await self.directory.get(ApprovalRequest, request_place(package))
        if stored is None or stored.state is not RequestState.OPEN:
            return None
        update = {
            "state": state,
            "decided_ms": self.clock.now_ms(),
            "answer": answer,
            "askers": (),
        }
        details = {"answer": answer}
        event = EntityChange(_DECIDED[state], str(package), account=by.id, details=details)
        decided = stored.model_copy(update=update)
        accounts = await accounts_by_ids(self.directory, [each.account for each in stored.askers])
        written = await self.audited_writer.replace(decided, change=event, by=by)
        mail = mail_text(
            "approval-decided",
            package=str(package),
            decision=state.value,
            answer=answer,
            page=f"{self.rules.base_url}{approval_path(package)}",
        )
        await self.mail_delivery.send_to_accounts(accounts, mail)
        return written

    async def _send_to_curators(self, request: ApprovalRequest, reason: str) -> None:
        mail = mail_text(
            "approval-asked",
            package=str(request.package),
            wanted=request.wanted,
            reason=reason,
            page=f"{self.rules.base_url}{approval_path(request.package)}",
        )
        await self.mail_delivery.send_to(Recipients(audience=Audience.ADMINISTRATORS), mail)

    # --- Dry run ---------------------------------------------------------------------------------

    async def dry_run_of(self, org: OrgName, *, by: Principal) -> ApprovalDryRun:
        """Do as `dry_run` does for somebody who manages an organization that may get the rule. The
        pulls are those of everybody."""
        await self.authorization.require_to_read(by, Action.MANAGE, org)
        approved = ApprovedVersions.of((await self.rules.stored()).approved)
        return await self._effects(approved, sees_internal=by.reads_internal)

    async def dry_run(self, added: Sequence[str] = (), *, by: Principal) -> ApprovalDryRun:
        """Return the stored releases of upstreams that were pulled in the last 30 days and that
        the rule would refuse, with these approvals besides those of the list. The cost grows with
        the packages of upstreams."""
        await self.registry_authorization.require(by, "look at", _WHAT)
        approved = list((await self.rules.stored()).approved)
        for each in _parsed(added) if added else ():
            approved.append(Approval(package=each.package, versions=str(each.versions), at_ms=0))
        return await self._effects(ApprovedVersions.of(approved), sees_internal=True)

    async def _effects(self, approved: ApprovedVersions, *, sees_internal: bool) -> ApprovalDryRun:
        """Return the pulled releases of upstreams that are not approved; internal ones only if they
        are asked for."""
        found = list[ApprovalEffect]()
        seen = 0
        async for heads in package_batches(self.metadata, PACKAGES_READ_AT_ONCE):
            theirs = [
                each.package
                for each in heads
                if each.upstream and (sees_internal or each.visibility is Visibility.PUBLIC)
            ]
            for survey in await self.metadata.survey(theirs) if theirs else ():
                if survey is None:
                    continue
                seen += len(survey.entries)
                package = survey.head.package
                refused = [e for e in survey.live if not approved.allows(package, e.parsed)]
                pulls: Mapping[str, int] = await self._pulls(package) if refused else {}
                found += [
                    ApprovalEffect(f"{package}:{each.version}", pulls[each.version])
                    for each in refused
                    if pulls.get(each.version)
                ]
        found.sort(key=lambda each: (-each.pulls, each.release))
        return ApprovalDryRun(tuple(found), seen)

    async def _pulls(self, package: Package) -> Mapping[str, int]:
        since_ms = self.clock.now_ms() - DRY_RUN_PERIOD // MS
        days = (await self.pulls.history(package, since=utc_day(since_ms))).days
        pulls = Counter[str]()
        for versions in days.values():
            pulls.update(versions)
        return pulls


_DECIDED = {RequestState.APPROVED: "approval.approved", RequestState.REFUSED: "approval.refused"}
_MOST_IN_AN_EVENT = 4_000  # Characters. Events are read in pages, so they are kept short.


def _parsed(texts: Iterable[str]) -> list[WantedApproval]:
    parsed = [parse_approval(each) for each in texts if each.strip()]
    if not parsed:
        message = "Name what is approved: a package and its versions, such as acme/greet:1.*."
        raise InvalidRequest(message)
    return parsed


def _reason(text: str) -> str:
    with about_field("reason"):
        return parse_required_reason(text, "the decision")
