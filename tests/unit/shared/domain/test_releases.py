"""A new release, and the event of its publication."""

from shared.domain.archives.bala import read_bala
from shared.domain.identity import Principal
from shared.domain.packages import Provenance, State
from shared.domain.releases import held_for_owner, new_release
from tests.support.archives import bala

NOW_MS = 1_790_000_000_000
JOB = Provenance(provider="github", repository="acme/greet", workflow="ci.yml", commit="abc")
BY = Principal("ann0000000", "token-1", address="192.0.2.7", provenance=JOB)
BALA = read_bala(bala("Acme/greet:1.0.0", sbom=b"{}"))


def test_the_event_of_a_release_says_what_was_published_by_whom_and_from_where() -> None:
    [event] = new_release(BALA, by=BY, now_ms=NOW_MS).outbox
    known = (event.id, event.kind, event.at_ms)
    assert known == ("acme/greet:1.0.0@1", "release.published", NOW_MS)
    assert (event.actor, event.credential, event.address) == ("ann0000000", "token-1", "192.0.2.7")
    assert (event.subject, event.org) == ("Acme/greet:1.0.0", "acme")
    job = {"provider": "github", "repository": "acme/greet", "workflow": "ci.yml", "commit": "abc"}
    assert event.details == {"digest": BALA.digest, **job}
    [alone] = new_release(BALA, by=Principal("ann0000000"), now_ms=NOW_MS).outbox
    assert alone.details == {"digest": BALA.digest}


def test_a_release_keeps_who_published_it_and_whether_it_has_an_sbom() -> None:
    release = new_release(BALA, by=BY, now_ms=NOW_MS)
    assert (release.origin.principal, release.origin.credential) == ("ann0000000", "token-1")
    assert release.origin.provenance == JOB
    assert (release.created_ms, release.sbom) == (NOW_MS, True)
    plain = new_release(read_bala(bala("acme/greet:1.0.0")), by=BY, now_ms=NOW_MS)
    assert plain.sbom is False


def test_a_held_release_waits_for_an_owner_and_its_event_says_why() -> None:
    release = new_release(BALA, by=BY, now_ms=NOW_MS)
    held = held_for_owner(release, "One of many.")
    assert (held.state, held.state_reason, held.awaits_owner) == (State.HELD, "One of many.", True)
    [event] = held.outbox
    assert event.kind == "release.awaiting-owner"
    assert event.details == {**release.outbox[0].details, "reason": "One of many."}
