"""read-only …: letting nothing be changed for a while, and taking changes again."""

import click

from shared.commands.running import moment, with_registry
from shared.domain.bulletin import ReadOnly
from shared.domain.errors import TakesNoChanges
from shared.domain.identity import OPERATOR
from shared.registry import Registry


@click.group("read-only")
def read_only() -> None:
    """Let nothing be changed: for a move, a restore, or a look at what is wrong."""


@read_only.command()
@click.option(
    "--reason",
    required=True,
    help='Completes the sentence "This registry takes no changes now: …".',
)
def on(reason: str) -> None:
    """Take no changes from now on, within five seconds; everybody is told the reason.

    \b
    Example:
      python -m shared.cli read-only on --reason "moving house until 22:00"
    """

    async def work(registry: Registry) -> ReadOnly:
        return await registry.announcing.refuse_changes(reason, by=OPERATOR)

    click.echo(TakesNoChanges(with_registry(work).reason))
    click.echo("What is under way is finished: wait ten seconds before you rely on it.")


@read_only.command()
def off() -> None:
    """Take changes again, within five seconds."""

    async def work(registry: Registry) -> None:
        await registry.announcing.take_changes(by=OPERATOR)

    with_registry(work)
    click.echo("Changes are taken.")


@read_only.command()
def show() -> None:
    """Say whether changes are taken; the exit code is 1 where they are not."""

    async def work(registry: Registry) -> ReadOnly | None:
        return (await registry.announcing.bulletin(by=OPERATOR)).read_only

    found = with_registry(work)
    if found is None:
        click.echo("Changes are taken.")
        return
    click.echo(f"No changes are taken since {moment(found.since_ms)}: {found.reason}.")
    raise SystemExit(1)
