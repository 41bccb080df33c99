"""package …: releases and their moderation; publisher …: trusted publishers."""

import click

from functions.api.packages import api_packages_visibility
from functions.api.trusted_publishing import (
    api_publishers_add,
    api_publishers_list,
    api_publishers_remove,
    api_publishers_restrict,
)
from shared.commands.base import TableRow, format_time, in_registry
from shared.commands.operations import PACKAGE, add_operation, parse_coordinate, parse_package
from shared.composition import Registry
from shared.domain.accounts import parse_required_reason
from shared.domain.api_docs.records import ApiDocsRecord
from shared.domain.names import Coordinate, Package
from shared.domain.packages import Release, WithdrawalReason
from shared.domain.principals import OPERATOR
from shared.domain.releases import parse_public_reason


def parse_reason_option(text: str) -> str:
    return parse_required_reason(text, "the decision about a release")


release_argument = click.argument("coordinate", metavar="ORG/NAME:VERSION", type=parse_coordinate)
reason_option = click.option(
    "--reason",
    required=True,
    type=parse_reason_option,
    metavar="TEXT",
    help="The reason; owners of the package see it.",
)
public_reason_option = click.option(
    "--public-reason",
    "why",
    type=click.Choice([each.value for each in WithdrawalReason]),
    help="The reason that everybody reads on the page of the release.",
)
public_note_option = click.option(
    "--public-note", "note", default="", metavar="TEXT", help="A line that everybody reads there."
)


@click.group("package")
def packages() -> None:
    """Show and withhold releases, and change the visibility of packages."""


@packages.command("show")
@release_argument
@in_registry
async def show_release(registry: Registry, coordinate: Coordinate) -> TableRow:
    """Show a release, whatever its state.

    \b
    Example:
      ballroom package show acme/greet:1.0.0
    """
    release = await registry.publishing.moderation.find(coordinate, by=OPERATOR)
    return {
        "release": str(release.coordinate),
        "state": release.state.value,
        "reason": release.state_reason,
        "public": str(release.public_reason) if release.public_reason else None,
        "published": format_time(release.created_ms),
        "by": release.origin.principal,
        "run": release.origin.provenance.run_url if release.origin.provenance else None,
        "upstream": release.upstream.name if release.upstream else None,
        "platform": release.platform,
        "bytes": release.size_bytes,
        "sha256": release.digest,
        "deprecation": release.deprecation,
    }


@packages.command("document")
@click.argument("wanted", metavar=f"[{PACKAGE}]", type=parse_package, required=False)
@in_registry
async def document_package(registry: Registry, wanted: Package | None) -> str:
    """Make the API documentation of a package again, or what is missing of all packages.

    \b
    Examples:
      ballroom package document acme/greet
      ballroom package document
    """
    backfill = registry.api_docs.backfill
    documented = await (backfill.document(wanted) if wanted else backfill.document_missing())
    lines = [f"{each.release.coordinate}: {_api_docs_state(each.record)}" for each in documented]
    return "\n".join(lines) or "There is no release to document."


def _api_docs_state(record: ApiDocsRecord) -> str:
    """Return the state in a few words: `partial, 3 parts of files could not be read`."""
    if record.reason:
        return f"{record.state.value}, {record.reason}"
    if record.unread:
        return f"{record.state.value}, {len(record.unread)} parts of files could not be read"
    return record.state.value


@packages.command()
@release_argument
@reason_option
@in_registry
async def hold(registry: Registry, coordinate: Coordinate, reason: str) -> str:
    """Hold a release until it is reviewed; `ballroom package release` serves it again."""
    return _state(await registry.publishing.moderation.hold(coordinate, reason, by=OPERATOR))


@packages.command()
@release_argument
@reason_option
@public_reason_option
@public_note_option
@in_registry
async def quarantine(
    registry: Registry, coordinate: Coordinate, reason: str, why: str | None, note: str
) -> str:
    """Quarantine a release that may do harm; `ballroom package release` serves it again.

    \b
    Example:
      ballroom package quarantine acme/greet:1.0.0 --reason "steals tokens" \\
        --public-reason malware --public-note "It sends tokens to another host."
    """
    public, moderation = parse_public_reason(why or "", note), registry.publishing.moderation
    return _state(await moderation.quarantine(coordinate, reason, public, by=OPERATOR))


@packages.command("release")
@release_argument
@in_registry
async def release_again(registry: Registry, coordinate: Coordinate) -> str:
    """Serve a held or quarantined release again."""
    return _state(await registry.publishing.moderation.restore(coordinate, by=OPERATOR))


@packages.command()
@release_argument
@reason_option
@public_reason_option
@public_note_option
@click.confirmation_option(
    prompt="This cannot be undone, and the version can never be published again. Remove it?"
)
@in_registry
async def remove(
    registry: Registry, coordinate: Coordinate, reason: str, why: str | None, note: str
) -> str:
    """Remove a release permanently. Its version can never be published again."""
    public, moderation = parse_public_reason(why or "", note), registry.publishing.moderation
    return _state(await moderation.remove(coordinate, reason, public, by=OPERATOR))


def _state(release: Release) -> str:
    return f"{release.coordinate} is {release.state.value}."


add_operation(
    packages,
    "visibility",
    api_packages_visibility,
    f"{PACKAGE} VISIBILITY",
    text="""Make a package public, internal, or private to the members of its organization.

    \b
    Example:
      ballroom package visibility acme/greet private
    """,
    done="{package} is {visibility}.",
)


@click.group("publisher")
def publishers() -> None:
    """Manage trusted publishers: CI jobs that publish without a stored secret."""


add_operation(
    publishers,
    "add",
    api_publishers_add,
    PACKAGE,
    text="""Let a job publish the package ORG/NAME. If it does not exist, the first push creates it.

    \b
    Example:
      ballroom publisher add acme/greet --provider github \\
        --id repository_id=74 --id repository_owner_id=65 \\
        --workflow release.yml --ref 'refs/tags/v*' --environment release
    """,
)
add_operation(publishers, "list", api_publishers_list, "ORG")
add_operation(
    publishers,
    "remove",
    api_publishers_remove,
    "ORG ID",
    text="Remove the trusted publisher ID of the organization ORG.",
    done="Removed the trusted publisher {id} of {org}.",
)
add_operation(
    publishers,
    "only",
    api_publishers_restrict,
    f"{PACKAGE} PUSHERS",
    text="""Set who can push to ORG/NAME: trusted publishers only, or members with tokens as well.

    \b
    Example:
      ballroom publisher only acme/greet publishers
    """,
    done="{package} accepts pushes from {pushers}.",
)
