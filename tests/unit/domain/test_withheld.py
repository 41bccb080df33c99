"""What is noted of a release that is withheld."""

from shared.domain.package import Event, State
from shared.domain.withheld import Withheld, is_moved
from tests.contract.samples import release


def event(actor: str = "admin00000", **details: str) -> Event:
    return Event(id="e", kind="release.held", at_ms=7, actor=actor, subject="x", details=details)


def test_only_a_change_of_the_state_is_to_be_listed() -> None:
    assert is_moved(release(outbox=(event(), event(state="held"))))
    assert not is_moved(release(outbox=(event(reason="state"),)))
    assert not is_moved(release())


def test_a_note_says_who_decided_unless_nobody_did() -> None:
    held = release(state=State.HELD, outbox=(event("one"), event("admin00000")))
    assert Withheld.of(held, by="before").by == "admin00000"
    waiting = held.model_copy(update={"awaits_owner": True})
    assert Withheld.of(waiting, by="before").by == "before"
    assert Withheld.of(held.model_copy(update={"outbox": ()}), by="before").by == "before"
