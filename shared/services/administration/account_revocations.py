"""Revocations of accounts: erased, locked and dismissed ones, and former names."""

from collections.abc import Sequence

from msgspec import Struct

from shared.domain.accounts import Account, LockSource
from shared.domain.entities import Place
from shared.domain.errors.base import Refusal
from shared.domain.principals import DIRECTORY, OPERATOR
from shared.domain.revocations import Revocation, Subject
from shared.ports.directory import DirectoryStore
from shared.services.administration.account_administration import AccountAdministration
from shared.services.administration.account_erasure import AccountErasures
from shared.services.administration.administrators import Administrators
from shared.services.administration.auditors import Auditors
from shared.services.administration.revocation_report import REASON, RevocationReport
from shared.services.identity.accounts import KeptName, RetiredNames


class AccountRevocations(Struct, frozen=True):
    """Erases, locks and dismisses accounts again, and keeps their former names from others."""

    directory: DirectoryStore
    administrators: Administrators
    auditors: Auditors
    accounts: AccountAdministration
    account_erasures: AccountErasures
    retired_names: RetiredNames

    async def retire_names(
        self, revocations: Sequence[Revocation], report: RevocationReport
    ) -> None:
        kept = 0
        for each in revocations:
            outcome = await self.retired_names.keep(each.salt, each.id)
            kept += outcome is KeptName.NEW
            if outcome is KeptName.UNKNOWN_SALT:
                report.missing[
                    "former names of accounts were hashed with another salt than the backup has: "
                    "anybody can get them."
                ] += 1
        if kept:
            report.applied.append(f"kept {kept} former names of accounts from others")

    async def change_account(self, revocation: Revocation, report: RevocationReport) -> None:
        account = await self.directory.get(Account, Place(revocation.id))
        if account is None:
            if revocation.act == "account.locked":
                report.missing["locked accounts are not in the backup: see who signs in."] += 1
            return
        try:
            await self._erase_or_lock(revocation, account, report)
        except Refusal as refusal:
            report.undecided.append(
                f"{account.name}, {_SAID[revocation.act]} after the backup: {refusal}"
            )

    async def _erase_or_lock(
        self, revocation: Revocation, account: Account, report: RevocationReport
    ) -> None:
        if revocation.act == "account.deleted":
            receipt = await self.account_erasures.erase_again(account, by=OPERATOR)
            report.applied.append(f"erased the account {account.id}")
            report.undecided += [
                f"The organization {org} has no owner without the account {account.id}, which was "
                f"erased after the backup: ballroom org add-member {org} NAME --role owner"
                for org in receipt.without_owner
            ]
            return
        source = _lock_source(revocation)
        if source is None:
            report.undecided.append(
                f"{account.name} was {_SAID[revocation.act]} after the backup by what this version "
                f"does not know: {revocation.source}."
            )
        elif revocation.act == "account.locked" and account.lock_of(source) is None:
            by = DIRECTORY if source is LockSource.DIRECTORY else OPERATOR
            await self.accounts.lock(account, REASON, by=by, source=source)
            by_directory = ", as the directory did" if source is LockSource.DIRECTORY else ""
            report.applied.append(f"locked {account.name}{by_directory}")
        elif revocation.act == "account.unlocked" and account.lock_of(source) is not None:
            way_out = f"ballroom account unlock {account.name}"
            if source is LockSource.DIRECTORY:
                way_out = "the directory unlocks it again if its person is enabled."
            report.undecided.append(
                f"{account.name} was unlocked after the backup, and is locked here: {way_out}"
            )

    async def change_administrator(self, revocation: Revocation, report: RevocationReport) -> None:
        account = await self.directory.get(Account, Place(revocation.id))
        if account is None:
            return
        is_one = account.is_administrator_by_hand
        if revocation.act == "account.appointed" and not is_one:
            report.undecided.append(
                f"{account.name} became an administrator after the backup, and is none here."
            )
        elif revocation.act == "account.dismissed" and is_one:
            try:
                await self.administrators.dismiss(account, REASON, by=OPERATOR)
                report.applied.append(f"dismissed {account.name} as administrator")
            except Refusal as refusal:
                report.undecided.append(f"{account.name}, dismissed after the backup: {refusal}")

    async def change_auditor(self, revocation: Revocation, report: RevocationReport) -> None:
        account = await self.directory.get(Account, Place(revocation.id))
        if account is None:
            return
        if revocation.act == "auditor.appointed" and not account.auditor:
            report.undecided.append(
                f"{account.name} became an auditor after the backup, and is none here."
            )
        elif revocation.act == "auditor.dismissed" and account.auditor:
            await self.auditors.dismiss(account, REASON, by=OPERATOR)
            report.applied.append(f"dismissed {account.name} as auditor")


def without_locks_of_erased(revocations: Sequence[Revocation]) -> list[Revocation]:
    """Return the entries without those about locks of accounts that were erased."""
    erased = {each.id for each in revocations if each.act == "account.deleted"}
    is_account = Subject.ACCOUNT.value
    return [
        each
        for each in revocations
        if each.about != is_account or each.act == "account.deleted" or each.id not in erased
    ]


_SAID = {"account.locked": "locked", "account.unlocked": "unlocked", "account.deleted": "erased"}


def _lock_source(revocation: Revocation) -> LockSource | None:
    """Return who locked or unlocked; None for what this version does not know."""
    if not revocation.source:
        return LockSource.ADMINISTRATOR
    return next((each for each in LockSource if each.value == revocation.source), None)
