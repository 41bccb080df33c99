"""log …: what the transparency log of a registry says, verified without trust in the registry; and
its key, and how one that stopped goes on, for its operator."""

import os
from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import Any

import click

from shared.bootstrap.key_rotation import rotate_log_key
from shared.commands.base import in_registry
from shared.domain.times import time_text
from shared.registry import Registry
from shared.services.transparency.log_mending import log_is_written
from shared.settings import Settings
from shared.verify import VerifyOptions, run, with_address

DAYS_OF_TWO_KEYS = 90  # The time for clients that store a key of the log to learn the next one.
MAX_DAYS_OF_TWO_KEYS = 3_650

_OPTIONS = (
    click.option(
        "--registry",
        "address",
        metavar="URL",
        envvar="BALLROOM_URL",
        default="",
        help="The registry; BALLROOM_URL by default.",
    ),
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
def transparency_log() -> None:
    """Verify the transparency log of a registry, watch it, and operate your own."""


@transparency_log.command("verify")
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


@transparency_log.command("watch")
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


@transparency_log.command("rotate-key")
@click.option(
    "--days",
    type=click.IntRange(0, MAX_DAYS_OF_TWO_KEYS),
    default=DAYS_OF_TWO_KEYS,
    show_default=True,
    help="How long the key before signs as well.",
)
def rotate_key(days: int) -> None:
    """Create a new key of the transparency log. For some days both keys sign it.

    \b
    Example:
      ballroom log rotate-key --days 90
    """
    until_ms = rotate_log_key(Settings.load(), timedelta(days=days))
    click.echo(
        f"Created a new key. Both keys sign the log until {time_text(until_ms)}, and /log/policy "
        "names both."
    )


@transparency_log.command("mend")
@click.option("--yes", "is_confirmed", is_flag=True, help="Do it; without it nothing changes.")
@in_registry
async def mend(registry: Registry, is_confirmed: bool) -> str:
    """Say how a log that stopped goes on, and what everybody has to be told; with --yes, do it.

    \b
    Examples:
      ballroom log mend
      ballroom log mend --yes
    """
    mending = registry.transparency.mending
    plan = await mending.plan()
    if plan is None:
        raise log_is_written()
    if is_confirmed:
        await mending.mend(plan)
    end = "Done: the next run of write-log goes on." if is_confirmed else _TO_DO
    return "\n".join((*plan.sentences, end))


_TO_DO = "Nothing was changed. To do this: ballroom log mend --yes"


def _run(options: VerifyOptions) -> None:
    if not options.address:
        message = "No registry is named. Use --registry URL, or set BALLROOM_URL."
        raise click.UsageError(message)
    raise SystemExit(run(options, os.environ, click.echo))
