"""On which side an archive belongs, and when it is certain to lie there."""

from datetime import timedelta

import pytest

from shared.domain.identity import OPERATOR
from shared.domain.package import Head, State, Visibility
from shared.domain.release import changed
from shared.domain.sides import SETTLED_AFTER, is_settled, moves_archives, side_of
from tests.contract.samples import head, release
from tests.fakes.clock import START_MS

PUBLIC, PRIVATE = Visibility.PUBLIC, Visibility.PRIVATE


@pytest.mark.parametrize("visibility", list(Visibility))
@pytest.mark.parametrize("state", list(State))
def test_only_what_everybody_may_have_belongs_on_the_public_side(
    visibility: Visibility, state: State
) -> None:
    side = side_of(head(visibility=visibility), release(state=state))
    assert (side is PUBLIC) == (visibility is PUBLIC and state is State.LIVE)


def test_changes_that_decide_on_a_side_move_archives() -> None:
    private = changed(head(), "kind", by=OPERATOR, now_ms=1, visibility=PRIVATE)
    quarantined = changed(release(), "kind", by=OPERATOR, now_ms=1, state=State.QUARANTINED)
    deprecated = changed(release(), "kind", by=OPERATOR, now_ms=1, deprecation="Gone.")
    assert moves_archives(private.outbox)
    assert moves_archives(quarantined.outbox)
    assert not moves_archives(deprecated.outbox)


def test_a_push_moves_nothing() -> None:
    assert not moves_archives(())


def made_private(at_ms: int) -> Head:
    """Return a package that became private, with its event still in the outbox."""
    return changed(head(), "package.private", by=OPERATOR, now_ms=at_ms, visibility=PRIVATE)


def test_what_nobody_changed_lies_where_it_belongs() -> None:
    assert is_settled(head(), release(), now_ms=START_MS)


def test_an_unfinished_change_leaves_it_uncertain_for_however_long() -> None:
    later_ms = START_MS + timedelta(days=30) // timedelta(milliseconds=1)
    assert not is_settled(made_private(START_MS), release(), now_ms=later_ms)
    quarantined = changed(release(), "kind", by=OPERATOR, now_ms=1, state=State.QUARANTINED)
    assert not is_settled(head(), quarantined, now_ms=later_ms)


def test_a_finished_change_of_the_package_leaves_it_uncertain_until_a_sweep_has_been() -> None:
    finished = made_private(START_MS).model_copy(update={"outbox": ()})
    settled_ms = START_MS + SETTLED_AFTER // timedelta(milliseconds=1)
    assert not is_settled(finished, release(), now_ms=settled_ms - 1)
    assert is_settled(finished, release(), now_ms=settled_ms)
