"""rights export: who has which role, by what, and when they last signed in."""

from pathlib import Path

import click

from functions.api.rights import rights_csv, rights_view
from shared.commands.base import Rows, format_time, in_registry, write_new_file
from shared.domain.principals import OPERATOR
from shared.domain.sentences import counted
from shared.registry import Registry


@click.group("rights")
def rights() -> None:
    """List who has which role in the registry and in organizations."""


@rights.command("export")
@click.argument("file", metavar="[FILE]", type=click.Path(path_type=Path), required=False)
@in_registry
async def export(registry: Registry, file: Path | None) -> Rows | None:
    """List who has which role, by what, and when they last signed in; or write it to FILE.

    FILE ends in .csv or .json, and must not exist yet. In CSV, cells that a spreadsheet would run
    begin with an apostrophe.

    \b
    Examples:
      ballroom rights export
      ballroom rights export rights.csv
    """
    if file is not None and file.suffix not in (".csv", ".json"):
        message = f"The name of {file} does not say its form. Let it end in .csv or .json."
        raise click.ClickException(message)
    rows = await registry.administration.rights_export.rows(by=OPERATOR)
    if file is None:
        return [
            {
                "principal": each.principal,
                "id": each.id,
                "kind": each.kind.value,
                "role": each.role,
                "where": each.where,
                "by": each.by_what,
                "last_sign_in": format_time(each.last_sign_in_ms),
                "until": format_time(each.until_ms),
                "locked": "yes" if each.is_locked else "no",
            }
            for each in rows
        ]
    view = rights_view(rows)
    is_csv = file.suffix == ".csv"
    text = rights_csv(view) if is_csv else f"{view.model_dump_json(by_alias=True, indent=2)}\n"
    write_new_file(file, text)
    click.echo(f"Wrote {counted(len(rows), 'row')} to {file}.")
    return None
