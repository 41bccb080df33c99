"""advisory import, export, sets: advisories in files, from and for other databases."""

from pathlib import Path

import click

from shared.commands.base import in_registry, new_file, require_new_file
from shared.domain.advisories.osv import osv_time
from shared.domain.principals import OPERATOR
from shared.domain.sentences import counted
from shared.registry import Registry

_FILE = click.Path(dir_okay=False, path_type=Path)
_READABLE_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)


@click.command("import")
@click.argument("file", metavar="FILE", type=_READABLE_FILE)
@in_registry
async def import_advisories(registry: Registry, *, file: Path) -> str:
    """Import advisories in the form of OSV, which keep their ids.

    FILE is JSON, whose records replace those with their ids, or a ZIP archive, which replaces the
    whole set of its name: Maven.zip is the set maven.

    \b
    Examples:
      ballroom advisory import GHSA-jfh8-c2jp-5v3q.json
      ballroom advisory import Maven.zip
    """
    content = file.read_bytes()
    report = await registry.advisories.importing.import_file(file.name, content, OPERATOR)
    for refused in report.refused:
        click.echo(f"  left out: {refused}", err=True)
    into = f" into the set {report.set_name}" if report.set_name else ""
    others = f"{report.left_out:,} about other packages were left out."
    imported = counted(report.records, "advisory was", "advisories were")
    return f"{imported} imported{into}. {others}"


@click.command("export")
@click.argument("file", metavar="[FILE]", type=_FILE, required=False)
@in_registry
async def export_advisories(registry: Registry, *, file: Path | None) -> str:
    """Write the advisories of this registry to FILE (advisories.zip), a file of OSV for each.

    Those about packages that are not public are among them, drafts and imported sets are not. Only
    its owner can read the file, which must not exist yet.

    \b
    Example:
      ballroom advisory export advisories.zip
    """
    target = file or Path("advisories.zip")
    require_new_file(target)
    content = await registry.advisories.exporting.all_zip(OPERATOR)
    with new_file(target) as stream:
        stream.write(content)
    return f"{target} has the advisories of this registry in {len(content):,} bytes."


@click.command("sets")
@in_registry
async def list_sets(registry: Registry) -> list[dict[str, object]]:
    """List the imported sets of advisories."""
    return [
        {
            "name": each.name,
            "advisories": each.records,
            "imported": osv_time(each.imported_ms),
            "from": each.source,
            "problem": each.failure,
        }
        for each in await registry.advisories.importing.sets()
    ]


@click.command("remove-set")
@click.argument("name", metavar="NAME")
@in_registry
async def remove_set(registry: Registry, *, name: str) -> str:
    """Remove an imported set of advisories.

    \b
    Example:
      ballroom advisory remove-set maven
    """
    await registry.advisories.importing.remove_set(name, OPERATOR)
    return f"There is no set {name} any more."
