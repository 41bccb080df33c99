"""Who sends the bytes, as the table of docs/run/azure/archive-delivery.md says."""

import re
from datetime import timedelta
from itertools import product

import pytest

from shared.domain.archives.delivery import (
    PLACEMENT_SETTLED_AFTER,
    Cdn,
    ClientKind,
    DeliveryRoute,
    changes_placement,
    is_placement_settled,
    second_hop,
)
from shared.domain.packages import CONTAINERS, Head, Readers, State, Visibility, archive_container
from shared.domain.principals import OPERATOR
from shared.domain.releases import with_change
from tests.contract.sample_records import head, release
from tests.fakes.system import START_MS
from tests.paths import docs

PAGE = docs("archive-delivery")
EVERY = "any"
ROWS = [
    [cell.strip() for cell in line.strip("|").split("|")]
    for line in re.findall(r"<!-- second hop -->\n(.*?)\n<!-- end -->", PAGE, re.DOTALL)[
        0
    ].splitlines()[2:]
]
CASES = list(product(ClientKind, CONTAINERS, Cdn, (True, False)))


def shown(caller: ClientKind, side: Visibility, cdn: Cdn, *, is_linked: bool) -> list[str]:
    """Return what the rows of the page say to this case."""
    facts = (caller.value, side.value, cdn.value, "yes" if is_linked else "no")
    return [
        row[4] for row in ROWS if all(c in (EVERY, f) for c, f in zip(row, facts, strict=False))
    ]


@pytest.mark.parametrize(("caller", "side", "cdn", "is_linked"), CASES)
def test_the_page_says_once_what_the_code_does(
    caller: ClientKind, side: Visibility, cdn: Cdn, *, is_linked: bool
) -> None:
    hop = second_hop(caller, side, cdn, is_linked=is_linked)
    assert shown(caller, side, cdn, is_linked=is_linked) == [hop.value]
    # Nobody is sent where a request like theirs is refused.
    if hop is DeliveryRoute.STORE:
        assert (caller, is_linked) == (ClientKind.WITHOUT_AUTHORIZATION, True)
    if hop is DeliveryRoute.CDN:
        assert side is Visibility.PUBLIC
        assert cdn is not Cdn.NONE


PRIVATE = Visibility.PRIVATE


EVERYBODY = Readers.EVERYBODY


@pytest.mark.parametrize("visibility", list(Visibility))
@pytest.mark.parametrize("state", list(State))
def test_only_archives_that_everybody_may_read_belong_in_the_public_container(
    visibility: Visibility, state: State
) -> None:
    package, one = head(visibility=visibility), release(state=state)
    is_open = visibility is Visibility.PUBLIC and state is State.LIVE
    assert (archive_container(package, one, EVERYBODY) is Visibility.PUBLIC) == is_open
    assert archive_container(package, one, Readers.SIGNED_IN) is Visibility.PRIVATE


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
