"""Notes of withheld releases, and when they are to be listed."""

from shared.domain.events import Event
from shared.domain.release_states import State
from shared.domain.withheld_notes import WithheldNote, is_state_change_pending
from tests.contract import sample_records


def event(actor: str = "admin00000", **details: str) -> Event:
    return Event(id="e", kind="release.held", at_ms=7, actor=actor, subject="x", details=details)


def test_only_a_change_of_the_state_is_to_be_listed() -> None:
    assert is_state_change_pending(sample_records.release(outbox=(event(), event(state="held"))))
    assert not is_state_change_pending(sample_records.release(outbox=(event(reason="state"),)))
    assert not is_state_change_pending(sample_records.release())


def test_a_note_says_who_decided_unless_nobody_did() -> None:
    decided = (event("one", state="held"), event(state="held"), event("two", reason="x"))
    held = sample_records.release(state=State.HELD, outbox=decided)
    assert WithheldNote.of(held, by="before").by == "admin00000"
    waiting = held.model_copy(update={"is_held_for_owner": True})
    assert WithheldNote.of(waiting, by="before").by == "before"
    assert WithheldNote.of(held.model_copy(update={"outbox": ()}), by="before").by == "before"
    assert WithheldNote.of(held.model_copy(update={"outbox": ()})).by == ""
