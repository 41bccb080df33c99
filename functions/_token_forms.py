"""The form of a new token: what it shows, and what was typed; of people and of organizations."""

from datetime import timedelta

from functions._forms import Form
from shared.domain.errors import InvalidRequest
from shared.domain.rights import ANY, Scope
from shared.services.token_requests import MAX_DAYS, TokenRequest

# What each scope is for, in the order of how much harm its loss does.
SCOPES = (
    (Scope.READ, "Read private packages"),
    (Scope.PUSH_VERSION, "Publish new versions of packages that exist"),
    (Scope.PUSH_NEW, "Publish packages that do not exist yet"),
    (Scope.DEPRECATE, "Deprecate versions, and take that back"),
    (Scope.MANAGE, "Manage members and tokens; it takes a fresh sign-in"),
)
LONG = timedelta(days=90)  # A token for longer is asked twice whether it has to be.


def choices(*left_out: Scope) -> list[tuple[str, str, str]]:
    """Return the scopes as a form offers them."""
    kept = [(scope.value, meaning) for scope, meaning in SCOPES if scope not in left_out]
    return [(name, name, meaning) for name, meaning in kept]


def typed(form: Form, days: int) -> dict[str, object]:
    """Return what the fields hold: what was typed, or what most people want."""
    return {
        "name": form.text("name"),
        "scope": form.all("scope") or ([] if form.values else [Scope.READ.value]),
        "org": form.text("org", ANY),
        "package": form.text("package", ANY),
        "days": form.text("days", str(days)),
        "addresses": form.text("addresses"),
    }


def wanted(form: Form, org: str) -> TokenRequest:
    """Read the form of a token for organizations of this pattern, or raise `InvalidRequest`."""
    return TokenRequest.parse(
        form.text("name"),
        form.all("scope"),
        org=org,
        package=form.text("package") or ANY,
        days=_days(form.text("days")),
        addresses=form.text("addresses").replace(",", " ").split(),
    )


def _days(text: str) -> int | None:
    if not text:
        return None
    if not (text.isascii() and text.isdigit() and len(text) <= len(str(MAX_DAYS))):
        message = f"A token is good for 1 to {MAX_DAYS} days. Write the number of days alone."
        raise InvalidRequest(message)
    return int(text)
