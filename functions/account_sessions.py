"""/account/sessions: the browsers that are signed in to one's account, and ending them."""

import re
from collections.abc import Iterable

import azure.functions as func

from functions._pages import see_other
from functions._visits import Problem, Visit, Visits
from shared.auth.cookies import leave
from shared.auth.session import CREDENTIAL
from shared.domain.sessions import Session
from shared.registry import Registry

PAGE = "/account/sessions"

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


def blueprint(registry: Registry) -> func.Blueprint:
    """Return the Functions of the page of sessions."""
    bp, visits = func.Blueprint(), Visits(registry)

    async def overview(visit: Visit, problem: Problem | None = None) -> func.HttpResponse:
        sessions = await registry.sign_in.signing_out.sessions(by=visit.principal)
        current = _current(visit)
        return visit.show(
            "account/sessions.html",
            problem,
            sessions=sorted(sessions, key=lambda each: each.id != current),
            current=current,
            browser_of=browser_of,
        )

    @bp.route("account/sessions", methods=["GET", "HEAD"])
    @visits.page
    async def account_sessions(visit: Visit) -> func.HttpResponse:
        return await overview(visit)

    @bp.route("account/sessions/end", methods=["POST"])
    @visits.form(again=overview)
    async def account_session_end(visit: Visit) -> func.HttpResponse:
        await _end(registry, visit, [visit.form.text("session")])
        return see_other(PAGE)

    @bp.route("account/sessions/end-others", methods=["POST"])
    @visits.form(again=overview)
    async def account_session_end_others(visit: Visit) -> func.HttpResponse:
        sessions = await registry.sign_in.signing_out.sessions(by=visit.principal)
        others = [each.id for each in sessions if each.id != _current(visit)]
        await _end(registry, visit, others)
        return see_other(PAGE)

    return bp


async def _end(registry: Registry, visit: Visit, sessions: Iterable[str]) -> None:
    for each in sessions:
        ended = await registry.sign_in.signing_out.end(each, by=visit.principal)
        registry.sessions.forget(ended)
        if each == _current(visit):
            leave(registry.sessions.farewell())


def browser_of(session: Session) -> str:
    """Return what people call the browser of a session."""
    browser = _first(_BROWSERS, session.agent)
    system = _first(_SYSTEMS, session.agent)
    return " on ".join(filter(None, (browser, system))) or session.agent or "Unknown browser"


def _first(names: dict[str, str], agent: str) -> str:
    return next((shown for name, shown in names.items() if re.search(rf"\b{name}", agent)), "")


def _current(visit: Visit) -> str:
    return visit.principal.credential.removeprefix(CREDENTIAL)
