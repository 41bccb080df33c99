"""doctor: checks the settings, the stores, and the servers that the registry calls."""

import platform
import sqlite3
from collections.abc import AsyncIterator, Iterator
from datetime import timedelta
from enum import Enum
from functools import partial

import click

from shared.bootstrap.checks import (
    check_certificate,
    check_confinement,
    check_data,
    check_telemetry,
)
from shared.commands.base import OutputFormat, as_json, print_rows, spelled, with_registry
from shared.domain.checks import CheckSeverity, DoctorCheck
from shared.domain.errors.identity import SigningKeyUnavailable
from shared.domain.organizations import Organization
from shared.domain.ownership import OwnerlessOrganization
from shared.domain.sentences import counted
from shared.domain.sign_in import needs_https
from shared.domain.software_version import SOFTWARE_VERSION
from shared.domain.status import release_problems
from shared.domain.tasks import TaskResult
from shared.domain.text_lines import first_of
from shared.domain.times import time_text
from shared.domain.transparency.log_states import RESTORED
from shared.registry import Registry
from shared.services.administration.directory_locks import waiting_problem
from shared.services.administration.key_ages import KeyKind
from shared.services.maintenance.follow_releases import FollowReleases
from shared.services.maintenance.lock_disabled_accounts import LockDisabledAccounts
from shared.services.maintenance.place_archives import PlaceArchives
from shared.services.mirroring.upstreams import UpstreamSource
from shared.services.organizations.ownership import ownerless_problem
from shared.services.provenance.trusted_root_renewal import SERVER
from shared.services.record_batches import all_entities
from shared.services.tokens.makers import described
from shared.settings import Settings
from shared.settings.problems import unknown_settings

_FAILING = (CheckSeverity.FATAL, CheckSeverity.PROBLEM)  # The exit code is 1.
_LABELS = {
    CheckSeverity.FATAL: "problem",
    CheckSeverity.PROBLEM: "problem",
    CheckSeverity.ADVICE: "advice",
    CheckSeverity.ERROR: "error",
}


class CheckedFolder(Enum):
    """What the data folder holds."""

    REGISTRY = "registry"
    COPY = "copy"  # Restored to try a backup; nobody serves it.


@click.command()
@click.option(
    "--of-copy",
    "checked",
    flag_value=CheckedFolder.COPY,
    type=click.UNPROCESSED,
    default=CheckedFolder.REGISTRY,
    help="The data folder is a backup that was restored to try it: its stopped log is no problem.",
)
@as_json
def doctor(checked: CheckedFolder, output: OutputFormat) -> None:
    """Check the settings and the data folder, and say how to solve each problem.

    Identity providers, the mail server and the receivers of webhooks are tried as well, for five
    seconds each: it connects and signs in, and sends no mail and no delivery. What they answer is
    advice. A certificate with which the registry is served is a problem if it ends within 14 days.
    The exit code is 1 if there is a problem; advice and errors do not count.
    """
    settings = Settings.load()
    found = [*_surroundings(settings), *check_certificate(settings)]
    found += [*check_telemetry(settings), check_confinement(), *check_data(settings)]
    if not any(each.way_out for each in found if each.severity is CheckSeverity.FATAL):
        found += with_registry(partial(_checks_of_records, checked=checked))
    if output is OutputFormat.JSON:
        print_rows([_row(each) for each in found], output)
    else:
        click.echo(spelled("\n".join(map(_line, found))))
    if any(each.way_out and each.severity in _FAILING for each in found):
        raise click.exceptions.Exit(1)


def _advice(what: str, found: str, way_out: str = "") -> DoctorCheck:
    return DoctorCheck(what, found, way_out, CheckSeverity.ADVICE)


def _surroundings(settings: Settings) -> Iterator[DoctorCheck]:
    python = platform.python_version()
    sqlite = sqlite3.sqlite_version
    yield DoctorCheck("versions", f"Python {python}, SQLite {sqlite}.")
    unknown = unknown_settings()
    if not unknown:
        yield DoctorCheck("settings", "Every variable that begins with BALLROOM_ is known.")
    for sentence in unknown:
        yield DoctorCheck(
            "settings", sentence, "Correct or remove the variable.", CheckSeverity.ERROR
        )
    way_out = ""
    if needs_https(settings.base_url):
        way_out = "Nobody can sign in there. Set BALLROOM_URL to an https address."
    yield DoctorCheck("address", f"The registry is {settings.base_url}.", way_out)
    yield _appeals(settings)
    yield _contact(settings)
    yield _operator(settings)
    if ways := [*_ways_out_of_here(settings)]:
        yield DoctorCheck("network", " ".join(ways))


def _appeals(settings: Settings) -> DoctorCheck:
    """Say where those appeal whom a decision of administrators affects."""
    if settings.abuse_contact:
        return _advice("appeals", f"Mail about decisions names {settings.abuse_contact}.")
    found = "Mail about decisions of administrators does not say where to appeal."
    way_out = "Set BALLROOM_ABUSE_CONTACT to a mail address or an https address."
    return _advice("appeals", found, way_out)


def _contact(settings: Settings) -> DoctorCheck:
    """Say where somebody writes to who found a vulnerability."""
    contacts = (settings.security_contact, settings.abuse_contact)
    if named := [each for each in contacts if each]:
        found = f"/.well-known/security.txt names {' and '.join(named)}."
        return _advice("contact", found)
    found = (
        "/.well-known/security.txt is missing (404): nobody reads there where to report a "
        "vulnerability."
    )
    way_out = "Set BALLROOM_SECURITY_CONTACT to a mailto: or https: address."
    return _advice("contact", found, way_out)


def _operator(settings: Settings) -> DoctorCheck:
    """Say which pages of the operator are linked below every page."""
    pages = {
        "BALLROOM_PRIVACY_URL": ("privacy notice", settings.privacy_url),
        "BALLROOM_TERMS_URL": ("terms of use", settings.terms_url),
        "BALLROOM_IMPRINT_URL": ("imprint", settings.imprint_url),
    }
    named = [f"{name} ({address})" for name, address in pages.values() if address]
    found = f"Pages link to these of the operator: {', '.join(named) or 'none'}."
    missing = [variable for variable, (_, address) in pages.items() if not address]
    way_out = f"Where the law asks for them, set {', '.join(missing)}." if missing else ""
    return _advice("operator", found, way_out)


def _ways_out_of_here(settings: Settings) -> Iterator[str]:
    """Say how other servers are called, where that is not directly."""
    rules = settings.proxy_rules
    if rules.https is not None:
        apart = f", except {', '.join(rules.direct)}" if rules.direct else ""
        yield f"Other servers are called through the proxy {rules.https}{apart}."
    if settings.ca_file is not None:
        yield f"Certificates of the authorities in {settings.ca_file} are trusted."


async def _checks_of_records(registry: Registry, checked: CheckedFolder) -> list[DoctorCheck]:
    found = [each async for each in _placement(registry)]
    found += [each async for each in _makers(registry)]
    found += [each async for each in _secrets_of_webhooks(registry)]
    found += [each async for each in _publishers(registry)]
    found += [each async for each in _group_roles(registry)]
    found += [each async for each in _directory_locks(registry)]
    found += [each async for each in _second_administrator(registry)]
    found += [each async for each in _provisioning(registry)]
    found += [each async for each in _ownerless(registry)]
    found += [each async for each in _transparency_log(registry, checked)]
    found += [each async for each in _signing_keys(registry)]
    found += [each async for each in _key_ages(registry)]
    found += [each async for each in _sigstore(registry)]
    found += [each async for each in _advisories(registry)]
    found += [each async for each in _newer_releases(registry)]
    found += [
        _advice(each.kind.value, each.found, each.way_out)
        for each in await registry.administration.reachability.check()
    ]
    if registry.mirroring is None:
        return found
    sources = await registry.mirroring.reader.upstreams.sources()
    found += [await _upstream(each) for each in sources]
    return found + [await _token(each.with_token) for each in sources if each.with_token]


async def _placement(registry: Registry) -> AsyncIterator[DoctorCheck]:
    """Say how far the archives are placed for who may read, where a task places them."""
    task = registry.maintenance.task_runner.tasks.get(PlaceArchives.id)
    if not isinstance(task, PlaceArchives):
        return
    left = await task.packages_left()
    way_out = ""
    found = f"All archives are placed for BALLROOM_READERS={task.readers.value}."
    if left:
        packages = counted(left, "package is", "packages are")
        found = f"{packages} not yet placed for BALLROOM_READERS={task.readers.value}."
        by_hand = f"`ballroom upkeep run {task.id}`"
        way_out = f"The task {task.id} goes on every five minutes; {by_hand} does now."
    yield _advice("placement", found, way_out)


async def _makers(registry: Registry) -> AsyncIterator[DoctorCheck]:
    """Name what is of no staff any more, what has no known maker, and what stops with its maker."""
    review = registry.tokens.maker_review
    ended = [f"{each.described}, made by {each.maker}" for each in await review.no_longer_staff()]
    if ended:
        found = f"Made by people who are not staff now: {first_of(ended)}."
        way_out = (
            "They read no internal packages of other organizations. If they should, let an owner "
            "who is staff rotate the token, or confirm it or the publisher."
        )
        yield _advice("staff", found, way_out)
    unknown = [each.described for each in await review.without_maker()]
    if unknown:
        found = f"Nobody is known to have made: {first_of(unknown)}."
        way_out = (
            "They stop with nobody, and read what they could when they were made. Let an owner "
            "confirm them, so that their maker decides."
        )
        yield _advice("makers", found, way_out)
    stopped = [
        f"{each.described}, made by {each.maker} ({each.why})" for each in await review.stopped()
    ]
    if stopped:
        found = f"Stopped with who made it: {first_of(stopped)}."
        way_out = (
            "Let an owner or administrator confirm what is still needed, or remove it; "
            "`ballroom token confirm`, `publisher confirm` and `webhook confirm` make the operator "
            "its maker. `ballroom scim token` creates another token of a directory."
        )
        yield _advice("makers", found, way_out)


async def _secrets_of_webhooks(registry: Registry) -> AsyncIterator[DoctorCheck]:
    """Name the webhooks that deliver nothing because their secrets are not there."""
    try:
        missing = await registry.organizations.webhook_secrets.all_missing()
    except SigningKeyUnavailable:  # Another check says so.
        return
    if missing:
        found = f"Paused until its secret is rotated: {first_of([*map(described, missing)])}."
        way_out = (
            "A snapshot has no secrets, and a lost key of the registry decrypts none. Let owners "
            "rotate each on its page, or run `ballroom webhook rotate OWNER ID`. If the keys of "
            "the registry are in a backup, put them back first (docs/run/backup.md)."
        )
        yield _advice("webhooks", found, way_out)


async def _publishers(registry: Registry) -> AsyncIterator[DoctorCheck]:
    """Name the trusted publishers that let more people publish than one that is added today."""
    flawed = await registry.tokens.maker_review.flawed_publishers()
    if flawed:
        named = first_of([f"{each.described} ({' '.join(each.flaws)})" for each in flawed])
        way_out = (
            "They go on as they are. Let an owner remove each, and add it again with rules that "
            "exclude strangers; `ballroom publisher add` and `publisher remove` do it here."
        )
        yield _advice("publishers", f"More people can publish than should: {named}.", way_out)


async def _group_roles(registry: Registry) -> AsyncIterator[DoctorCheck]:
    """Name the accounts whose roles by groups have ended or end soon."""
    roles = registry.administration.group_rules.roles_by_groups
    now_ms = registry.clock.now_ms()
    ended = list[str]()
    ending = list[str]()
    async for each in roles.every_end():
        if each.ended_at(now_ms):
            ended.append(each.account.name)
        elif each.ending_within(now_ms, roles.notice):
            ending.append(each.account.name)
    hours = counted(roles.hold // timedelta(hours=1), "hour")
    if ended:
        found = f"Nobody has confirmed groups for {hours} of: {first_of(sorted(ended))}."
        way_out = "Their roles by groups have ended. Let them sign in, or lock who has left."
        yield _advice("group roles", found, way_out)
    if ending:
        found = f"Roles by groups end soon of: {first_of(sorted(ending))}."
        yield _advice("group roles", found, "They keep them if they sign in.")


async def _second_administrator(registry: Registry) -> AsyncIterator[DoctorCheck]:
    """Report the decisions that wait for a second administrator, and whether there is none."""
    for problem in await registry.administration.second_administrator.problems():
        yield _advice("administrators", problem.sentence, problem.way_out)


async def _ownerless(registry: Registry) -> AsyncIterator[DoctorCheck]:
    """Name the organizations without an owner who can sign in, as they are now."""
    ownerless = registry.organizations.ownerless
    now_ms = registry.clock.now_ms()
    found = [
        OwnerlessOrganization(org=each.name, since_ms=now_ms, reasons=reasons)
        for each in await all_entities(registry.adapters.directory, Organization)
        if (reasons := await ownerless.reasons(each)) is not None
    ]
    if found:
        problem = ownerless_problem(found)
        yield _advice("owners", problem.sentence, problem.way_out)


async def _directory_locks(registry: Registry) -> AsyncIterator[DoctorCheck]:
    """Say whose accounts wait for an administrator, and why the directory was not understood."""
    task = registry.maintenance.tasks.get(LockDisabledAccounts.id)
    if task is None:
        return
    waiting = await registry.administration.directory_locks.waiting()
    if waiting:
        problem = waiting_problem(waiting)
        yield DoctorCheck("directory", problem.sentence, problem.way_out)
    [state] = await registry.maintenance.task_runner.runs.read([task])
    if state.last_run is None:
        yield DoctorCheck("directory", "Microsoft Entra ID was not asked yet who is disabled.")
        return
    problems = state.last_run.problems
    if state.last_run.result is TaskResult.FAILED:
        problems = (f"The task {task.id} failed, so nobody knows who is disabled.",)
    for each in problems:
        way_out = (
            "Give the application the permission User.Read.All of Microsoft Graph "
            "(infra/entra.sh in Azure), or set BALLROOM_ENTRA_ACCOUNTS=false; then run "
            f"`ballroom upkeep run {task.id}`."
        )
        yield DoctorCheck("directory", each, way_out)
    if not waiting and not problems:
        yield DoctorCheck("directory", "Everybody who is disabled in Microsoft Entra ID is locked.")


async def _provisioning(registry: Registry) -> AsyncIterator[DoctorCheck]:
    """Say which accounts directories wait for, and which of their tokens end soon."""
    for each in await registry.scim.takeovers.problems():
        yield DoctorCheck("directory", each.sentence, each.way_out)


async def _transparency_log(
    registry: Registry, checked: CheckedFolder
) -> AsyncIterator[DoctorCheck]:
    """Say whether the log is being written, and how one that stopped goes on."""
    state = await registry.transparency.reader.state()
    if state is None:
        yield DoctorCheck("log", "The transparency log has no entry yet.")
        return
    entries = counted(state.head.size, "entry", "entries")
    if not state.stopped:
        yield DoctorCheck("log", f"{state.origin} has {entries}.")
        return
    if checked is CheckedFolder.COPY and state.stopped == RESTORED:
        found = f"{state.origin} has {entries} in the copy, whose log every restore stops."
        yield DoctorCheck("log", found)
        return
    found = f"{state.origin} has stopped at {entries}: {state.stopped}"
    way_out = (
        "Everything else is served. If a newer backup exists, restore that one. Else run "
        "`ballroom log mend`, which says how the log goes on and what everybody has to be told."
    )
    yield DoctorCheck("log", found, way_out)


async def _signing_keys(registry: Registry) -> AsyncIterator[DoctorCheck]:
    """Say which of the keys whose signatures others keep cannot be read."""
    adapters = registry.adapters
    needed = (
        (adapters.release_signer, "Pushes are refused until there is one."),
        (adapters.log_keys, "The transparency log takes no entries until there is one."),
    )
    are_there = True
    for keys, effect in needed:
        try:
            await keys.ready()
        except SigningKeyUnavailable as missing:
            are_there = False
            way_out = (
                "On one machine the next start makes the first one. One that was there before is "
                "in a backup: do not make another one in its place (docs/run/signing-keys.md)."
            )
            yield _advice("signing keys", f"{missing.found} {effect}", way_out)
    if are_there:
        yield _advice("signing keys", "Releases and the transparency log can be signed.")


async def _key_ages(registry: Registry) -> AsyncIterator[DoctorCheck]:
    """Say how old the keys are, and which should have been rotated."""
    now_ms = registry.clock.now_ms()
    ages = [
        each
        for each in await registry.administration.key_ages.ages()
        if each.kind is not KeyKind.CERTIFICATE  # It has a check of its own.
    ]
    known = [f"{each.kind.value} {each.days(now_ms)}" for each in ages if each.made_ms is not None]
    if known:
        rotations = [each.place.rotation for each in ages if each.is_old(now_ms)]
        found = f"Days since the newest key of each was made: {', '.join(known)}."
        way_out = f"Keys are rotated once a year. {' '.join(rotations)}" if rotations else ""
        yield _advice("key ages", found, way_out)


async def _sigstore(registry: Registry) -> AsyncIterator[DoctorCheck]:
    """Say which trusted roots verify Sigstore bundles, once one is needed."""
    roots = registry.publishing.trusted_root_renewal.roots
    if roots.files:
        files = ", ".join(map(str, roots.files))
        found = f"Sigstore bundles are verified with the library's root and with {files}."
        trouble = await roots.trouble()
        yield _advice("sigstore", trouble or found, _ROOTS if trouble else "")
        return
    root = await roots.stored()
    if root is None:
        return
    renewed = f"of {time_text(root.renewed_ms)}" if root.renewed_ms else "of the library"
    if root.failure:
        found = f"The trusted root of Sigstore was not renewed: {root.failure}."
        way_out = (
            f"The last one, {renewed}, stays. See that this machine reaches {SERVER}, or name a "
            "file with roots in BALLROOM_SIGSTORE_ROOTS."
        )
        yield _advice("sigstore", found, way_out)
        return
    yield _advice("sigstore", f"Sigstore bundles are verified with the root {renewed}.")


_ROOTS = "Write what `gh attestation trusted-root` prints into the files."


async def _advisories(registry: Registry) -> AsyncIterator[DoctorCheck]:
    """Say which dumps of advisories could not be read."""
    way_out = (
        "See that BALLROOM_ADVISORIES_FROM names the mirror and that this machine may reach it, "
        "and run `ballroom upkeep run update-advisories`."
    )
    for problem in await registry.advisories.updates.problems():
        yield _advice("advisories", problem, way_out)


async def _newer_releases(registry: Registry) -> AsyncIterator[DoctorCheck]:
    """Say which newer version of Ballroom is known, where a feed of releases is read."""
    known = await registry.administration.product_releases.known()
    if not known.feed:
        return
    if known.failure:
        way_out = (
            "See that BALLROOM_RELEASES_FEED is the address of an Atom feed and that this machine "
            f"may reach it, and run `ballroom upkeep run {FollowReleases.id}`."
        )
        yield _advice("releases", known.failure, way_out)
    if not known.read_ms:
        if not known.failure:
            yield _advice("releases", f"{known.feed} was not read yet.")
        return
    newer = known.newer_than(SOFTWARE_VERSION)
    fixing = [*release_problems(newer)]
    for problem in fixing:
        yield _advice("releases", problem.sentence, problem.way_out)
    if not fixing:
        newest = f"Ballroom {newer[0].version}" if newer else "No release"
        when = time_text(known.read_ms)
        yield _advice("releases", f"{newest} is newer than this one, as the feed said on {when}.")


async def _upstream(source: UpstreamSource) -> DoctorCheck:
    """Ask an upstream registry."""
    failure = await source.failure()
    name = f"{source.name} at {source.address}"
    if failure is None:
        return _advice("upstream", f"{name} answers.")
    way_out = failure.way_out or (
        "See that this machine reaches the address, and that "
        "`ballroom upstream rules` shows the right one."
    )
    found = f"{name} {failure.trouble}: {failure}."
    return _advice("upstream", found, f"What is stored is served. {way_out}")


async def _token(source: UpstreamSource) -> DoctorCheck:
    """Ask an upstream registry with the token for it."""
    failure = await source.failure()
    if failure is None:
        return _advice("upstream", f"{source.name} answers with its token.")
    way_out = failure.way_out or "See that BALLROOM_UPSTREAM_TOKEN is valid there."
    found = f"{source.name} does not answer with its token: {failure}."
    return _advice("upstream", found, f"What is stored is served. {way_out}")


def _row(check: DoctorCheck) -> dict[str, object]:
    return {
        "what": check.what,
        "ok": not check.way_out,
        "found": check.found,
        "way_out": check.way_out,
    }


def _line(check: DoctorCheck) -> str:
    state = _LABELS[check.severity] if check.way_out else "ok"
    return f"{state:<8} {check.what:<14} {check.found} {check.way_out}".rstrip()
