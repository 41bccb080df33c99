"""/manage/accounts: accounts, their tokens and sessions, locking, and administrators."""

from collections.abc import Awaitable, Callable

import azure.functions as func

from functions.account.security import EVENTS_PER_PAGE, browser_name, event_label, event_subject
from functions.account.tokens import (
    REVOKE,
    REVOKE_STOLEN,
    TOKEN_DONE_MESSAGES,
    TokenAction,
    requested_token,
    scope_choices,
)
from functions.http.pages import MAX_SEARCH_LENGTH, see_other
from functions.http.requests import READ_METHODS
from functions.http.signed_in_pages import (
    AdministratorPages,
    FormProblem,
    PageWithForms,
    SignedInPageHandler,
    SignedInRequest,
    require_confirmation,
)
from shared.auth.secrets import Secret
from shared.composition import Registry
from shared.domain.accounts import Account, is_id
from shared.domain.events import EventQuery
from shared.domain.identity import OPERATOR_ID
from shared.domain.mail import parse_email
from shared.services.administration import NamedAccount
from shared.services.records import ListPage

ACCOUNTS_PATH = "/manage/accounts"
ACCOUNT_ROUTE = "manage/accounts/{account}"
ACCOUNTS_PER_PAGE = 25  # A screen or two.

# The message after a form, by the name of its action.
DONE_MESSAGES = {
    "invited": "Account created. A sign-in link was sent by email; it expires in an hour.",
    "sessions": "All sessions ended. Browsers are signed out within five seconds.",
    **TOKEN_DONE_MESSAGES,
    "revoke-all": "All access tokens revoked. They stop working within five seconds.",
    "lock": "Account locked. Its credentials are refused within five seconds.",
    "unlock": "Account unlocked. Its tokens that were not revoked work again.",
    "appoint": "Administrator role added. All administrators were notified by email.",
    "dismiss": "Administrator role removed. All administrators were notified by email.",
}

ADMINISTRATOR_TOKEN_ACTIONS = (REVOKE, REVOKE_STOLEN)

AccountAction = Callable[[SignedInRequest, Account], Awaitable[None]]


def blueprint(registry: Registry) -> func.Blueprint:
    bp, pages = func.Blueprint(), AdministratorPages(registry)
    bp.route("manage/accounts", methods=READ_METHODS)(pages.page(manage_accounts))

    @bp.route("manage/accounts", methods=["POST"])
    @pages.form(manage_accounts)
    async def manage_account_create(request: SignedInRequest) -> func.HttpResponse:
        form, by = request.form, request.principal
        typed = form.text("email")
        address = parse_email(typed) if typed else None
        account = await registry.account_administration.create(form.text("name"), by=by)
        link = await registry.sign_in_flow.issue_link(account, by=by)
        if address and await registry.account_administration.send_sign_in_link(
            account, address, link, by=by
        ):
            return see_other(f"{ACCOUNTS_PATH}/{account.id}?done=invited")
        return await _account_page(request, account.id, link=link)

    bp.route(ACCOUNT_ROUTE, methods=READ_METHODS)(pages.page(manage_account))

    @bp.route(f"{ACCOUNT_ROUTE}/link", methods=["POST"])
    @pages.form(manage_account)
    async def manage_account_link(request: SignedInRequest) -> func.HttpResponse:
        account = await registry.accounts.by_id(request.route["account"])
        link = await registry.sign_in_flow.issue_link(account, by=request.principal)
        # Shown by this response alone, since the link is a secret.
        return await manage_account(request, link=link)

    confirmations = {each.name: _confirmation(each) for each in ADMINISTRATOR_TOKEN_ACTIONS}
    for name, show in confirmations.items():
        bp.route(f"{ACCOUNT_ROUTE}/{name}", methods=READ_METHODS)(pages.page(show))
    for name, act in ACCOUNT_ACTIONS.items():
        form = pages.form(confirmations.get(name, manage_account))(_form_handler(name, act))
        bp.route(f"{ACCOUNT_ROUTE}/{name}", methods=["POST"])(form)
    return bp


def _form_handler(name: str, act: AccountAction) -> SignedInPageHandler:
    async def respond(request: SignedInRequest) -> func.HttpResponse:
        account = await request.registry.accounts.by_id(request.route["account"])
        await act(request, account)
        return see_other(f"{ACCOUNTS_PATH}/{account.id}?done={name}")

    respond.__name__ = f"manage_account_{name.replace('-', '_')}"
    return respond


async def manage_accounts(
    request: SignedInRequest, problem: FormProblem | None = None
) -> func.HttpResponse:
    text = request.query.get("q", "").strip()[:MAX_SEARCH_LENGTH]
    after, by = request.query.get("after", ""), request.principal
    administration = request.registry.account_administration
    if text:
        people = await administration.search(text, by=by)
        if account := _only_match(people, text):
            return see_other(f"{ACCOUNTS_PATH}/{account.id}")
    else:
        people = await administration.page(after, ACCOUNTS_PER_PAGE, by=by)
    return request.show(
        "manage/accounts.html",
        problem,
        typed=request.form,
        people=people,
        sought=text,
        is_first=not after,
        running=[] if text or after else await administration.list_administrators(by=by),
    )


def _only_match(people: ListPage[NamedAccount], text: str) -> Account | None:
    """Return the account if there is one alone.

    A search for an id does not lead to an account whose former name looks like that id.
    """
    account = people.rows[0].account if len(people.rows) == 1 else None
    return None if account and is_id(text) and account.id != text else account


async def manage_account(
    request: SignedInRequest, problem: FormProblem | None = None, link: Secret | None = None
) -> func.HttpResponse:
    return await _account_page(request, request.route["account"], problem, link)


async def _account_page(
    request: SignedInRequest,
    account_id: str,
    problem: FormProblem | None = None,
    link: Secret | None = None,
) -> func.HttpResponse:
    params = {"before": request.query.get("before", ""), "count": str(EVENTS_PER_PAGE)}
    person = await request.registry.account_administration.show(
        account_id, EventQuery.parse(params), by=request.principal
    )
    account, providers = person.account, request.registry.sign_in_flow.providers
    return request.show(
        "manage/account.html",
        problem,
        person=person,
        account=account,
        path=f"{ACCOUNTS_PATH}/{account.id}",
        done=request.done(DONE_MESSAGES),
        link=link.reveal() if link else "",
        typed=request.form.text("reason"),
        labels={name: provider.label for name, provider in providers.items()},
        names={**person.log.names, OPERATOR_ID: "the operator"},
        browser_of=browser_name,
        scopes=scope_choices(),
        actions=ADMINISTRATOR_TOKEN_ACTIONS,
        what=event_label,
        about=event_subject,
        is_first=not params["before"],
    )


def _confirmation(action: TokenAction) -> PageWithForms:
    """Return the page that asks to confirm an action on a token of an account."""

    async def show(
        request: SignedInRequest, problem: FormProblem | None = None
    ) -> func.HttpResponse:
        administration, by = request.registry.account_administration, request.principal
        account = await request.registry.accounts.by_id(request.route["account"])
        used = await administration.token(account, requested_token(request), by=by)
        return request.show(
            "manage/token_confirm.html",
            problem,
            action=action,
            account=account,
            used=used,
            scopes=scope_choices(),
            path=f"{ACCOUNTS_PATH}/{account.id}",
        )

    show.__name__ = f"manage_account_confirm_{action.name.replace('-', '_')}"
    return show


async def _end_sessions(request: SignedInRequest, account: Account) -> None:
    for session in await request.registry.account_administration.end_sessions(
        account, by=request.principal
    ):
        request.registry.session_authentication.invalidate(session)


async def _revoke(request: SignedInRequest, account: Account) -> None:
    await request.registry.account_administration.revoke_token(
        account, request.form.text("token"), by=request.principal
    )


async def _revoke_stolen(request: SignedInRequest, account: Account) -> None:
    token_id = request.form.text("token")
    await request.registry.account_administration.revoke_stolen_token(
        account, token_id, by=request.principal
    )


async def _revoke_all(request: SignedInRequest, account: Account) -> None:
    require_confirmation(request, account.name)
    await request.registry.account_administration.revoke_all_tokens(account, by=request.principal)


async def _lock(request: SignedInRequest, account: Account) -> None:
    reason = request.form.text("reason")
    for session in await request.registry.account_administration.lock(
        account, reason, by=request.principal
    ):
        request.registry.session_authentication.invalidate(session)


async def _unlock(request: SignedInRequest, account: Account) -> None:
    await request.registry.account_administration.unlock(account, by=request.principal)


async def _appoint(request: SignedInRequest, account: Account) -> None:
    require_confirmation(request, account.name)
    await request.registry.administrators.appoint(account, by=request.principal)


async def _dismiss(request: SignedInRequest, account: Account) -> None:
    require_confirmation(request, account.name)
    await request.registry.administrators.dismiss(account, by=request.principal)


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
