"""apply and export: the registry as a file."""

import os
from pathlib import Path
from typing import TextIO

import click

from shared.commands.base import in_registry, write_new_file
from shared.domain.errors.base import Refusal
from shared.domain.principals import OPERATOR
from shared.registry import Registry
from shared.services.registry_files.plans import FilePlan, Pruning, Secrets
from shared.services.registry_files.registry_files import FileRequest


@click.command()
@click.argument("file", type=click.File(encoding="utf-8"))
@click.option("--dry-run", "is_dry_run", is_flag=True, help="Only print the difference.")
@click.option(
    "--prune",
    "prunes",
    is_flag=True,
    help="Remove what is there and in no list of FILE. No organization, package or account is "
    "removed.",
)
@in_registry
async def apply(registry: Registry, file: TextIO, *, is_dry_run: bool, prunes: bool) -> str:
    """Change the registry to what FILE says: a registry file, which is TOML.

    It prints the difference, and changes what differs. What FILE leaves out is untouched. - reads
    standard input. The secret of a new webhook is the value of the variable that its secret_from
    names, or is printed once.

    \b
    Examples:
      ballroom apply registry.toml --dry-run
      ballroom apply registry.toml
    """
    pruning = Pruning.REMOVE if prunes else Pruning.KEEP
    request = FileRequest(file.read(), pruning, os.environ)
    files = registry.administration.registry_files
    if is_dry_run:
        tried = await files.preview(request, by=OPERATOR)
        _print_lines(*tried.changes, *tried.waiting)
        return tried.summary
    try:
        applied = await files.apply(request, by=OPERATOR, on_plan=_print_plan)
    except Refusal as refusal:
        _print_secrets(refusal.secrets)
        raise
    _print_secrets(applied.secrets)
    return applied.summary


@click.command()
@click.argument("file", required=False, type=click.Path(dir_okay=False, path_type=Path))
@in_registry
async def export(registry: Registry, file: Path | None) -> str | None:
    """Write the registry file of what is there to FILE, or to standard output. It has no secrets.

    FILE must not exist yet, and only its owner can read it.

    \b
    Example:
      ballroom export registry.toml
    """
    text = await registry.administration.registry_files.export(by=OPERATOR)
    if file is None:
        click.echo(text, nl=False)
        return None
    write_new_file(file, text)
    return f"Wrote {file}."


def _print_plan(plan: FilePlan) -> None:
    """Print the difference before the first change."""
    _print_lines(*plan.lines, *plan.waiting)


def _print_secrets(secrets: Secrets) -> None:
    for owner, secret in secrets.items():
        click.echo(f"secret of the webhook {owner}: {secret}")


def _print_lines(*lines: str) -> None:
    for line in lines:
        click.echo(line)
