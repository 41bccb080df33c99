"""/manage/accounts: accounts, their tokens and sessions, locking, and administrators."""

from collections.abc import Awaitable, Callable

import azure.functions as func

from functions.account.security import EVENTS_PER_PAGE, browser_name, event_label, event_subject
from functions.account.tokens import scope_choices
from functions.http.pages import see_other
from functions.http.signed_in_pages import FormProblem, SignedInRequest
from functions.manage.pages import MAX_SEARCH_LENGTH, AdministratorPages, require_confirmation
from shared.auth.secrets import Secret
from shared.composition import Registry
from shared.domain.accounts import Account, is_id
from shared.domain.events import EventQuery
from shared.domain.identity import OPERATOR_ID
from shared.services.administration import NamedAccount
from shared.services.records import ListPage

ACCOUNTS_PATH = "/manage/accounts"
ACCOUNT_ROUTE = "manage/accounts/{account}"
ACCOUNTS_PER_PAGE = 25  # A screen or two.

# What was done, by the word that the address of the page has for it.
DONE_MESSAGES = {
    "sessions": "Every session is ended, everywhere within five seconds.",
    "revoke": "The token is revoked, everywhere within five seconds.",
    "revoke-stolen": "The token is revoked, and whatever was made with it has ended.",
    "revoke-all": "Every token is revoked, everywhere within five seconds.",
    "unlock": "The account is unlocked. Its tokens count again, but for those that were revoked.",
    "appoint": "It administers the registry from now on. All administrators are told by mail.",
    "dismiss": "It is no administrator any more. All administrators are told by mail.",
}

AccountAction = Callable[[Registry, SignedInRequest, Account], Awaitable[None]]


def blueprint(registry: Registry) -> func.Blueprint:
    """Return the Functions of the pages of accounts."""
    bp, managing = func.Blueprint(), AdministratorPages(registry)

    @bp.route("manage/accounts", methods=["GET", "HEAD"])
    @managing.page
    async def manage_accounts(visit: SignedInRequest) -> func.HttpResponse:
        return await _list(registry, visit)

    @bp.route(ACCOUNT_ROUTE, methods=["GET", "HEAD"])
    @managing.page
    async def manage_account(visit: SignedInRequest) -> func.HttpResponse:
        return await _show(registry, visit)

    async def again(visit: SignedInRequest, problem: FormProblem) -> func.HttpResponse:
        return await _show(registry, visit, problem)

    @bp.route(f"{ACCOUNT_ROUTE}/link", methods=["POST"])
    @managing.form(again=again)
    async def manage_account_link(visit: SignedInRequest) -> func.HttpResponse:
        account = await registry.accounts.by_id(visit.route["account"])
        link = await registry.sign_in.flow.issue_link(account, by=visit.principal)
        # Shown here and now, and not by a page of its own: the link is a secret, shown once.
        return await _show(registry, visit, link=link)

    for name, decide in ACCOUNT_ACTIONS.items():
        _add_action(bp, registry, name, decide)
    return bp


def _add_action(bp: func.Blueprint, registry: Registry, name: str, decide: AccountAction) -> None:
    """Add the Function of a form that changes something and shows the page again."""

    async def again(visit: SignedInRequest, problem: FormProblem) -> func.HttpResponse:
        return await _show(registry, visit, problem)

    async def decided(visit: SignedInRequest) -> func.HttpResponse:
        account = await registry.accounts.by_id(visit.route["account"])
        await decide(registry, visit, account)
        return see_other(f"{ACCOUNTS_PATH}/{account.id}?done={name}")

    decided.__name__ = f"manage_account_{name.replace('-', '_')}"
    bp.route(f"{ACCOUNT_ROUTE}/{name}", methods=["POST"])(
        AdministratorPages(registry).form(again=again)(decided)
    )


async def _list(registry: Registry, visit: SignedInRequest) -> func.HttpResponse:
    sought, after = (
        visit.query.get("q", "").strip()[:MAX_SEARCH_LENGTH],
        visit.query.get("after", ""),
    )
    supervising, by = registry.account_administration, visit.principal
    if sought:
        people = await supervising.search(sought, by=by)
    else:
        people = await supervising.page(after, ACCOUNTS_PER_PAGE, by=by)
    if sought and (only := _only(people, sought)):
        return see_other(f"{ACCOUNTS_PATH}/{only.id}")
    return visit.show(
        "manage/accounts.html",
        people=people,
        sought=sought,
        is_first=not after,
        running=[] if sought or after else await supervising.list_administrators(by=by),
        now_ms=registry.clock.now_ms(),
    )


def _only(people: ListPage[NamedAccount], sought: str) -> Account | None:
    """Return the account that was found, if it is one.

    Whoever looks for an id is not led to somebody whose old name is like that id.
    """
    account = people.rows[0].account if len(people.rows) == 1 else None
    return None if account and is_id(sought) and account.id != sought else account


async def _show(
    registry: Registry,
    visit: SignedInRequest,
    problem: FormProblem | None = None,
    link: Secret | None = None,
) -> func.HttpResponse:
    asked = {"before": visit.query.get("before", ""), "count": str(EVENTS_PER_PAGE)}
    query, by = EventQuery.parse(asked), visit.principal
    person = await registry.account_administration.show(visit.route["account"], query, by=by)
    account = person.account
    return visit.show(
        "manage/account.html",
        problem,
        person=person,
        account=account,
        path=f"{ACCOUNTS_PATH}/{account.id}",
        done=DONE_MESSAGES.get(visit.query.get("done", ""), ""),
        link=link.reveal() if link else "",
        typed=visit.form.text("reason"),
        labels=_labels(registry),
        names={**person.log.names, OPERATOR_ID: "the operator"},
        browser_of=browser_name,
        scopes=scope_choices(),
        what=event_label,
        about=event_subject,
        is_first=not asked["before"],
        now_ms=registry.clock.now_ms(),
    )


def _labels(registry: Registry) -> dict[str, str]:
    providers = registry.sign_in.flow.providers
    return {name: provider.label for name, provider in providers.items()}


async def _end_sessions(registry: Registry, visit: SignedInRequest, account: Account) -> None:
    for session in await registry.account_restrictions.end_sessions(account, by=visit.principal):
        registry.sessions.invalidate(session)


async def _revoke(registry: Registry, visit: SignedInRequest, account: Account) -> None:
    await registry.account_restrictions.revoke_token(
        account, visit.form.text("token"), by=visit.principal
    )


async def _revoke_stolen(registry: Registry, visit: SignedInRequest, account: Account) -> None:
    token_id = visit.form.text("token")
    await registry.account_restrictions.revoke_stolen_token(account, token_id, by=visit.principal)


async def _revoke_all(registry: Registry, visit: SignedInRequest, account: Account) -> None:
    require_confirmation(visit, account.name)
    await registry.account_restrictions.revoke_all_tokens(account, by=visit.principal)


async def _lock(registry: Registry, visit: SignedInRequest, account: Account) -> None:
    reason = visit.form.text("reason")
    for session in await registry.account_restrictions.lock(account, reason, by=visit.principal):
        registry.sessions.invalidate(session)


async def _unlock(registry: Registry, visit: SignedInRequest, account: Account) -> None:
    await registry.account_restrictions.unlock(account, by=visit.principal)


async def _appoint(registry: Registry, visit: SignedInRequest, account: Account) -> None:
    require_confirmation(visit, account.name)
    await registry.administrator_appointments.appoint(account, by=visit.principal)


async def _dismiss(registry: Registry, visit: SignedInRequest, account: Account) -> None:
    require_confirmation(visit, account.name)
    await registry.administrator_appointments.dismiss(account, by=visit.principal)


ACCOUNT_ACTIONS: dict[str, AccountAction] = {
    "sessions": _end_sessions,
    "revoke": _revoke,
    "revoke-stolen": _revoke_stolen,
    "revoke-all": _revoke_all,
    "lock": _lock,
    "unlock": _unlock,
    "appoint": _appoint,
    "dismiss": _dismiss,
}
