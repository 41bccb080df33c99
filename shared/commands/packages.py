"""package …: looking at releases, and withholding them."""

import click

from shared.commands.running import Output, as_json, moment, show_one, with_registry
from shared.domain.identity import OPERATOR
from shared.domain.names import Coordinate, Package
from shared.domain.package import Head, Release, Visibility
from shared.domain.profiles import parse_reason
from shared.registry import Registry


def parse_coordinate(text: str) -> Coordinate:
    """Read a release, written ORG/NAME:VERSION."""
    package, _, version = text.partition(":")
    org, _, name = package.partition("/")
    if not (name and version):
        message = f"{text!r} names no release. Write it as acme/greet:1.0.0."
        raise click.BadParameter(message)
    return Coordinate.parse(org, name, version)


def parse_package(text: str) -> Package:
    """Read a package, written ORG/NAME."""
    org, _, name = text.partition("/")
    if not name or ":" in text:
        message = f"{text!r} names no package. Write it as acme/greet."
        raise click.BadParameter(message)
    return Package.parse(org, name)


def parse_why(text: str) -> str:
    """Read why a release is withheld."""
    return parse_reason(text, "what becomes of a release")


_VISIBILITIES = {each.value: each for each in Visibility}

release_argument = click.argument("coordinate", metavar="ORG/NAME:VERSION", type=parse_coordinate)
reason_option = click.option(
    "--reason",
    required=True,
    type=parse_why,
    metavar="TEXT",
    help="Why; the owners of the package read it.",
)


@click.group()
def package() -> None:
    """Look at releases and withhold them."""


@package.command("show")
@release_argument
@as_json
def show_release(coordinate: Coordinate, output: Output) -> None:
    """Show a release, whatever its state.

    \b
    Example:
      python -m shared.cli package show acme/greet:1.0.0
    """

    async def work(registry: Registry) -> Release:
        return await registry.moderation.find(coordinate, by=OPERATOR)

    release = with_registry(work)
    facts = {
        "release": str(release.coordinate),
        "state": release.state.value,
        "reason": release.state_reason,
        "published": moment(release.created_ms),
        "by": release.origin.principal,
        "run": release.origin.provenance.run_url if release.origin.provenance else None,
        "platform": release.platform,
        "bytes": release.size_bytes,
        "sha256": release.digest,
        "deprecation": release.deprecation,
    }
    show_one(facts, output)


@package.command()
@release_argument
@reason_option
def hold(coordinate: Coordinate, reason: str) -> None:
    """Withhold a release until somebody has looked at it; `release` serves it again."""

    async def work(registry: Registry) -> Release:
        return await registry.moderation.hold(coordinate, reason, by=OPERATOR)

    _say(with_registry(work))


@package.command()
@release_argument
@reason_option
def quarantine(coordinate: Coordinate, reason: str) -> None:
    """Withhold a release that may do harm, from every client; `release` serves it again.

    \b
    Example:
      python -m shared.cli package quarantine acme/greet:1.0.0 --reason "steals tokens"
    """

    async def work(registry: Registry) -> Release:
        return await registry.moderation.quarantine(coordinate, reason, by=OPERATOR)

    _say(with_registry(work))


@package.command("release")
@release_argument
def release_again(coordinate: Coordinate) -> None:
    """Serve a release again that was held or quarantined."""

    async def work(registry: Registry) -> Release:
        return await registry.moderation.restore(coordinate, by=OPERATOR)

    _say(with_registry(work))


@package.command()
@release_argument
@reason_option
@click.confirmation_option(
    prompt="This cannot be undone, and the version is never free again. Remove it?"
)
def remove(coordinate: Coordinate, reason: str) -> None:
    """Withdraw a release for ever; its version is never free again."""

    async def work(registry: Registry) -> Release:
        return await registry.moderation.remove(coordinate, reason, by=OPERATOR)

    _say(with_registry(work))


@package.command()
@click.argument("package", metavar="ORG/NAME", type=parse_package)
@click.argument("wanted", metavar="public|private", type=click.Choice(list(_VISIBILITIES)))
def visibility(package: Package, wanted: str) -> None:
    """Let everybody see a package, or its organization's members alone.

    \b
    Example:
      python -m shared.cli package visibility acme/greet private
    """

    async def work(registry: Registry) -> Head:
        return await registry.visibility.change(package, _VISIBILITIES[wanted], by=OPERATOR)

    head = with_registry(work)
    click.echo(f"{head.package} is {head.visibility.value}.")


def _say(release: Release) -> None:
    click.echo(f"{release.coordinate} is {release.state.value}.")
