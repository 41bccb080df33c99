"""A release that waits, such as a staged one, does not exist for outsiders, and neither does a
package whose releases all wait: a public package tells no name before it is published.

Two registries are asked the same questions, as in `test_private_packages.py`. One has the release
that waits, the other one does not.
"""

import json
from pathlib import Path

import pytest

from shared.domain.coordinates import Coordinate
from shared.domain.principals import OPERATOR
from tests.protocol.rules.rule_world import refusal_of_push, set_rules
from tests.security.package_probes import CHANGING, READING, Probe
from tests.security.registry_pairs import NOBODY, Filled, Pair, bearer, pairs_of, told_apart
from tests.support.archives import bala
from tests.support.mcp_agent import tool_call
from tests.support.world import Template, World, token_of

NAME = "secret"
OUTSIDERS = ("nobody", "stranger", "owner elsewhere")


def archive(version: str) -> bytes:
    return bala(f"acme/{NAME}:{version}", tools=[NAME], modules=["sub"], keywords=[NAME])


async def filled(
    template: Template,
    folder: Path,
    *,
    published: tuple[str, ...],
    waiting: tuple[str, ...],
    verb: str = "",
) -> Filled:
    """Fill a registry with versions of Ann's package; those that wait are staged, and an
    administrator does with them what the verb says, if there is one."""
    people = {"nobody": NOBODY, "owner elsewhere": bearer(template.people.bob.token)}

    async def fill(world: World) -> None:
        await world.push(bala("other/greet:1.0.0"), by=world.people.bob)
        await world.push(bala("acme/greet:1.0.0", tools=["greeter"]))
        for version in published:
            await world.push(archive(version))
        await set_rules(world, staged=True)
        for version in waiting:
            assert "is stored and held" in await refusal_of_push(world, archive(version))
            if verb:
                decide = getattr(world.registry.publishing.moderation, verb)
                await decide(Coordinate.parse("acme", NAME, version), "A case.", by=OPERATOR)
        sam = await world.registry.identity.accounts.create("sam", by=OPERATOR)
        people["stranger"] = bearer(await token_of(world.registry, sam))

    return Filled(await template.filled(folder, fill), people)


@pytest.mark.parametrize("verb", ["", "hold", "quarantine", "remove"])
# Questions about 1.0.0 and 9.9.9: the first version of a package, and the next one of another.
@pytest.mark.parametrize(
    ("published", "waiting"), [((), ("1.0.0",)), (("1.0.0",), ("9.9.9",))], ids=["first", "next"]
)
async def test_for_outsiders_a_registry_with_it_equals_one_without_it(
    template: Template,
    tmp_path: Path,
    published: tuple[str, ...],
    waiting: tuple[str, ...],
    verb: str,
) -> None:
    pair = Pair(
        await filled(template, tmp_path / "with", published=published, waiting=waiting, verb=verb),
        await filled(template, tmp_path / "without", published=published, waiting=()),
    )
    exact = Probe("/mcp", "POST", json.dumps(tool_call("resolve", packages=["acme/NAME:9.9.9"])))
    every = {**READING, **CHANGING, "resolve of a version": (exact,)}
    async with pair.registries(tmp_path / "opened") as both:
        for function, questions in every.items():
            asked = pairs_of(OUTSIDERS, questions, seed=function)
            assert await told_apart(both, asked, NAME, by_calls=False) == [], function


async def test_the_refusal_of_a_tool_names_no_package_that_waits(world: World) -> None:
    bob = world.people.bob
    await set_rules(world, staged=True)
    await refusal_of_push(world, archive("1.0.0"))
    taking = bala("other/taking:1.0.0", tools=[NAME])
    said = await refusal_of_push(world, taking, by=bob)
    assert f"The tool id {NAME} belongs to another package." in said
    own = await refusal_of_push(world, bala("acme/taking:1.0.0", tools=[NAME]))
    assert f"The tool id {NAME} belongs to acme/{NAME}." in own
    await set_rules(world, staged=False)
    await world.push(archive("2.0.0"))
    assert f"belongs to acme/{NAME}." in await refusal_of_push(world, taking, by=bob)
