"""/manage/accounts: accounts, their tokens and sessions, locking, and administrators."""

from collections.abc import Awaitable, Callable
from functools import partial

from functions.account.overview import REVOKED_MESSAGE
from functions.account.security import EVENTS_PER_PAGE, browser_name, event_label, event_subject
from functions.account.tokens import (
    REVOKE,
    TokenAction,
    requested_token,
    scope_choices,
)
from functions.http.pages import MAX_SEARCH_LENGTH, see_other
from functions.http.signed_in_pages import (
    AdministratorPages,
    FormProblem,
    PageWithForms,
    SignedInCall,
    require_confirmation,
)
from shared.auth.secrets import Secret
from shared.domain.accounts import Account, is_id
from shared.domain.errors.base import Conflict, about_field
from shared.domain.events import EventQuery
from shared.domain.identity import OPERATOR_ID
from shared.domain.mail import parse_email
from shared.runtime.answers import Answer
from shared.services.administration.administration import AccountAdministration, NamedAccount
from shared.services.records import ListPage

ACCOUNTS_PATH = "/manage/accounts"
ACCOUNT_ROUTE = "manage/accounts/{account}"
ACCOUNTS_PER_PAGE = 25  # A screen or two.

# The message after a form, by the name of its action.
DONE_MESSAGES = {
    "invited": "Account created. A sign-in link was sent by email; it expires in an hour.",
    "sessions": "All sessions ended. Browsers are signed out within five seconds.",
    "revoke": REVOKED_MESSAGE,
    "revoke-all": "All access tokens revoked. They stop working within five seconds.",
    "lock": "Account locked. Its credentials are refused within five seconds.",
    "unlock": "Account unlocked. Its tokens that were not revoked work again.",
    "appoint": "Administrator role added. All administrators were notified by email.",
    "dismiss": "Administrator role removed. All administrators were notified by email.",
}

ADMINISTRATOR_TOKEN_ACTIONS = (REVOKE,)

AccountAction = Callable[[SignedInCall, Account], Awaitable[None]]


pages = AdministratorPages()


def _accounts(call: SignedInCall) -> AccountAdministration:
    return call.registry.administration.accounts


async def _submitted(name: str, act: AccountAction, call: SignedInCall) -> Answer:
    account = await call.registry.identity.accounts.by_id(call.route_params["account"])
    await act(call, account)
    return see_other(f"{ACCOUNTS_PATH}/{account.id}?done={name}")


@pages.read("manage/accounts")
async def manage_accounts(call: SignedInCall, problem: FormProblem | None = None) -> Answer:
    text = call.params.get("q", "").strip()[:MAX_SEARCH_LENGTH]
    after, by = call.params.get("after", ""), call.caller
    administration = _accounts(call)
    if text:
        people = await administration.search(text, by=by)
        if account := _only_match(people, text):
            return see_other(f"{ACCOUNTS_PATH}/{account.id}")
    else:
        people = await administration.page(after, ACCOUNTS_PER_PAGE, by=by)
    return call.show(
        "manage/accounts.html",
        problem,
        typed=call.form,
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


@pages.read(ACCOUNT_ROUTE)
async def manage_account(
    call: SignedInCall, problem: FormProblem | None = None, link: Secret | None = None
) -> Answer:
    return await _account_page(call, call.route_params["account"], problem, link)


async def _account_page(
    call: SignedInCall,
    account_id: str,
    problem: FormProblem | None = None,
    link: Secret | None = None,
) -> Answer:
    params = {"before": call.params.get("before", ""), "count": str(EVENTS_PER_PAGE)}
    person = await _accounts(call).show(account_id, EventQuery.parse(params), by=call.caller)
    account, providers = person.account, call.registry.identity.sign_in_flow.providers
    return call.show(
        "manage/account.html",
        problem,
        person=person,
        account=account,
        path=f"{ACCOUNTS_PATH}/{account.id}",
        done=call.done(DONE_MESSAGES),
        link=link.reveal() if link else "",
        typed=call.form.text("reason"),
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
    async def show(call: SignedInCall, problem: FormProblem | None = None) -> Answer:
        administration, by = _accounts(call), call.caller
        account = await call.registry.identity.accounts.by_id(call.route_params["account"])
        used = await administration.token(account, requested_token(call), by=by)
        return call.show(
            "manage/token_confirm.html",
            problem,
            action=action,
            account=account,
            used=used,
            scopes=scope_choices(),
            path=f"{ACCOUNTS_PATH}/{account.id}",
        )

    return show


async def _end_sessions(call: SignedInCall, account: Account) -> None:
    for session in await _accounts(call).end_sessions(account, by=call.caller):
        call.registry.identity.session_authentication.invalidate(session)


async def _revoke(call: SignedInCall, account: Account) -> None:
    await _accounts(call).revoke_token(account, call.form.text("token"), by=call.caller)


async def _revoke_all(call: SignedInCall, account: Account) -> None:
    require_confirmation(call, account.name)
    await _accounts(call).revoke_all_tokens(account, by=call.caller)


async def _lock(call: SignedInCall, account: Account) -> None:
    reason = call.form.text("reason")
    with about_field("reason"):
        ended = await _accounts(call).lock(account, reason, by=call.caller)
    for session in ended:
        call.registry.identity.session_authentication.invalidate(session)


async def _unlock(call: SignedInCall, account: Account) -> None:
    await _accounts(call).unlock(account, by=call.caller)


async def _appoint(call: SignedInCall, account: Account) -> None:
    require_confirmation(call, account.name)
    await call.registry.administration.administrators.appoint(account, by=call.caller)


async def _dismiss(call: SignedInCall, account: Account) -> None:
    require_confirmation(call, account.name)
    await call.registry.administration.administrators.dismiss(account, by=call.caller)


ACCOUNT_ACTIONS: dict[str, AccountAction] = {
    "sessions": _end_sessions,
    "revoke": _revoke,
    "revoke-all": _revoke_all,
    "lock": _lock,
    "unlock": _unlock,
    "appoint": _appoint,
    "dismiss": _dismiss,
}


@pages.form("manage/accounts", manage_accounts)
async def manage_account_create(call: SignedInCall) -> Answer:
    form, by = call.form, call.caller
    typed = form.text("email")
    with about_field("email"):
        address = parse_email(typed) if typed else None
    with about_field("name", Conflict):
        account = await _accounts(call).create(form.text("name"), by=by)
    link = await call.registry.identity.sign_in_flow.issue_link(account, by=by)
    if address and await _accounts(call).send_sign_in_link(account, address, link, by=by):
        return see_other(f"{ACCOUNTS_PATH}/{account.id}?done=invited")
    return await _account_page(call, account.id, link=link)


@pages.form(f"{ACCOUNT_ROUTE}/link", manage_account)
async def manage_account_link(call: SignedInCall) -> Answer:
    account = await call.registry.identity.accounts.by_id(call.route_params["account"])
    link = await call.registry.identity.sign_in_flow.issue_link(account, by=call.caller)
    # Shown by this answer alone, since the link is a secret.
    return await manage_account(call, link=link)


CONFIRMATIONS = {each.name: _confirmation(each) for each in ADMINISTRATOR_TOKEN_ACTIONS}
for _action, _show in CONFIRMATIONS.items():
    _name = f"manage_account_confirm_{_action.replace('-', '_')}"
    pages.read(f"{ACCOUNT_ROUTE}/{_action}", name=_name)(_show)
for _action, _act in ACCOUNT_ACTIONS.items():
    _name = f"manage_account_{_action.replace('-', '_')}"
    _form = pages.form(
        f"{ACCOUNT_ROUTE}/{_action}", CONFIRMATIONS.get(_action, manage_account), name=_name
    )
    _form(partial(_submitted, _action, _act))

FACES = (pages,)
