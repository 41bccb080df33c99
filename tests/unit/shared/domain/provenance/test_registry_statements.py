"""What the statements of the registry say."""

import json
from typing import Any

import pytest

from shared.domain.packages import Origin, Provenance, Release, UpstreamOrigin
from shared.domain.provenance.registry_statements import (
    publish_statement,
    release_statement,
    statements_id,
    statements_of,
)
from tests.contract.sample_records import release

RUN = Provenance(
    provider="gitlab",
    repository="octo/greet",
    run_url="https://gitlab.com/octo/greet/-/jobs/1",
    claims={"user_id": "4711", "actor_id": "12", "project_id": "74"},
)


def published_by(run: Provenance | None, **update: Any) -> Release:
    origin = Origin(principal="someone", credential="a-token", provenance=run)
    return release("acme/greet:1.0.0").model_copy(update={"origin": origin, **update})


def test_a_statement_is_the_same_whatever_changes_of_the_release() -> None:
    first = published_by(RUN)
    changed = first.model_copy(update={"deprecation": "Old.", "revision": 7, "changed_ms": 9})
    assert statements_of(changed, later=False) == statements_of(first, later=False)


def test_who_published_is_in_no_statement() -> None:
    statements = statements_of(published_by(RUN), later=True)
    assert len(statements) == 2  # That of the release, and that of its publishing.
    for statement in statements:
        assert not any(each in statement for each in (b"4711", b'"12"', b"someone", b"a-token"))


def test_a_claim_that_the_provider_does_not_say_is_left_out() -> None:
    claims = json.loads(publish_statement(published_by(RUN)))["predicate"]["claims"]
    assert claims == {
        "provider": "gitlab",
        "repository": "octo/greet",
        "run": "https://gitlab.com/octo/greet/-/jobs/1",
        "others": {"project_id": "74"},
    }


def test_other_characters_are_escaped() -> None:
    statement = publish_statement(published_by(RUN.model_copy(update={"ref": "refs/heads/grüße"})))
    assert b"refs/heads/gr\\u00fc\\u00dfe" in statement
    assert json.loads(statement)["predicate"]["claims"]["ref"] == "refs/heads/grüße"


def test_a_statement_that_is_made_later_says_so() -> None:
    on_time, later = (
        [json.loads(each)["predicate"].get("later") for each in statements_of(made, later=is_later)]
        for made, is_later in ((published_by(RUN), False), (published_by(RUN), True))
    )
    assert on_time == [None, None]
    assert later == [True, True]


def test_a_mirrored_release_names_its_upstream() -> None:
    upstream = UpstreamOrigin(name="central", first_seen_ms=1)
    [statement] = statements_of(published_by(None, upstream=upstream), later=False)
    assert json.loads(statement)["predicate"]["mirroredFrom"] == "central"
    assert statement == release_statement(published_by(None, upstream=upstream))


def test_there_is_no_statement_of_a_run_that_there_was_not() -> None:
    with pytest.raises(ValueError, match="was not published by a job"):
        publish_statement(published_by(None))


def test_the_name_of_statements_follows_from_their_bytes() -> None:
    assert statements_id(b"one") != statements_id(b"two")
    assert len(statements_id(b"one")) == 16
