"""/manage/accounts: accounts, their tokens and sessions, locking, and administrators; and
/manage/groups: the rules by which groups give roles."""

from collections.abc import Iterable, Sequence

from functions.account.personal_data import personal_data_answer
from functions.api.accounts import LeaversStatementView
from functions.html.browser_labels import browser_label
from functions.html.cursors import page_at_cursor
from functions.html.event_sentences import EVENTS_PER_PAGE, event_label, event_subject
from functions.html.pages import MAX_SEARCH_LENGTH, PAGE_HEADERS, see_other
from functions.html.signed_in_pages import (
    AdministratorPages,
    FormProblem,
    SignedInCall,
    require_confirmation,
)
from functions.html.token_forms import REVOKE, requested_token, scope_choices
from functions.http.json_answers import JSON
from functions.manage.second_administrator import waiting_page
from shared.auth.secrets import Secret
from shared.domain.accounts import Account
from shared.domain.errors.base import Conflict, NotFound, about_field
from shared.domain.event_queries import EventQuery
from shared.domain.mail import parse_email
from shared.domain.principals import names_within_sentences
from shared.domain.proposals import Proposal
from shared.domain.sessions import Session
from shared.runtime.answers import Answer
from shared.services.administration.account_administration import (
    AccountAdministration,
    AccountDetails,
)
from shared.services.administration.account_erasure import ErasureReceipt
from shared.services.administration.administrators import Administrators
from shared.services.administration.auditors import Auditors
from shared.services.administration.group_roles import GroupRuleDryRun
from shared.services.administration.leaving import REASON, LeaveRequest
from shared.use_cases import accounts, groups, tokens
from shared.use_cases.inputs import shown_fields
from shared.use_cases.second_administrator import announce_erasure, erase_account_now
from shared.use_cases.use_case import of_registry

ACCOUNTS_PATH = "/manage/accounts"
ACCOUNT_ROUTE = "manage/accounts/{account}"
ACCOUNTS_PER_PAGE = 25  # A screen or two.
EFFECTS_SHOWN = 100  # Effects of a dry run on a page.


pages = AdministratorPages()
FACES = (pages,)


def _accounts(call: SignedInCall) -> AccountAdministration:
    return call.registry.administration.accounts


@pages.read("manage/accounts")
async def manage_accounts(call: SignedInCall, problem: FormProblem | None = None) -> Answer:
    text = call.params.get("q", "").strip()[:MAX_SEARCH_LENGTH]
    after = call.params.get("after", "")
    by = call.caller
    administration = _accounts(call)
    if text:
        people = await administration.search(text, by=by)
    else:
        people = await administration.page(after, ACCOUNTS_PER_PAGE, by=by)
    return call.show(
        "manage/accounts.html",
        problem,
        people=people,
        sought=text,
        is_first=not after,
        running=[] if text or after else await administration.list_administrators(by=by),
    )


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
    async def read(before: str) -> AccountDetails:
        query = EventQuery.parse({"before": before, "count": str(EVENTS_PER_PAGE)})
        return await _accounts(call).show(account_id, query, by=call.caller)

    shown = await page_at_cursor(call, "before", read)
    person = shown.found
    account = person.account
    freezes = call.registry.organizations.freezes
    by_groups = await call.registry.administration.group_rules.roles_by_groups.ends_of(account)
    return call.show(
        "manage/account.html",
        problem or shown.problem,
        person=person,
        account=account,
        by_groups=by_groups.roles,
        rights=await call.registry.administration.account_rights.of(account, by=call.caller),
        made=await _accounts(call).made_by(account, by=call.caller) if account.is_locked else (),
        solely_owned=await freezes.solely_owned(account, by=call.caller),
        path=f"{ACCOUNTS_PATH}/{account.id}",
        link=link.reveal() if link else "",
        labels=call.registry.identity.sign_in_flow.provider_labels,
        names=names_within_sentences(person.log.names),
        browser_of=browser_label,
        scopes=scope_choices(),
        actions=(REVOKE,),
        what=event_label,
        about=event_subject,
        is_first=shown.is_first,
        erasure=await call.registry.administration.account_erasures.pending(account.id),
    )


@pages.form(f"{ACCOUNT_ROUTE}/data", manage_account)
async def manage_account_export(call: SignedInCall) -> Answer:
    deletion = call.registry.administration.account_deletion
    return personal_data_answer(
        await deletion.export_of(await _account(call), by=call.caller), call.caller
    )


@pages.read(f"{ACCOUNT_ROUTE}/revoke")
async def manage_account_confirm_revoke(
    call: SignedInCall, problem: FormProblem | None = None
) -> Answer:
    account = await _account(call)
    return call.show(
        "manage/token_confirm.html",
        problem,
        action=REVOKE,
        account=account,
        used=await _accounts(call).token(account, requested_token(call), by=call.caller),
        scopes=scope_choices(),
        path=f"{ACCOUNTS_PATH}/{account.id}",
    )


async def _account(call: SignedInCall) -> Account:
    return await call.registry.identity.accounts.by_id(call.route_params["account"])


def _end(call: SignedInCall, sessions: Iterable[Session]) -> None:
    for session in sessions:
        call.registry.identity.session_authentication.invalidate(session)


@pages.form(
    "manage/accounts",
    manage_accounts,
    done={"invited": "Account created. A sign-in link was sent by email; it expires in an hour."},
)
async def manage_account_create(call: SignedInCall) -> Answer:
    form = call.form
    by = call.caller
    typed = form.text("email")
    with about_field("email"):
        address = parse_email(typed) if typed else None
    with about_field("name", Conflict):
        account = await _accounts(call).create(form.text("name"), by=by)
    link = await call.registry.identity.sign_in_flow.issue_link(account, by=by)
    sent = address and await _accounts(call).send_sign_in_link(account, address, link, by=by)
    if sent and not call.registry.settings.prints_mail:
        return see_other(f"{ACCOUNTS_PATH}/{account.id}?done=invited")
    return await _account_page(call, account.id, link=link)


@pages.form(f"{ACCOUNT_ROUTE}/link", manage_account)
async def manage_account_link(call: SignedInCall) -> Answer:
    account = await _account(call)
    link = await call.registry.identity.sign_in_flow.issue_link(account, by=call.caller)
    # Only this answer shows the link, because it is a secret.
    return await manage_account(call, link=link)


@pages.form(
    f"{ACCOUNT_ROUTE}/sessions",
    manage_account,
    done="All sessions ended. Browsers are signed out within five seconds.",
)
async def manage_account_sessions(call: SignedInCall) -> None:
    account = await _account(call)
    reason = call.form.text("reason")
    with about_field("reason"):
        ended = await _accounts(call).end_sessions(account, reason, by=call.caller)
    _end(call, ended)


@pages.form(
    f"{ACCOUNT_ROUTE}/revoke",
    manage_account_confirm_revoke,
    done=tokens.revoke.done,
    leads_to=ACCOUNT_ROUTE,
)
async def manage_account_revoke(call: SignedInCall) -> None:
    token_id = call.form.text("token")
    reason = call.form.text("reason")
    await _accounts(call).revoke_token(await _account(call), token_id, reason, by=call.caller)


@pages.form(f"{ACCOUNT_ROUTE}/lock", manage_account, done=accounts.lock.done)
async def manage_account_lock(call: SignedInCall) -> None:
    """Lock the account, and freeze what only it owns if the form asks for that."""
    account = await call.submit(accounts.lock, await _account(call))
    if call.form.all("freeze"):
        freezes = call.registry.organizations.freezes
        await freezes.freeze_solely_owned(account, call.form.text("reason"), by=call.caller)


pages.use_case(
    accounts.unlock,
    f"{ACCOUNT_ROUTE}/unlock",
    manage_account,
    _account,
    name="manage_account_unlock",
)


@pages.read(f"{ACCOUNT_ROUTE}/leave")
async def manage_account_leave_page(
    call: SignedInCall, problem: FormProblem | None = None, done: Sequence[str] = ()
) -> Answer:
    account = await _account(call)
    leaving = call.registry.administration.leaving
    return call.show(
        "manage/leave.html",
        problem,
        account=account,
        statement=await leaving.statement(account, by=call.caller),
        path=f"{ACCOUNTS_PATH}/{account.id}",
        done=done,
    )


@pages.read(f"{ACCOUNT_ROUTE}/leave.json")
async def manage_account_leave_export(call: SignedInCall) -> Answer:
    account = await _account(call)
    leaving = call.registry.administration.leaving
    statement = await leaving.statement(account, by=call.caller)
    body = LeaversStatementView.of(statement).model_dump_json(by_alias=True, indent=2)
    headers = {
        **PAGE_HEADERS,
        "Content-Disposition": f'attachment; filename="{account.name}-leave.json"',
    }
    return Answer(body.encode(), headers=headers, media_type=JSON)


@pages.form(f"{ACCOUNT_ROUTE}/leave", manage_account_leave_page)
async def manage_account_leave(call: SignedInCall) -> Answer:
    account = await _confirmed_account(call)
    form = call.form
    with about_field("successor", NotFound):
        successor = await _successor(call, form.text("successor"))
    request = LeaveRequest(bool(form.all("end")), successor, form.text("reason") or REASON)
    done = await call.registry.administration.leaving.leave(account, request, by=call.caller)
    return await manage_account_leave_page(call, done=done)


async def _successor(call: SignedInCall, name: str) -> Account | None:
    return await call.registry.identity.accounts.by_name_or_id(name) if name else None


@pages.form(
    f"{ACCOUNT_ROUTE}/appoint",
    manage_account,
    done="Administrator role added. All administrators were notified by email.",
)
async def manage_account_appoint(call: SignedInCall) -> None:
    administrators = call.registry.administration.administrators
    await administrators.appoint(await _confirmed_account(call), by=call.caller)


@pages.form(
    f"{ACCOUNT_ROUTE}/dismiss",
    manage_account,
    done="Administrator role removed. All administrators were notified by email.",
)
async def manage_account_dismiss(call: SignedInCall) -> None:
    await _dismiss(call, call.registry.administration.administrators)


@pages.form(
    f"{ACCOUNT_ROUTE}/appoint-auditor",
    manage_account,
    done="Auditor role added. All administrators were notified by email.",
)
async def manage_account_appoint_auditor(call: SignedInCall) -> None:
    auditors = call.registry.administration.auditors
    await auditors.appoint(await _confirmed_account(call), by=call.caller)


@pages.form(
    f"{ACCOUNT_ROUTE}/dismiss-auditor",
    manage_account,
    done="Auditor role removed. All administrators were notified by email.",
)
async def manage_account_dismiss_auditor(call: SignedInCall) -> None:
    await _dismiss(call, call.registry.administration.auditors)


async def _dismiss(call: SignedInCall, holders: Administrators | Auditors) -> None:
    account = await _confirmed_account(call)
    reason = call.form.text("reason")
    with about_field("reason"):
        await holders.dismiss(account, reason, by=call.caller)


@pages.form(
    f"{ACCOUNT_ROUTE}/erase",
    manage_account,
    done="The account will be erased in seven days. Its owner was notified by email.",
)
async def manage_account_erase(call: SignedInCall) -> Answer | None:
    account = await _confirmed_account(call)
    reason = call.form.text("reason")
    registry = call.registry
    with about_field("reason"):
        if call.form.text("when") != "now":
            return waiting_page(await announce_erasure(registry, account, reason, call.caller))
        erased = await erase_account_now(registry, account, reason, call.caller)
    if isinstance(erased, Proposal):
        return waiting_page(erased)
    return erasure_receipt_page(call, erased)


def erasure_receipt_page(call: SignedInCall, receipt: ErasureReceipt) -> Answer:
    """Return the page that says what the erasure of an account deleted."""
    manual_page = f"{call.registry.settings.base_url}/docs/run-personal-data"
    return call.message("Account erased", *receipt.lines(manual_page))


@pages.form(
    f"{ACCOUNT_ROUTE}/keep", manage_account, done="The erasure was canceled. The account stays."
)
async def manage_account_keep(call: SignedInCall) -> None:
    erasures = call.registry.administration.account_erasures
    await erasures.cancel(await _account(call), by=call.caller)


async def _confirmed_account(call: SignedInCall) -> Account:
    """Return the account, whose name the form repeats."""
    account = await _account(call)
    require_confirmation(call, account.name)
    return account


pages.use_case(
    accounts.revoke_tokens,
    f"{ACCOUNT_ROUTE}/revoke-all",
    manage_account,
    _confirmed_account,
    name="manage_account_revoke_all",
)


@pages.read("manage/groups")
async def manage_groups(
    call: SignedInCall, problem: FormProblem | None = None, dry_run: GroupRuleDryRun | None = None
) -> Answer:
    rules = await call.registry.administration.group_rules.current(by=call.caller)
    return call.show(
        "manage/groups.html",
        problem,
        settings=call.registry.settings,
        typed=call.form.text("rules", "\n".join(map(str, rules.rules))),
        dry_run=dry_run,
        effects_shown=EFFECTS_SHOWN,
        fields=shown_fields(groups.GroupRuleChange),
        managed=await call.registry.administration.registry_files.managing("groups"),
    )


async def _show_dry_run(call: SignedInCall, dry_run: GroupRuleDryRun) -> Answer:
    return await manage_groups(call, dry_run=dry_run)


pages.use_case(
    groups.dry_run,
    "manage/groups/preview",
    manage_groups,
    of_registry,
    name="manage_groups_preview",
    then=_show_dry_run,
)
pages.use_case(
    groups.replace, "manage/groups", manage_groups, of_registry, name="manage_groups_save"
)
