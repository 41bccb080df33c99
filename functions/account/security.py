"""/account/security, …/sessions and …/identities: security events, browser sessions and sign-in
methods.
"""

from collections.abc import Iterable
from urllib.parse import urlencode

from functions.html.browser_labels import browser_label
from functions.html.cursors import page_at_cursor
from functions.html.event_sentences import EVENTS_PER_PAGE, event_label, event_subject
from functions.html.pages import see_other
from functions.html.signed_in_pages import FormProblem, SignedInCall, SignedInPages
from shared.auth.sessions import SESSION_CREDENTIAL
from shared.domain.event_queries import EventQuery
from shared.domain.principals import OPERATOR_ID
from shared.runtime.answers import Answer
from shared.services.administration.audit_log import AuditLogPage

SECURITY_PATH = "/account/security"
IDENTITIES_PATH = "/account/identities"

# The filters of the page, by the prefix of the kinds of events.
EVENT_KIND_FILTERS = (
    ("", "All events"),
    ("session.", "Sessions"),
    ("identity.", "Sign-in methods"),
    ("token.", "Access tokens"),
    ("device.", "Devices"),
    ("member.", "Memberships"),
    ("owner.", "Changes of owners"),
    ("invitation.", "Invitations"),
    ("organization.", "Organizations"),
    ("account.", "Account"),
)
_KIND_PREFIXES = frozenset(kind for kind, _ in EVENT_KIND_FILTERS)


pages = SignedInPages()


@pages.read("account/security")
async def account_security(call: SignedInCall) -> Answer:
    kind = call.params.get("kind", "")
    kind = kind if kind in _KIND_PREFIXES else ""

    async def read(before: str) -> AuditLogPage:
        query = EventQuery.parse({"before": before, "kind": kind, "count": str(EVENTS_PER_PAGE)})
        return await call.registry.administration.audit_log.of_account(query, by=call.caller)

    shown = await page_at_cursor(call, "before", read)
    page = shown.found
    return call.show(
        "account/security.html",
        shown.problem,
        events=[event for _, event in page.events],
        names={**page.names, call.account.id: "you", OPERATOR_ID: "operator"},
        what=event_label,
        about=event_subject,
        kinds=EVENT_KIND_FILTERS,
        kind=kind,
        newest=_events_address(kind),
        older=_events_address(kind, page.next) if page.next else "",
        is_first=shown.is_first,
        distrusted_email=call.account.distrusted_email,
    )


def _events_address(kind: str, before: int | None = None) -> str:
    params = {"kind": kind, "before": str(before or "")}
    query = urlencode({name: value for name, value in params.items() if value})
    return f"{SECURITY_PATH}?{query}" if query else SECURITY_PATH


@pages.read("account/sessions")
async def account_sessions(call: SignedInCall, problem: FormProblem | None = None) -> Answer:
    sessions = await call.registry.identity.sessions.list_own(by=call.caller)
    current = _current(call)
    return call.show(
        "account/sessions.html",
        problem,
        sessions=sorted(sessions, key=lambda each: each.id != current),
        current=current,
        browser_of=browser_label,
        labels=call.registry.identity.sign_in_flow.provider_labels,
    )


async def _end(call: SignedInCall, sessions: Iterable[str]) -> None:
    for each in sessions:
        ended = await call.registry.identity.sessions.end(each, by=call.caller)
        call.registry.identity.session_authentication.invalidate(ended)
        if each == _current(call):
            call.cookies.append(call.registry.identity.session_authentication.expired_cookie())


def _current(call: SignedInCall) -> str:
    return call.caller.credential.removeprefix(SESSION_CREDENTIAL)


@pages.read("account/identities")
async def account_identities(call: SignedInCall, problem: FormProblem | None = None) -> Answer:
    return call.show(
        "account/identities.html",
        problem,
        identities=await call.registry.identity.identities.of(by=call.caller),
        labels=call.registry.identity.sign_in_flow.provider_labels,
    )


@pages.form(
    "account/sessions/end",
    account_sessions,
    done="Session ended. Its browser is signed out within five seconds.",
)
async def account_session_end(call: SignedInCall) -> None:
    await _end(call, [call.form.text("session")])


@pages.form(
    "account/sessions/end-others",
    account_sessions,
    done="All other sessions ended. Their browsers are signed out within five seconds.",
)
async def account_session_end_others(call: SignedInCall) -> None:
    sessions = await call.registry.identity.sessions.list_own(by=call.caller)
    await _end(call, [each.id for each in sessions if each.id != _current(call)])


@pages.form(
    "account/identities/remove",
    account_identities,
    done={
        "linked": "Identity linked. You can now sign in with it.",
        "removed": "Identity removed. It can no longer sign in to your account.",
    },
    requires_recent_sign_in=True,
)
async def account_identity_remove(call: SignedInCall) -> Answer:
    identity = call.form.text("identity")
    await call.registry.identity.identities.remove(identity, by=call.caller)
    return see_other(f"{IDENTITIES_PATH}?done=removed")


FACES = (pages,)
