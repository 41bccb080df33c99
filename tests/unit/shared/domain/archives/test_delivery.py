"""Who sends the bytes, as the table of docs/run/azure/archive-delivery.md says."""

import re
from datetime import timedelta
from itertools import product

import pytest

from shared.domain.archives.containers import ArchiveContainer
from shared.domain.archives.delivery import (
    MIRROR_AGENT,
    PLACEMENT_SETTLED_AFTER,
    Cdn,
    ClientKind,
    DeliveryRoute,
    PullProtocol,
    changes_placement,
    client_kind,
    is_placement_settled,
    second_hop,
)
from shared.domain.packages import Head, archive_container
from shared.domain.principals import OPERATOR
from shared.domain.release_states import State
from shared.domain.releases import with_change
from shared.domain.visibility import Readers, Visibility
from tests.contract.sample_records import head, release
from tests.fakes.system import START_MS
from tests.paths import docs

PAGE = docs("run/azure/archive-delivery")
EVERY = "any"
ROWS = [
    [cell.strip() for cell in line.strip("|").split("|")]
    for line in re.findall(r"<!-- second hop -->\n(.*?)\n<!-- end -->", PAGE, re.DOTALL)[
        0
    ].splitlines()[2:]
]
CASES = list(product(ClientKind, ArchiveContainer, Cdn, (True, False)))


def shown(caller: ClientKind, side: ArchiveContainer, cdn: Cdn, *, is_linked: bool) -> list[str]:
    """Return what the rows of the page say to this case."""
    facts = (caller.value, side.value, cdn.value, "yes" if is_linked else "no")
    return [
        row[4] for row in ROWS if all(c in (EVERY, f) for c, f in zip(row, facts, strict=False))
    ]


@pytest.mark.parametrize(("caller", "side", "cdn", "is_linked"), CASES)
def test_the_page_says_once_what_the_code_does(
    caller: ClientKind, side: ArchiveContainer, cdn: Cdn, *, is_linked: bool
) -> None:
    hop = second_hop(caller, side, cdn, is_linked=is_linked)
    assert shown(caller, side, cdn, is_linked=is_linked) == [hop.value]
    # Nobody is sent where a request like theirs is refused.
    if hop is DeliveryRoute.STORE:
        assert (caller, is_linked) == (ClientKind.WITHOUT_AUTHORIZATION, True)
    if hop is DeliveryRoute.CDN:
        assert side is ArchiveContainer.PUBLIC
        assert cdn is not Cdn.NONE


CENTRAL = PullProtocol.CENTRAL
MAVEN = PullProtocol.MAVEN
CURL = "curl/7.88.1"
REQUESTS = [
    # Clients that were measured: they answer another host without the header.
    (MAVEN, "Basic YTpi", "Aether", False),
    (MAVEN, "Basic YTpi", CURL, False),
    (CENTRAL, "Bearer t", CURL, False),
    (CENTRAL, "Bearer t", "curl/7.58.0", False),
    (CENTRAL, "Bearer t", "curl/8.14.1", False),
    (CENTRAL, "Bearer t", "curl/10.0.0", False),
    (CENTRAL, "Bearer t", MIRROR_AGENT, False),
    # A header that a program added goes everywhere, as with `mvn`, whose server sees no difference.
    (MAVEN, "Bearer t", "Aether", True),
    (MAVEN, "Basic YTpi", "Apache-Maven/3.9.9 (Java 17.0.15; Linux 6.1)", True),
    # Whoever is not that client on that route.
    (CENTRAL, "Basic YTpi", "Aether", True),
    (MAVEN, "Basic YTpi", "Aether/2", True),
    (MAVEN, "Basic YTpi", MIRROR_AGENT, True),
    (CENTRAL, "Bearer t", "curl/7.57.0", True),
    (CENTRAL, "Bearer t", "curl/7", True),
    (CENTRAL, "Bearer t", "libcurl/8.14.1", True),
    # `bal`, which repeats it by itself, and libraries that leave it to the program.
    *((CENTRAL, "Bearer t", each, True) for each in ("2201.13.2", "dev", "okhttp/4.12.0", "")),
    *((CENTRAL, "Bearer t", f"{each}/25.0.3", True) for each in ("Java", "Java-http-client")),
    (CENTRAL, "Bearer t", "Go-http-client/2.0", True),
    (CENTRAL, "Bearer t", "Wget/1.21.3", True),
]


@pytest.mark.parametrize(("protocol", "authorization", "agent", "is_repeated"), REQUESTS)
def test_a_client_is_known_to_drop_its_credentials_by_route_and_user_agent(
    protocol: PullProtocol, authorization: str, agent: str, *, is_repeated: bool
) -> None:
    kind = client_kind(protocol, authorization=authorization, agent=agent)
    assert (kind is ClientKind.WITH_AUTHORIZATION) == is_repeated


@pytest.mark.parametrize("protocol", PullProtocol)
def test_who_sends_no_credentials_has_none_to_repeat(protocol: PullProtocol) -> None:
    kind = client_kind(protocol, authorization=None, agent="2201.13.2")
    assert kind is ClientKind.WITHOUT_AUTHORIZATION
    # Blob Storage refuses an empty header, too.
    assert client_kind(protocol, authorization="", agent="") is ClientKind.WITH_AUTHORIZATION


PRIVATE = Visibility.PRIVATE


EVERYBODY = Readers.EVERYBODY


@pytest.mark.parametrize("visibility", list(Visibility))
@pytest.mark.parametrize("state", list(State))
def test_only_archives_that_everybody_may_read_belong_in_the_public_container(
    visibility: Visibility, state: State
) -> None:
    package = head(visibility=visibility)
    one = release(state=state)
    is_open = visibility is Visibility.PUBLIC and state is State.LIVE
    assert (archive_container(package, one, EVERYBODY) is ArchiveContainer.PUBLIC) == is_open
    assert archive_container(package, one, Readers.SIGNED_IN) is ArchiveContainer.PRIVATE


def test_changes_of_the_container_move_archives() -> None:
    private = with_change(head(), "kind", by=OPERATOR, now_ms=1, visibility=PRIVATE)
    quarantined = with_change(release(), "kind", by=OPERATOR, now_ms=1, state=State.QUARANTINED)
    deprecated = with_change(release(), "kind", by=OPERATOR, now_ms=1, deprecation="Gone.")
    assert changes_placement(private.outbox)
    assert changes_placement(quarantined.outbox)
    assert not changes_placement(deprecated.outbox)
    assert not changes_placement(())  # A push moves nothing.


def made_private(at_ms: int) -> Head:
    """Return a package that became private, with its event still in the outbox."""
    return with_change(head(), "package.private", by=OPERATOR, now_ms=at_ms, visibility=PRIVATE)


def test_an_archive_that_nobody_changed_is_where_it_belongs() -> None:
    assert is_placement_settled(head(), release(), EVERYBODY, now_ms=START_MS)
    assert not is_placement_settled(head(), release(), Readers.SIGNED_IN, now_ms=START_MS)


def test_an_unfinished_change_leaves_it_uncertain_for_however_long() -> None:
    later_ms = START_MS + timedelta(days=30) // timedelta(milliseconds=1)
    assert not is_placement_settled(made_private(START_MS), release(), EVERYBODY, now_ms=later_ms)
    quarantined = with_change(release(), "kind", by=OPERATOR, now_ms=1, state=State.QUARANTINED)
    assert not is_placement_settled(head(), quarantined, EVERYBODY, now_ms=later_ms)


def test_a_finished_change_of_the_package_leaves_it_uncertain_until_a_sweep_has_been() -> None:
    finished = made_private(START_MS).model_copy(update={"outbox": ()})
    settled_ms = START_MS + PLACEMENT_SETTLED_AFTER // timedelta(milliseconds=1)
    assert not is_placement_settled(finished, release(), EVERYBODY, now_ms=settled_ms - 1)
    assert is_placement_settled(finished, release(), EVERYBODY, now_ms=settled_ms)
