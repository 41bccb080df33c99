"""publisher …: which jobs of CI systems publish a package."""

from collections.abc import Sequence

import click

from shared.commands.packages import parse_package
from shared.commands.running import Output, Row, as_json, moment, show, with_registry
from shared.domain.identity import OPERATOR
from shared.domain.names import OrgName, Package, parse_org
from shared.domain.package import Pushers
from shared.domain.publishers import Publisher
from shared.domain.workloads import Provider
from shared.registry import Registry
from shared.services.trusted_publishers import PublisherRequest

package_argument = click.argument("package", metavar="ORG/NAME", type=parse_package)
org_argument = click.argument("org", metavar="ORG", type=parse_org)


@click.group()
def publisher() -> None:
    """Let jobs of CI systems publish packages without a stored secret."""


@publisher.command()
@package_argument
@click.option(
    "--provider",
    required=True,
    type=click.Choice([each.value for each in Provider]),
    help="Who signs for the job.",
)
@click.option("--id", "ids", multiple=True, metavar="CLAIM=VALUE", help="An id that never changes.")
@click.option("--server", default="", help="The GitHub or GitLab server, where it is one's own.")
@click.option("--repository", default="", help="A name for people; it decides nothing.")
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
    """Let a job publish the package ORG/NAME; where there is none yet, its first push makes it.

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
        return await registry.trusted_publishers.add(wanted, by=OPERATOR)

    added = with_registry(work)
    until = f" It makes the package until {moment(added.pending_until_ms)}."
    waiting = until if added.pending_until_ms is not None else ""
    click.echo(f"Added the trusted publisher {added.id} of {added.target}.{waiting}")


@publisher.command("list")
@org_argument
@as_json
def list_publishers(org: OrgName, output: Output) -> None:
    """List the trusted publishers of the organization ORG."""

    async def work(registry: Registry) -> list[Publisher]:
        return await registry.trusted_publishers.of(org, by=OPERATOR)

    show([_row(each) for each in with_registry(work)], output)


@publisher.command()
@org_argument
@click.argument("publisher_id", metavar="ID")
def remove(org: OrgName, publisher_id: str) -> None:
    """Take the trusted publisher ID of the organization ORG away."""

    async def work(registry: Registry) -> None:
        await registry.trusted_publishers.remove(org, publisher_id, by=OPERATOR)

    with_registry(work)
    click.echo(f"Removed the trusted publisher {publisher_id} of {org}.")


@publisher.command()
@package_argument
@click.argument("pushers", type=click.Choice([each.value for each in Pushers]))
def only(package: Package, pushers: str) -> None:
    """Say who pushes to ORG/NAME: publishers alone, or members with their tokens too.

    \b
    Example:
      python -m shared.cli publisher only acme/greet publishers
    """

    async def work(registry: Registry) -> None:
        await registry.trusted_publishers.restrict(package, Pushers(pushers), by=OPERATOR)

    with_registry(work)
    click.echo(f"{package} takes pushes from {pushers}.")


def _pair(text: str) -> tuple[str, str]:
    claim, _, value = text.partition("=")
    return claim, value


def _row(each: Publisher) -> Row:
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
        "pending_until": moment(each.pending_until_ms),
    }
