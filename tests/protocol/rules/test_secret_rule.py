"""The rule about secrets, from outside: pushes, dry runs and the files that owners list."""

import tempfile
from pathlib import Path

import pytest
from msgspec.structs import replace

from shared.confined.jobs import ConfinedUnavailable
from shared.domain.coordinates import Package
from tests.protocol.rules.rule_world import (
    OF_ACME,
    findings,
    refusal_of_push,
    set_registry_rules,
    set_rules,
)
from tests.protocol.rules.test_rule_table import FACES, Push
from tests.support.archives import bala
from tests.support.browsers import signed_in
from tests.support.world import OpenWorld, World

pytestmark = pytest.mark.measured

# Not written whole: scanners of repositories would find it.
TOKEN = "ghp" + "_zQWBuTSOoRi4A9spHcVY5ncnsDkxkJ0mLq17"
LEAK = {"resources/config.toml": f'# Settings\ntoken = "{TOKEN}"\n'}
SAID = (
    "By the rules of the registry: acme/greet:1.0.0 has an access token of GitHub in "
    "resources/config.toml, line 2, and whoever pulls it could use that. Revoke it, remove it and "
    "pack again; if it is only an example, an owner of acme lists the file as "
    "greet:resources/config.toml in the rules of acme."
)


async def test_a_push_with_a_secret_is_refused_with_file_and_line(world: World) -> None:
    archive = bala(entries=LEAK)
    assert SAID in await refusal_of_push(world, archive)
    found = (await findings(world, archive))["secret-in-archive"]
    assert (found["severity"], found["message"]) == ("error", SAID)
    assert await world.stores.metadata.survey([Package.parse("acme", "greet")]) == [None]


@pytest.mark.parametrize("push", FACES)
async def test_each_face_that_publishes_refuses_it(world: World, push: Push) -> None:
    archive = bala("acme/greet:1.1.0", entries=LEAK)
    status, said = await push(world, archive)
    assert status == 400
    assert "an access token of GitHub in resources/config.toml, line 2" in said


async def test_an_owner_lists_the_file(world: World) -> None:
    archive = bala(entries=LEAK)
    await set_rules(world, secretsAllowed=["other:resources/*", "greet:*.md"])
    assert "secret-in-archive" in await findings(world, archive)
    await set_rules(world, secretsAllowed=["acme/greet:resources/*.toml"])
    assert "secret-in-archive" not in await findings(world, archive)
    assert await refusal_of_push(world, archive) == ""


async def test_the_rule_is_on_until_an_administrator_ends_it(world: World) -> None:
    await set_registry_rules(world, secrets=False)
    assert await refusal_of_push(world, bala(entries=LEAK)) == ""


async def test_examples_and_binary_files_are_no_secrets(world: World) -> None:
    files = {
        "docs/aws.md": "Set `AKIAIOSFODNN7EXAMPLE` and wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY.",
        "resources/a.bin": b"\0\1" + TOKEN.encode(),
    }
    assert await refusal_of_push(world, bala(entries=files)) == ""


async def test_a_hundred_thousand_lines_of_secrets_are_one_short_sentence(world: World) -> None:
    lines = "".join(f"{TOKEN} {number}\n" for number in range(100_000))
    said = await refusal_of_push(world, bala(entries={"resources/all.txt": lines}))
    assert "resources/all.txt, line 1; " in said
    assert "and 997 more" in said
    assert len(said) < 800


async def test_a_push_that_cannot_be_searched_now_is_repeated(worlds: OpenWorld) -> None:
    class Unavailable:
        async def run(self, *_: object) -> None:
            raise ConfinedUnavailable

        async def close(self) -> None:
            """Nothing runs."""

    world = await worlds(wrap=lambda stores: replace(stores, confined=Unavailable()))
    archive = bala(entries=LEAK)
    said = await refusal_of_push(world, archive)
    assert "acme/greet:1.0.0 could not be searched for secrets now" in said
    assert (await findings(world, archive))["secret-in-archive"]["severity"] == "note"
    assert await refusal_of_push(world, bala()) == ""  # Nothing in it begins like a secret.


async def test_a_push_is_repeated_while_no_files_can_be_written_for_the_search(
    world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    archive = bala(entries=LEAK)
    with monkeypatch.context() as patched:
        patched.setattr(tempfile, "tempdir", str(tmp_path / "missing"))
        said = await refusal_of_push(world, archive)
        found = await findings(world, archive)
    assert "acme/greet:1.0.0 could not be searched for secrets now" in said
    assert found["secret-in-archive"]["severity"] == "note"


async def test_what_names_no_files_is_refused(world: World) -> None:
    browser = await signed_in(world, world.people.ann)
    answer = await browser.api("PATCH", OF_ACME, {"secretsAllowed": ["greet:"]})
    assert answer.status_code == 400
    assert "greet: names no files." in answer.text
