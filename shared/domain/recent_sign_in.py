"""Recent sign-in: changes that outlive a session need a person who signed in minutes ago.

No access token is enough for them, whatever its scopes. `RECENT_SIGN_IN_ACTIONS` in `rights.py` are
those in organizations; the callers of `require_recent_sign_in` are the others.
"""

from datetime import timedelta

from shared.domain.errors.identity import SignInAgain
from shared.domain.identity import Principal

RECENT_SIGN_IN = timedelta(minutes=10)  # Long enough to read a page before a change.


def is_recently_signed_in(principal: Principal, now_ms: int) -> bool:
    """Check whether the session began at most `RECENT_SIGN_IN` ago; False for tokens."""
    if principal.signed_in_ms is None:
        return False
    return now_ms - principal.signed_in_ms <= RECENT_SIGN_IN // timedelta(milliseconds=1)


def require_recent_sign_in(by: Principal, now_ms: int, verb: str, what: str) -> None:
    """Raise `SignInAgain` unless `by` is the operator or signed in recently.

    `verb` and `what` complete "To …, sign in again".
    """
    if not by.is_operator and not is_recently_signed_in(by, now_ms):
        raise SignInAgain(verb, what)
