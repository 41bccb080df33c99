"""Row 14, confusable characters: names hold ASCII letters, digits, `_` and `.` alone, and no
display name looks like the name of another organization. `confusables.jsonl` has the characters
that UTS 39 says look like letters or digits, and those."""

import json
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from shared.domain.account_names import parse_account_name
from shared.domain.errors.base import Refusal
from shared.domain.lookalike_names import skeletons
from shared.domain.names import parse_module_name, parse_org, parse_package_name
from tests.protocol.bal.failures import ClientFailure
from tests.support.archives import bala
from tests.support.world import URL, World

LOOKALIKES = [
    "gr\u0435et",  # Cyrillic ie.
    "gre\u0435t",
    "\uff47reet",  # Full-width g.
    "gre\u200bet",  # Zero-width space.
    "\u202egreet",  # Right-to-left override.
    "gree\u0074\u0301",  # Combining acute.
    "gre\u00e9t",
    "\u0261reet",  # Latin script g.
    "gr\u212fet",  # Script small e.
    "greet\u0660",  # Arabic-Indic zero.
    "gree\ufb05",  # Ligature.
    "\U0001d420reet",  # Mathematical bold g.
    "gr\u0130et",  # Dotted capital I, two characters in lower case.
    "gr\u212aeet",  # Kelvin sign, which is k in lower case.
]
CONFUSABLES: list[tuple[str, str]] = [
    (character, drawn)
    for character, drawn in map(
        json.loads, (Path(__file__).parent / "confusables.jsonl").read_text().splitlines()
    )
]
READ_OTHERWISE = {"\u017f": "a long s is an s", "\u02db": "an ogonek is no letter"}
FORBIDDEN = st.characters(exclude_categories=["Cs"]).filter(
    lambda c: not (c.isascii() and (c.isalnum() or c in "_."))
)


async def refusal(world: World, coordinate: str, layout: int = 3) -> str:
    """Push as an administrator, who may push anywhere, and return why it was refused."""
    with pytest.raises(ClientFailure) as shown:
        await world.push(bala(coordinate, layout=layout), by=world.people.admin)
    assert shown.value.reason
    return shown.value.reason


@pytest.mark.parametrize("layout", [2, 3, 4])
@pytest.mark.parametrize("name", LOOKALIKES, ids=ascii)
async def test_a_name_that_looks_like_another_is_refused(
    world: World, name: str, layout: int
) -> None:
    for coordinate in (f"acme/{name}:1.0.0", f"{name}/greet:1.0.0"):
        reason = await refusal(world, coordinate, layout)
        assert reason.isprintable()
    assert await world.stores.metadata.packages("", 10) == []


@pytest.mark.parametrize("name", LOOKALIKES, ids=ascii)
async def test_a_module_that_looks_like_another_is_refused(world: World, name: str) -> None:
    with pytest.raises(ClientFailure, match=r"is not a valid module name|^The entry name modules/"):
        await world.push(bala("acme/greet:1.0.0", modules=[name]))


@given(character=FORBIDDEN)
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
async def test_no_other_character_is_in_a_name(world: World, character: str) -> None:
    await refusal(world, f"acme/gr{character}eet:1.0.0")


@pytest.mark.parametrize(
    "version", ["1.0.\u0660", "1.0.0-\u0430lpha", "\uff11.0.0", "1.0.0-a\u200b"]
)
async def test_no_other_character_is_in_a_version(world: World, version: str) -> None:
    await refusal(world, f"acme/greet:{version}")


async def test_names_that_differ_in_case_alone_are_one_name(world: World) -> None:
    await world.push(bala("acme/greet:1.0.0"))
    assert "upper and lower case" in await refusal(world, "acme/gReet:1.0.0")
    assert "upper and lower case" in await refusal(world, "ACME/other:1.0.0")


def test_no_confusable_character_is_in_a_name() -> None:
    assert len(CONFUSABLES) > 1_000
    for character, _ in CONFUSABLES:
        name = f"gre{character}t"
        for parse in (parse_org, parse_package_name, parse_module_name, parse_account_name):
            with pytest.raises(Refusal, match="is not a valid"):
                parse(name)


def test_what_is_drawn_alike_has_a_skeleton_in_common() -> None:
    differing = [
        (ascii(character), drawn)
        for character, drawn in CONFUSABLES
        if character not in READ_OTHERWISE
        and not any(skeletons(f"gre{character}t") & skeletons(f"gre{latin}t") for latin in drawn)
    ]
    assert differing == []


@pytest.mark.parametrize("character", ["\u0430", "\u0251", "\U0001d41a", "\u237a", "\uff41"])
async def test_no_display_name_is_drawn_as_the_name_of_another_organization(
    world: World, character: str
) -> None:
    answer = await world.send(
        "PATCH",
        f"{URL}/api/v1/orgs/other",
        by=world.people.bob,
        json={"displayName": f"{character}cme"},
    )
    assert answer.status_code == 409, answer.text
    assert "looks like the name of another organization" in answer.text
