"""/account/security: what happened to one's account, newest first."""

from urllib.parse import urlencode

import azure.functions as func

from functions._visits import Visit, Visits
from shared.domain.identity import OPERATOR_ID
from shared.domain.logs import LogQuery
from shared.domain.package import Event
from shared.registry import Registry

PAGE = "/account/security"
EVENTS = 25  # A screen or two.

# What a kind of event is called on the page; of other kinds the words of its name.
WORDS = {
    "account.appointed": "Made administrator of the registry",
    "account.created": "Account created",
    "account.dismissed": "No administrator of the registry any more",
    "account.locked": "Account locked",
    "account.renamed": "Account renamed",
    "account.unlocked": "Account unlocked",
    "device.approved": "Machine connected",
    "device.refused": "Machine refused",
    "identity.linked": "Way to sign in linked",
    "identity.removed": "Way to sign in removed",
    "invitation.accepted": "Invitation accepted",
    "invitation.declined": "Invitation declined",
    "member.hidden": "Membership hidden from everybody",
    "member.removed": "Left an organization",
    "member.set": "Role changed",
    "member.shown": "Membership shown to everybody",
    "organization.founded": "Organization founded",
    "owner.pending": "Change of an owner waits",
    "owner.undone": "Change of an owner undone",
    "session.copied": "Session ended, since its cookie was copied",
    "session.ended": "Session ended",
    "session.renewed": "Signed in again",
    "session.started": "Signed in",
    "sign-in-link.issued": "Sign-in link made",
    "task.asked": "Task of upkeep asked for",
    "token.issued": "Access token made",
    "token.renamed": "Access token renamed",
    "token.revoked": "Access token revoked",
    "token.rotated": "Access token renewed",
    "token.stolen": "Access token revoked as stolen",
}

# What the page offers to look for: each is the beginning of some kinds.
KINDS = (
    ("", "Everything"),
    ("session.", "Signing in and out"),
    ("identity.", "Ways to sign in"),
    ("token.", "Access tokens"),
    ("device.", "Machines"),
    ("member.", "Memberships"),
    ("owner.", "Changes of owners"),
    ("invitation.", "Invitations"),
    ("organization.", "Organizations"),
    ("account.", "The account"),
)
_BEGINNINGS = frozenset(kind for kind, _ in KINDS)


def blueprint(registry: Registry) -> func.Blueprint:
    """Return the Function of the page of security events."""
    bp, visits = func.Blueprint(), Visits(registry)

    @bp.route("account/security", methods=["GET", "HEAD"])
    @visits.page
    async def account_security(visit: Visit) -> func.HttpResponse:
        kind, before = visit.query.get("kind", ""), visit.query.get("before", "")
        kind = kind if kind in _BEGINNINGS else ""
        query = LogQuery.parse({"before": before, "kind": kind, "count": str(EVENTS)})
        page = await registry.logbook.of_account(query, by=visit.principal)
        return visit.show(
            "account/security.html",
            events=[event for _, event in page.events],
            names={**page.names, visit.account.id: "you", OPERATOR_ID: "the operator"},
            what=what_happened,
            about=about,
            kinds=KINDS,
            kind=kind,
            newest=_address(kind),
            older=_address(kind, page.next) if page.next else "",
            is_first=not before,
        )

    return bp


def _address(kind: str, before: int | None = None) -> str:
    asked = {"kind": kind, "before": str(before or "")}
    query = urlencode({name: value for name, value in asked.items() if value})
    return f"{PAGE}?{query}" if query else PAGE


def what_happened(event: Event) -> str:
    """Return the words for an event."""
    return WORDS.get(event.kind) or event.kind.replace(".", ": ").replace("-", " ").capitalize()


def about(event: Event) -> str:
    """Return what an event is about, as people know it."""
    details = event.details
    return details.get("name") or details.get("client") or event.org or ""
