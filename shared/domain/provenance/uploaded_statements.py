"""Statements that come with a release, in its Sigstore bundle: what each has to say of the
archive."""

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import cast

from shared.domain.provenance.sigstore_identities import MAX_QUOTED

STATEMENT_TYPES = frozenset(
    {"https://in-toto.io/Statement/v1", "https://in-toto.io/Statement/v0.1"}
)
PREDICATE_TYPES = ("https://slsa.dev/provenance/v1", "https://slsa.dev/provenance/v0.2")


def statement_flaw(payload: bytes, digest: str) -> str:
    """Return why a signed statement does not say where the archive with this SHA-256 was built, as
    a clause; empty if it does."""
    try:
        statement: object = json.loads(payload)
    except (ValueError, RecursionError):
        return "its statement cannot be read"
    if not isinstance(statement, dict):
        return "its statement is no JSON object"
    values = cast(Mapping[str, object], statement)
    return next(_flaws_of_type(values), "") or next(_flaws_of_subject(values, digest), "")


def _flaws_of_type(statement: Mapping[str, object]) -> Iterator[str]:
    if statement.get("_type") not in STATEMENT_TYPES:
        yield "what it signs is no in-toto statement"
    kind = statement.get("predicateType")
    if kind not in PREDICATE_TYPES:
        yield f"its statement is {str(kind)[:MAX_QUOTED]!r}, and {PREDICATE_TYPES[0]} is wanted"


def _flaws_of_subject(statement: Mapping[str, object], digest: str) -> Iterator[str]:
    subjects = statement.get("subject")
    found = cast(Sequence[object], subjects) if isinstance(subjects, list) else ()
    digests = [_sha256(each) for each in found]
    if len(digests) != 1:
        yield f"its statement names {len(digests)} files, and has to name the archive alone"
    elif digests != [digest]:
        yield f"it is about another file, whose SHA-256 is {digests[0][:64] or 'missing'}"


def _sha256(subject: object) -> str:
    digests = (
        cast(Mapping[str, object], subject).get("digest") if isinstance(subject, dict) else None
    )
    value = cast(Mapping[str, object], digests).get("sha256") if isinstance(digests, dict) else None
    return value.lower() if isinstance(value, str) else ""
