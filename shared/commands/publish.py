"""publish: archives to any registry."""

import os
from collections.abc import Sequence

import click

from shared.publish import PublishOptions
from shared.publish import run as run_publish


@click.command("publish")
@click.argument("files", metavar="FILE...", nargs=-1, required=True, type=click.Path())
@click.option("--registry", "url", metavar="URL", required=True, help="The registry.")
@click.option(
    "--organization",
    default="",
    metavar="ORG",
    help="The organization of the packages, which the files name as well.",
)
@click.option(
    "--audience",
    default="",
    help="Whom the id token is for, where that is not the address of the registry.",
)
@click.option(
    "--provenance",
    metavar="FILE",
    multiple=True,
    help="A file with the Sigstore bundle of a package, or with one in each line. May be repeated.",
)
@click.option("--dry-run", is_flag=True, help="Check the packages, and publish nothing.")
@click.option("--no-wait", is_flag=True, help="Do not wait until a published package is listed.")
def publish(
    *,
    files: Sequence[str],
    url: str,
    organization: str,
    audience: str,
    provenance: Sequence[str],
    dry_run: bool,
    no_wait: bool,
) -> None:
    """Check packages and publish them, those that others need first.

    In a CI job it exchanges the id token of the job. Elsewhere it takes the token of the variable
    BALLROOM_TOKEN, or the one of `ballroom login`.

    \b
    Examples:
      ballroom publish target/bala/*.bala --registry https://packages.example.org
      ballroom publish --dry-run target/bala/*.bala --registry https://packages.example.org
    """
    options = PublishOptions(
        registry=url,
        files=files,
        organization=organization,
        audience=audience,
        provenance=provenance,
        is_dry_run=dry_run,
        waits=not no_wait,
    )
    raise SystemExit(run_publish(options, os.environ, click.echo))
