"""A new release with its event, how it differs from the one before, and notes of withheld ones."""

import pytest
from syrupy.assertion import SnapshotAssertion

from shared.domain.archives.bala import read_bala
from shared.domain.errors.base import InvalidRequest
from shared.domain.events import Event
from shared.domain.packages import Dependency, Origin, Provenance, Release
from shared.domain.principals import Principal
from shared.domain.release_states import State
from shared.domain.releases import (
    ReleaseComparison,
    WithheldNote,
    held_for_owner,
    is_state_change_pending,
    new_release,
    parse_public_reason,
)
from shared.domain.withdrawals import PublicReason, WithdrawalReason
from tests.contract import sample_records
from tests.support.archives import bala

NOW_MS = 1_790_000_000_000
FACTS = {"provider": "github", "repository": "acme/greet", "workflow": "ci.yml", "commit": "abc"}
MORE = {"ref": "main", "run_url": "https://github.com/1", "defined_elsewhere": "x/y.yml"}
JOB = Provenance.model_validate(FACTS | MORE)
BY = Principal("ann0000000", "token-1", address="192.0.2.7", provenance=JOB)
BALA = read_bala(bala("Acme/greet:1.0.0", sbom=b"{}"))


def test_the_event_of_a_release_says_what_was_published_by_whom_and_from_where(
    snapshot: SnapshotAssertion,
) -> None:
    release = new_release(BALA, by=BY, now_ms=NOW_MS)
    assert (release.origin.provenance, release.created_ms, release.sbom) == (JOB, NOW_MS, True)
    [event] = release.outbox
    [alone] = new_release(BALA, by=Principal("ann0000000"), now_ms=NOW_MS).outbox
    assert event.details["digest"] == alone.details["digest"] == BALA.digest
    told = (each.model_dump_json().replace(BALA.digest, "digest") for each in (event, alone))
    assert list(told) == snapshot


def test_a_held_release_waits_for_an_owner_and_its_event_says_why() -> None:
    release = new_release(BALA, by=BY, now_ms=NOW_MS)
    held = held_for_owner(release, "One of many.")
    assert (held.state, held.state_reason, held.is_held_for_owner) == (
        State.HELD,
        "One of many.",
        True,
    )
    [event] = held.outbox
    assert event.kind == "release.awaiting-owner"
    assert event.details == {**release.outbox[0].details, "reason": "One of many."}


BY_ANN = Origin(principal="ann")
BY_JOB = Origin(principal="ann", provenance=Provenance(provider="github", repository="octo/greet"))
BY_FORK = Origin(principal="ann", provenance=Provenance(provider="github", repository="fork/greet"))


def compared(before: Release, after: Release) -> ReleaseComparison:
    return ReleaseComparison.of(after, before)


def release(*needs: str, platform: str = "any", origin: Origin = BY_ANN) -> Release:
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
    for before, after in ((BY_ANN, Origin(principal="eve")), (BY_ANN, BY_JOB), (BY_JOB, BY_FORK)):
        assert compared(release(origin=before), release(origin=after)).has_other_publisher
    assert compared(release(origin=BY_JOB), release(origin=BY_JOB)).is_unchanged


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


def test_a_public_reason_has_a_category_and_a_line() -> None:
    assert parse_public_reason("", " ") is None
    assert parse_public_reason("malware", "") == PublicReason(why=WithdrawalReason.MALWARE)
    noted = parse_public_reason("", "See\nadvisory 7.")
    assert noted == PublicReason(why=WithdrawalReason.OTHER, note="See advisory 7.")
    assert str(noted) == "other: See advisory 7."
    assert str(parse_public_reason("legal", "")) == "legal"
    for why, note in (("nonsense", ""), ("malware", "x" * 501)):
        with pytest.raises(InvalidRequest, match=r"one of malware|public explanation has 501"):
            parse_public_reason(why, note)
