"""read-only …: a registry that takes no changes."""

import click

from shared.commands.base import format_time, in_registry
from shared.domain.errors.requests import TakesNoChanges
from shared.domain.principals import OPERATOR
from shared.registry import Registry


@click.group("read-only")
def read_only() -> None:
    """Turn read-only mode on and off, for example for a move or a restore."""


@read_only.command()
@click.option(
    "--reason",
    required=True,
    help='Completes the sentence "This registry is in read-only mode: …".',
)
@in_registry
async def on(registry: Registry, reason: str) -> str:
    """Turn read-only mode on. All processes follow within five seconds; clients get the reason.

    \b
    Example:
      ballroom read-only on --reason "moving house until 22:00"
    """
    state = await registry.limits.notices.enter_read_only_mode(reason, by=OPERATOR)
    return (
        f"{TakesNoChanges(state.reason)}\n"
        "Requests in progress are completed: wait ten seconds until nothing more is written."
    )


@read_only.command()
@in_registry
async def off(registry: Registry) -> str:
    """Turn read-only mode off. All processes follow within five seconds."""
    await registry.limits.notices.leave_read_only_mode(by=OPERATOR)
    return "Changes are taken."


@read_only.command()
@in_registry
async def show(registry: Registry) -> str:
    """Say whether read-only mode is on; the exit code is 1 if it is."""
    found = (await registry.limits.notices.current(by=OPERATOR)).read_only
    if found is None:
        return "Changes are taken."
    click.echo(f"No changes are taken since {format_time(found.since_ms)}: {found.reason}.")
    raise click.exceptions.Exit(1)
