"""A new release with its event, and one that is held."""

from syrupy.assertion import SnapshotAssertion

from shared.domain.archives.bala import read_bala
from shared.domain.packages import Provenance
from shared.domain.principals import Principal
from shared.domain.release_states import State
from shared.domain.releases import held_for_owner, new_release
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
