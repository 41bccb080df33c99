"""Which changes require a recent sign-in, and how recent it has to be."""

from datetime import timedelta

from shared.domain.errors.identity import SignInAgain
from shared.domain.principals import Principal
from shared.domain.scopes import Action
from shared.domain.times import is_younger

# Actions that also require a recent sign-in: those that give somebody a way to publish that
# outlives the credential (roles, invitations, tokens of organizations, publishers), owners,
# visibility, transfers, deletion, tokens with the scope manage, reviews of staged releases, and
# changes of the whole registry. No token is enough. What tokens with the scopes moderate and apply
# may do of it is checked by `require_moderator` and `require_file_applier`.
RECENT_SIGN_IN_ACTIONS = frozenset({Action.GOVERN, Action.APPROVE, Action.OPERATE})

RECENT_SIGN_IN = timedelta(minutes=10)  # Long enough to read a page before a change.


def is_recently_signed_in(principal: Principal, now_ms: int) -> bool:
    """Check whether the session began less than `RECENT_SIGN_IN` ago; False for tokens."""
    signed_in_ms = principal.signed_in_ms
    return signed_in_ms is not None and is_younger(signed_in_ms, RECENT_SIGN_IN, now_ms)


def require_recent_sign_in(by: Principal, now_ms: int, verb: str, what: str) -> None:
    """Raise `SignInAgain` unless `by` is the operator or signed in recently.

    `verb` and `what` complete "To …, sign in again".
    """
    if not by.is_operator and not is_recently_signed_in(by, now_ms):
        raise SignInAgain(verb, what)
