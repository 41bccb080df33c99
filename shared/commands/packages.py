"""package …: packages and their releases."""

import click

from functions.api.organizations import api_packages_freeze, api_packages_unfreeze
from functions.api.packages import api_packages_succeed, api_packages_visibility
from functions.html.event_sentences import CREDENTIAL_TEXTS, history_facts, history_sentence
from shared.commands.base import Rows, TableRow, format_time, in_registry
from shared.commands.moderation import hold, quarantine, refuse, remove, restore
from shared.commands.operations import (
    PACKAGE,
    add_operation,
    parse_package,
    release_argument,
)
from shared.domain.api_docs.records import ApiDocsRecord
from shared.domain.coordinates import Coordinate, Package
from shared.domain.event_queries import EventQuery
from shared.domain.packages import Provenance
from shared.domain.principals import OPERATOR
from shared.registry import Registry
from shared.use_cases import packages as use_cases
from shared.use_cases.packages import NewSuccessor


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
    provenance = release.origin.provenance
    return {
        "release": str(release.coordinate),
        "state": release.state.value,
        "reason": release.state_reason,
        "public": str(release.public_reason) if release.public_reason else None,
        "published": format_time(release.created_ms),
        "by": release.origin.principal,
        "run": provenance.run_url if provenance else None,
        "run claims": _claims_text(provenance) if provenance else None,
        "upstream": release.upstream.name if release.upstream else None,
        "platform": release.platform,
        "bytes": release.size_bytes,
        "sha256": release.digest,
        "deprecation": release.deprecation,
    }


def _claims_text(provenance: Provenance) -> str:
    return " ".join(f"{name}={value}" for name, value in provenance.claims.items())


@packages.command("history")
@click.argument("package", metavar=PACKAGE, type=parse_package)
@click.option("--before", metavar="NUMBER", default="", help="List what is older than this one.")
@click.option("--count", metavar="NUMBER", default="", help="List so many; 50 by default.")
@in_registry
async def show_history(registry: Registry, package: Package, before: str, count: str) -> Rows:
    """List what changed of a package, newest first: releases, deprecations, visibility, trusted
    publishers, and the roles of people who publish.

    \b
    Examples:
      ballroom package history acme/greet
      ballroom package history acme/greet --before 4711
    """
    query = EventQuery.parse({"before": before, "count": count})
    page = await registry.packages.history.of_package(package, query, by=OPERATOR)
    return [
        {
            "number": each.number,
            "at": format_time(each.event.at_ms),
            "change": history_sentence(each, page),
            "with": CREDENTIAL_TEXTS[each.using] if each.using else None,
            "about": each.message or each.run or history_facts(each),
        }
        for each in page.entries
    ]


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


add_operation(
    packages,
    "visibility",
    api_packages_visibility,
    f"{PACKAGE} VISIBILITY",
    text="""Make a package public, internal, or private to the members of its organization.

    \b
    Example:
      ballroom package visibility acme/greet private --reason "It was published by mistake."
    """,
)


add_operation(
    packages,
    "successor",
    api_packages_succeed,
    f"{PACKAGE} SUCCESSOR",
    text="""Set the package SUCCESSOR, which replaces ORG/NAME; old versions stay.

    \b
    Example:
      ballroom package successor acme/greet nova/greet --reason "Dispute k3J9x2LqP0"
    """,
)


@packages.command()
@click.argument("package", metavar=PACKAGE, type=parse_package)
@click.option("--reason", required=True, metavar="TEXT", help="The owners of the package read it.")
@in_registry
async def remove_successor(registry: Registry, package: Package, reason: str) -> str:
    """Remove the successor of ORG/NAME."""
    none = NewSuccessor.model_construct(successor=None, reason=reason)
    await use_cases.remove_successor.rule(registry, package, none, OPERATOR)
    return use_cases.remove_successor.printed.format(package=package)


add_operation(
    packages,
    "freeze",
    api_packages_freeze,
    PACKAGE,
    text="""Freeze the package ORG/NAME: nobody publishes versions of it, or changes it or its
    trusted publishers. Everybody can still read it.

    \b
    Example:
      ballroom package freeze acme/greet --reason "Its ownership is disputed."
    """,
)
add_operation(
    packages,
    "unfreeze",
    api_packages_unfreeze,
    PACKAGE,
    text="Let the package ORG/NAME be changed again, unless its organization is frozen.",
)

for each in (hold, quarantine, refuse, remove, restore):
    packages.add_command(each)
# The earlier name of the command, which scripts of operators may have.
packages.add_command(
    click.Command(
        "release",
        params=restore.params,
        callback=restore.callback,
        help="The earlier name of `restore`.",
        hidden=True,
    )
)
