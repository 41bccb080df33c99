"""PyPI's audit 2026 (TOB-4, TOB-14): changes that are missing from the log.

Every operation that changes something is done twice: with everything well, and while the feed of
events is out of reach. Each time its event is in the log once, with who did it and in which log it
belongs, at the latest when the feed is back.
"""

from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

from tests.security.access_table import (
    ASKS_BY_POST,
    DECLARED,
    NOBODYS,
    Cell,
    Declared,
    State,
    anybody,
    anybody_known,
    nobody_by_token,
)
from tests.security.test_authorization_matrix import Prepared, prepared
from tests.security.test_ids_of_other_accounts import ADMIN, ANN, BOB, TAKING_IDS, foreign_id
from tests.support.port_doubles import PortOutage
from tests.support.stored_state import stored
from tests.support.world import World

pytestmark = pytest.mark.measured

__all__ = ["prepared"]  # The fixture is the matrix's.

# What a request may do without leaving an event, each with the reason.
SILENT = {
    "central_undeprecate": "nothing is deprecated",
    "api_members_set (owner)": "she is one",
    "api_directory_locks_decide": "nobody is disabled",
    **dict.fromkeys(
        (
            "api_approved_dry_run",
            "api_groups_dry_run",
            "api_org_approvals_dry_run",
            "api_org_retention_dry_run",
            "api_org_rules_dry_run",
            "api_rules_dry_run",
        ),
        "it changes nothing",
    ),
    **dict.fromkeys(
        (
            "api_follows_organization",
            "api_follows_organization_end",
            "api_follows_package",
            "api_follows_package_end",
        ),
        "the owners of a package do not learn who follows it",
    ),
    "account_following_end": "there is no such mail",
    "api_scim_takeovers_allow": "no account waits",
    "maven_options": "it asks what may be done",
    "api_moderation_package_restore": "the package is not held",
    "api_moderation_quarantine_many (list)": "it changes nothing",
    "api_moderation_unlock": "the account is not locked",
    "api_orgs_unfreeze": "nothing is frozen",
    **dict.fromkeys(("api_moderation_restore", "api_releases_restore"), "nothing is withheld"),
    # The tests of makers have the events of what somebody else made.
    **dict.fromkeys(
        ("api_org_tokens_confirm", "api_org_webhooks_confirm", "api_publishers_confirm"),
        "he is its maker",
    ),
}

# Bodies that change something, where the matrix says again what is so already.
TELLING = {
    "api_accounts_leave": b'{"end":true}',
    "api_approved_approve": b'{"packages":["ballerina/io:1.*"],"reason":"Reviewed."}',
    "api_apply": b'{"file":"organizations.acme.description = \\"We greet.\\"\\n"}',
    "api_members_set": b'{"role":"member"}',
    "api_orgs_change (visibility)": b'{"defaultVisibility":"private"}',
    "api_publishers_restrict": b'{"pushers":"publishers"}',
    "api_packages_succeed": b'{"successor":"acme/deprecated"}',
    "api_name_disputes_open": b'{"name":"other","statement":"It is ours."}',
    "api_orgs_continue": b'{"continuedAs":"other"}',
    "api_orgs_require_provenance": b'{"requiresProvenance":"ci"}',
    "api_org_rules_change": b'{"staged":true}',
    "api_org_quota_change": b'{"maxReleases":100}',
    "api_rules_change": b'{"versionRule":"refuse"}',
}

MIRROR_CHANGES = {
    f"api_mirror_{verb}" for verb in ("admit", "dry_run", "keep", "replace", "retry", "withhold")
}
FOR_ADMINISTRATORS = {
    "api_accounts_leave",
    "api_advisories_draft",
    "api_apply",
    *(f"api_approved_{verb}" for verb in ("approve", "refuse", "withdraw")),
    "api_directory_locks_decide",
    "api_org_quota_change",
    "api_groups_replace",
    "api_orgs_allow_bursts",
    "api_rules_change",
    "api_scim_takeovers_allow",
    "api_scim_tokens_issue",
    "api_webhooks_add",
    *(f"api_{what}_freeze" for what in ("orgs", "packages")),
    "api_packages_unfreeze",
    *(name for name in DECLARED if name.startswith("api_moderation_")),
    *MIRROR_CHANGES,
}

# What the matrix asks for and is not there, or may not be done to what is; refusals leave nothing.
REFUSED = {
    "api_approved_ask",  # No rule limits what is taken.
    "api_approved_refuse",
    "api_approved_withdraw",  # Nobody asks, and nothing is approved.
    "api_staged_releases_approve",
    "api_staged_releases_refuse",  # Nothing waits for a review.
    "api_members_remove",
    "api_members_undo",
    "api_orgs_delete",
    "api_orgs_keep",
    "api_publishers_restrict",
    "api_ownership_decide",
    "api_ownership_request",  # Its owner can sign in.
    "api_scim_tokens_issue",  # People sign in here with no directory.
    "api_scim_tokens_revoke",
    "api_trusted_end",  # No credential here is one of a CI job.
    "api_org_webhooks_replay",  # Nothing was delivered.
    # Ids of Bob's.
    "api_webhooks_confirm",
    "api_webhooks_remove",
    "api_webhooks_replay",
    "api_webhooks_rotate",
    "api_moderation_confirm",
    "api_moderation_reject",  # Nothing is proposed.
    "api_moderation_withdraw",
    "api_moderation_report_decide",  # Nothing is reported.
    "api_packages_freeze",
    "api_packages_unfreeze",  # There is no such package.
    # There is no such advisory, and no library inside a release.
    *(f"api_advisories_{verb}" for verb in ("change", "discard", "publish", "withdraw")),
    "api_org_advisories_change",  # The package of Bob's draft is not there.
    "api_org_advisories_withdraw",  # His draft is deleted instead.
    "api_assessments_assess",
    "api_assessments_retract",
    # There is no such dispute.
    *(f"api_name_disputes_{verb}" for verb in ("appeal", "decide", "state", "withdraw")),
    *MIRROR_CHANGES,  # No registry is mirrored; the tests of the mirror have their events.
}


def is_change(name: str, declared: Declared) -> bool:
    """Say whether the Function changes something by the right of its caller."""
    is_open = declared.expects in (anybody, anybody_known, nobody_by_token)
    is_reading = declared.method in ("GET", "HEAD") or name in ASKS_BY_POST
    return not (is_open or is_reading) and name not in SILENT


CHANGES = sorted(name for name, each in DECLARED.items() if is_change(name, each))


@dataclass(frozen=True)
class Done:
    """What came of a change: the answer, and the events that it left."""

    status: int
    text: str
    events: tuple[tuple[str, str, str], ...]  # Kind, actor, log.


async def change(world: World, request: httpx.Request, outage: PortOutage | None) -> Done:
    """Make the change, during the outage if there is one, and return what is there afterwards."""
    known = len(await world.stores.events.since(0, 10_000))
    if outage:
        outage.lasts = True
    answer = await world.http.send(request)
    if outage:
        outage.lasts = False
    if answer.status_code >= 500:
        answer = await world.http.send(request)  # What every client does, or its user.
    await world.registry.maintenance.task_runner.run("process-outboxes")
    new = (await world.stores.events.since(0, 10_000))[known:]
    return Done(
        answer.status_code,
        answer.text,
        tuple((event.kind, event.actor, event.org or event.account) for _, event in new),
    )


async def prepare(world: World, prepared: Prepared, name: str) -> httpx.Request:
    """Return the request of somebody who may: Ann in her organization, or Bob with ids of his."""
    persona = BOB if name in TAKING_IDS else ADMIN if name in FOR_ADMINISTRATORS else ANN
    request = DECLARED[name].request(Cell(persona, State.PUBLIC, 7), prepared.accounts)
    url = str(request.url)
    if name in TAKING_IDS:
        found = await foreign_id(world, prepared, name)
        url = url.replace(NOBODYS, found).replace("/orgs/acme/", "/orgs/other/")
    headers = {**(DECLARED[name].headers or {}), **prepared.header(persona)}
    content = TELLING.get(name, request.content)
    return httpx.Request(request.method, url, headers=headers, content=content)


@pytest.mark.parametrize("name", CHANGES)
async def test_every_change_is_in_the_log_once_even_if_the_feed_is_down_meanwhile(
    prepared: Prepared, scratch: Path, name: str
) -> None:
    outage = PortOutage({"events": ("append_outbox", "append")})
    async with prepared.world(scratch / "well") as world:
        well = await change(world, await prepare(world, prepared, name), None)
    async with prepared.world(scratch / "down", wrap=outage.wrap) as world:
        down = await change(world, await prepare(world, prepared, name), outage)
    assert (well.status >= 400) is (name in REFUSED), well.text
    assert bool(well.events) is (name not in REFUSED)
    assert (down.status, sorted(down.events)) == (well.status, sorted(well.events))
    # The log of the registry, which has every event, is the only one that has proposals.
    assert all(actor and (log or kind == "proposal.made") for kind, actor, log in well.events)


WRITES = {
    "directory": ("add", "replace", "remove"),
    "metadata": ("add_release", "claim", "claim_tool", "replace_head", "replace_release"),
}


async def told(world: World) -> tuple[object, ...]:
    """Return the packages, releases and events, and what waits to become an event."""
    everything = await stored(world.stores)
    waiting = await world.stores.directory.outboxes(1_000)
    return (everything["heads"], everything["releases"], everything["events"], waiting)


@pytest.mark.parametrize("name", [each for each in CHANGES if each not in REFUSED])
async def test_a_change_whose_write_fails_leaves_neither_itself_nor_an_event(
    prepared: Prepared, scratch: Path, name: str
) -> None:
    """A change and its event are one write, so there is nothing to take back."""
    outage = PortOutage(WRITES)
    async with prepared.world(scratch / "broken", wrap=outage.wrap) as world:
        request = await prepare(world, prepared, name)
        before = await told(world)
        outage.lasts = True
        answer = await world.http.send(request)
        outage.lasts = False
        await world.registry.maintenance.task_runner.run("process-outboxes")
        assert answer.status_code >= 400, answer.text
        assert await told(world) == before
