"""What pages of access tokens share: the actions that they ask to confirm, and the scopes."""

from msgspec import Struct

from functions.html.signed_in_pages import SignedInCall
from shared.domain.scopes import Scope


class TokenAction(Struct, frozen=True):
    """An action on a token that a page asks to confirm; `name` is the last segment of its path."""

    name: str
    title: str
    question: str
    button: str
    effect: str
    is_harsh: bool = True


RENAME = TokenAction(
    "rename",
    "Rename",
    "Rename the token {name}?",
    "Rename token",
    "The token keeps its secret, its rights and its expiry. Lists, mail and the log show the new "
    "name.",
    is_harsh=False,
)

ROTATE = TokenAction(
    "rotate",
    "Rotate",
    "Rotate the token {name}?",
    "Rotate token",
    "The current secret stops working within five seconds. Everything that uses this token stops "
    "working until you replace the secret with the new one, which is shown once.",
    is_harsh=False,
)

REVOKE = TokenAction(
    "revoke",
    "Revoke",
    "Revoke the token {name}?",
    "Revoke token",
    "Everything that uses this token stops working within five seconds. This cannot be undone.",
)

CONFIRM = TokenAction(
    "confirm",
    "Confirm",
    "Confirm the token {name}?",
    "Confirm token",
    "You become the maker of this token: it keeps its secret, and works while you are an owner or "
    "an administrator. Rotate it instead if somebody else may know the secret.",
    is_harsh=False,
)

TOKEN_ACTIONS = (RENAME, ROTATE, REVOKE)

ORGANIZATION_TOKEN_ACTIONS = (CONFIRM, *TOKEN_ACTIONS)


def requested_token(call: SignedInCall) -> str:
    """Return the id of the token that a confirmation page or its form names."""
    return call.form.text("token") or call.params.get("token", "")


# The description of each scope, the least powerful first.
SCOPE_LABELS = (
    (Scope.READ, "Read private packages"),
    (Scope.PUSH_VERSION, "Publish new versions of existing packages"),
    (Scope.PUSH_NEW, "Publish new packages"),
    (Scope.DEPRECATE, "Deprecate and undeprecate versions"),
    (Scope.MANAGE, "Manage members and tokens; requires a recent sign-in"),
    (
        Scope.MODERATE,
        "Hold and quarantine releases, lock accounts; for administrators, 90 days at most",
    ),
    (
        Scope.AUDIT,
        "Read the audit log, rights and reports, as the only scope; for administrators, 90 days",
    ),
    (
        Scope.APPLY,
        "Apply registry files, as the only scope; for administrators, 30 days at most",
    ),
)


def scope_choices(*left_out: Scope) -> list[tuple[str, str, str]]:
    """Return the value, the name and the meaning of each scope for a form."""
    return [
        (scope.value, scope.value, meaning)
        for scope, meaning in SCOPE_LABELS
        if scope not in left_out
    ]
