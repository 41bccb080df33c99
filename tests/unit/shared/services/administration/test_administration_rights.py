"""What only administrators may do: who is refused, what they are told, and what it takes."""

from collections.abc import Awaitable, Callable

import pytest

from shared.composition import Registry
from shared.domain.errors.identity import CredentialsMissing, NotPermitted, SignInAgain
from shared.domain.events import EventQuery
from shared.domain.identity import ANONYMOUS, Principal
from shared.domain.names import Coordinate, Package, parse_org
from shared.domain.notices import NoticeDraft, NoticeKind
from shared.domain.rights import Grant
from tests.support.world import World

PACKAGE = Package.parse("acme", "greet")
COORDINATE = Coordinate.parse("acme", "greet", "1.0.0")
ACME, NEW = parse_org("acme"), parse_org("globex")
LOG = EventQuery()
DRAFT = NoticeDraft(text="We move house.", mood=NoticeKind.WARNING, link="", from_ms=1, until_ms=2)

Attempt = Callable[[Registry, World, Principal], Awaitable[object]]

LOOKING: tuple[tuple[str, Attempt], ...] = (
    ("look at notices of the registry", lambda r, _, by: r.limits.notices.current(by=by)),
    ("list every organization", lambda r, _, by: r.administration.organizations.page("", 1, by=by)),
    ("list every organization", lambda r, _, by: r.administration.organizations.search("a", by=by)),
    (
        "see the organization acme",
        lambda r, _, by: r.administration.organizations.show(ACME, by=by),
    ),
    ("read what is withheld", lambda r, _, by: r.publishing.moderation.withheld(by=by)),
    ("look at acme/greet", lambda r, _, by: r.publishing.moderation.survey(PACKAGE, by=by)),
    (
        "look at acme/greet:1.0.0",
        lambda r, _, by: r.publishing.moderation.inspect(COORDINATE, by=by),
    ),
    ("look at acme/greet:1.0.0", lambda r, _, by: r.publishing.moderation.find(COORDINATE, by=by)),
    (
        "list the names that nobody may found",
        lambda r, _, by: r.organizations.reserved_names.all(by=by),
    ),
    (
        "list the names that nobody may found",
        lambda r, _, by: r.organizations.reserved_names.matching("a*", by=by),
    ),
    ("look up names", lambda r, _, by: r.organizations.reserved_names.look_up("acme", by=by)),
    ("list the accounts of others", lambda r, _, by: r.administration.accounts.page("", 1, by=by)),
    (
        "list the accounts of others",
        lambda r, _, by: r.administration.accounts.search("bob", by=by),
    ),
    (
        "list the accounts of others",
        lambda r, _, by: r.administration.accounts.list_administrators(by=by),
    ),
    (
        "see the accounts of others",
        lambda r, _, by: r.administration.accounts.show("bob", LOG, by=by),
    ),
    ("see how the registry is", lambda r, _, by: r.administration.status.report(by=by)),
    ("see the tasks of upkeep", lambda r, _, by: r.administration.status.tasks(by=by)),
    ("see who has to wait", lambda r, _, by: r.administration.status.rate_limits(by=by)),
    (
        "read the log of another account",
        lambda r, _, by: r.administration.audit_log.of_other_account("bob", LOG, by=by),
    ),
)
CHANGING: tuple[tuple[str, Attempt], ...] = (
    (
        "found the organization globex for somebody",
        lambda r, w, by: r.administration.organizations.create(NEW, w.people.bob.account, by=by),
    ),
    (
        "change the names that nobody may found",
        lambda r, _, by: r.organizations.reserved_names.add("a", "B.", by=by),
    ),
    (
        "change the names that nobody may found",
        lambda r, _, by: r.organizations.reserved_names.remove("a", by=by),
    ),
    (
        "change whether the registry takes changes",
        lambda r, _, by: r.limits.notices.enter_read_only_mode("Moving house.", by=by),
    ),
    (
        "change whether the registry takes changes",
        lambda r, _, by: r.limits.notices.leave_read_only_mode(by=by),
    ),
    ("change notices of the registry", lambda r, _, by: r.limits.notices.publish(DRAFT, by=by)),
    ("change notices of the registry", lambda r, _, by: r.limits.notices.end("none", by=by)),
    ("change notices of the registry", lambda r, _, by: r.limits.notices.extend("none", 1, by=by)),
    (
        "run tasks of upkeep",
        lambda r, _, by: r.maintenance.task_requests.request("audit-archives", by=by),
    ),
)


def cases(*attempts: tuple[str, Attempt]) -> pytest.MarkDecorator:
    """Return a case for each attempt."""
    ids = [f"{number} {what}" for number, (what, _) in enumerate(attempts)]
    return pytest.mark.parametrize(("what", "attempt"), attempts, ids=ids)


def of(account_id: str) -> Principal:
    """Return somebody whose credential manages everything, and who signed in long ago."""
    return Principal(account_id, "session", (Grant(),))


@cases(*LOOKING, *CHANGING)
async def test_others_read_which_right_they_lack(world: World, what: str, attempt: Attempt) -> None:
    with pytest.raises(NotPermitted) as refused:
        await attempt(world.registry, world, of(world.people.ann.account.id))
    sentence = f"You may not {what}: only administrators of the registry can do this."
    assert str(refused.value) == sentence


async def test_an_anonymous_caller_reads_that_a_credential_is_missing(world: World) -> None:
    for _, attempt in (*LOOKING, *CHANGING):
        with pytest.raises(CredentialsMissing):
            await attempt(world.registry, world, ANONYMOUS)


@cases(*CHANGING)
async def test_an_administrator_who_signed_in_long_ago_is_asked_to_do_it_again(
    world: World, what: str, attempt: Attempt
) -> None:
    with pytest.raises(SignInAgain) as refused:
        await attempt(world.registry, world, of(world.people.admin.account.id))
    assert str(refused.value) == (
        f"To {what}, sign in again on the registry's pages and repeat this within "
        "ten minutes. No access token is enough for it."
    )
