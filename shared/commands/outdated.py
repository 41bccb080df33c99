"""outdated: the versions that a package uses, and what became of them."""

import os

import click

from shared.outdated import FORMATS, NEVER, STATES, CheckOptions, run


@click.command("outdated")
@click.argument("file", default="Ballerina.toml", type=click.Path(dir_okay=False))
@click.option("--registry", "url", metavar="URL", required=True, help="The registry that is asked.")
@click.option(
    "--format",
    "--output",  # Its name in earlier versions.
    "output",
    type=click.Choice(FORMATS),
    default=FORMATS[0],
    help="Form of the answer.",
)
@click.option(
    "--fail-on",
    type=click.Choice([*STATES, NEVER]),
    default="newer",
    show_default=True,
    help="Least serious state that ends with exit code 1.",
)
def outdated(*, file: str, url: str, output: str, fail_on: str) -> None:
    """Check the versions that a package uses: withdrawn, deprecated, or newer ones exist.

    \b
    Example:
      ballroom outdated Ballerina.toml --registry https://packages.example.org
    """
    options = CheckOptions(url, file, output, fail_on)
    raise SystemExit(run(options, os.environ, click.echo))
