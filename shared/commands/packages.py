"""package …: releases and their moderation; publisher …: trusted publishers; outdated:
the versions that a package uses; publish: archives to any registry."""

import os
import re
from collections.abc import Callable, Sequence
from datetime import timedelta
from functools import wraps

import click
from msgspec import Struct

from functions.api.organizations import api_packages_freeze, api_packages_unfreeze
from functions.api.packages import api_packages_succeed, api_packages_visibility
from functions.api.trusted_publishing import (
    api_publishers_add,
    api_publishers_confirm,
    api_publishers_list,
    api_publishers_remove,
    api_publishers_restrict,
)
from functions.http.event_sentences import CREDENTIAL_TEXTS, history_facts, history_sentence
from shared.commands.base import Rows, TableRow, format_time, in_registry, spelled
from shared.commands.operations import (
    PACKAGE,
    PACKAGE_OR_ORGANIZATION,
    add_operation,
    parse_coordinate,
    parse_package,
)
from shared.composition import Registry
from shared.domain.api_docs.records import ApiDocsRecord
from shared.domain.coordinates import Coordinate, Package
from shared.domain.event_queries import EventQuery
from shared.domain.names import OrgName, parse_org
from shared.domain.packages import Provenance, Release
from shared.domain.principals import OPERATOR
from shared.domain.reasons import parse_required_reason
from shared.domain.release_states import State
from shared.domain.releases import Decision
from shared.domain.times import MS, parse_time, time_text
from shared.domain.withdrawals import WithdrawalReason
from shared.outdated import FORMATS, NEVER, STATES, CheckOptions, run
from shared.publish import PublishOptions
from shared.publish import run as run_publish
from shared.services.packages.archive_sweep import erased_by_ms
from shared.services.publishing.moderation import STATE_VERBS
from shared.services.publishing.release_selection import ReleaseSelection
from shared.use_cases import moderation, staged_releases
from shared.use_cases import packages as use_cases
from shared.use_cases.inputs import Nothing
from shared.use_cases.moderation import RequiredReason, TakeDown
from shared.use_cases.packages import NewSuccessor

_AGE = re.compile(r"(?P<number>[0-9]{1,5})(?P<unit>[hd])")


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


def parse_target(text: str) -> Coordinate | Package | OrgName:
    """Read `ORG/NAME:VERSION`, `ORG/NAME` or `ORG`."""
    if ":" in text:
        return parse_coordinate(text)
    return parse_package(text) if "/" in text else parse_org(text)


def parse_release_or_package(text: str) -> Coordinate | Package:
    """Read `ORG/NAME:VERSION` or `ORG/NAME`."""
    return parse_coordinate(text) if ":" in text else parse_package(text)


def parse_since(text: str) -> int | timedelta:
    """Read a time such as 2026-11-20 in milliseconds, or an age such as `24h` or `7d`."""
    found = _AGE.fullmatch(text)
    if found is None:
        return parse_time("since", text)
    hours = int(found["number"]) * (24 if found["unit"] == "d" else 1)
    return timedelta(hours=hours)


one_argument = click.argument("target", metavar="ORG/NAME[:VERSION]", type=parse_release_or_package)


@packages.command()
@one_argument
@reason_option
@in_registry
async def hold(registry: Registry, target: Coordinate | Package, reason: str) -> str:
    """Hold a release until it is reviewed, or a package while a case is open.

    Of a package that is held as a whole, new releases wait, and old ones stay.
    `ballroom package release` ends both.

    \b
    Examples:
      ballroom package hold acme/greet:1.0.0 --reason "A review."
      ballroom package hold acme/greet --reason "Case 4711."
    """
    sent = RequiredReason.model_construct(reason=reason)
    if isinstance(target, Coordinate):
        release = await moderation.hold.rule(registry, target, sent, OPERATOR)
        return moderation.hold.printed.format(release=release.coordinate)
    head = await moderation.hold_package.rule(registry, target, sent, OPERATOR)
    return moderation.hold_package.printed.format(package=head.package)


@packages.command("refuse")
@release_argument
@reason_option
@in_registry
async def refuse_release(registry: Registry, coordinate: Coordinate, reason: str) -> str:
    """Refuse a release that waits for a review: it is never published.

    Owners and maintainers approve one on the page of their organization. No command does.

    \b
    Example:
      ballroom package refuse acme/greet:1.0.0 --reason "Nobody at acme pushed it."
    """
    sent = RequiredReason.model_construct(reason=reason)
    await staged_releases.refuse.rule(registry, coordinate, sent, OPERATOR)
    return staged_releases.refuse.printed.format(coordinate=coordinate)


@packages.command("release")
@one_argument
@in_registry
async def release_again(registry: Registry, target: Coordinate | Package) -> str:
    """Serve a held or quarantined release again, or end that a package is held."""
    if isinstance(target, Coordinate):
        release = await moderation.restore.rule(registry, target, Nothing(), OPERATOR)
        if release.is_held_for_sigstore:
            return f"{release.coordinate} is published when its Sigstore bundle comes."
        return moderation.restore.printed.format(release=release.coordinate)
    ended = await moderation.end_package_hold.rule(registry, target, Nothing(), OPERATOR)
    line = moderation.end_package_hold.printed.format(package=ended.head.package)
    return "\n".join([line, *map(_state, ended.published)])


class ManyReleases(Struct, frozen=True):
    """What the options of a command select, and whether it only lists that or asks first."""

    target: Coordinate | Package | OrgName | None
    account: str | None
    token: str | None
    publisher: str | None
    since: int | timedelta | None
    dry_run: bool
    is_confirmed: bool

    @property
    def is_one(self) -> bool:
        """Whether it is a release by its name, and nothing else is asked."""
        others = (self.account, self.token, self.publisher, self.since)
        return isinstance(self.target, Coordinate) and others == (None,) * len(others)

    async def selection(self, registry: Registry) -> ReleaseSelection:
        org = name = ""
        match self.target:
            case Coordinate():
                message = (
                    f"{self.target} is one release. Leave the other options out, or its version."
                )
                raise click.UsageError(message)
            case Package():
                org = self.target.org
                name = self.target.name
            case None:
                pass
            case _:
                org = self.target
        selections = registry.publishing.selections
        since = self.since
        now_ms = registry.clock.now_ms()
        return ReleaseSelection(
            org=org,
            name=name,
            account=await selections.account_id(self.account) if self.account else "",
            token=self.token or "",
            publisher=self.publisher or "",
            since_ms=now_ms - since // MS if isinstance(since, timedelta) else since,
            until_ms=now_ms,
        )


def takes_many(command: Callable[..., object]) -> Callable[..., object]:
    """Declare the argument and the options that select releases, and give them as `many`."""

    @wraps(command)
    def run(
        *,
        target: Coordinate | Package | OrgName | None,
        by_account: str | None,
        by_token: str | None,
        by_publisher: str | None,
        since: int | timedelta | None,
        dry_run: bool,
        yes: bool,
        **others: object,
    ) -> object:
        many = ManyReleases(target, by_account, by_token, by_publisher, since, dry_run, yes)
        return command(many=many, **others)

    options = (
        click.argument(
            "target", metavar="[ORG/NAME:VERSION|ORG/NAME|ORG]", type=parse_target, required=False
        ),
        click.option("--by-account", metavar="ACCOUNT", help="Releases that ACCOUNT published."),
        click.option("--by-token", metavar="ID", help="Releases that came with the token ID."),
        click.option("--by-publisher", metavar="ID", help="Releases of the trusted publisher ID."),
        click.option(
            "--since",
            type=parse_since,
            metavar="TIME",
            help="Releases since a time such as 2026-11-20, or the last 24h or 7d.",
        ),
        click.option("--dry-run", is_flag=True, help="List the releases, and change nothing."),
        click.option("--yes", is_flag=True, help="Do not ask for confirmation."),
        reason_option,
        public_reason_option,
        public_note_option,
    )
    decorated: Callable[..., object] = run
    for option in reversed(options):
        decorated = option(decorated)
    return decorated


@packages.command()
@takes_many
@in_registry
async def quarantine(
    registry: Registry, many: ManyReleases, reason: str, why: str | None, note: str
) -> str:
    """Quarantine a release that may do harm, or many; `ballroom package release` serves it again.

    Many are those of a package or an organization, of an account, a token or a trusted publisher,
    or those since a time: all that match every option.

    \b
    Examples:
      ballroom package quarantine acme/greet:1.0.0 --reason "steals tokens" \\
        --public-reason malware --public-note "It sends tokens to another host."
      ballroom package quarantine --by-token aB3dE6gH9k --since 24h \\
        --reason "the token leaked" --dry-run
    """
    sent = _take_down(reason, why, note)
    decision = Decision(State.QUARANTINED, reason, sent.public)
    if many.is_one and isinstance(many.target, Coordinate) and not many.dry_run:
        release = await moderation.quarantine.rule(registry, many.target, sent, OPERATOR)
        return moderation.quarantine.printed.format(release=release.coordinate)
    return await _decide_many(registry, many, decision)


def _take_down(reason: str, why: str | None, note: str) -> TakeDown:
    """Return the values of the options as the inputs of the use case."""
    public_reason = WithdrawalReason(why) if why else None
    return TakeDown.model_construct(reason=reason, public_reason=public_reason, public_note=note)


@packages.command()
@takes_many
@click.option(
    "--erase-now",
    is_flag=True,
    help="Delete the archives and all that was made of them at once, and print a receipt.",
)
@in_registry
async def remove(
    registry: Registry,
    many: ManyReleases,
    reason: str,
    why: str | None,
    note: str,
    *,
    erase_now: bool,
) -> str:
    """Remove a release permanently, or many. Their versions can never be published again.

    Many are those of a package or an organization, of an account, a token or a trusted publisher,
    or those since a time: all that match every option.

    An archive is deleted in one of the next two nights. With --erase-now it is deleted at once, and
    what is left is listed with the exit code 1; the command may be repeated. In the cloud this
    deletes the copies that the store keeps as well, if you have the right to.

    \b
    Examples:
      ballroom package remove acme/greet:1.0.0 --reason "order 12/26 of the court" \\
        --public-reason legal --erase-now
      ballroom package remove acme --by-account kim --reason "malware" --dry-run
    """
    # An invalid public reason is refused here, before anything is listed or asked.
    decision = Decision(State.REMOVED, reason, _take_down(reason, why, note).public)
    if not (many.is_one and isinstance(many.target, Coordinate)) or many.dry_run:
        return await _decide_many(registry, many, decision, erase_now=erase_now)
    if not many.is_confirmed:
        question = "This cannot be undone, and the version can never be published again. "
        click.confirm(f"{question}Remove it?", abort=True)
    if erase_now:
        return await _erase(registry, [many.target], decision)
    # The rule of the use case returns a proposal for a token; the operator always removes.
    service = registry.publishing.moderation
    release = await service.remove(many.target, reason, decision.public, by=OPERATOR)
    told = f"{release.coordinate} removed permanently"
    await registry.administration.second_administrator.send_command_mail(told, reason)
    printed = moderation.remove.printed.format(release=release.coordinate)
    if release.erased is not None:
        return f"{printed} Its archive was deleted {time_text(release.erased.at_ms)}."
    removed_ms = release.changed_ms or release.created_ms
    until_ms = erased_by_ms(removed_ms, registry.settings.sweep_grace_hours)
    return f"{printed} Its archive is deleted until {time_text(until_ms)}."


async def _decide_many(
    registry: Registry, many: ManyReleases, decision: Decision, *, erase_now: bool = False
) -> str:
    """List the releases, ask, and decide on them; or only list them."""
    selections = registry.publishing.selections
    verb = STATE_VERBS[decision.state]
    if many.is_one and isinstance(many.target, Coordinate):
        found = [await registry.publishing.moderation.find(many.target, by=OPERATOR)]
    else:
        selection = await many.selection(registry)
        found = list[Release]()
        after = None
        while after != "":
            page = await selections.page(selection, decision.state, after or "", by=OPERATOR)
            found += page.releases
            after = page.next
    if not found:
        return "There is no such release."
    lines = [f"{each.coordinate} ({each.state.value})" for each in found]
    if many.dry_run:
        return "\n".join([*lines, f"This would {verb} {len(found):,} releases."])
    if not many.is_confirmed:
        click.echo("\n".join(lines), err=True)
        click.confirm(f"{verb.capitalize()} these {len(found):,} releases?", abort=True, err=True)
    coordinates = [each.coordinate for each in found]
    if erase_now:
        return await _erase(registry, coordinates, decision)
    decided = await selections.decide_all(
        coordinates, decision.state, decision.reason, decision.public, by=OPERATOR
    )
    if decision.state is State.REMOVED:
        told = f"{', '.join(map(str, coordinates))} removed permanently"
        await registry.administration.second_administrator.send_command_mail(told, decision.reason)
    return "\n".join(map(_state, decided))


async def _erase(registry: Registry, coordinates: Sequence[Coordinate], decision: Decision) -> str:
    """Erase releases one after the other, and return their receipts; if something is left, print
    them and end the command with the exit code 1."""
    erasure = registry.publishing.erasure
    made = [
        await erasure.erase(each, decision.reason, decision.public, by=OPERATOR)
        for each in coordinates
    ]
    told = f"{', '.join(map(str, coordinates))} erased"
    await registry.administration.second_administrator.send_command_mail(told, decision.reason)
    text = "\n\n".join("\n".join(each.lines()) for each in made)
    if any(each.left for each in made):
        click.echo(spelled(text))
        raise SystemExit(1)
    return text


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
    trusted publishers. Reading goes on.

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


@click.group("publisher")
def publishers() -> None:
    """Manage trusted publishers: CI jobs that publish without a stored secret."""


add_operation(
    publishers,
    "add",
    api_publishers_add,
    PACKAGE_OR_ORGANIZATION,
    text="""Let a job publish the package ORG/NAME. If it does not exist, the first push creates it.

    With --scopes read, the job reads the packages of the organization ORG, and publishes nothing.

    \b
    Examples:
      ballroom publisher add acme/greet --provider github \\
        --id repository_id=74 --id repository_owner_id=65 \\
        --workflow release.yml --ref 'refs/tags/v*' --environment release \\
        --tag-version --runner provider
      ballroom publisher add acme/greet --provider oidc --issuer buildkite \\
        --claim organization_id=0184990a-477b-4fa8-9968-496074483cee \\
        --claim 'sub=organization:acme:pipeline:greet:ref:refs/tags/v*:commit:*:step:publish'
      ballroom publisher add acme --scopes read --provider oidc --issuer kubernetes \\
        --claim sub=system:serviceaccount:builds:default
    """,
)
add_operation(publishers, "list", api_publishers_list, "ORG")
add_operation(
    publishers,
    "confirm",
    api_publishers_confirm,
    "ORG ID",
    text="""Confirm the trusted publisher ID of ORG, so that it keeps working whatever happens to
    the account that made it.""",
)
add_operation(
    publishers,
    "remove",
    api_publishers_remove,
    "ORG ID",
    text="Remove the trusted publisher ID of the organization ORG.",
)
add_operation(
    publishers,
    "only",
    api_publishers_restrict,
    f"{PACKAGE} PUSHERS",
    text="""Set who can push to ORG/NAME: trusted publishers only, or members with tokens as well.

    \b
    Example:
      ballroom publisher only acme/greet publishers --reason "A token leaked."
    """,
)
