"""account …: the accounts of the registry; signin-link: a sign-in link for one of them."""

from collections.abc import Sequence
from functools import partial
from pathlib import Path

import click

from functions.account.personal_data import PersonalDataView
from functions.api.accounts import LeaversStatementView
from shared.commands.base import (
    Rows,
    format_time,
    in_registry,
    require_new_file,
    spelled,
    write_new_file,
)
from shared.commands.operator_command import operator_command
from shared.domain.group_rules import ADMINISTRATOR, AUDITOR
from shared.domain.principals import OPERATOR
from shared.registry import Registry
from shared.services.administration.leaving import REASON, LeaveRequest
from shared.services.list_pages import iterate_pages
from shared.services.record_batches import ENTITIES_READ_AT_ONCE
from shared.use_cases import accounts as use_cases
from shared.use_cases.inputs import Nothing
from shared.use_cases.moderation import RequiredReason

account_argument = click.argument("account", metavar="ACCOUNT")
reason_option = click.option(
    "--reason", required=True, metavar="TEXT", help="The reason; those concerned read it."
)


@click.group("account")
def accounts() -> None:
    """Create, list, rename, lock, export and erase accounts, and make them administrators.

    ACCOUNT is the name of an account, or id: and its id.
    """


@accounts.command()
@click.argument("name")
@click.option("--administrator", is_flag=True, help="Make it an administrator of the registry.")
@in_registry
async def add(registry: Registry, name: str, administrator: bool) -> str:
    """Create the account NAME.

    \b
    Example:
      ballroom account add kim
    """
    of_registry = registry.identity.accounts
    create = of_registry.create_administrator if administrator else of_registry.create
    created = await create(name, by=OPERATOR)
    command = operator_command(registry.settings, "signin-link", created.name)
    return f"Created the account {created.name} ({created.id}). Sign in with:\n  {command}"


@accounts.command("list")
@in_registry
async def list_accounts(registry: Registry) -> Rows:
    """List every account."""
    page = partial(registry.administration.accounts.page, count=ENTITIES_READ_AT_ONCE, by=OPERATOR)
    found = {each.account.id: each.account async for each in iterate_pages(page) if each.account}
    return [
        {
            "name": each.name,
            "id": each.id,
            "administrator": "yes" if each.administrator else "no",
            "auditor": "yes" if each.auditor else "no",
            "created": format_time(each.created_ms),
            "locked": format_time(min(lock.at_ms for lock in each.locks)) if each.locks else None,
            "locked_by": ", ".join(lock.source.value for lock in each.locks) or None,
        }
        for each in found.values()  # A former name leads to its account as well.
    ]


@accounts.command()
@account_argument
@in_registry
async def rights(registry: Registry, account: str) -> Rows:
    """List what ACCOUNT can do and why: by hand, by a group, by SCIM or by a setting.

    \b
    Example:
      ballroom account rights kim
    """
    found = await registry.identity.accounts.by_name_or_id(account)
    of_account = await registry.administration.account_rights.of(found, by=OPERATOR)
    return [
        {
            "right": f"{each.right} of {each.org}" if each.org else each.right,
            "why": each.source.phrase,
            "groups": ", ".join(each.groups) or None,
            "until": format_time(each.until_ms) if each.until_ms else None,
        }
        for each in of_account.rights
    ]


@accounts.command()
@account_argument
@click.argument("name")
@in_registry
async def rename(registry: Registry, account: str, name: str) -> str:
    """Rename ACCOUNT to NAME. No other account ever gets the old name.

    \b
    Example:
      ballroom account rename id:aB3dE6gH9k christophe.l
    """
    found = await registry.identity.accounts.by_name_or_id(account)
    renamed = await registry.identity.accounts.rename(found, name, by=OPERATOR)
    return f"The account {renamed.id} is called {renamed.name}."


@accounts.command()
@account_argument
@click.option(
    "--reason",
    required=True,
    metavar="TEXT",
    help="The reason; administrators see it beside the account, and its owner reads it in a mail.",
)
@click.option(
    "--freeze",
    is_flag=True,
    help="Also freeze the organizations of which no other owner could sign in.",
)
@in_registry
async def lock(registry: Registry, account: str, reason: str, freeze: bool) -> str:
    """Lock ACCOUNT: nobody signs in to it, its sessions end, and its tokens are refused.

    What it made for organizations stops with it, and is printed: tokens, trusted publishers,
    webhooks, open invitations and pending changes of owners. Owners get mail about it.

    \b
    Example:
      ballroom account lock kim --reason "Its laptop was stolen."
    """
    found = await registry.identity.accounts.by_name_or_id(account)
    administration = registry.administration.accounts
    freezes = registry.organizations.freezes
    await use_cases.lock.rule(
        registry, found, RequiredReason.model_construct(reason=reason), OPERATOR
    )
    made = await administration.made_by(found, by=OPERATOR)
    lines = [use_cases.lock.printed.format(account=account)]
    lines += [f"Stops with it: {each.described}." for each in made]
    if freeze:
        frozen = await freezes.freeze_solely_owned(found, reason, by=OPERATOR)
        return "\n".join([*lines, *(f"Froze the organization {each.name}." for each in frozen)])
    owned = await freezes.solely_owned(found, by=OPERATOR)
    lines += [
        f"Nobody else owns {each.name}. To stop all changes in it:\n  "
        + operator_command(registry.settings, "org", "freeze", each.name, "--reason", reason)
        for each in owned
        if each.freeze is None
    ]
    return "\n".join(lines)


@accounts.command()
@account_argument
@in_registry
async def unlock(registry: Registry, account: str) -> str:
    """Unlock ACCOUNT. Its tokens that were not revoked are accepted again, and what it made for
    organizations works again, unless somebody took it over.

    This ends the lock of administrators. One of a directory ends when the person is enabled there
    again, or with `directory-locks decide keep`.
    """
    found = await registry.identity.accounts.by_name_or_id(account)
    unlocked = await use_cases.unlock.rule(registry, found, Nothing(), OPERATOR)
    if not unlocked.is_locked:
        return use_cases.unlock.printed.format(account=account)
    command = operator_command(
        registry.settings, "directory-locks", "decide", "keep", "--account", account
    )
    return (
        f"Ended the lock of administrators. {account} stays locked, because its directory "
        f"says that its person is disabled or gone. Enable the person there, or run:\n  {command}"
    )


@accounts.command()
@account_argument
@click.option(
    "--end",
    is_flag=True,
    help="Lock it, end its sessions, revoke its tokens, withdraw its invitations, end its roles.",
)
@click.option(
    "--hand-over",
    metavar="NAME",
    help="Make NAME owner where only ACCOUNT is one, and maker of what it made.",
)
@click.option(
    "--reason",
    default=REASON,
    show_default=True,
    help="The reason of the lock, for administrators.",
)
@click.option(
    "--out",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE",
    help="Write the statement, and what was done, to FILE as JSON.",
)
@in_registry
async def leave(
    registry: Registry,
    *,
    account: str,
    end: bool,
    hand_over: str | None,
    reason: str,
    out: Path | None,
) -> None:
    """Print all that ACCOUNT has and made here; end it, and hand it over.

    These are its tokens and those that it made for organizations, trusted publishers, webhooks,
    invitations, sessions, roles, the organizations that only it owns, and its releases of the last
    90 days. Without an option nothing is changed.

    \b
    Examples:
      ballroom account leave kim
      ballroom account leave kim --end --hand-over lee --out kim.json
    """
    if out is not None:
        require_new_file(out)
    by_name = registry.identity.accounts.by_name_or_id
    leaving = registry.administration.leaving
    found = await by_name(account)
    successor = await by_name(hand_over) if hand_over else None
    statement = await leaving.statement(found, by=OPERATOR)
    # Printed before anything ends: if a store fails meanwhile, a repeat finds less to state.
    click.echo(spelled("\n".join(statement.lines())))
    done: Sequence[str] = ()
    if end or successor:
        done = await leaving.leave(found, LeaveRequest(end, successor, reason), by=OPERATOR)
    for each in done:
        click.echo(spelled(each))
    if out is not None:
        view = LeaversStatementView.of(statement, done)
        write_new_file(out, f"{view.model_dump_json(by_alias=True, indent=2)}\n")


role_option = click.option(
    "--role",
    type=click.Choice((ADMINISTRATOR, AUDITOR)),
    default=ADMINISTRATOR,
    show_default=True,
    help="An auditor reads what administrators read, and changes nothing.",
)


@accounts.command()
@account_argument
@role_option
@in_registry
async def appoint(registry: Registry, account: str, role: str) -> str:
    """Make ACCOUNT an administrator or an auditor of the registry.

    \b
    Example:
      ballroom account appoint kim --role auditor
    """
    found = await registry.identity.accounts.by_name_or_id(account)
    if role == AUDITOR:
        await registry.administration.auditors.appoint(found, by=OPERATOR)
        return f"{account} is an auditor."
    await registry.administration.administrators.appoint(found, by=OPERATOR)
    return f"{account} is an administrator."


@accounts.command()
@account_argument
@role_option
@reason_option
@in_registry
async def dismiss(registry: Registry, account: str, role: str, reason: str) -> str:
    """Remove ACCOUNT from the administrators or auditors of the registry."""
    found = await registry.identity.accounts.by_name_or_id(account)
    if role == AUDITOR:
        await registry.administration.auditors.dismiss(found, reason, by=OPERATOR)
        return f"{account} is no longer an auditor."
    await registry.administration.administrators.dismiss(found, reason, by=OPERATOR)
    return f"{account} is no longer an administrator."


@accounts.command()
@account_argument
@click.argument("file", metavar="[FILE]", type=click.Path(path_type=Path), required=False)
@in_registry
async def export(registry: Registry, account: str, file: Path | None) -> None:
    """Write everything that is stored about ACCOUNT as JSON to FILE, or print it.

    The log of the account says that its data was exported. FILE must not exist yet.

    \b
    Example:
      ballroom account export kim kim.json
    """
    if file is not None:
        require_new_file(file)
    found = await registry.identity.accounts.by_name_or_id(account)
    data = await registry.administration.account_deletion.export_of(found, by=OPERATOR)
    text = PersonalDataView.of(data, OPERATOR).model_dump_json(by_alias=True, indent=2)
    if file is None:
        click.echo(text)
        return
    write_new_file(file, f"{text}\n")
    click.echo(f"Wrote the data of {found.name} to {file}. Delete it after it was handed over.")


@accounts.command()
@account_argument
@click.option(
    "--reason",
    required=True,
    help="The reason, without the name of the person: it stays when the account is gone.",
)
@click.option("--now", is_flag=True, help="Erase it now, without the notice of seven days.")
@in_registry
async def erase(registry: Registry, account: str, reason: str, now: bool) -> str:
    """Erase ACCOUNT with everything about its person, seven days from now.

    Until then `ballroom account keep` cancels it, and so can the person. Releases stay under the
    id of the account, and nobody gets its name again. With --now it is erased at once, and the
    command prints a receipt.

    \b
    Example:
      ballroom account erase kim --reason "Request 2026-31" --now
    """
    found = await registry.identity.accounts.by_name_or_id(account)
    erasures = registry.administration.account_erasures
    second = registry.administration.second_administrator
    if now:
        receipt = await erasures.erase_now(found, reason, by=OPERATOR)
        await second.send_command_mail(f"the account {found.id} was erased", reason)
        return "\n".join(receipt.lines("docs/run/personal-data.md"))
    erasure = await erasures.announce(found, reason, by=OPERATOR)
    await second.send_command_mail(f"the account {found.id} will be erased in seven days", reason)
    keep = operator_command(registry.settings, "account", "keep", account)
    return (
        f"The account {account} will be erased at {format_time(erasure.due_ms)}. "
        f"Until then, cancel it with:\n  {keep}"
    )


@accounts.command()
@account_argument
@in_registry
async def keep(registry: Registry, account: str) -> str:
    """Cancel the erasure of ACCOUNT that waits."""
    found = await registry.identity.accounts.by_name_or_id(account)
    await registry.administration.account_erasures.cancel(found, by=OPERATOR)
    return f"The account {account} will not be erased."


@click.command("signin-link")
@account_argument
@in_registry
async def signin_link(registry: Registry, account: str) -> str:
    """Print a link that signs ACCOUNT in, once and within an hour.

    \b
    Example:
      ballroom signin-link kim
    """
    found = await registry.identity.accounts.by_name_or_id(account)
    return (await registry.identity.sign_in_flow.issue_link(found, by=OPERATOR)).reveal()
