"""The step below the use cases that cannot be taken back: it makes the change at once, or proposes
it where a second administrator must confirm it. A command on the machine makes the change at once,
and all administrators get mail."""

from shared.domain.accounts import Account
from shared.domain.coordinates import Coordinate
from shared.domain.name_disputes import DisputeOutcome
from shared.domain.names import OrgName
from shared.domain.packages import Release
from shared.domain.principals import Principal
from shared.domain.proposals import Proposal
from shared.domain.withdrawal_reasons import PublicReason
from shared.registry import Registry
from shared.services.administration.account_erasure import ErasureReceipt
from shared.services.administration.name_disputes import DisputeDetails
from shared.services.organizations.ownership import OwnershipDecision
from shared.services.publishing.erasure import Erasure


async def remove_release(
    registry: Registry,
    coordinate: Coordinate,
    reason: str,
    public: PublicReason | None,
    by: Principal,
) -> Release | Proposal:
    publishing = registry.publishing
    if not by.is_person or registry.administration.second_administrator.must_confirm(by):
        return await publishing.proposals.remove(coordinate, reason, public, by=by)
    removed = await publishing.moderation.remove(coordinate, reason, public, by=by)
    await _send_command_mail(registry, f"{removed.coordinate} was removed permanently", reason, by)
    return removed


async def erase_release(
    registry: Registry,
    coordinate: Coordinate,
    reason: str,
    public: PublicReason | None,
    by: Principal,
) -> Erasure | Proposal:
    publishing = registry.publishing
    if not by.is_person or registry.administration.second_administrator.must_confirm(by):
        return await publishing.proposals.erase(coordinate, reason, public, by=by)
    erasure = await publishing.erasure.erase(coordinate, reason, public, by=by)
    await _send_command_mail(registry, f"{erasure.release.coordinate} was erased", reason, by)
    return erasure


async def erase_account_now(
    registry: Registry, account: Account, reason: str, by: Principal
) -> ErasureReceipt | Proposal:
    if registry.administration.second_administrator.must_confirm(by):
        proposals = registry.publishing.proposals
        return await proposals.erase_account(account, reason, is_now=True, by=by)
    receipt = await registry.administration.account_erasures.erase_now(account, reason, by=by)
    await _send_command_mail(registry, f"the account {account.id} was erased", reason, by)
    return receipt


async def announce_erasure(
    registry: Registry, account: Account, reason: str, by: Principal
) -> int | Proposal:
    """Return when the account will be erased, or the proposal."""
    if registry.administration.second_administrator.must_confirm(by):
        proposals = registry.publishing.proposals
        return await proposals.erase_account(account, reason, is_now=False, by=by)
    erasure = await registry.administration.account_erasures.announce(account, reason, by=by)
    await _send_command_mail(
        registry, f"the account {account.id} will be erased in seven days", reason, by
    )
    return erasure.due_ms


async def decide_dispute(
    registry: Registry, dispute: str, outcome: DisputeOutcome, reason: str, by: Principal
) -> DisputeDetails | Proposal:
    if registry.administration.second_administrator.must_confirm(by):
        proposals = registry.publishing.proposals
        return await proposals.decide_dispute(dispute, outcome, reason, by=by)
    decided = await registry.administration.name_disputes.decide(dispute, outcome, reason, by=by)
    what = f"the dispute about the name {decided.dispute.name} was decided: {outcome.value}"
    await _send_command_mail(registry, what, reason, by)
    return decided


async def decide_ownership(
    registry: Registry,
    org: OrgName,
    account: str,
    decision: OwnershipDecision,
    *,
    reason: str,
    by: Principal,
) -> Proposal | None:
    """Grant the ownership to an account that asked for it, or refuse it, which waits for nobody."""
    is_grant = decision is OwnershipDecision.GRANT
    if is_grant and registry.administration.second_administrator.must_confirm(by):
        return await registry.publishing.proposals.grant_ownership(org, account, reason, by=by)
    requests = registry.organizations.ownership_requests
    await requests.decide(org, account, decision, reason=reason, by=by)
    if is_grant:
        await _send_command_mail(registry, f"{account} was made an owner of {org}", reason, by)
    return None


async def _send_command_mail(registry: Registry, what: str, reason: str, by: Principal) -> None:
    if by.is_operator:
        await registry.administration.second_administrator.send_command_mail(what, reason)
