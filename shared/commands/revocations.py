"""revocations …: the list of what was erased, removed, locked and revoked."""

from pathlib import Path

import click

from shared.bootstrap.backups import lists_of_revocations
from shared.commands.base import Rows, format_time, in_registry, spelled
from shared.registry import Registry
from shared.services.administration.revocation_report import AppliedRevocations

after_option = click.option(
    "--after",
    "later",
    metavar="FILE",
    multiple=True,
    type=click.Path(path_type=Path, readable=False),
    help="A newer list of revocations; may be repeated.",
)

_NO_NEWER_LIST = (
    "No list of revocations was found that has acts after the backup. What was erased, withdrawn, "
    "removed, locked and revoked after it is as it was before. If you have a newer list, apply it "
    "before you start the registry: ballroom revocations apply --after FILE"
)


@click.group()
def revocations() -> None:
    """Show what was erased, removed, locked and revoked, and apply it after a restore."""


@revocations.command("list")
@in_registry
async def list_revocations(registry: Registry) -> Rows:
    """List the acts of this registry, the oldest first: ids and digests, and no names.

    \b
    Example:
      ballroom revocations list
    """
    return [
        {"at": format_time(each.at_ms), "act": each.act, "about": each.about, "id": each.id}
        for each in await registry.administration.revocations.listed()
    ]


@revocations.command()
@after_option
@in_registry
async def apply(registry: Registry, later: tuple[Path, ...]) -> str:
    """Apply the acts that this registry does not know, as after a restore of Cosmos DB.

    \b
    Examples:
      ballroom revocations apply
      ballroom revocations apply --after /var/backups/ballroom/monday.revocations.jsonl
    """
    application = registry.administration.revocations
    return applied_text(await application.apply(lists_of_revocations(later)))


def applied_text(result: AppliedRevocations, *, has_newer_list: bool = True) -> str:
    """Return the sentences about the list of revocations with which a restore ends."""
    lines = ["Nothing of the list of revocations had to be applied."] if has_newer_list else []
    if result.applied:
        lines = ["Applied from the list of revocations, as done after the backup:"]
        lines += [f"- {each}" for each in result.applied]
    if not has_newer_list:
        lines.append(_NO_NEWER_LIST)
    if result.undecided:
        lines += ["For you to decide:", *(f"- {each}" for each in result.undecided)]
    return spelled("\n".join(lines))
