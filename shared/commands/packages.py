"""package …: releases and their moderation; publisher …: trusted publishers."""

import json
from collections.abc import Sequence

import click

from shared.commands.base import (
    OutputFormat,
    TableRow,
    as_json,
    format_time,
    print_facts,
    print_rows,
    with_registry,
)
from shared.composition import Registry
from shared.domain.api_docs.records import ApiDocsRecord
from shared.domain.identity import OPERATOR
from shared.domain.names import Coordinate, OrgName, Package, parse_org
from shared.domain.organizations import parse_required_reason
from shared.domain.packages import (
    CHOSEN_VISIBILITIES,
    Head,
    Pushers,
    Release,
    ReleaseEntry,
    WithdrawalReason,
)
from shared.domain.trusted_publishing.jobs import Provider
from shared.domain.trusted_publishing.publishers import Publisher
from shared.domain.versions import Version
from shared.domain.withheld_releases import parse_public_reason
from shared.services.api_docs.api_docs_queue import DocumentedRelease
from shared.services.api_docs.on_demand import ComparedVersions
from shared.services.tokens.trusted_publishers import PublisherRequest


def parse_coordinate(text: str) -> Coordinate:
    """Read `ORG/NAME:VERSION`."""
    package, _, version = text.partition(":")
    org, _, name = package.partition("/")
    if not (name and version):
        message = f"{text!r} names no release. Write it as acme/greet:1.0.0."
        raise click.BadParameter(message)
    return Coordinate.parse(org, name, version)


def parse_package(text: str) -> Package:
    """Read `ORG/NAME`."""
    org, _, name = text.partition("/")
    if not name or ":" in text:
        message = f"{text!r} names no package. Write it as acme/greet."
        raise click.BadParameter(message)
    return Package.parse(org, name)


def parse_reason_option(text: str) -> str:
    return parse_required_reason(text, "the decision about a release")


_VISIBILITIES = {each.value: each for each in CHOSEN_VISIBILITIES}

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


@click.group()
def package() -> None:
    """Show and withhold releases, and change the visibility of packages."""


@package.command("show")
@release_argument
@as_json
def show_release(coordinate: Coordinate, output: OutputFormat) -> None:
    """Show a release, whatever its state.

    \b
    Example:
      python -m shared.cli package show acme/greet:1.0.0
    """

    async def work(registry: Registry) -> Release:
        return await registry.publishing.moderation.find(coordinate, by=OPERATOR)

    release = with_registry(work)
    facts = {
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
    print_facts(facts, output)


@package.command("document")
@click.argument("wanted", metavar="[ORG/NAME]", type=parse_package, required=False)
def document_package(wanted: Package | None) -> None:
    """Make the API documentation of a package again, or what is missing of all packages.

    \b
    Examples:
      python -m shared.cli package document acme/greet
      python -m shared.cli package document
    """

    async def work(registry: Registry) -> list[DocumentedRelease]:
        backfill = registry.api_docs.backfill
        return await (backfill.document(wanted) if wanted else backfill.document_missing())

    documented = with_registry(work)
    for each in documented:
        click.echo(f"{each.release.coordinate}: {_api_docs_state(each.record)}")
    if not documented:
        click.echo("There is no release to document.")


def _api_docs_state(record: ApiDocsRecord) -> str:
    """Return the state in a few words: `partial, 3 parts of files could not be read`."""
    if record.reason:
        return f"{record.state.value}, {record.reason}"
    if record.unread:
        return f"{record.state.value}, {len(record.unread)} parts of files could not be read"
    return record.state.value


@package.command("diff")
@click.argument("name", metavar="ORG/NAME", type=parse_package)
@click.argument("before", metavar="FROM")
@click.argument("after", metavar="TO")
def compare_versions(name: Package, before: str, after: str) -> None:
    """Compare the API of two versions of a package.

    \b
    Example:
      python -m shared.cli package diff acme/greet 1.0.0 1.1.0
    """

    async def work(registry: Registry) -> ComparedVersions:
        old, new = [
            ReleaseEntry.of(
                await registry.publishing.moderation.find(name.at(version), by=OPERATOR)
            )
            for version in map(Version.parse, (before, after))
        ]
        return await registry.api_docs.comparisons.make(name, old, new)

    found = json.loads(with_registry(work).changes)
    for change in found["changes"]:
        click.echo(f"{change['level']:6}{change['kind']:9}{change['module']}:{change['symbol']}")
        for sign, signature in (("-", change["before"]), ("+", change["after"])):
            if signature:
                click.echo(f"      {sign} {signature}")
        for reason in change["reasons"]:
            click.echo(f"        {reason}")
    verdict = found["verdict"]
    click.echo(f"{verdict['changes']} changes; they require a new {verdict['required']} version.")


@package.command()
@release_argument
@reason_option
def hold(coordinate: Coordinate, reason: str) -> None:
    """Hold a release until it is reviewed; `package release` serves it again."""

    async def work(registry: Registry) -> Release:
        return await registry.publishing.moderation.hold(coordinate, reason, by=OPERATOR)

    _say(with_registry(work))


@package.command()
@release_argument
@reason_option
@public_reason_option
@public_note_option
def quarantine(coordinate: Coordinate, reason: str, why: str | None, note: str) -> None:
    """Quarantine a release that may do harm; `package release` serves it again.

    \b
    Example:
      python -m shared.cli package quarantine acme/greet:1.0.0 --reason "steals tokens" \\
        --public-reason malware --public-note "It sends tokens to another host."
    """

    async def work(registry: Registry) -> Release:
        public = parse_public_reason(why or "", note)
        return await registry.publishing.moderation.quarantine(
            coordinate, reason, public, by=OPERATOR
        )

    _say(with_registry(work))


@package.command("release")
@release_argument
def release_again(coordinate: Coordinate) -> None:
    """Serve a held or quarantined release again."""

    async def work(registry: Registry) -> Release:
        return await registry.publishing.moderation.restore(coordinate, by=OPERATOR)

    _say(with_registry(work))


@package.command()
@release_argument
@reason_option
@public_reason_option
@public_note_option
@click.confirmation_option(
    prompt="This cannot be undone, and the version can never be published again. Remove it?"
)
def remove(coordinate: Coordinate, reason: str, why: str | None, note: str) -> None:
    """Remove a release permanently. Its version can never be published again."""

    async def work(registry: Registry) -> Release:
        public = parse_public_reason(why or "", note)
        return await registry.publishing.moderation.remove(coordinate, reason, public, by=OPERATOR)

    _say(with_registry(work))


@package.command()
@click.argument("package", metavar="ORG/NAME", type=parse_package)
@click.argument("wanted", metavar="public|private", type=click.Choice(list(_VISIBILITIES)))
def visibility(package: Package, wanted: str) -> None:
    """Make a package public, or private to the members of its organization.

    \b
    Example:
      python -m shared.cli package visibility acme/greet private
    """

    async def work(registry: Registry) -> Head:
        return await registry.packages.visibility.change(
            package, _VISIBILITIES[wanted], by=OPERATOR
        )

    head = with_registry(work)
    click.echo(f"{head.package} is {head.visibility.value}.")


def _say(release: Release) -> None:
    click.echo(f"{release.coordinate} is {release.state.value}.")


package_argument = click.argument("package", metavar="ORG/NAME", type=parse_package)
org_argument = click.argument("org", metavar="ORG", type=parse_org)


@click.group()
def publisher() -> None:
    """Manage trusted publishers: CI jobs that publish without a stored secret."""


@publisher.command()
@package_argument
@click.option(
    "--provider",
    required=True,
    type=click.Choice([each.value for each in Provider]),
    help="The CI system, which signs the identity of the job.",
)
@click.option("--id", "ids", multiple=True, metavar="CLAIM=VALUE", help="An id that never changes.")
@click.option("--server", default="", help="The GitHub or GitLab server, if it is self-hosted.")
@click.option("--repository", default="", help="The name of the repository, for display only.")
@click.option("--workflow", default="", help="The file of the workflow.")
@click.option(
    "--reusable-workflow",
    default="",
    metavar="OWNER/REPO/.github/workflows/FILE@REF",
    help="The workflow of another repository that the job runs.",
)
@click.option("--ref", "refs", multiple=True, help="refs/heads/main, or refs/tags/v* for many.")
@click.option("--environment", default="", help="The environment that a job has to run in.")
@click.option("--protected", is_flag=True, help="The ref has to be protected.")
def add(
    package: Package,
    *,
    provider: str,
    ids: Sequence[str],
    server: str,
    repository: str,
    **rules: object,
) -> None:
    """Let a job publish the package ORG/NAME. If it does not exist, the first push creates it.

    \b
    Example:
      python -m shared.cli publisher add acme/greet --provider github \\
        --id repository_id=74 --id repository_owner_id=65 \\
        --workflow release.yml --ref 'refs/tags/v*' --environment release
    """
    wanted = PublisherRequest(
        package,
        Provider(provider),
        dict(_pair(each) for each in ids),
        server=server,
        repository=repository,
        rules=rules,
    )

    async def work(registry: Registry) -> Publisher:
        return await registry.tokens.trusted_publishers.add(wanted, by=OPERATOR)

    added = with_registry(work)
    until = f" It makes the package until {format_time(added.pending_until_ms)}."
    waiting = until if added.pending_until_ms is not None else ""
    click.echo(f"Added the trusted publisher {added.id} of {added.target}.{waiting}")


@publisher.command("list")
@org_argument
@as_json
def list_publishers(org: OrgName, output: OutputFormat) -> None:
    """List the trusted publishers of the organization ORG."""

    async def work(registry: Registry) -> list[Publisher]:
        return await registry.tokens.trusted_publishers.of_organization(org, by=OPERATOR)

    print_rows([_row(each) for each in with_registry(work)], output)


@publisher.command("remove")
@org_argument
@click.argument("publisher_id", metavar="ID")
def remove_publisher(org: OrgName, publisher_id: str) -> None:
    """Remove the trusted publisher ID of the organization ORG."""

    async def work(registry: Registry) -> None:
        await registry.tokens.trusted_publishers.remove(org, publisher_id, by=OPERATOR)

    with_registry(work)
    click.echo(f"Removed the trusted publisher {publisher_id} of {org}.")


@publisher.command()
@package_argument
@click.argument("pushers", type=click.Choice([each.value for each in Pushers]))
def only(package: Package, pushers: str) -> None:
    """Set who can push to ORG/NAME: trusted publishers only, or members with tokens as well.

    \b
    Example:
      python -m shared.cli publisher only acme/greet publishers
    """

    async def work(registry: Registry) -> None:
        await registry.tokens.trusted_publishers.restrict_pushers(
            package, Pushers(pushers), by=OPERATOR
        )

    with_registry(work)
    click.echo(f"{package} accepts pushes from {pushers}.")


def _pair(text: str) -> tuple[str, str]:
    claim, _, value = text.partition("=")
    return claim, value


def _row(each: Publisher) -> TableRow:
    rules = each.rules
    return {
        "id": each.id,
        "package": each.package,
        "provider": each.provider.value,
        "ids": " ".join(f"{claim}={value}" for claim, value in each.ids.items()),
        "workflow": rules.workflow,
        "reusable_workflow": rules.reusable_workflow,
        "refs": " ".join(rules.refs),
        "environment": rules.environment,
        "protected": "yes" if rules.protected else "",
        "pending_until": format_time(each.pending_until_ms),
    }
