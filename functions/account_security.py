"""/account/security: what happened to one's account, newest first."""

import azure.functions as func

from functions._visits import Visit, Visits
from shared.domain.identity import OPERATOR_ID
from shared.domain.logs import LogQuery
from shared.domain.package import Event
from shared.registry import Registry

EVENTS = 25  # A screen or two.

# What a kind of event is called on the page; of other kinds the words of its name.
WORDS = {
    "account.appointed": "Made administrator of the registry",
    "account.created": "Account created",
    "account.dismissed": "No administrator of the registry any more",
    "account.locked": "Account locked",
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
    "token.issued": "Access token made",
    "token.renamed": "Access token renamed",
    "token.revoked": "Access token revoked",
    "token.rotated": "Access token renewed",
}


def blueprint(registry: Registry) -> func.Blueprint:
    """Return the Function of the page of security events."""
    bp, visits = func.Blueprint(), Visits(registry)

    @bp.route("account/security", methods=["GET"])
    @visits.page
    async def account_security(visit: Visit) -> func.HttpResponse:
        asked = {"before": visit.query.get("before", ""), "count": str(EVENTS)}
        page = await registry.logbook.of_account(LogQuery.parse(asked), by=visit.principal)
        return visit.show(
            "account/security.html",
            events=[event for _, event in page.events],
            names={**page.names, visit.account.id: "you", OPERATOR_ID: "the operator"},
            what=what_happened,
            about=about,
            next=page.next,
            is_first=not asked["before"],
        )

    return bp


def what_happened(event: Event) -> str:
    """Return the words for an event."""
    return WORDS.get(event.kind) or event.kind.replace(".", ": ").replace("-", " ").capitalize()


def about(event: Event) -> str:
    """Return what an event is about, as people know it."""
    details = event.details
    return details.get("name") or details.get("client") or event.org or ""
