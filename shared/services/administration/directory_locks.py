"""Locks accounts of people who are disabled or gone in Entra ID, or whom a directory deactivated by
SCIM, and unlocks those of people who are enabled again.

Only an answer about a person counts. Many at once, and the last administrator, wait for an
administrator. Each step may be repeated: what was found is written last, when a lock is complete,
and is removed last, after an unlock.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import timedelta
from enum import Enum

from msgspec import Struct

from shared.auth.identity_providers import DirectoryProvider
from shared.auth.registry_authorization import RegistryAuthorization
from shared.domain.accounts import Account, LockSource
from shared.domain.directory_locks import (
    DirectoryAnswer,
    DirectoryFinding,
    DirectoryState,
    FindingState,
    deactivation_reason,
    finding_place,
    lock_reason,
    may_lock,
    state_of_person,
)
from shared.domain.entities import Place
from shared.domain.errors.base import Conflict, Invalid, NotFound
from shared.domain.errors.identity import NotPermitted
from shared.domain.identities import Identity
from shared.domain.ids import is_id
from shared.domain.principals import DIRECTORY, Principal
from shared.domain.reasons import parse_required_reason
from shared.domain.sentences import listed
from shared.domain.status import StatusProblem, Urgency
from shared.domain.tasks import TaskReport
from shared.domain.text_lines import first_of
from shared.domain.times import DAY_MS, MS
from shared.ports.conflicts import Stale
from shared.ports.directory import DirectoryStore
from shared.ports.system import Clock
from shared.runtime.retries import retried_when_stale, retried_with_back_off
from shared.services.administration.account_administration import AccountAdministration
from shared.services.administration.administrators import Administrators
from shared.services.audited_writes import AuditedWriter, EntityChange
from shared.services.identity.accounts import Accounts, account_names
from shared.services.leases import Leases
from shared.services.mail_delivery import MailDelivery, mail_text
from shared.services.record_batches import RECORDS_AT_ONCE, all_entities, entity_batches

ALL_WHO_WAIT = "*"  # Given instead of account names, it means all accounts that wait.

_LEASE = "directory-locks"
_LEASE_LIFETIME = timedelta(minutes=1)
# The window in which locks are counted together, because renewals of sessions find one person at a
# time.
_AT_ONCE = timedelta(days=1)
_NAMED_IN_MAIL = 50
_WHAT = "the locks by the directory"
_WHY_WAITING = {
    FindingState.WAITS_MANY: "so many at once may be an error of the directory",
    FindingState.WAITS_LAST_ADMINISTRATOR: "no other administrator by hand can sign in",
}
_ENTRA = "entra"  # The name of its provider in identities.


class DirectoryDecision(Enum):
    """What an administrator decides about accounts of people who are disabled or gone."""

    LOCK = "lock"
    KEEP = "keep"  # Do not lock it for what the directory says; ends its lock.
    FOLLOW = "follow"  # No longer keep it: the next answer of the directory decides.


class FoundAccount(Struct, frozen=True):
    """An account whose person is disabled or gone, with its name and that of the decider."""

    name: str
    finding: DirectoryFinding
    decided_by: str


class _Person(Struct, frozen=True):
    """An account, with the identifiers of its person in the directory."""

    account: str
    identifiers: tuple[str, ...]


class DirectoryLocks(Struct, frozen=True):
    """Asks the directory about people, and locks and unlocks accounts by its answers."""

    directory: DirectoryStore
    registry_authorization: RegistryAuthorization
    administrators: Administrators
    accounts: AccountAdministration
    account_records: Accounts
    audited_writer: AuditedWriter
    clock: Clock
    leases: Leases
    mail_delivery: MailDelivery
    entra: DirectoryProvider | None
    base_url: str

    async def review(self, account_id: str, identities: Iterable[Identity]) -> DirectoryState:
        """Ask the directory about the person of an account, act by the answer, and return it.

        Somebody about whom it says nothing certain counts as enabled, and so does somebody whom an
        administrator keeps.
        """
        identifiers = tuple(each.identifier for each in identities if self._is_asked(each))
        if not identifiers:
            return DirectoryState.ENABLED
        [(_, answers)] = await self._ask([_Person(account_id, identifiers)])
        state = state_of_person(answers)
        if state is None:
            return DirectoryState.ENABLED
        finding = await self.directory.get(DirectoryFinding, finding_place(account_id))
        is_kept = finding is not None and finding.state is FindingState.KEPT
        if finding is not None and finding.deactivated_by:
            return DirectoryState.ENABLED if is_kept else DirectoryState.DISABLED
        if state is DirectoryState.ENABLED:
            await self._clear(account_id)
        elif is_kept:
            return DirectoryState.ENABLED
        else:
            await self._act({account_id: state})
        return state

    async def deactivate(self, account_id: str, provider: str, reported: DirectoryState) -> None:
        """Lock an account whose person a directory deactivated or removed by SCIM, unless an
        administrator keeps it. A repeat changes nothing.

        Raises `last-administrator`: a directory leaves nobody without an administrator.
        """
        account = await self.directory.get(Account, Place(account_id))
        if account is None:
            return
        finding = await self.directory.get(DirectoryFinding, finding_place(account_id))
        is_kept = finding is not None and finding.state is FindingState.KEPT
        # What was found is stored when the lock is complete.
        is_complete = finding is not None and not finding.state.waits
        if not is_kept and not (account.directory_lock is not None and is_complete):
            now_ms = self.clock.now_ms()
            reason = deactivation_reason(provider, reported, now_ms)
            await self.accounts.lock(account, reason, by=DIRECTORY, source=LockSource.DIRECTORY)
        await self._store_deactivation(account_id, provider, reported)

    async def activate(self, account_id: str, provider: str) -> None:
        """End the lock by directories after one activated the person by SCIM, unless another one
        deactivated them. A lock of administrators stays."""
        finding = await self.directory.get(DirectoryFinding, finding_place(account_id))
        if finding is not None and {*finding.deactivated_by} - {provider}:
            await self._end_deactivation(account_id, provider)
        else:
            await self._unlock(account_id)

    @retried_when_stale
    async def _store_deactivation(
        self, account_id: str, provider: str, reported: DirectoryState
    ) -> None:
        stored = await self.directory.get(DirectoryFinding, finding_place(account_id))
        now_ms = self.clock.now_ms()
        if stored is None:
            new = DirectoryFinding(
                account=account_id,
                said=reported,
                state=FindingState.LOCKED,
                at_ms=now_ms,
                deactivated_by=(provider,),
            )
            await self.directory.add(new)
            return
        state = FindingState.LOCKED if stored.state.waits else stored.state
        directories = tuple(sorted({*stored.deactivated_by, provider}))
        update = {"said": reported, "state": state, "deactivated_by": directories}
        changed = stored.model_copy(update=update)
        if changed != stored:
            await self.directory.replace(changed)

    @retried_when_stale
    async def _end_deactivation(self, account_id: str, provider: str) -> None:
        stored = await self.directory.get(DirectoryFinding, finding_place(account_id))
        if stored is not None and provider in stored.deactivated_by:
            left = tuple(each for each in stored.deactivated_by if each != provider)
            await self.directory.replace(stored.model_copy(update={"deactivated_by": left}))

    async def require_enabled(self, by: Principal, verb: str, what: str) -> None:
        """Raise `NotPermitted` if the directory says that the person of `by` is disabled or gone;
        `verb` and `what` complete "You may not …"."""
        if not is_id(by.id) or self.entra is None:
            return
        identities = await self.directory.list_by_subject(Identity, by.id)
        if await self.review(by.id, identities) is not DirectoryState.ENABLED:
            reason = "Microsoft Entra ID says that you are disabled or no longer there"
            raise NotPermitted(verb, what, reason, "Ask an administrator of this registry.")

    async def review_everybody(self) -> TaskReport:
        """Ask about everybody with an identity of the directory, and act by the answers."""
        people = await self._people()
        reported = dict[str, DirectoryState]()
        problems = Counter[str]()
        for begin in range(0, len(people), RECORDS_AT_ONCE):
            asked = await self._ask(people[begin : begin + RECORDS_AT_ONCE])
            for person, answers in asked:
                state = state_of_person(answers)
                if state is not None:
                    reported[person.account] = state
                else:
                    problems[next(each.problem for each in answers if each.state is None)] += 1
            if not any(answer.state for _, answers in asked for answer in answers):
                break  # The directory does not answer, and each further question takes time.
        changed = 0
        for account_id in await self._found_or_locked():
            if reported.get(account_id) is DirectoryState.ENABLED:
                changed += await self._clear(account_id)
        missing = {each: state for each, state in reported.items() if state is not _ENABLED}
        changed += await self._act(missing) if missing else 0
        return TaskReport(len(people), changed, tuple(_problem_sentences(problems)))

    async def waiting(self) -> list[FoundAccount]:
        """Return the accounts that wait for an administrator; callers check rights."""
        return [each for each in await self._found() if each.finding.state.waits]

    async def found(self, *, by: Principal) -> list[FoundAccount]:
        """Return every account whose person is disabled or gone, those that wait first."""
        await self.registry_authorization.require_auditor(by, "see", _WHAT)
        return await self._found()

    async def decide(
        self, names: Sequence[str], decision: DirectoryDecision, *, reason: str, by: Principal
    ) -> Sequence[FoundAccount]:
        """Lock or keep accounts, or follow the directory again; return what is found then.

        Raises `nothing-found` for an account whose person the directory calls enabled, and
        `last-administrator`.
        """
        await self.registry_authorization.require_fresh(by, "decide", _WHAT)
        reason = parse_required_reason(reason, "this decision")
        for finding in await self._chosen(names):
            account = await self.directory.get(Account, Place(finding.account))
            if account is None:
                await self._remove(finding.account)
            elif decision is DirectoryDecision.LOCK:
                await self.accounts.lock(account, reason, by=by, source=LockSource.DIRECTORY)
                await self._store(finding, FindingState.LOCKED, reason, by)
            elif decision is DirectoryDecision.KEEP:
                # The decision first: the directory may be asked in between.
                await self._store(finding, FindingState.KEPT, reason, by)
                await self.accounts.unlock(account, by=by, source=LockSource.DIRECTORY)
            elif finding.state is FindingState.KEPT:
                await self._remove(finding.account)
        return await self._found()

    async def _chosen(self, names: Sequence[str]) -> list[DirectoryFinding]:
        if ALL_WHO_WAIT in names:
            return [each.finding for each in await self.waiting()]
        if not names:
            raise Invalid("accounts-missing", "Name the accounts that you decide about.")
        accounts = [await self.account_records.by_name_or_id(each) for each in names]
        found = [await self.directory.get(DirectoryFinding, finding_place(e.id)) for e in accounts]
        for account, finding in zip(accounts, found, strict=True):
            if finding is None:
                raise NotFound(
                    "nothing-found",
                    f"Microsoft Entra ID has not said that {account.name} is disabled or gone, so "
                    "there is nothing to decide.",
                )
        return [each for each in found if each is not None]

    async def _found(self) -> list[FoundAccount]:
        findings = await all_entities(self.directory, DirectoryFinding)
        names = await account_names(
            self.directory, [name for e in findings for name in (e.account, e.decided_by)]
        )
        found = [
            FoundAccount(names[each.account], each, names.get(each.decided_by, each.decided_by))
            for each in findings
            if each.account in names
        ]
        return sorted(found, key=lambda e: (not e.finding.state.waits, e.name.lower()))

    def _is_asked(self, identity: Identity) -> bool:
        if self.entra is None or identity.provider != _ENTRA:
            return False
        # The directory of another tenant knows none of these people.
        return self.entra.covers(identity.issuer)

    async def _people(self) -> list[_Person]:
        """Return everybody about whom the directory is asked, by account."""
        found = defaultdict[str, list[str]](list)
        async for batch in entity_batches(self.directory, Identity, RECORDS_AT_ONCE):
            for each in batch:
                if self._is_asked(each):
                    found[each.account].append(each.identifier)
        return [_Person(account, tuple(each)) for account, each in sorted(found.items())]

    async def _found_or_locked(self) -> list[str]:
        """Return the accounts that an answer may unlock; one may have no finding after a crash."""
        found = {each.account for each in await all_entities(self.directory, DirectoryFinding)}
        async for batch in entity_batches(self.directory, Account, RECORDS_AT_ONCE):
            found |= {each.id for each in batch if each.directory_lock is not None}
        return sorted(found)

    async def _ask(
        self, people: Sequence[_Person]
    ) -> list[tuple[_Person, Sequence[DirectoryAnswer]]]:
        if self.entra is None:
            return []
        answers = iter(
            await self.entra.account_states([name for each in people for name in each.identifiers])
        )
        return [(each, [next(answers) for _ in each.identifiers]) for each in people]

    async def _clear(self, account_id: str) -> bool:
        """As `_unlock`, after an answer of Entra ID, which does not end what SCIM said."""
        finding = await self.directory.get(DirectoryFinding, finding_place(account_id))
        if finding is not None and finding.deactivated_by:
            return False
        return await self._unlock(account_id)

    async def _unlock(self, account_id: str) -> bool:
        """End the lock of the directory and what was found; say whether there was such a lock."""
        account = await self.directory.get(Account, Place(account_id))
        is_locked = account is not None and account.directory_lock is not None
        finding = await self.directory.get(DirectoryFinding, finding_place(account_id))
        # An earlier attempt may have failed after it ended the lock.
        if account is not None and (is_locked or finding is not None):
            await self.accounts.unlock(account, by=DIRECTORY, source=LockSource.DIRECTORY)
        if finding is not None:
            await self._remove(account_id)
        return is_locked

    @retried_with_back_off
    async def _act(self, reported: Mapping[str, DirectoryState]) -> int:
        """Lock accounts, or let them wait; return how many were locked. One process at a time
        counts those of a day."""
        async with self.leases.held(_LEASE, _LEASE_LIFETIME) as is_held:
            if not is_held:
                raise Stale
            stored = await all_entities(self.directory, DirectoryFinding)
            findings = {each.account: each for each in stored}
            due = [
                (account, state)
                for account_id, state in reported.items()
                if (account := await self._due(account_id, state, findings.get(account_id)))
            ]
            if not due:
                return 0
            others = [each for each in stored if each.account not in {a.id for a, _ in due}]
            if not await self._may_lock(len(due) + sum(map(self._counts, others))):
                await self._wait(due, FindingState.WAITS_MANY, findings)
                return 0
            last = [each for each in due if not await self._lock(*each)]
            await self._wait(last, FindingState.WAITS_LAST_ADMINISTRATOR, findings)
            return len(due) - len(last)

    async def _due(
        self, account_id: str, state: DirectoryState, finding: DirectoryFinding | None
    ) -> Account | None:
        """Return an account that is to be locked, or to wait."""
        account = await self.directory.get(Account, Place(account_id))
        if account is None:
            return None
        if account.directory_lock is not None:
            if finding is None or finding.state.waits:  # An earlier attempt was interrupted.
                await self._lock(account, state)
            return None
        decided = (FindingState.WAITS_MANY, FindingState.KEPT)
        return None if finding and finding.state in decided else account

    def _counts(self, finding: DirectoryFinding) -> bool:
        """Check whether it is one of those at once."""
        since_ms = self.clock.now_ms() - _AT_ONCE // MS
        is_found = not finding.decided_by and not finding.deactivated_by
        is_recent_lock = finding.state is FindingState.LOCKED and is_found
        return finding.state is FindingState.WAITS_MANY or (
            is_recent_lock and finding.at_ms > since_ms
        )

    async def _may_lock(self, count: int) -> bool:
        return may_lock(count, 0) or may_lock(count, len(await self._people()))

    async def _lock(self, account: Account, state: DirectoryState) -> bool:
        """Lock an account; return False for the last administrator."""
        reason = lock_reason(state, self.clock.now_ms())
        try:
            await self.accounts.lock(account, reason, by=DIRECTORY, source=LockSource.DIRECTORY)
        except Conflict as refusal:
            if refusal.code != "last-administrator":
                raise
            return False
        await self._store_new(account.id, state, FindingState.LOCKED)
        return True

    async def _wait(
        self,
        due: Sequence[tuple[Account, DirectoryState]],
        waiting: FindingState,
        findings: Mapping[str, DirectoryFinding],
    ) -> None:
        """Record accounts that wait for the decision of an administrator, and send mail about new
        ones, once a day."""
        new = [each for each in due if each[0].id not in findings]
        for account, state in new:
            await self._store_new(account.id, state, waiting)
        if not new:
            return
        now_ms = self.clock.now_ms()
        names = sorted(account.name for account, _ in new)
        mail = mail_text(
            "directory-locks-wait",
            count="An account" if len(names) == 1 else f"{len(names)} accounts",
            verb="waits" if len(names) == 1 else "wait",
            url=self.base_url,
            accounts=listed(names, _NAMED_IN_MAIL),
            why=_WHY_WAITING[waiting],
        )
        await self.mail_delivery.send_once(
            f"{_LEASE}:{waiting.name}:{now_ms // DAY_MS}",
            await self.administrators.all(),
            mail,
            until_ms=now_ms + DAY_MS,
        )

    @retried_when_stale
    async def _store_new(
        self, account_id: str, reported: DirectoryState, state: FindingState
    ) -> None:
        """Store what was found; the event of an account that waits goes with it."""
        stored = await self.directory.get(DirectoryFinding, finding_place(account_id))
        now_ms = self.clock.now_ms()
        finding = DirectoryFinding(account=account_id, said=reported, state=state, at_ms=now_ms)
        if stored is not None:
            kept = {"revision": stored.revision, "outbox": stored.outbox}
            await self.directory.replace(finding.model_copy(update=kept))
        elif state.waits:
            change = _change("account.lock-waits", finding, why=_WHY_WAITING[state])
            await self.audited_writer.add(finding, change=change, by=DIRECTORY)
        else:
            await self.directory.add(finding)

    @retried_when_stale
    async def _store(
        self, chosen: DirectoryFinding, state: FindingState, reason: str, by: Principal
    ) -> None:
        """Store the decision of an administrator."""
        stored = await self.directory.get(DirectoryFinding, chosen.place)
        if stored is None:
            return  # The person is enabled again.
        update = {"state": state, "decided_by": by.id, "decision_reason": reason}
        kind = "account.lock-rejected" if state is FindingState.KEPT else "account.lock-confirmed"
        change = _change(kind, stored, reason=reason)
        await self.audited_writer.replace(stored.model_copy(update=update), change=change, by=by)

    @retried_when_stale
    async def _remove(self, account_id: str) -> None:
        stored = await self.directory.get(DirectoryFinding, finding_place(account_id))
        if stored is not None:
            await self.directory.remove(stored)


_ENABLED = DirectoryState.ENABLED


def _change(kind: str, finding: DirectoryFinding, **details: str) -> EntityChange:
    account = finding.account
    return EntityChange(kind, account, account=account, details={**details})


def _problem_sentences(problems: Counter[str]) -> Iterator[str]:
    for problem, count in problems.most_common():
        people = "a person" if count == 1 else f"{count:,} people"
        yield (
            f"Microsoft Entra ID did not say whether {people} may still sign in, so nobody was "
            f"locked for it: {problem}."
        )


def waiting_problem(waiting: Sequence[FoundAccount]) -> StatusProblem:
    """Return the problem that accounts wait for an administrator."""
    names = first_of([each.name for each in waiting])
    return StatusProblem(
        Urgency.WARN,
        f"Disabled or gone in Microsoft Entra ID, and not locked: {names}.",
        "Lock or keep them on /manage/directory-locks, or with `ballroom directory-locks decide`.",
        page="/manage/directory-locks",
    )
