"""/account/security, …/sessions and …/identities: security events, browser sessions and sign-in
methods.
"""

import re
from collections.abc import Iterable
from urllib.parse import urlencode

import azure.functions as func

from functions.http.pages import see_other
from functions.http.signed_in_pages import FormProblem, SignedInPages, SignedInRequest
from shared.auth.cookies import send_cookie
from shared.auth.sessions import SESSION_CREDENTIAL
from shared.composition import Registry
from shared.domain.events import EventQuery
from shared.domain.identity import OPERATOR_ID
from shared.domain.records import Event
from shared.domain.sign_in import Session

SECURITY_PATH = "/account/security"
EVENTS_PER_PAGE = 25  # A screen or two.

# What a kind of event is called on the page; of other kinds the words of its name.
EVENT_LABELS = {
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
EVENT_KIND_FILTERS = (
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
_KIND_PREFIXES = frozenset(kind for kind, _ in EVENT_KIND_FILTERS)


def security_events_blueprint(registry: Registry) -> func.Blueprint:
    """Return the Function of the page of security events."""
    bp, visits = func.Blueprint(), SignedInPages(registry)

    @bp.route("account/security", methods=["GET", "HEAD"])
    @visits.page
    async def account_security(visit: SignedInRequest) -> func.HttpResponse:
        kind, before = visit.query.get("kind", ""), visit.query.get("before", "")
        kind = kind if kind in _KIND_PREFIXES else ""
        query = EventQuery.parse({"before": before, "kind": kind, "count": str(EVENTS_PER_PAGE)})
        page = await registry.audit_log.of_account(query, by=visit.principal)
        return visit.show(
            "account/security.html",
            events=[event for _, event in page.events],
            names={**page.names, visit.account.id: "you", OPERATOR_ID: "the operator"},
            what=event_label,
            about=event_subject,
            kinds=EVENT_KIND_FILTERS,
            kind=kind,
            newest=_events_address(kind),
            older=_events_address(kind, page.next) if page.next else "",
            is_first=not before,
        )

    return bp


def _events_address(kind: str, before: int | None = None) -> str:
    asked = {"kind": kind, "before": str(before or "")}
    query = urlencode({name: value for name, value in asked.items() if value})
    return f"{SECURITY_PATH}?{query}" if query else SECURITY_PATH


def event_label(event: Event) -> str:
    """Return the words for an event."""
    return (
        EVENT_LABELS.get(event.kind) or event.kind.replace(".", ": ").replace("-", " ").capitalize()
    )


def event_subject(event: Event) -> str:
    """Return what an event is about, as people know it."""
    details = event.details
    return details.get("name") or details.get("client") or event.org or ""


SESSIONS_PATH = "/account/sessions"

# What agents call themselves, the most particular first: each claims to be those below as well.
_BROWSERS = {
    "Edg": "Edge",
    "OPR": "Opera",
    "Firefox": "Firefox",
    "Chrome": "Chrome",
    "Safari": "Safari",
}
_SYSTEMS = {
    "Android": "Android",
    "iPhone": "iPhone",
    "iPad": "iPad",
    "Windows": "Windows",
    "Mac OS X": "macOS",
    "Linux": "Linux",
}


def sessions_blueprint(registry: Registry) -> func.Blueprint:
    """Return the Functions of the page of sessions."""
    bp, visits = func.Blueprint(), SignedInPages(registry)

    async def overview(
        visit: SignedInRequest, problem: FormProblem | None = None
    ) -> func.HttpResponse:
        sessions = await registry.sign_in.account_sessions.list_own(by=visit.principal)
        current = _current(visit)
        return visit.show(
            "account/sessions.html",
            problem,
            sessions=sorted(sessions, key=lambda each: each.id != current),
            current=current,
            browser_of=browser_name,
        )

    @bp.route("account/sessions", methods=["GET", "HEAD"])
    @visits.page
    async def account_sessions(visit: SignedInRequest) -> func.HttpResponse:
        return await overview(visit)

    @bp.route("account/sessions/end", methods=["POST"])
    @visits.form(again=overview)
    async def account_session_end(visit: SignedInRequest) -> func.HttpResponse:
        await _end(registry, visit, [visit.form.text("session")])
        return see_other(SESSIONS_PATH)

    @bp.route("account/sessions/end-others", methods=["POST"])
    @visits.form(again=overview)
    async def account_session_end_others(visit: SignedInRequest) -> func.HttpResponse:
        sessions = await registry.sign_in.account_sessions.list_own(by=visit.principal)
        others = [each.id for each in sessions if each.id != _current(visit)]
        await _end(registry, visit, others)
        return see_other(SESSIONS_PATH)

    return bp


async def _end(registry: Registry, visit: SignedInRequest, sessions: Iterable[str]) -> None:
    for each in sessions:
        ended = await registry.sign_in.account_sessions.end(each, by=visit.principal)
        registry.sessions.invalidate(ended)
        if each == _current(visit):
            send_cookie(registry.sessions.expired_cookie())


def browser_name(session: Session) -> str:
    """Return what people call the browser of a session."""
    browser = _first(_BROWSERS, session.agent)
    system = _first(_SYSTEMS, session.agent)
    return " on ".join(filter(None, (browser, system))) or session.agent or "Unknown browser"


def _first(names: dict[str, str], agent: str) -> str:
    return next((shown for name, shown in names.items() if re.search(rf"\b{name}", agent)), "")


def _current(visit: SignedInRequest) -> str:
    return visit.principal.credential.removeprefix(SESSION_CREDENTIAL)


IDENTITIES_PATH = "/account/identities"


def identities_blueprint(registry: Registry) -> func.Blueprint:
    """Return the Functions of the page of identities."""
    bp, visits = func.Blueprint(), SignedInPages(registry)

    async def overview(
        visit: SignedInRequest, problem: FormProblem | None = None
    ) -> func.HttpResponse:
        providers = registry.sign_in.flow.providers
        return visit.show(
            "account/identities.html",
            problem,
            identities=await registry.sign_in.identities.of(by=visit.principal),
            labels={name: provider.label for name, provider in providers.items()},
        )

    @bp.route("account/identities", methods=["GET", "HEAD"])
    @visits.page
    async def account_identities(visit: SignedInRequest) -> func.HttpResponse:
        return await overview(visit)

    @bp.route("account/identities/remove", methods=["POST"])
    @visits.form(again=overview)
    async def account_identity_remove(visit: SignedInRequest) -> func.HttpResponse:
        identity = visit.form.text("identity")
        await registry.sign_in.identities.remove(identity, by=visit.principal)
        return see_other(IDENTITIES_PATH)

    return bp
