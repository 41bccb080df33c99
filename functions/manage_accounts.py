"""/manage/accounts: who is on the registry, and what is done with the account of somebody."""

from collections.abc import Awaitable, Callable

import azure.functions as func

from functions._managing import LONGEST, Managing, require_meant
from functions._pages import see_other
from functions._token_forms import choices
from functions._visits import Problem, Visit
from functions.account_security import EVENTS, about, what_happened
from functions.account_sessions import browser_of
from shared.auth.secret import Secret
from shared.domain.accounts import Account, is_id
from shared.domain.identity import OPERATOR_ID
from shared.domain.logs import LogQuery
from shared.registry import Registry
from shared.services.listing import Listed
from shared.services.supervising import Named

PAGE = "/manage/accounts"
ROUTE = "manage/accounts/{account}"
NAMES = 25  # A screen or two.

# What was done, by the word that the address of the page has for it.
DONE = {
    "sessions": "Every session is ended, everywhere within five seconds.",
    "revoke": "The token is revoked, everywhere within five seconds.",
    "revoke-stolen": "The token is revoked, and whatever was made with it has ended.",
    "revoke-all": "Every token is revoked, everywhere within five seconds.",
    "unlock": "The account is unlocked. Its tokens count again, but for those that were revoked.",
    "appoint": "It administers the registry from now on. All administrators are told by mail.",
    "dismiss": "It is no administrator any more. All administrators are told by mail.",
}

Decision = Callable[[Registry, Visit, Account], Awaitable[None]]


def blueprint(registry: Registry) -> func.Blueprint:
    """Return the Functions of the pages of accounts."""
    bp, managing = func.Blueprint(), Managing(registry)

    @bp.route("manage/accounts", methods=["GET", "HEAD"])
    @managing.page
    async def manage_accounts(visit: Visit) -> func.HttpResponse:
        return await _list(registry, visit)

    @bp.route(ROUTE, methods=["GET", "HEAD"])
    @managing.page
    async def manage_account(visit: Visit) -> func.HttpResponse:
        return await _show(registry, visit)

    async def again(visit: Visit, problem: Problem) -> func.HttpResponse:
        return await _show(registry, visit, problem)

    @bp.route(f"{ROUTE}/link", methods=["POST"])
    @managing.form(again=again)
    async def manage_account_link(visit: Visit) -> func.HttpResponse:
        account = await registry.accounts.with_id(visit.route["account"])
        link = await registry.sign_in.signing_in.issue_link(account, by=visit.principal)
        # Shown here and now, and not by a page of its own: the link is a secret, shown once.
        return await _show(registry, visit, link=link)

    for name, decide in DECISIONS.items():
        _add_decision(bp, registry, name, decide)
    return bp


def _add_decision(bp: func.Blueprint, registry: Registry, name: str, decide: Decision) -> None:
    """Add the Function of a form that changes something and shows the page again."""

    async def again(visit: Visit, problem: Problem) -> func.HttpResponse:
        return await _show(registry, visit, problem)

    async def decided(visit: Visit) -> func.HttpResponse:
        account = await registry.accounts.with_id(visit.route["account"])
        await decide(registry, visit, account)
        return see_other(f"{PAGE}/{account.id}?done={name}")

    decided.__name__ = f"manage_account_{name.replace('-', '_')}"
    bp.route(f"{ROUTE}/{name}", methods=["POST"])(Managing(registry).form(again=again)(decided))


async def _list(registry: Registry, visit: Visit) -> func.HttpResponse:
    sought, after = visit.query.get("q", "").strip()[:LONGEST], visit.query.get("after", "")
    supervising, by = registry.supervising, visit.principal
    if sought:
        people = await supervising.find(sought, by=by)
    else:
        people = await supervising.page(after, NAMES, by=by)
    if sought and (only := _only(people, sought)):
        return see_other(f"{PAGE}/{only.id}")
    return visit.show(
        "manage/accounts.html",
        people=people,
        sought=sought,
        is_first=not after,
        running=[] if sought or after else await supervising.running(by=by),
        now_ms=registry.clock.now_ms(),
    )


def _only(people: Listed[Named], sought: str) -> Account | None:
    """Return the account that was found, if it is one.

    Whoever looks for an id is not led to somebody whose old name is like that id.
    """
    account = people.rows[0].account if len(people.rows) == 1 else None
    return None if account and is_id(sought) and account.id != sought else account


async def _show(
    registry: Registry, visit: Visit, problem: Problem | None = None, link: Secret | None = None
) -> func.HttpResponse:
    asked = {"before": visit.query.get("before", ""), "count": str(EVENTS)}
    query, by = LogQuery.parse(asked), visit.principal
    person = await registry.supervising.show(visit.route["account"], query, by=by)
    account = person.account
    return visit.show(
        "manage/account.html",
        problem,
        person=person,
        account=account,
        path=f"{PAGE}/{account.id}",
        done=DONE.get(visit.query.get("done", ""), ""),
        link=link.reveal() if link else "",
        typed=visit.form.text("reason"),
        labels=_labels(registry),
        names={**person.log.names, OPERATOR_ID: "the operator"},
        browser_of=browser_of,
        scopes=choices(),
        what=what_happened,
        about=about,
        is_first=not asked["before"],
        now_ms=registry.clock.now_ms(),
    )


def _labels(registry: Registry) -> dict[str, str]:
    providers = registry.sign_in.signing_in.providers
    return {name: provider.label for name, provider in providers.items()}


async def _end_sessions(registry: Registry, visit: Visit, account: Account) -> None:
    for session in await registry.restraining.end_sessions(account, by=visit.principal):
        registry.sessions.forget(session)


async def _revoke(registry: Registry, visit: Visit, account: Account) -> None:
    await registry.restraining.revoke(account, visit.form.text("token"), by=visit.principal)


async def _revoke_stolen(registry: Registry, visit: Visit, account: Account) -> None:
    token_id = visit.form.text("token")
    await registry.restraining.revoke_stolen(account, token_id, by=visit.principal)


async def _revoke_all(registry: Registry, visit: Visit, account: Account) -> None:
    require_meant(visit, account.name)
    await registry.restraining.revoke_all(account, by=visit.principal)


async def _lock(registry: Registry, visit: Visit, account: Account) -> None:
    reason = visit.form.text("reason")
    for session in await registry.restraining.lock(account, reason, by=visit.principal):
        registry.sessions.forget(session)


async def _unlock(registry: Registry, visit: Visit, account: Account) -> None:
    await registry.restraining.unlock(account, by=visit.principal)


async def _appoint(registry: Registry, visit: Visit, account: Account) -> None:
    require_meant(visit, account.name)
    await registry.appointing.appoint(account, by=visit.principal)


async def _dismiss(registry: Registry, visit: Visit, account: Account) -> None:
    require_meant(visit, account.name)
    await registry.appointing.dismiss(account, by=visit.principal)


DECISIONS: dict[str, Decision] = {
    "sessions": _end_sessions,
    "revoke": _revoke,
    "revoke-stolen": _revoke_stolen,
    "revoke-all": _revoke_all,
    "lock": _lock,
    "unlock": _unlock,
    "appoint": _appoint,
    "dismiss": _dismiss,
}
