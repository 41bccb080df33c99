"""Moderation of accounts: locking and unlocking one, and revoking its access tokens."""

from msgspec import Struct

from shared.domain.accounts import Account
from shared.domain.errors.base import about_field
from shared.domain.principals import Principal
from shared.domain.scopes import Action
from shared.registry import Registry
from shared.use_cases.inputs import Nothing
from shared.use_cases.moderation import RequiredReason
from shared.use_cases.use_case import use_case


class RevokedTokens(Struct, frozen=True):
    """How many tokens of the account with this id were revoked."""

    id: str
    revoked: int


@use_case(
    "Lock an account; a token locks no administrator.",
    inputs=RequiredReason,
    right=Action.MODERATE,
    done="Account locked. Its credentials are refused within five seconds, and what it made for "
    "organizations stops with it.",
    printed="Locked the account {account}. It is refused everywhere within five seconds.",
)
async def lock(
    registry: Registry, account: Account, sent: RequiredReason, by: Principal
) -> Account:
    with about_field("reason"):
        ended = await registry.administration.accounts.lock(account, sent.reason, by=by)
    for session in ended:
        registry.identity.session_authentication.invalidate(session)
    return account


@use_case(
    "Unlock an account.",
    inputs=Nothing,
    right=Action.MODERATE,
    done="Lock of administrators ended. Unless the directory locks the account, its tokens work "
    "again, and what it made that nobody took over.",
    printed="Unlocked the account {account}.",
)
async def unlock(registry: Registry, account: Account, _: Nothing, by: Principal) -> Account:
    return await registry.administration.accounts.unlock(account, by=by)


@use_case(
    "Revoke all access tokens of an account.",
    inputs=RequiredReason,
    right=Action.MODERATE,
    done="All access tokens revoked. They stop working within five seconds.",
)
async def revoke_tokens(
    registry: Registry, account: Account, sent: RequiredReason, by: Principal
) -> RevokedTokens:
    accounts = registry.administration.accounts
    with about_field("reason"):
        revoked = await accounts.revoke_all_tokens(account, sent.reason, by=by)
    return RevokedTokens(account.id, revoked)
