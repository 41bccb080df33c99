"""names …: names of organizations that nobody may found."""

import click

from shared.commands.running import Output, Row, as_json, moment, show, with_registry
from shared.domain.identity import OPERATOR
from shared.registry import Registry
from shared.services.reserving import Freedom, Matches

pattern_argument = click.argument("pattern")


@click.group()
def names() -> None:
    """List, add and remove names that nobody may found.

    Administrators and the operator found them all the same.
    """


@names.command("list")
@as_json
def list_names(output: Output) -> None:
    """List the patterns, with who keeps them back and why."""

    async def work(registry: Registry) -> list[Row]:
        kept = await registry.reserving.all(by=OPERATOR)
        fixed = [(each, "built in") for each in (*kept.built_in, *kept.words)]
        fixed += [(each, "BALLROOM_RESERVED_NAMES") for each in kept.configured]
        rows: list[Row] = [
            {"pattern": pattern, "reason": None, "by": source, "since": None}
            for pattern, source in fixed
        ]
        for each, by in kept.stored:
            since = moment(each.since_ms)
            rows.append({"pattern": each.pattern, "reason": each.reason, "by": by, "since": since})
        return rows

    show(with_registry(work), output)


@names.command()
@pattern_argument
@click.option("--reason", required=True, help="Why; administrators read it.")
def add(pattern: str, reason: str) -> None:
    """Keep back the names that fit PATTERN, where * is any letters and ? is one.

    \b
    Example:
      python -m shared.cli names add "wso2*" --reason "Theirs."
    """

    async def work(registry: Registry) -> Matches:
        matches = await registry.reserving.matching(pattern, by=OPERATOR)
        await registry.reserving.add(pattern, reason, by=OPERATOR)
        return matches

    matches = with_registry(work)
    click.echo(f"Nobody founds {matches.pattern} from now on.")
    if matches.names:
        more = ", and others" if matches.is_more else ""
        click.echo(f"These are there, and stay: {', '.join(matches.names)}{more}.")


@names.command()
@pattern_argument
def remove(pattern: str) -> None:
    """Give the names that fit PATTERN free again."""

    async def work(registry: Registry) -> None:
        await registry.reserving.remove(pattern, by=OPERATOR)

    with_registry(work)
    click.echo(f"{pattern} is free again.")


@names.command()
@click.argument("name")
def check(name: str) -> None:
    """Say whether NAME is free for an organization, and if not, why."""

    async def work(registry: Registry) -> Freedom:
        return await registry.reserving.look_up(name, by=OPERATOR)

    freedom = with_registry(work)
    click.echo(f"{name} is free." if freedom.is_free else f"{name} is not free:")
    for reason in freedom.organization:
        click.echo(f"- {reason}")
