"""Leaves of the transparency log: what a readable one says, and what none ever says."""

import base64
import hashlib
import json
import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from syrupy.assertion import SnapshotAssertion

from functions.html.event_sentences import EVENT_TEXTS
from shared.domain.events import PERSONAL_DETAILS, Event
from shared.domain.transparency.leaves import READABLE_KINDS, frozen, is_disclosed
from tests.paths import docs

SALT = bytes(range(32))
AT_MS = 1_795_818_187_531
DIGEST = "0f" * 32
# Of a person, in the forms in which events say it.
PERSONAL = ("Kim Lee", "kim@example.org", "203.0.113.7", "2001:db8::7", "kims-laptop", "tok0000001")
COORDINATES = ("acme/greet", "acme/greet:1.0.0")


def event(kind: str, subject: str = "acme/greet:1.0.0", **fields: Any) -> Event:
    given = {"id": "e1", "kind": kind, "at_ms": AT_MS, "actor": "a1b2c3d4e5", "subject": subject}
    return Event.model_validate({**given, "org": "acme", **fields})


def leaf_of(of: Event, number: int, *, salt: bytes, **options: Any) -> bytes:
    return frozen(of, number, salt=salt, **options).leaf


def said(of: Event, number: int = 42, **options: Any) -> dict[str, Any]:
    return json.loads(leaf_of(of, number, salt=SALT, **options))


OF_A_JOB = {
    "provider": "github",
    "repository": "octo/greet",
    "workflow": ".github/workflows/publish.yml@refs/heads/kim",
    "ref": "refs/heads/kim",
    "commit": "c0ffee",
    "run": "https://github.com/octo/greet/actions/runs/1",
    "subject": "kim@example.org",
}
EVENTS = {
    "release": event("release.published", details={"digest": DIGEST, "size": "123"}),
    "release of a job": event(
        "release.published", actor="org0000001", details={"digest": DIGEST, "size": "1", **OF_A_JOB}
    ),
    "mirrored": event("release.mirrored", actor="mirror", details={"digest": DIGEST, "size": "1"}),
    "withdrawn": event(
        "release.removed",
        details={
            "state": "removed",
            "state_before": "live",
            "state_reason": "Kim Lee asked.",
            "public_reason": "malware: Kim Lee found it.",
        },
    ),
    "withdrawn package": event(
        "package.private", "acme/greet", details={"visibility_before": "public"}
    ),
    "deprecated": event("release.deprecated", details={"deprecation": "Ask kim@example.org."}),
    "publisher": event("publisher.added", "acme/greet", details={"publisher": "p1", **OF_A_JOB}),
    "ownership": event(
        "ownership.granted", "acme", account="b1b2c3d4e5", details={"reason": "Kim Lee left."}
    ),
}


@pytest.mark.parametrize("name", EVENTS)
def test_a_readable_leaf_is_these_bytes(name: str, snapshot: SnapshotAssertion) -> None:
    public = EVENTS[name].model_copy(update={"public": True})
    leaf = leaf_of(public, 42, salt=SALT)
    assert frozen(public, 42, salt=SALT).leaf == leaf
    assert leaf.decode() == snapshot


def test_a_leaf_that_was_logged_later_says_so() -> None:
    public = EVENTS["release"].model_copy(update={"public": True})
    assert said(public, logged_later=True) == {**said(public), "later": True}


def test_a_commitment_is_the_hash_of_salt_and_opening_and_says_only_the_index() -> None:
    hidden = frozen(EVENTS["release"], 42, salt=SALT)
    digest = base64.b64encode(hashlib.sha256(SALT + hidden.opening).digest()).decode()
    assert hidden.leaf == f'{{"commitment":"{digest}","index":41,"v":1}}'.encode()
    public = EVENTS["release"].model_copy(update={"public": True})
    assert (hidden.salt, hidden.opening) == (SALT, leaf_of(public, 42, salt=SALT))


def test_the_page_shows_a_leaf_and_a_commitment_to_it() -> None:
    shown = re.findall(r"```json\n(.*)\n```", docs("reference/transparency-log"))
    hidden = frozen(EVENTS["release"], 42, salt=SALT)
    assert [each.encode() for each in shown] == [hidden.opening, hidden.leaf]


def test_the_page_names_every_readable_kind_and_field() -> None:
    page = docs("reference/transparency-log")
    fields = {name for each in EVENTS.values() for name in json.loads(frozen_opening(each))}
    rows = "\n".join(line for line in page.splitlines() if line.startswith("| `"))
    assert set(READABLE_KINDS.values()) | fields <= set(re.findall(r"`([a-z.]+)`", rows))


def frozen_opening(event: Event) -> bytes:
    return frozen(event, 42, salt=SALT, logged_later=True).opening


def test_another_salt_is_another_commitment() -> None:
    leaves = {leaf_of(EVENTS["release"], 42, salt=bytes([n]) * 32) for n in range(10)}
    assert len(leaves) == 10


@pytest.mark.parametrize("kind", sorted(EVENT_TEXTS.keys() - READABLE_KINDS.keys()))
def test_other_kinds_are_never_readable(kind: str) -> None:
    leaf = said(event(kind, public=True))
    assert leaf.keys() == {"v", "index", "commitment"}
    assert not is_disclosed(event(kind, public=True))


def test_every_readable_kind_exists() -> None:
    assert READABLE_KINDS.keys() <= EVENT_TEXTS.keys()
    topics = {each.partition(".")[0] for each in READABLE_KINDS}
    assert topics == {"release", "package", "publisher", "ownership"}
    assert not topics & PERSONAL_DETAILS.keys()


def test_the_withdrawal_of_what_was_not_served_is_not_told() -> None:
    served = {"state_before": "live"}
    assert is_disclosed(event("release.removed", details=served))
    assert not is_disclosed(event("release.removed", details={"state_before": "held"}))
    assert is_disclosed(event("package.private", details={"visibility_before": "public"}))
    assert not is_disclosed(event("package.internal", details={"visibility_before": "private"}))


NAMES_OF_DETAILS = sorted(
    {"reason", "note", "public_reason", "state_reason", "deprecation", "label", "client", "name"}
    | {"before", "after", "agent", "from", "machine-address", "ref", "run", "subject", "issuer"}
    | {"repository", "workflow", "commit", "provider", "publisher", "digest", "size", "successor"}
    | {name for names in PERSONAL_DETAILS.values() for name in names}
)
texts = st.sampled_from(list[str](PERSONAL))
# Claims are texts of the provider, which are what the package's page shows.
CLAIMS = {"provider", "issuer", "repository", "workflow", "commit"}
details = st.dictionaries(
    st.sampled_from([name for name in NAMES_OF_DETAILS if name not in CLAIMS]), texts
)
kinds = st.sampled_from(sorted(EVENT_TEXTS))


@st.composite
def events(draw: st.DrawFn) -> Event:
    """Return an event that says in every field of people who they are, and not in those that are
    ids or coordinates."""
    kind = draw(kinds)
    topic = kind.partition(".")[0]
    is_of_package = topic in {"release", "package", "publisher", "dependency", "mirror"}
    subject = draw(st.sampled_from(COORDINATES) if is_of_package else texts)
    return Event(
        id=draw(texts),
        kind=kind,
        at_ms=draw(st.integers(0, 2**41)),
        actor=draw(st.sampled_from(["a1b2c3d4e5", "operator", "", "kim@example.org"])),
        subject=subject,
        org=draw(st.sampled_from(["", "acme"])),
        account=draw(st.sampled_from(["", "b1b2c3d4e5"])),
        credential=draw(texts),
        address=draw(texts),
        details=draw(details),
        public=draw(st.booleans()),
    )


@given(event=events(), number=st.integers(1, 10**9), later=st.booleans())
def test_no_leaf_and_no_opening_says_who_somebody_is(
    event: Event, number: int, later: bool
) -> None:
    stored = frozen(event, number, salt=SALT, logged_later=later)
    for content in (stored.leaf, stored.opening):
        for text in PERSONAL:
            assert text.encode() not in content
    if not (event.public and event.kind in READABLE_KINDS):
        assert json.loads(stored.leaf).keys() == {"v", "index", "commitment"}


@given(first=events(), second=events(), number=st.integers(101, 900))
def test_commitments_have_the_same_length(first: Event, second: Event, number: int) -> None:
    hidden = [each.model_copy(update={"public": False}) for each in (first, second)]
    lengths = {len(leaf_of(each, number, salt=SALT)) for each in hidden}
    assert lengths == {len(leaf_of(hidden[0], 1_001 - number, salt=SALT))}


@given(kind=kinds, text=st.text(max_size=400))
def test_a_leaf_is_canonical_json_of_ascii(kind: str, text: str) -> None:
    claims = dict.fromkeys(("provider", "repository", "commit", "digest", "size"), text)
    leaf = leaf_of(event(kind, details=claims, public=True), 7, salt=SALT)
    again = json.dumps(json.loads(leaf), sort_keys=True, separators=(",", ":")).encode()
    assert leaf == again
    assert leaf.isascii()
    assert len(leaf) < 65_536
