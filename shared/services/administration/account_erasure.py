"""Erasure of accounts: by administrators after a notice or at once, and as the work of everybody
who deletes their own account.
"""

import re
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import suppress
from datetime import UTC, datetime

from msgspec import Struct

from shared.auth.registry_authorization import RegistryAuthorization
from shared.domain.account_erasure import ERASURE_NOTICE, AccountErasure
from shared.domain.accounts import ADMINISTRATORS, Account
from shared.domain.advisories.followers import AdvisoryFollower
from shared.domain.directory_locks import DirectoryFinding, finding_place
from shared.domain.entities import AdditionCount, Entity, Place
from shared.domain.errors.base import Conflict, Invalid, NotFound, Unavailable
from shared.domain.identities import Identity
from shared.domain.mail import EmailAddress
from shared.domain.memberships import Membership
from shared.domain.organizations import Organization, organization_place
from shared.domain.ownership import OwnershipRequest
from shared.domain.principals import MAINTENANCE, Principal
from shared.domain.reasons import parse_required_reason, with_reason
from shared.domain.scim import ScimKey, ScimUser, ScimWaiting
from shared.domain.sentences import counted
from shared.domain.times import MS
from shared.domain.tokens import TokenUse
from shared.ports.conflicts import AlreadyThere, Stale
from shared.ports.directory import DirectoryStore
from shared.ports.events import EventForgetting
from shared.ports.pull_records import PullRecordStore
from shared.ports.system import Clock
from shared.runtime.retries import retried_when_stale, retried_with_back_off
from shared.services.administration.administrators import Administrators
from shared.services.administration.maker_locks import MakerLocks
from shared.services.administration.name_disputes import NameDisputes
from shared.services.audited_writes import AuditedWriter, EntityChange
from shared.services.existing_organizations import existing_organization
from shared.services.following.forgetting import forget_follower
from shared.services.identity.accounts import RetiredNames, organization_owners
from shared.services.identity.mail import AccountMail
from shared.services.identity.sessions import Sessions
from shared.services.mail_delivery import mail_text
from shared.services.organizations.made_by_accounts import MadeByAccounts
from shared.services.organizations.membership_records import MembershipRecords, member_removal
from shared.services.organizations.ownership import OwnerlessOrganizations
from shared.services.record_batches import RECORDS_AT_ONCE, entity_batches
from shared.services.report_records import ReportRecords
from shared.services.stored_records import remove_stored
from shared.services.tokens.tokens import TokenRecords

_KEPT = (
    "Kept: releases and events under the id of the account, and a hash of its name, which nobody "
    "gets again."
)

# What a receipt calls one record of a kind.
_ONE = {
    "sign-in methods": "sign-in method",
    "sessions": "session",
    "access tokens": "access token",
    "roles in organizations": "role in an organization",
    "invitations": "invitation",
    "recorded pulls": "recorded pull",
    "name disputes without its words and name": "name dispute without its words and name",
    "reports without its words and id": "report without its words and id",
    "events without their addresses, browsers and names": "event without its addresses, browser "
    "and names",
}


class ErasureReceipt(Struct, frozen=True):
    """What an erasure deleted: how many records by their names, and what stays."""

    account: str
    at_ms: int
    deleted: Mapping[str, int]
    without_owner: tuple[str, ...]  # Organizations.
    # Whether the deleted bytes in the database files were overwritten; otherwise the task does it.
    is_overwritten: bool
    keeps_address: bool = False  # For the last mail, which the mail server refused.

    def lines(self, manual_page: str) -> list[str]:
        """Return the receipt as sentences, which name the page of the manual about backups."""
        at = datetime.fromtimestamp(self.at_ms // 1000, UTC)
        counts = ", ".join(
            counted(count, _ONE.get(what, what), what)
            for what, count in self.deleted.items()
            if count
        )
        lines = [
            f"Erased the account {self.account} at {at:%Y-%m-%d %H:%M:%S} UTC.",
            f"Deleted: {counts or 'nothing that an earlier attempt left'}.",
            _KEPT,
        ]
        if not self.is_overwritten:
            lines.append(
                "The database was busy, so its file may have the old bytes until the task "
                "erase-accounts overwrites them within the hour."
            )
        if self.keeps_address:
            lines.append(
                "The mail server refused the last mail to the person, so the record of the erasure "
                "keeps the address until the task erase-accounts has sent it, for a day at most."
            )
        lines += [
            f"The organization {org} has no owner any more. Add one: "
            f"ballroom org add-member {org} NAME --role owner"
            for org in self.without_owner
        ]
        lines.append(
            "Backups and snapshots from before still have the data until they are deleted "
            f"({manual_page})."
        )
        return lines


class AccountErasures(Struct, frozen=True):
    """Announces, cancels and carries out erasures. Published releases stay."""

    directory: DirectoryStore
    events: EventForgetting
    registry_authorization: RegistryAuthorization
    administrators: Administrators
    token_records: TokenRecords
    sessions: Sessions
    made_by_accounts: MadeByAccounts
    maker_locks: MakerLocks
    name_disputes: NameDisputes
    report_records: ReportRecords
    ownerless_organizations: OwnerlessOrganizations
    membership_records: MembershipRecords
    retired_names: RetiredNames
    account_mail: AccountMail
    pull_records: PullRecordStore
    audited_writer: AuditedWriter
    clock: Clock

    async def pending(self, account_id: str) -> AccountErasure | None:
        """Return the erasure of the account that waits or is under way."""
        return await self.directory.get(AccountErasure, Place(account_id))

    @retried_with_back_off
    async def announce(self, account: Account, reason: str, *, by: Principal) -> AccountErasure:
        """Erase the account after seven days, unless that is canceled, and send it mail.

        A repeat returns the erasure that waits. Raises as `erase_now` does.
        """
        erasure = await self._checked(account, reason, by)
        known = await self.pending(account.id)
        if known is not None:
            return known
        due = {"due_ms": erasure.asked_ms + ERASURE_NOTICE // MS}
        stored = await self._add(erasure.model_copy(update=due), by)
        self.account_mail.start(self.send_notice(stored))
        return stored

    async def send_notice(self, erasure: AccountErasure) -> int:
        """Send the mail about an erasure that waits, unless it was sent; return how many were
        sent."""
        account = await self.directory.get(Account, Place(erasure.account))
        if account is None:
            return 0
        mail = mail_text(
            "account-erasure",
            name=account.name,
            url=self.administrators.base_url,
            at=_day(erasure.due_ms),
            reason=erasure.reason,
        )
        key = f"account-erasure:{erasure.asked_ms}"
        return await self.administrators.mail_delivery.send_once(
            key, [account], mail, until_ms=erasure.due_ms
        )

    async def check(self, account: Account, reason: str, *, by: Principal) -> str:
        """Raise what `erase_now` would raise before it erases anything; return the reason."""
        return (await self._checked(account, reason, by)).reason

    async def cancel(self, account: Account, *, by: Principal) -> None:
        """Cancel the erasure of the account, by itself or an administrator.

        Raises `erasure-missing`, and `erasure-begun` after its time.
        """
        if by.id != account.id:
            what = f"the account {account.name}"
            await self.registry_authorization.require_fresh(by, "keep", what)
        await self._cancel(account, by)
        self.account_mail.send(account.id, "account-erasure-canceled")

    @retried_with_back_off
    async def erase_now(self, account: Account, reason: str, *, by: Principal) -> ErasureReceipt:
        """Erase the account; a repeat after a crash continues.

        Raises `reason-missing`, `reason-names-account`, `last-administrator`, and as
        `RegistryAuthorization.require_fresh` does.
        """
        erasure = await self._checked(account, reason, by)
        return await self._carry_out(await self._begun(erasure), by)

    async def erase_own(self, account: Account, *, by: Principal) -> ErasureReceipt:
        """Erase the account of `by`; callers check that it may go."""
        return await self._erase_without_reason(account, by)

    @retried_with_back_off
    async def erase_again(self, account: Account, *, by: Principal) -> ErasureReceipt:
        """Erase an account that was erased before, and that a restore of a backup brought back.

        Raises `last-administrator`, and as `RegistryAuthorization.require_fresh` does.
        """
        async with self.administrators.changing(account, "erase", by=by) as current:
            if current.administrator:
                await self.administrators.require_another(current)
        return await self._erase_without_reason(account, by)

    async def all(self) -> AsyncIterator[AccountErasure]:
        """Yield the erasures that wait or are under way."""
        async for batch in entity_batches(self.directory, AccountErasure, RECORDS_AT_ONCE):
            for each in batch:
                yield each

    async def carry_out(self, listed: AccountErasure) -> ErasureReceipt | None:
        """Carry out an erasure whose time has come, in the name of who asked for it; return None if
        it was canceled or is finished since it was listed.

        Raises `last-administrator`.
        """
        account = await self.directory.get(Account, Place(listed.account))
        if account is not None and account.administrator:
            await self.administrators.require_another(account)
        begun = await self._begun_if_due(listed.account)
        if begun is None:
            return None
        return await self._carry_out(begun, Principal(begun.by, credential=MAINTENANCE.credential))

    async def _erase_without_reason(self, account: Account, by: Principal) -> ErasureReceipt:
        now_ms = self.clock.now_ms()
        erasure = AccountErasure(
            account=account.id, by=by.id, reason="", asked_ms=now_ms, due_ms=now_ms
        )
        return await self._carry_out(await self._begun(erasure), by)

    async def _checked(self, account: Account, reason: str, by: Principal) -> AccountErasure:
        """Return an erasure that is due now, if `by` may ask for it."""
        reason = parse_required_reason(reason, f"the erasure of {account.name}")
        if _names(reason, account.name) or (account.email and _names(reason, account.email)):
            raise Invalid(
                "reason-names-account",
                f"The reason names {account.name}, and it stays when the account is erased. Write "
                "one without names, such as the number of the request.",
            )
        async with self.administrators.changing(account, "erase", by=by) as current:
            if current.administrator:
                await self.administrators.require_another(current)
        now_ms = self.clock.now_ms()
        return AccountErasure(
            account=account.id, by=by.id, reason=reason, asked_ms=now_ms, due_ms=now_ms
        )

    async def _add(self, erasure: AccountErasure, by: Principal) -> AccountErasure:
        details = {"reason": erasure.reason, "at": str(erasure.due_ms)}
        change = EntityChange(
            "account.erasing", erasure.account, account=erasure.account, details=details
        )
        try:
            return await self.audited_writer.add(erasure, change=change, by=by)
        except AlreadyThere:  # Somebody else announced it at the same time.
            return await self.pending(erasure.account) or erasure

    @retried_when_stale
    async def _cancel(self, account: Account, by: Principal) -> None:
        erasure = await self.pending(account.id)
        if erasure is None:
            raise NotFound(
                "erasure-missing", f"No erasure of {account.name} waits, so none was canceled."
            )
        if erasure.has_begun:
            raise Conflict(
                "erasure-begun", f"The erasure of {account.name} has begun and cannot be canceled."
            )
        change = EntityChange("account.kept", account.id, account=account.id)
        await self.audited_writer.remove(erasure, change=change, by=by)

    @retried_when_stale
    async def _begun(self, wanted: AccountErasure) -> AccountErasure:
        """Store that the erasure has begun; from now on the task continues it."""
        stored = await self.pending(wanted.account)
        if stored is None:
            try:
                return await self.directory.add(wanted.model_copy(update={"has_begun": True}))
            except AlreadyThere:
                raise Stale from None
        if stored.has_begun:
            return stored
        asked = {
            "by": wanted.by,
            "reason": wanted.reason,
            "due_ms": min(stored.due_ms, wanted.due_ms),
            "has_begun": True,
        }
        return await self.directory.replace(stored.model_copy(update=asked))

    @retried_when_stale
    async def _begun_if_due(self, account_id: str) -> AccountErasure | None:
        """Store that the erasure of the account has begun, unless none is due now."""
        stored = await self.pending(account_id)
        if stored is None or not stored.is_due_at(self.clock.now_ms()):
            return None
        if stored.has_begun:
            return stored
        return await self.directory.replace(stored.model_copy(update={"has_begun": True}))

    async def _carry_out(self, erasure: AccountErasure, by: Principal) -> ErasureReceipt:
        """Delete all records of the account: the ways to sign in before the account, so that no
        sign-in creates it again, and what it did in the logs at the end."""
        account_id = erasure.account
        account = await self.directory.get(Account, Place(account_id))
        if account is not None:
            await self._end_administrator(account, by)
            await self._stop_what_it_made(account, erasure, by)
        orgs = await self._leave(account_id, by)
        await self._review(orgs)
        tokens = await self.token_records.revoke_all(account_id, by=by)
        email = account.email if account else ""
        invitations = await self.made_by_accounts.withdraw_invitations(
            account_id, email=email, by=by
        )
        disputes, reports = await self._forget_words(account, by)
        identities = await self._remove_identities(account_id, by)
        await self._remove_findings(account_id)
        erasure = await self._with_address(erasure, account)
        await self._remove_account(erasure, by)
        sessions = await self.sessions.end_all(account_id, by=by)
        # What a request of the account added meanwhile, or a list did not have yet.
        identities += await self._remove_identities(account_id, by)
        orgs += await self._leave(account_id, by)
        await self._remove_counts(account_id)
        erasure = await self._send_last_mail(erasure)
        pulls = await self.pull_records.forget_principal(account_id)
        events = await self.events.forget_account(account_id)
        is_overwritten = await self._is_overwritten()
        if is_overwritten and not erasure.address:
            with suppress(Stale):  # Another process did the same.
                await self.directory.remove(erasure)
        return ErasureReceipt(
            account=account_id,
            at_ms=self.clock.now_ms(),
            deleted={
                "account with its name and address": int(account is not None),
                "sign-in methods": identities,
                "sessions": len(sessions),
                "access tokens": tokens,
                "roles in organizations": len(orgs),
                "invitations": invitations,
                "recorded pulls": pulls,
                "name disputes without its words and name": disputes,
                "reports without its words and id": reports,
                "events without their addresses, browsers and names": events,
            },
            without_owner=tuple([org for org in orgs if await self._has_no_owner(org)]),
            is_overwritten=is_overwritten,
            keeps_address=bool(erasure.address),
        )

    async def _stop_what_it_made(
        self, account: Account, erasure: AccountErasure, by: Principal
    ) -> None:
        """Stop what the account made, where it does not erase itself."""
        if erasure.by != account.id:
            made = await self.made_by_accounts.of_account(account.id)
            await self.maker_locks.after_deletion(account, made, by=by)

    async def _forget_words(self, account: Account | None, by: Principal) -> tuple[int, int]:
        """Remove what the account wrote in disputes and reports, and keep its name from being given
        again; return how many disputes and reports there were."""
        if account is None:
            return 0, 0
        disputes = await self.name_disputes.forget(account, by=by)
        reports = await self.report_records.forget(account)
        await self.retired_names.retire(account.name, account.id)
        return disputes, reports

    async def _with_address(
        self, erasure: AccountErasure, account: Account | None
    ) -> AccountErasure:
        """Keep the address for the last mail, which somebody who erases their own account does not
        get: a process may end after the account is gone and before the mail is sent."""
        if account is None or not account.email or erasure.by == account.id:
            return erasure
        return await self.directory.replace(erasure.model_copy(update={"address": account.email}))

    async def _send_last_mail(self, erasure: AccountErasure) -> AccountErasure:
        """Send the mail about a finished erasure to the address that was kept for it, and forget
        the address. What the mail server refuses is sent again by the task, for a day."""
        if not erasure.address:
            return erasure
        text = mail_text("account-erased", url=self.administrators.base_url)
        is_sent = await self.administrators.mail_delivery.send(EmailAddress(erasure.address), text)
        if not is_sent and not erasure.is_mail_given_up_at(self.clock.now_ms()):
            return erasure
        return await self.directory.replace(erasure.model_copy(update={"address": ""}))

    async def _remove_findings(self, account_id: str) -> None:
        """Remove requests for the ownership of organizations, and what directories said."""
        requests = await self.directory.list_by_subject(OwnershipRequest, account_id)
        finding = await self.directory.get(DirectoryFinding, finding_place(account_id))
        provisioned = await self._provisioned(account_id)
        for each in [*requests, *([finding] if finding else []), *provisioned]:
            await remove_stored(self.directory, each)

    async def _provisioned(self, account_id: str) -> list[Entity]:
        """Return what directories store about the person by SCIM."""
        users = await self.directory.list_by_subject(ScimUser, account_id)
        waiting = await self.directory.list_by_subject(ScimWaiting, account_id)
        keys = [await self.directory.get(ScimKey, key.place) for user in users for key in user.keys]
        return [*waiting, *users, *(key for key in keys if key is not None)]

    async def _is_overwritten(self) -> bool:
        try:
            await self.events.overwrite_forgotten()
        except Unavailable:  # The task repeats it: until then the record of the erasure stays.
            return False
        return True

    @retried_with_back_off
    async def _end_administrator(self, account: Account, by: Principal) -> None:
        if not account.administrator:
            return
        async with self.administrators.leases.lease(ADMINISTRATORS):
            current = await self.directory.get(Account, Place(account.id))
            if current is not None and current.administrator:
                await self.administrators.end_role(current, by=by)

    async def _leave(self, account_id: str, by: Principal) -> list[str]:
        """Remove the roles of the account; return the organizations that it owned or was in."""
        left = list[str]()
        for listed in await self.directory.list_by_subject(Membership, account_id):
            if await self._leave_organization(listed.place, by):
                left.append(listed.org)
        return left

    @retried_when_stale
    async def _leave_organization(self, place: Place, by: Principal) -> bool:
        """Remove a role that a list shows, which may be out of date; say whether there was one."""
        membership = await self.directory.get(Membership, place)
        if membership is None:
            return False
        await self._keep_owners(membership, by)
        change = member_removal(membership)
        await self.audited_writer.remove(membership, change=change, by=by)
        return True

    async def _keep_owners(self, membership: Membership, by: Principal) -> None:
        """Keep as owners those who were about to hand their organization over to this account."""
        organization = await self.directory.get(Organization, organization_place(membership.org))
        if organization is not None:
            members = await self.membership_records.read(organization)
            await self.membership_records.keep_owners(members, membership.account, by)

    async def _review(self, orgs: Iterable[str]) -> None:
        """Refresh the stored reason why an organization has no active owner, since it names the
        account."""
        for org in orgs:
            organization = await self.directory.get(Organization, organization_place(org))
            if organization is not None:
                await self.ownerless_organizations.review(organization)

    async def _remove_identities(self, account_id: str, by: Principal) -> int:
        listed = await self.directory.list_by_subject(Identity, account_id)
        return sum([await self._remove_identity(each, by) for each in listed])

    @retried_when_stale
    async def _remove_identity(self, listed: Identity, by: Principal) -> bool:
        """Remove an identity that a list shows, which may be out of date; say whether there was
        one."""
        identity = await self.directory.get(Identity, listed.place)
        if identity is None or identity.account != listed.account:
            return False
        details = {"provider": identity.provider}  # Without the label: it is erased.
        change = EntityChange(
            "identity.removed", identity.id, account=identity.account, details=details
        )
        await self.audited_writer.remove(identity, change=change, by=by)
        return True

    @retried_when_stale
    async def _remove_account(self, erasure: AccountErasure, by: Principal) -> None:
        account = await self.directory.get(Account, Place(erasure.account))
        if account is None:
            return
        details = with_reason(erasure.reason)
        change = EntityChange("account.deleted", account.id, account=account.id, details=details)
        await self.audited_writer.remove(account, change=change, by=by)

    async def _remove_counts(self, account_id: str) -> None:
        """Remove the count of tokens, the records of when and from where they were used, what the
        account was told of advisories, and what it follows."""
        await forget_follower(self.directory, account_id)
        kinds: tuple[type[Entity], ...] = (TokenUse, AdditionCount, AdvisoryFollower)
        for kind in kinds:
            for each in await self.directory.list_by_owner(kind, account_id):
                await remove_stored(self.directory, each)

    async def _has_no_owner(self, org: str) -> bool:
        now_ms = self.clock.now_ms()
        if await existing_organization(self.directory, org, now_ms) is None:
            return False
        return not await organization_owners(self.directory, org, now_ms)


def _names(text: str, name: str) -> bool:
    return re.search(rf"(?<!\w){re.escape(name)}(?!\w)", text, re.IGNORECASE) is not None


def _day(at_ms: int) -> str:
    return datetime.fromtimestamp(at_ms // 1000, UTC).strftime("%d %B %Y")
