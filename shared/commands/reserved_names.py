"""names …: reserved names, and the policy for names."""

from typing import TextIO

import click

from shared.commands.base import Rows, format_time, in_registry
from shared.domain.principals import OPERATOR
from shared.registry import Registry

pattern_argument = click.argument("pattern")


@click.group()
def names() -> None:
    """List, add and remove reserved names, and replace the policy for names.

    Only administrators and the operator can create organizations with these names.
    """


@names.command("list")
@in_registry
async def list_names(registry: Registry) -> Rows:
    """List the reserved names: their patterns, reasons and sources."""
    reserved = await registry.organizations.reserved_names.all(by=OPERATOR)
    rows: list[tuple[object, ...]] = [
        *((each, None, "built in", None) for each in (*reserved.built_in, *reserved.words)),
        *((each, None, "BALLROOM_RESERVED_NAMES", None) for each in reserved.configured),
        *(
            (each.pattern, each.reason, by, format_time(each.since_ms))
            for each, by in reserved.stored
        ),
    ]
    return [dict(zip(("pattern", "reason", "by", "since"), row, strict=True)) for row in rows]


@names.command()
@pattern_argument
@click.option("--reason", required=True, help="The reason; administrators see it.")
@in_registry
async def add(registry: Registry, pattern: str, reason: str) -> str:
    """Reserve the names that match PATTERN. In it, * is any text and ? is any character.

    \b
    Example:
      ballroom names add "wso2*" --reason "Theirs."
    """
    added = await registry.organizations.reserved_names.add(pattern, reason, by=OPERATOR)
    return f"Nobody can create an organization that matches {added.pattern} any more."


@names.command()
@pattern_argument
@in_registry
async def remove(registry: Registry, pattern: str) -> str:
    """Remove the reserved name PATTERN."""
    await registry.organizations.reserved_names.remove(pattern, by=OPERATOR)
    return f"{pattern} is free again."


@names.command("policy")
@click.argument("file", required=False, type=click.File(encoding="utf-8"))
@click.option("--default", "is_default", is_flag=True, help="Go back to the default text.")
@in_registry
async def policy_of_names(registry: Registry, file: TextIO | None, *, is_default: bool) -> str:
    """Replace the policy for names, which /policies/names shows, by the Markdown in FILE.

    - reads standard input. Without FILE this prints the words of the operator, if there are any.

    \b
    Examples:
      ballroom names policy names.md
      ballroom names policy --default
    """
    policies = registry.administration.policies
    if is_default:
        await policies.reset(by=OPERATOR)
        return "The default policy for names is shown again."
    if file is not None:
        await policies.replace(file.read(), by=OPERATOR)
        return "The policy for names was replaced."
    policy = await policies.of_names()
    return policy.text.rstrip() if policy else "The default policy for names is shown."
