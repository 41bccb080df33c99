"""The rights of a new token: never more than those of the credential that creates it.

The same holds for a new text of a known token, since whoever asks for it gets the text.
"""

from shared.auth.tokens import OWNER_LENGTH
from shared.domain.errors.identity import NotPermitted, credentials_missing
from shared.domain.identity import Principal, require_recent_sign_in
from shared.domain.ip_addresses import are_ranges_within
from shared.domain.rights import Scope
from shared.domain.tokens import Token
from shared.services.tokens.token_requests import TokenRequest


def require_issuer(owner: str, request: TokenRequest, by: Principal) -> None:
    """Raise `credentials-missing` or `NotPermitted` unless `by` may create the account's tokens."""
    if by.is_anonymous:
        raise credentials_missing()
    if not any(Scope.MANAGE in grant.scopes for grant in by.grants):
        raise NotPermitted("issue", "tokens", "the token lacks the scope manage for it")
    if not is_owner(owner, by):
        raise NotPermitted("issue", f"the token {request.name}", "it is for another account")
    if len(owner) != OWNER_LENGTH:
        # A user of the Entra tenant without an account here.
        raise NotPermitted("issue", f"the token {request.name}", "it takes an account here")


def require_operator(verb: str, request: TokenRequest, by: Principal, what: str) -> None:
    """Raise `NotPermitted` unless `by` is the operator; `what` are the tokens that only they may
    create."""
    if not by.is_operator:
        reason = f"only the operator issues {what}"
        raise NotPermitted(verb, f"the token {request.name}", reason)


def is_owner(owner: str, by: Principal) -> bool:
    """Check whether tokens of the account are those of `by`; the operator's are everybody's."""
    return by.is_operator or by.id == owner


def check_rights(verb: str, token: Token, by: Principal, now_ms: int) -> None:
    """Raise `NotPermitted` for a token that allows more than the credential of `by`, and
    `SignInAgain` for one that manages, which takes a recent sign-in."""
    if not all(map(by.may_grant, token.grants)):
        reason = "it would allow more than the token that asks for it"
        raise NotPermitted(verb, f"the token {token.name}", reason)
    if not are_ranges_within(token.addresses, by.addresses):
        reason = "it could be used from elsewhere than the token that asks for it"
        raise NotPermitted(verb, f"the token {token.name}", reason)
    if any(Scope.MANAGE in grant.scopes for grant in token.grants):
        require_recent_sign_in(by, now_ms, verb, f"the token {token.name}, which manages")
