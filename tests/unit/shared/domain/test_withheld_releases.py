"""Notes of withheld releases, and how a release differs from the one before it."""

import pytest

from shared.domain.errors.base import InvalidRequest
from shared.domain.identity import OPERATOR
from shared.domain.packages import (
    Dependency,
    Origin,
    Provenance,
    PublicReason,
    Release,
    State,
    WithdrawalReason,
)
from shared.domain.records import Event
from shared.domain.releases import (
    Decision,
    ReleaseComparison,
    WithheldNote,
    is_state_change_pending,
    parse_public_reason,
    with_decision,
)
from tests.contract import sample_records

ANN = Origin(principal="ann")
JOB = Origin(principal="ann", provenance=Provenance(provider="github", repository="octo/greet"))
FORK = Origin(principal="ann", provenance=Provenance(provider="github", repository="fork/greet"))


def compared(before: Release, after: Release) -> ReleaseComparison:
    return ReleaseComparison.of(after, before)


def release(*needs: str, platform: str = "any", origin: Origin = ANN) -> Release:
    """Return a release that depends on these packages."""
    dependencies = tuple(Dependency(org="acme", name=each, version="1.0.0") for each in needs)
    fields = {"platform": platform, "dependencies": dependencies, "origin": origin}
    return sample_records.release("acme/greet:1.0.0", **fields)


def test_a_release_differs_by_new_dependencies_and_its_platform() -> None:
    same = compared(release("io", "http"), release("io"))
    assert (same.version, same.new_dependencies, same.platform) == ("1.0.0", (), "")
    more = compared(release("io"), release("miner", "io", "aes"))
    assert more.new_dependencies == ("acme/aes", "acme/miner")
    other = compared(release(), release(platform="java21"))
    assert other.platform == "any"
    assert [each.is_unchanged for each in (same, more, other)] == [True, False, False]


def test_a_publisher_is_an_account_or_the_jobs_of_a_repository() -> None:
    for before, after in ((ANN, Origin(principal="eve")), (ANN, JOB), (JOB, FORK)):
        assert compared(release(origin=before), release(origin=after)).has_other_publisher
    assert compared(release(origin=JOB), release(origin=JOB)).is_unchanged


def event(actor: str = "admin00000", **details: str) -> Event:
    return Event(id="e", kind="release.held", at_ms=7, actor=actor, subject="x", details=details)


def test_only_a_change_of_the_state_is_to_be_listed() -> None:
    assert is_state_change_pending(sample_records.release(outbox=(event(), event(state="held"))))
    assert not is_state_change_pending(sample_records.release(outbox=(event(reason="state"),)))
    assert not is_state_change_pending(sample_records.release())


@pytest.mark.parametrize(
    ("before", "after", "was_withheld"),
    [
        (State.QUARANTINED, State.LIVE, True),
        (State.LIVE, State.LIVE, False),
        (State.LIVE, State.QUARANTINED, False),
        (State.HELD, State.QUARANTINED, False),
    ],
)
def test_a_release_that_is_served_again_was_withheld(
    before: State, after: State, *, was_withheld: bool
) -> None:
    of = release().model_copy(update={"state": before})
    decided = with_decision(of, "release.decided", Decision(after), by=OPERATOR, now_ms=1)
    assert decided.was_withheld is was_withheld


def test_a_note_says_who_decided_unless_nobody_did() -> None:
    held = sample_records.release(state=State.HELD, outbox=(event("one"), event("admin00000")))
    assert WithheldNote.of(held, by="before").by == "admin00000"
    waiting = held.model_copy(update={"awaits_owner": True})
    assert WithheldNote.of(waiting, by="before").by == "before"
    assert WithheldNote.of(held.model_copy(update={"outbox": ()}), by="before").by == "before"
    assert WithheldNote.of(held.model_copy(update={"outbox": ()})).by == ""


def test_a_public_reason_has_a_category_and_a_line() -> None:
    assert parse_public_reason("", " ") is None
    assert parse_public_reason("malware", "") == PublicReason(why=WithdrawalReason.MALWARE)
    noted = parse_public_reason("", "See\nadvisory 7.")
    assert noted == PublicReason(why=WithdrawalReason.OTHER, note="See advisory 7.")
    assert str(noted) == "other: See advisory 7."
    assert str(parse_public_reason("legal", "")) == "legal"


@pytest.mark.parametrize(("why", "note"), [("nonsense", ""), ("malware", "x" * 501)])
def test_any_other_public_reason_is_refused(why: str, note: str) -> None:
    with pytest.raises(InvalidRequest, match=r"Choose one of malware|public explanation has 501"):
        parse_public_reason(why, note)
