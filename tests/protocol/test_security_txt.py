"""/.well-known/security.txt: the security contact of the operator."""

from datetime import UTC, datetime, timedelta

import pytest

from shared.settings import Settings
from tests.support.world import URL, OpenWorld, World

ADDRESS = f"{URL}/.well-known/security.txt"


async def test_security_txt_names_the_contact_and_is_never_expired(worlds: OpenWorld) -> None:
    world = await worlds(security_contact="mailto:security@example.org")
    for _ in range(3):
        answer = await world.get(ADDRESS)
        assert answer.status_code == 200
        assert answer.headers["content-type"] == "text/plain; charset=utf-8"
        fields = dict(line.split(": ", 1) for line in answer.text.splitlines())
        assert fields["Contact"] == "mailto:security@example.org"
        assert fields["Canonical"] == ADDRESS
        assert fields["Policy"] == f"{URL}/about/policies#weakness"
        now = datetime.fromtimestamp(world.clock.now_ms() / 1000, UTC)
        expires = datetime.fromisoformat(fields["Expires"])
        assert timedelta(days=30) < expires - now < timedelta(days=365)
        world.clock.advance(timedelta(days=200))


async def test_the_contact_for_abuse_is_the_second_one(worlds: OpenWorld) -> None:
    both = {
        "security_contact": "https://example.org/security",
        "abuse_contact": "abuse@example.org",
    }
    lines = (await (await worlds(**both)).get(ADDRESS)).text.splitlines()
    assert lines[:2] == [
        "Contact: https://example.org/security",
        "Contact: mailto:abuse@example.org",
    ]
    alone = await worlds(abuse_contact="mailto:abuse@example.org")
    assert (await alone.get(ADDRESS)).text.startswith("Contact: mailto:abuse@example.org\nExpires")
    policies = (await alone.get(f"{URL}/about/policies")).text
    assert 'id="weakness"' in policies
    assert "/.well-known/security.txt" in policies


async def test_a_policy_that_strangers_cannot_read_is_not_named(worlds: OpenWorld) -> None:
    world = await worlds(security_contact="mailto:security@example.org", readers="signed_in")
    answer = await world.get(ADDRESS)
    assert answer.status_code == 200
    assert "Policy:" not in answer.text


async def test_there_is_no_file_without_a_contact(world: World) -> None:
    assert (await world.get(ADDRESS)).status_code == 404


@pytest.mark.parametrize(
    "contact", ["security@example.org", "http://example.org", "mailto:a\nContact: mailto:b", "x:"]
)
def test_a_contact_is_an_address_that_programs_open(contact: str) -> None:
    with pytest.raises(ValueError, match="mailto:"):
        Settings(security_contact=contact)
