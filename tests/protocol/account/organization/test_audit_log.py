"""/account/organizations/{org}/log: sentences and filters of the audit log."""

import json
import re
from datetime import timedelta

import pytest

from functions.html.event_sentences import EVENT_TEXTS, event_label, event_sentence
from functions.html.formatting import day as day_of
from shared.domain.coordinates import Coordinate
from shared.domain.events import Event
from shared.domain.names import parse_org
from shared.domain.principals import OPERATOR
from shared.services.tokens.tokens import OfOrganization, TokenRequest
from tests.support.archives import bala
from tests.support.browsers import Browser, signed_in
from tests.support.world import Person, World

PAGE = "/account/organizations/acme/log"
ACME = parse_org("acme")
SHOWN = re.compile(r'<th scope="row"><span dir="auto">(.*?)</span>')


@pytest.fixture
async def ann(world: World) -> Browser:
    await world.push(bala("acme/greet:1.0.0"))
    world.clock.advance(timedelta(days=2))
    greet = Coordinate.parse("acme", "greet", "1.0.0")
    await world.registry.packages.deprecation.deprecate(greet, "Gone.", by=OPERATOR)
    return await signed_in(world, world.people.ann)


def shown(browser: Browser) -> list[str]:
    """Return what the page says happened, newest first."""
    return SHOWN.findall(browser.text)


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("kind=release.", 2),
        ("actor=ann", 1),
        ("actor=ANN&kind=package.", 0),
        ("actor=operator&kind=release.", 1),
        ("actor=nobody", 0),
        ("since=2100-01-01", 0),
    ],
)
async def test_a_filter_narrows_the_audit_log(ann: Browser, query: str, found: int) -> None:
    await ann.open(f"{PAGE}?{query}")
    assert len(shown(ann)) == found
    assert ("No matching events" in ann.text) == (found == 0)


async def test_a_day_is_included_completely(ann: Browser) -> None:
    [at] = [event.at_ms for event in await feed(ann.world) if event.kind == "release.published"]
    day = day_of(at)
    await ann.open(f"{PAGE}?since={day}&until={day}")
    assert shown(ann)[0] == "ann published acme/greet:1.0.0"
    assert f'value="{day}"' in ann.text


async def feed(world: World) -> list[Event]:
    return [event for _, event in await world.stores.events.stream("org:acme", None, 100)]


@pytest.mark.parametrize(
    "query", ["since=yesterday", "until=2026-02-30", "until=9999-12-31", "before=x", "before=0"]
)
async def test_an_invalid_day_is_reported_next_to_all_events(ann: Browser, query: str) -> None:
    answer = await ann.open(f"{PAGE}?{query}")
    assert answer.status_code == 400
    assert 'role="alert"' in ann.text
    assert len(shown(ann)) >= 3


async def test_a_token_in_the_address_is_not_shown(ann: Browser) -> None:
    token = ann.world.people.ann.token
    for name in ("actor", "kind", "since", "before"):
        await ann.open(f"{PAGE}?{name}={token}")
        assert token[:20] not in ann.text, name


async def test_tokens_of_the_organization_are_found_by_its_name(ann: Browser) -> None:
    wanted = TokenRequest.parse("robot", ["push-new"], org="acme", package="*", days=None)
    issued = await ann.world.registry.tokens.access_tokens.issue(
        OfOrganization(ACME), wanted, by=OPERATOR
    )
    robot = Person(ann.world.people.ann.account, issued.text.reveal())
    await ann.world.push(bala("acme/words:1.0.0"), by=robot)
    await ann.open(f"{PAGE}?actor=Acme")
    assert shown(ann) == ["A token of acme published acme/words:1.0.0"]


async def test_older_ones_are_behind_a_link(ann: Browser) -> None:
    for number in range(26):
        greet = Coordinate.parse("acme", "greet", "1.0.0")
        await ann.world.registry.packages.deprecation.deprecate(
            greet, f"Number {number}.", by=OPERATOR
        )
    await ann.open(f"{PAGE}?kind=release.")
    first = shown(ann)
    [older] = re.findall(r'rel="next" href="([^"]+)"', ann.text)
    assert older.startswith(f"{PAGE}?kind=release.&before=")
    await ann.open(older)
    assert (len(first), shown(ann)[-1]) == (25, "ann published acme/greet:1.0.0")
    assert f'href="{PAGE}?kind=release."' in ann.text


async def test_the_shown_events_are_downloaded_as_lines(ann: Browser) -> None:
    await ann.open(f"{PAGE}?kind=release.&actor=ann")
    [export] = re.findall(r'href="(/api/v1/orgs/acme/audit.jsonl[^"]*)"', ann.text)
    answer = await ann.open(export)
    [line] = map(json.loads, answer.text.splitlines())
    assert (line["kind"], line["actorName"]) == ("release.published", "ann")


# --- sentences ---------------------------------------------------------------------------------


def event(kind: str, **details: str) -> Event:
    return Event(id="1", kind=kind, at_ms=0, actor="a1", subject="acme/x", details=details)


@pytest.mark.parametrize("kind", sorted(EVENT_TEXTS))
def test_every_kind_has_a_sentence_even_if_an_old_event_lacks_a_field(kind: str) -> None:
    shown = event_sentence(event(kind), {"a1": "ann"})
    assert shown.startswith("ann ")
    assert "{" not in shown


@pytest.mark.parametrize("kind", sorted(EVENT_TEXTS))
def test_every_kind_has_a_label(kind: str) -> None:
    topic = kind.partition(".")[0].capitalize()
    assert re.fullmatch(r"[A-Z][\w ,-]+", event_label(event(kind)))
    assert not event_label(event(kind)).startswith(f"{topic}: ")


def test_a_kind_without_texts_is_shown_by_its_name() -> None:
    shown = event_sentence(event("token.canary-tried"), {})
    assert shown == "a1, token: canary tried: acme/x"
    assert event_label(event("token.canary-tried")) == "Token: canary tried"


def test_a_continuation_that_ended_names_no_organization_and_other_details_stay_empty() -> None:
    ended = event_sentence(event("organization.continued", continued_as=""), {})
    assert ended == "a1 set the organization that continues acme/x to none"
    assert "none" not in event_sentence(event("token.issued", name=""), {})


def test_braces_of_others_are_no_places() -> None:
    assert (
        event_sentence(event("token.issued", name="{subject}"), {})
        == "a1 created the token {subject}"
    )
