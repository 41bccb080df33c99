"""package hold, refuse, release, quarantine and remove: decisions about releases."""

import re
from collections.abc import Callable, Sequence
from datetime import timedelta
from functools import wraps

import click
from msgspec import Struct

from shared.commands.base import in_registry, spelled
from shared.commands.operations import (
    parse_coordinate,
    parse_package,
    release_argument,
)
from shared.domain.coordinates import Coordinate, Package
from shared.domain.errors.base import Refusal
from shared.domain.names import OrgName, parse_org
from shared.domain.packages import Release
from shared.domain.principals import OPERATOR
from shared.domain.reasons import parse_required_reason
from shared.domain.release_states import State
from shared.domain.releases import Decision
from shared.domain.sentences import counted
from shared.domain.times import MS, parse_time, time_text
from shared.domain.withdrawal_reasons import WithdrawalReason
from shared.registry import Registry
from shared.services.packages.archive_sweep import erased_by_ms
from shared.services.publishing.erasure import Erasure
from shared.services.publishing.moderation import STATE_VERBS
from shared.services.publishing.release_selection import ReleaseSelection
from shared.use_cases import moderation, staged_releases
from shared.use_cases.inputs import Nothing
from shared.use_cases.moderation import RequiredReason, TakeDown

_AGE = re.compile(r"(?P<number>[0-9]{1,5})(?P<unit>[hd])")


def parse_reason_option(text: str) -> str:
    return parse_required_reason(text, "the decision about a release")


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


target_argument = click.argument(
    "target", metavar="ORG/NAME[:VERSION]", type=parse_release_or_package
)


@click.command()
@target_argument
@reason_option
@in_registry
async def hold(registry: Registry, target: Coordinate | Package, reason: str) -> str:
    """Hold a release until it is reviewed, or a package while a case is open.

    While a package is held as a whole, its new releases wait, and its old ones stay.
    `ballroom package restore` ends both.

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


@click.command("refuse")
@release_argument
@reason_option
@in_registry
async def refuse(registry: Registry, coordinate: Coordinate, reason: str) -> str:
    """Refuse a release that waits for a review: it is never published.

    Owners and maintainers approve one on the page of their organization. No command does.

    \b
    Example:
      ballroom package refuse acme/greet:1.0.0 --reason "Nobody at acme pushed it."
    """
    sent = RequiredReason.model_construct(reason=reason)
    await staged_releases.refuse.rule(registry, coordinate, sent, OPERATOR)
    return staged_releases.refuse.printed.format(coordinate=coordinate)


@click.command("restore")
@target_argument
@in_registry
async def restore(registry: Registry, target: Coordinate | Package) -> str:
    """Serve a held or quarantined release again, or end the hold of a package."""
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


def selection_options(command: Callable[..., object]) -> Callable[..., object]:
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


@click.command()
@selection_options
@in_registry
async def quarantine(
    registry: Registry, many: ManyReleases, reason: str, why: str | None, note: str
) -> str:
    """Quarantine a release that may do harm, or many; `ballroom package restore` serves it again.

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


@click.command()
@selection_options
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
    sentence = f"{release.coordinate} removed permanently"
    await registry.administration.second_administrator.send_command_mail(sentence, reason)
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
            page = await (
                selections.page_to_erase(selection, after or "", by=OPERATOR)
                if erase_now
                else selections.page(selection, decision.state, after or "", by=OPERATOR)
            )
            found += page.releases
            after = page.next
    if not found:
        return "There is no such release."
    lines = [f"{each.coordinate} ({each.state.value})" for each in found]
    if many.dry_run:
        return "\n".join([*lines, f"This would {verb} {counted(len(found), 'release')}."])
    if not many.is_confirmed:
        click.echo("\n".join(lines), err=True)
        these = "this release" if len(found) == 1 else f"these {len(found):,} releases"
        click.confirm(f"{verb.capitalize()} {these}?", abort=True, err=True)
    coordinates = [each.coordinate for each in found]
    if erase_now:
        return await _erase(registry, coordinates, decision)
    decided = await selections.decide_all(
        coordinates, decision.state, decision.reason, decision.public, by=OPERATOR
    )
    if decision.state is State.REMOVED:
        sentence = f"{', '.join(map(str, coordinates))} removed permanently"
        await registry.administration.second_administrator.send_command_mail(
            sentence, decision.reason
        )
    return "\n".join(map(_state, decided))


async def _erase(registry: Registry, coordinates: Sequence[Coordinate], decision: Decision) -> str:
    """Erase releases one after the other, and return their receipts; if something is left, or an
    erasure fails, print them and end the command with the exit code 1."""
    erasure = registry.publishing.erasure
    made = list[Erasure]()
    failure: Refusal | None = None
    for each in coordinates:
        try:
            made.append(await erasure.erase(each, decision.reason, decision.public, by=OPERATOR))
        except Refusal as refusal:
            failure = refusal
            break
    text = "\n\n".join("\n".join(each.lines()) for each in made)
    is_whole = failure is None and not any(each.left for each in made)
    if made and not is_whole:  # A repeat does not find what is erased.
        click.echo(spelled(text))
    if made:
        sentence = f"{', '.join(str(each.release.coordinate) for each in made)} erased"
        second = registry.administration.second_administrator
        await second.send_command_mail(sentence, decision.reason)
    if failure is not None:
        raise failure
    if not is_whole:
        raise SystemExit(1)
    return text


def _state(release: Release) -> str:
    return f"{release.coordinate} is {release.state.value}."
