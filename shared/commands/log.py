"""log …: what the transparency log of a registry says, verified without trust in the registry."""

import os
from collections.abc import Callable, Sequence
from typing import Any

import click

from shared.verify import VerifyOptions, run, with_address

_OPTIONS = (
    click.option("--registry", "address", metavar="URL", envvar="BALLROOM_URL", default=""),
    click.option("--key", "keys", metavar="VKEY", multiple=True, help="A key of its log."),
    click.option("--policy", default="", metavar="FILE", help="Keys, witnesses and a quorum."),
    click.option("--token", default="", help="Access token, where only signed-in people read."),
    click.option("--state", default="", metavar="FILE", help="Keeps the key and the checkpoint."),
)


def _of_registry(command: Callable[..., None]) -> Callable[..., None]:
    for option in reversed(_OPTIONS):
        command = option(command)
    return command


@click.group("log")
def log() -> None:
    """Verify the transparency log of a registry, and watch it."""


@log.command("verify")
@click.argument("files", metavar="[URL] [FILE]...", nargs=-1)
@click.option("--only", metavar="ORG", multiple=True, help="Only releases of this organization.")
@_of_registry
def verify(*, files: Sequence[str], **options: Any) -> None:
    """Verify .bala files, folders and a Dependencies.toml, or else the whole log.

    The registry is the URL, --registry or BALLROOM_URL.

    \b
    Examples:
      ballroom log verify https://packages.example.org
      ballroom log verify https://packages.example.org target/bala Dependencies.toml
    """
    _run(with_address(VerifyOptions(files=files, **options)))


@log.command("watch")
@click.argument("org", metavar="ORG")
@click.option("--webhook", default="", metavar="URL", help="Also send what is new there.")
@_of_registry
def watch(*, org: str, **options: Any) -> None:
    """Print what the log has of an organization since the last time; exit with 1 if there is any.

    The registry is --registry or BALLROOM_URL.

    \b
    Example:
      ballroom log watch acme --registry https://packages.example.org
    """
    _run(VerifyOptions(watch=org, **options))


def _run(options: VerifyOptions) -> None:
    if not options.address:
        message = "No registry is named. Use --registry URL, or set BALLROOM_URL."
        raise click.UsageError(message)
    raise SystemExit(run(options, os.environ, click.echo))
