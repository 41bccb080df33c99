"""What is noted of a release that is withheld."""

from shared.domain.moderation import WithheldNote, is_state_change_pending
from shared.domain.packages import State
from shared.domain.records import Event
from tests.contract.sample_records import release


def event(actor: str = "admin00000", **details: str) -> Event:
    return Event(id="e", kind="release.held", at_ms=7, actor=actor, subject="x", details=details)


def test_only_a_change_of_the_state_is_to_be_listed() -> None:
    assert is_state_change_pending(release(outbox=(event(), event(state="held"))))
    assert not is_state_change_pending(release(outbox=(event(reason="state"),)))
    assert not is_state_change_pending(release())


def test_a_note_says_who_decided_unless_nobody_did() -> None:
    held = release(state=State.HELD, outbox=(event("one"), event("admin00000")))
    assert WithheldNote.of(held, by="before").by == "admin00000"
    waiting = held.model_copy(update={"awaits_owner": True})
    assert WithheldNote.of(waiting, by="before").by == "before"
    assert WithheldNote.of(held.model_copy(update={"outbox": ()}), by="before").by == "before"
