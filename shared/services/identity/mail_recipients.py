"""Who gets a mail: the accounts of its recipients, as they are when it is sent."""

from shared.domain.accounts import ADMINISTRATORS, Account
from shared.domain.queued_mail import Audience, Recipients
from shared.ports.directory import DirectoryStore
from shared.ports.system import Clock
from shared.services.identity.accounts import (
    accounts_by_ids,
    administrator_accounts,
    organization_owners,
    reachable_owners,
    responsible_accounts,
)


async def recipient_accounts(
    directory: DirectoryStore, clock: Clock, recipients: Recipients
) -> list[Account]:
    """Return the accounts that a mail is for, now."""
    now_ms = clock.now_ms()
    org = recipients.org
    match recipients.audience:
        case Audience.ACCOUNTS:
            return await accounts_by_ids(directory, recipients.accounts)
        case Audience.ADMINISTRATORS:
            found = await administrator_accounts(directory, now_ms)
            administrators = sorted(found, key=lambda account: account.name.lower())
            return await _with_others(directory, administrators, recipients)
        case Audience.OWNERS:
            return await organization_owners(directory, org, now_ms)
        case Audience.OTHER_OWNERS:
            return await _other_owners(directory, recipients, now_ms)
        case Audience.RESPONSIBLE:
            responsible = await responsible_accounts(directory, org, now_ms)
            return await _with_others(directory, responsible, recipients)
        case Audience.INVOLVED:
            return await _involved(directory, recipients, now_ms)


async def _with_others(
    directory: DirectoryStore, found: list[Account], recipients: Recipients
) -> list[Account]:
    """Return the accounts that were found, and those of the recipients."""
    known = {each.id for each in found}
    others = [each for each in recipients.accounts if each not in known]
    return [*found, *await accounts_by_ids(directory, others)]


async def _involved(
    directory: DirectoryStore, recipients: Recipients, now_ms: int
) -> list[Account]:
    owners = await organization_owners(directory, recipients.org, now_ms)
    responsible = await responsible_accounts(directory, recipients.org, now_ms)
    others = await accounts_by_ids(directory, recipients.accounts)
    known = {each.id for each in owners}
    addresses = {each.email for each in owners}
    involved = {
        each.id: each
        for each in (*responsible, *others)
        if each.id not in known and each.email not in addresses
    }
    return list(involved.values())


async def _other_owners(
    directory: DirectoryStore, recipients: Recipients, now_ms: int
) -> list[Account]:
    if recipients.org:
        owners = await organization_owners(directory, recipients.org, now_ms)
        others = [each for each in owners if each.id not in recipients.accounts]
        if reachable := await reachable_owners(directory, recipients.org, others):
            return reachable
    administrators = await directory.list_by_subject(Account, ADMINISTRATORS)
    return [
        each for each in administrators if each.id not in recipients.accounts and not each.is_locked
    ]
