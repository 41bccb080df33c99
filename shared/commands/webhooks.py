"""webhook …: webhooks and their deliveries."""

from collections.abc import Callable, Sequence
from functools import partial
from typing import cast

import click

from functions.api.webhooks import (
    api_webhooks_add,
    api_webhooks_confirm,
    api_webhooks_list,
    api_webhooks_remove,
    api_webhooks_replay,
    api_webhooks_rotate,
    api_webhooks_show,
)
from shared.commands.base import with_registry
from shared.commands.operations import add_operation
from shared.domain.principals import OPERATOR
from shared.domain.sentences import counted
from shared.domain.webhooks import Webhook
from shared.registry import Registry
from shared.services.tokens.makers import described


@click.group("webhook")
def webhooks() -> None:
    """Add, list and remove webhooks, and see and replay their deliveries.

    OWNER is @ and the name of an organization, or only @ for the registry.

    \b
    Example:
      ballroom webhook add @acme https://hooks.example.org/ballroom --event release
    """


add_operation(webhooks, "list", api_webhooks_list, "OWNER", text="List the webhooks of OWNER.")
add_operation(webhooks, "add", api_webhooks_add, "OWNER URL", text="Add a webhook.")
add_operation(
    webhooks, "show", api_webhooks_show, "OWNER ID", text="Show a webhook and its last deliveries."
)


def needed_secrets_text(webhooks: Sequence[Webhook]) -> str:
    """Return which webhooks need a new secret, and how they get it."""
    listed = "\n".join(f"  {described(each)}: {_rotation_of(each)}" for each in webhooks)
    are = "webhook is" if len(webhooks) == 1 else "webhooks are"
    return (
        f"{len(webhooks)} {are} paused, because the secret is not there. Let owners rotate each on "
        f"its page, or run this for each, and give the new secret to the receiver:\n{listed}"
    )


def _rotation_of(webhook: Webhook) -> str:
    reason = " --reason REASON" if webhook.org else ""
    return f"ballroom webhook rotate @{webhook.org} {webhook.id}{reason}"


_LEAKED = "a copy of the secrets of webhooks may have leaked"


def _with_all(one: click.Command) -> click.Command:
    """Return the command that rotates one webhook, or all of them with --all."""
    rotate_one = cast("Callable[..., None]", one.callback)

    def run(*, is_all: bool, owner: str | None, id: str | None, reason: str | None) -> None:  # noqa: A002 - as the argument is named.
        if is_all and owner is None:
            with_registry(partial(_rotate_all, reason=reason or _LEAKED))
        elif owner is not None and id is not None and not is_all:
            rotate_one(owner=owner, id=id, reason=reason)
        else:
            message = "Name the OWNER and the ID of one webhook, or say --all and name none."
            raise click.UsageError(message)

    for each in one.params:
        if isinstance(each, click.Argument):
            each.required = False
            each.metavar = f"[{each.metavar}]"
    every = click.Option(["--all", "is_all"], is_flag=True, help="Rotate every webhook.")
    return click.Command(one.name, params=[*one.params, every], callback=run, help=_ROTATE_HELP)


_ROTATE_HELP = """Give a webhook a new secret, and print it. For a day both secrets sign requests.

With --all every webhook of the registry and of all organizations gets one, after a backup with
keys leaked. Each line is the owner, the id, the receiver and the new secret. Their makers stay, and
owners get mail with the reason. If it is stopped, a repeat within an hour goes on with those that
are left.

\b
Examples:
  ballroom webhook rotate @acme 4fK2mN9pQx
  ballroom webhook rotate --all
"""


async def _rotate_all(registry: Registry, reason: str) -> None:
    count = 0
    rotated = registry.organizations.webhooks.rotate_all(by=OPERATOR, reason=reason)
    async for each in rotated:
        webhook = each.webhook
        click.echo(f"@{webhook.org} {webhook.id} {webhook.url} {each.secret}")
        count += 1
    click.echo(
        f"Rotated the secrets of {counted(count, 'webhook')}. Give each new secret to its receiver "
        "within a day: until then requests are signed with the one before as well.",
        err=True,
    )


webhooks.add_command(
    _with_all(add_operation(webhooks, "rotate", api_webhooks_rotate, "OWNER ID")), "rotate"
)
add_operation(
    webhooks,
    "confirm",
    api_webhooks_confirm,
    "OWNER ID",
    text="""Confirm a webhook, so that it keeps working whatever happens to the account that made
    it.""",
)
add_operation(webhooks, "remove", api_webhooks_remove, "OWNER ID", text="Remove a webhook.")
add_operation(
    webhooks,
    "replay",
    api_webhooks_replay,
    "OWNER ID NUMBER",
    text="Send one of the last deliveries again.",
)
