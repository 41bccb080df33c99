"""audit: known vulnerabilities in what a package uses."""

import os
from collections.abc import Sequence

import click

from shared.audit import FORMATS, AuditOptions, run


@click.command("audit")
@click.argument("files", metavar="[FILE]...", nargs=-1, type=click.Path(dir_okay=False))
@click.option("--registry", "url", metavar="URL", required=True, help="The registry that is asked.")
@click.option(
    "--format", "output", type=click.Choice(FORMATS), default=FORMATS[0], help="Form of the answer."
)
@click.option(
    "--ignore",
    "ignored",
    multiple=True,
    metavar="ID[=REASON]",
    help="An advisory to ignore, by its id or an alias.",
)
def audit(*, files: Sequence[str], url: str, output: str, ignored: Sequence[str]) -> None:
    """Check what a package uses for known vulnerabilities, as the registry knows them.

    It reads the versions of a Dependencies.toml, and the Java libraries of the Ballerina.toml
    beside it. It exits with 1 if an advisory affects one of them, and with 2 if not all of them
    could be asked for.

    \b
    Examples:
      ballroom audit Dependencies.toml --registry https://packages.example.org
      ballroom audit --ignore "CVE-2026-1234=not reachable" --registry https://packages.example.org
    """
    options = AuditOptions(url, files, output, ignored)
    raise SystemExit(run(options, os.environ, click.echo))
