"""A person left: what they have and made here as one statement, and its end or handover in one
act."""

from collections.abc import AsyncIterator, Sequence
from datetime import timedelta

from msgspec import Struct

from shared.auth.registry_authorization import RegistryAuthorization
from shared.domain.accounts import Account
from shared.domain.errors.base import Conflict, Forbidden, InvalidRequest, about_field
from shared.domain.errors.identity import account_locked
from shared.domain.event_queries import EventQuery
from shared.domain.events import Event
from shared.domain.identities import Identity
from shared.domain.memberships import Membership
from shared.domain.names import OrgName
from shared.domain.principals import Principal
from shared.domain.reasons import parse_required_reason
from shared.domain.scopes import Role
from shared.domain.sessions import Session
from shared.domain.times import DAY_MS, MS, time_text
from shared.ports.directory import DirectoryStore
from shared.ports.events import EventReader
from shared.ports.system import Clock
from shared.services.administration.account_administration import AccountAdministration
from shared.services.administration.administrators import Administrators
from shared.services.administration.auditors import Auditors
from shared.services.existing_organizations import existing_organization
from shared.services.feed_position import last_event_number
from shared.services.identity.accounts import account_by_id, organization_owners
from shared.services.organizations.made_by_accounts import MadeByAccounts, MadeItem, MadeKind
from shared.services.organizations.memberships import Memberships
from shared.services.record_batches import EVENTS_READ_AT_ONCE
from shared.services.tokens.tokens import UsedToken

RELEASES_OF = timedelta(days=90)
REASON = "The person left."  # The reason of the lock, unless the caller gives one.

# What stops with its maker, and how somebody makes it work again.
_STOPPED = {
    MadeKind.TOKEN: "Stopped, until an owner confirms it",
    MadeKind.PUBLISHER: "Stopped, until an owner confirms it",
    MadeKind.WEBHOOK: "Stopped, until an owner confirms it",
    MadeKind.DIRECTORY_TOKEN: "Stopped; create another one and give it to the directory",
}


class LeaverRelease(Struct, frozen=True):
    """A release that somebody published: with the token `credential`, or in a session."""

    release: str
    at_ms: int
    credential: str


class LeaversStatement(Struct, frozen=True):
    """All that one person has and made in this registry, at one time."""

    account: Account
    at_ms: int
    tokens: tuple[UsedToken, ...]
    made: tuple[MadeItem, ...]
    sessions: tuple[Session, ...]
    identities: tuple[Identity, ...]
    memberships: tuple[Membership, ...]
    sole_owner_of: tuple[str, ...]  # Organizations without another owner who can sign in.
    releases: tuple[LeaverRelease, ...]

    def parts(self) -> list[tuple[str, list[str]]]:
        """Return the lists of the statement as people read them, with their titles."""
        releases = [
            f"{each.release}, {time_text(each.at_ms)}, with {each.credential}"
            for each in self.releases
        ]
        return [
            ("Own access tokens", [f"{e.token.name} ({e.token.id})" for e in self.tokens]),
            ("Sessions", [f"{e.id} from {e.address or 'unknown'}" for e in self.sessions]),
            ("Sign-in methods", [each.label for each in self.identities]),
            ("Roles", [f"{each.role.value} of {each.org}" for each in self.memberships]),
            ("The only owner who can sign in", [*self.sole_owner_of]),
            ("Made for organizations", [each.described for each in self.made]),
            (f"Releases of the last {RELEASES_OF.days} days", releases),
        ]

    def lines(self) -> list[str]:
        """Return the statement as a command prints it."""
        account = self.account
        state = "locked" if account.is_locked else "not locked"
        roles = ", administrator" if account.administrator else ""
        roles += ", auditor" if account.auditor else ""
        found = [f"{account.name} ({account.id}): {state}{roles}. At {time_text(self.at_ms)}."]
        for title, values in self.parts():
            found += [f"{title}: {len(values) or 'none'}", *(f"  {each}" for each in values)]
        return found


class LeaveRequest(Struct, frozen=True):
    """The decision about a leaver: whether what they have ends, and who takes it over before."""

    ends: bool
    successor: Account | None
    reason: str = REASON


class Leaving(Struct, frozen=True):
    """States what a leaver has, ends it and hands it over, for administrators."""

    directory: DirectoryStore
    events: EventReader
    registry_authorization: RegistryAuthorization
    administrators: Administrators
    auditors: Auditors
    accounts: AccountAdministration
    made_by_accounts: MadeByAccounts
    memberships: Memberships
    clock: Clock

    async def statement(self, account: Account, *, by: Principal) -> LeaversStatement:
        """Return what an account has and made. The cost grows with the number of tokens of the
        registry, and with its events of the last 90 days."""
        details = await self.accounts.show(account.id, EventQuery(count=1), by=by)
        made = await self.made_by_accounts.of_account(account.id)
        used = {each.token.id for each in details.tokens}
        used |= {each.id for each in made if each.kind is MadeKind.TOKEN}
        return LeaversStatement(
            account=details.account,
            at_ms=self.clock.now_ms(),
            tokens=details.tokens,
            made=tuple(made),
            sessions=details.sessions,
            identities=details.identities,
            memberships=details.memberships,
            sole_owner_of=tuple(await self._sole_owner_of(account, details.memberships)),
            releases=tuple([each async for each in self._releases(account.id, used)]),
        )

    async def leave(
        self, account: Account, request: LeaveRequest, *, by: Principal
    ) -> Sequence[str]:
        """Hand over, then end, and return what was done, a sentence each; a repeat goes on after a
        crash. Raises `last-administrator`, `account-locked`, `reason-missing` and `InvalidRequest`
        before anything is changed."""
        await self.registry_authorization.require_fresh(by, "end", f"what {account.name} has")
        reason = await self._checked_reason(account, request)
        done = list[str]()
        if request.successor is not None:
            done += await self._hand_over(account, request.successor, reason, by)
        if request.ends:
            done += await self._end(account, reason, by)
        return done

    async def _checked_reason(self, account: Account, request: LeaveRequest) -> str:
        """Return the reason of a request that can be carried out whole."""
        successor = request.successor
        if not request.ends and successor is None:
            message = "Choose what to do: end what the person has, hand it over, or both."
            with about_field("end"):
                raise InvalidRequest(message)
        if successor is not None:
            with about_field("successor", Forbidden):
                if successor.id == account.id:
                    message = f"{account.name} leaves, so hand over to somebody else."
                    raise InvalidRequest(message)
                if successor.is_locked:
                    raise account_locked(successor.name)
        with about_field("reason"):
            reason = parse_required_reason(request.reason, f"what happens to {account.name}")
        if request.ends and account.administrator:
            await self.administrators.require_another(account)
        return reason

    async def _hand_over(
        self, account: Account, successor: Account, reason: str, by: Principal
    ) -> list[str]:
        """Make the successor an owner where the leaver is the only one, and the maker of what the
        leaver made wherever the successor is an owner or an administrator."""
        done = list[str]()
        maker = Principal(successor.id)
        held = await self.memberships.of_account(account.id)
        for org in await self._sole_owner_of(account, held):
            await self.memberships.set_member(
                OrgName(org), successor, Role.OWNER, by=by, reason=reason
            )
            access = await self.directory.access_context(
                successor.id, OrgName(org), self.clock.now_ms()
            )
            done.append(
                f"{successor.name} is an owner of {org}."
                if access.role is Role.OWNER
                else f"{successor.name} becomes an owner of {org} in 48 hours."
            )
        made = await self.made_by_accounts.of_account(account.id)
        for org in sorted({each.org for each in made}):
            if not await self._governs(successor, org):
                where = org or "the registry"
                done.append(
                    f"{successor.name} is no owner of {where}: its owners confirm what stops."
                )
                continue
            taken = await self.made_by_accounts.take_over(org, account.id, maker, by=by)
            done += [f"{successor.name} is the maker of {each.described}." for each in taken]
        return done

    async def _governs(self, account: Account, org: str) -> bool:
        now_ms = self.clock.now_ms()
        if account.administers_at(now_ms):
            return True
        if not org:
            return False
        access = await self.directory.access_context(account.id, OrgName(org), now_ms)
        return access.role is Role.OWNER

    async def _end(self, account: Account, reason: str, by: Principal) -> list[str]:
        """Lock the account first, so that nothing new begins; then end what it has."""
        await self.accounts.lock(account, reason, by=by)
        account = await account_by_id(self.directory, account.id) or account
        done = [f"Locked the account {account.name}; its sessions ended."]
        revoked = await self.accounts.revoke_all_tokens(account, reason, by=by)
        done.append(f"Revoked {revoked} access tokens of {account.name}.")
        made = await self.made_by_accounts.of_account(account.id)
        await self.made_by_accounts.withdraw_invitations(account.id, by=by)
        done += [f"Withdrew {each.described}." for each in made if each.kind is MadeKind.INVITATION]
        if account.is_administrator_by_hand:
            await self.administrators.dismiss(account, reason, by=by)
            done.append(f"{account.name} is no longer an administrator.")
        if account.auditor:
            await self.auditors.dismiss(account, reason, by=by)
            done.append(f"{account.name} is no longer an auditor.")
        for membership in await self.memberships.of_account(account.id):
            if not await self._is_deleted(membership.org):
                done.append(await self._end_membership(account, membership, reason, by))
        return [
            *done,
            *(
                f"{_STOPPED[each.kind]}: {each.described}."
                for each in await self.made_by_accounts.of_account(account.id)
                if each.kind in _STOPPED
            ),
        ]

    async def _end_membership(
        self, account: Account, membership: Membership, reason: str, by: Principal
    ) -> str:
        org = membership.org
        try:
            await self.memberships.remove_member(OrgName(org), account, by=by, reason=reason)
        except Conflict as refusal:  # The last owner, or a role by a group.
            return f"{account.name} stays {membership.role.value} of {org}: {refusal}"
        return f"{account.name} is no longer {membership.role.value} of {org}."

    async def _sole_owner_of(
        self, account: Account, memberships: Sequence[Membership]
    ) -> list[str]:
        """Return the organizations in which no other owner can sign in."""
        now_ms = self.clock.now_ms()
        found = list[str]()
        for each in memberships:
            if each.role is not Role.OWNER:
                continue
            if await self._is_deleted(each.org):
                continue
            owners = await organization_owners(self.directory, each.org, now_ms)
            if not any(other.id != account.id and not other.is_locked for other in owners):
                found.append(each.org)
        return found

    async def _is_deleted(self, org: str) -> bool:
        """Check whether an organization is deleted: roles in it end with its records."""
        return await existing_organization(self.directory, org, self.clock.now_ms()) is None

    async def _releases(self, account_id: str, tokens: set[str]) -> AsyncIterator[LeaverRelease]:
        """Yield what the account, or a token that it has or made, published lately."""
        since_ms = self.clock.now_ms() - RELEASES_OF // MS
        async for event in self._events_since(since_ms):
            is_own = event.actor == account_id or event.credential in tokens
            if event.kind == "release.published" and is_own:
                yield LeaverRelease(event.subject, event.at_ms, event.credential)

    async def _events_since(self, since_ms: int) -> AsyncIterator[Event]:
        number = await self._first_since(since_ms)
        while batch := await self.events.since(number, EVENTS_READ_AT_ONCE):
            for _, event in batch:
                if event.at_ms >= since_ms:
                    yield event
            number = batch[-1][0]

    async def _first_since(self, since_ms: int) -> int:
        """Return a number of the feed below all events since that time: numbers have no gaps, and
        events are a little out of order at most."""
        earliest_ms = since_ms - DAY_MS
        low = 0
        high = await last_event_number(self.events)
        while low < high:
            middle = (low + high) // 2
            [(_, event)] = await self.events.since(middle, 1)
            if event.at_ms < earliest_ms:
                low = middle + 1
            else:
                high = middle
        return low
