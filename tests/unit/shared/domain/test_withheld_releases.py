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
    WITHDRAWAL_TITLES,
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


def release(version: str, *needs: str, platform: str = "any", origin: Origin = ANN) -> Release:
    """Return a release that depends on these packages."""
    dependencies = tuple(Dependency(org="acme", name=each, version="1.0.0") for each in needs)
    return Release(
        org="acme",
        name="greet",
        version=version,
        digest="0" * 64,
        size_bytes=1,
        platform=platform,
        dependencies=dependencies,
        created_ms=0,
        origin=origin,
    )


def test_the_same_release_has_no_difference() -> None:
    found = ReleaseComparison.of(release("1.1.0", "io"), release("1.0.0", "io", "http"))
    assert found.is_unchanged
    assert (found.version, found.new_dependencies, found.platform) == ("1.0.0", (), "")


def test_packages_that_it_did_not_need_before_are_named() -> None:
    found = ReleaseComparison.of(release("1.1.0", "miner", "io", "aes"), release("1.0.0", "io"))
    assert found.new_dependencies == ("acme/aes", "acme/miner")
    assert not found.is_unchanged


def test_another_platform_is_shown_with_the_previous_one() -> None:
    found = ReleaseComparison.of(release("1.1.0", platform="java21"), release("1.0.0"))
    assert (found.platform, found.is_unchanged) == ("any", False)


def test_a_publisher_is_an_account_or_the_jobs_of_a_repository() -> None:
    for other in (Origin(principal="eve"), JOB):
        assert ReleaseComparison.of(
            release("1.1.0", origin=other), release("1.0.0")
        ).has_other_publisher
    assert ReleaseComparison.of(
        release("1.1.0", origin=FORK), release("1.0.0", origin=JOB)
    ).has_other_publisher
    assert ReleaseComparison.of(
        release("1.1.0", origin=JOB), release("1.0.0", origin=JOB)
    ).is_unchanged


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
    decided = with_decision(
        release("1.0.0").model_copy(update={"state": before}),
        "release.decided",
        Decision(after),
        by=OPERATOR,
        now_ms=1,
    )
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


def test_every_public_reason_has_a_title_and_a_sentence() -> None:
    assert WITHDRAWAL_TITLES.keys() == set(WithdrawalReason)
