"""Rules x faces: each rule is set by the page, the API, a command and a file, and taken back; what
one face set, the others show. Rules x states follow: whose rule holds, and what a dry run and a
push, or a pull, say of it.
"""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

import pytest

from tests.protocol.api.test_registry_files import applier, apply
from tests.protocol.rules.rule_rows import STATES, StateRow
from tests.protocol.rules.rule_world import (
    OF_ACME,
    OF_REGISTRY,
    dry_run,
    refusal_of_push,
    set_registry_rules,
    set_rules,
)
from tests.protocol.rules.test_retention import live, run, would_go
from tests.support.archives import bala
from tests.support.browsers import signed_in
from tests.support.storage import one_machine
from tests.support.terminal import Terminal
from tests.support.world import URL, World

pytestmark = pytest.mark.measured

Values = dict[str, Any]
QUOTA = ("max_bytes", "max_releases")  # Administrators alone set them, wherever that is.


@dataclass(frozen=True)
class Wanted:
    """Values of rules by their names in a file."""

    organization: Values = field(default_factory=Values)
    registry: Values = field(default_factory=Values)


STRICT = Wanted(
    organization={
        "licenses": ["MIT", "ISC"],
        "refused_licenses": ["GPL-3.0-only"],
        "staged": True,
        "approvals": 2,
        "version_rule": "refuse",
        "secrets_allowed": ["greet:resources/*"],
        "approved_only": True,
        "retention": "last 5, 30 days",
        "max_bytes": 1_000_000,
        "max_releases": 20,
    },
    registry={
        "licenses": ["Apache-2.0"],
        "refused_licenses": ["NONE"],
        "version_rule": "hold",
        "secrets": False,
    },
)
UNSET = Wanted(
    organization={
        "licenses": [],
        "refused_licenses": [],
        "staged": False,
        "approvals": 1,
        "version_rule": "registry",
        "secrets_allowed": [],
        "approved_only": False,
        "retention": "",
        "max_bytes": 0,
        "max_releases": 0,
    },
    registry={
        "licenses": [],
        "refused_licenses": [],
        "version_rule": "warn",
        "secrets": True,
    },
)

Set = Callable[[World, Wanted], Awaitable[None]]


def _camel(name: str) -> str:
    first, *rest = name.split("_")
    return first + "".join(map(str.capitalize, rest))


def _in_api(values: Values) -> Values:
    return {_camel(name): value for name, value in values.items()}


def _divided(values: Values) -> tuple[Values, Values]:
    """Return the rules of owners, and the limits."""
    limits = {name: values[name] for name in QUOTA}
    return {name: each for name, each in values.items() if name not in QUOTA}, limits


async def by_api(world: World, wanted: Wanted) -> None:
    own, limits = _divided(wanted.organization)
    await set_rules(world, **_in_api(own))
    await set_registry_rules(world, **_in_api(wanted.registry))
    admin = await signed_in(world, world.people.admin)
    answer = await admin.api("PATCH", "/api/v1/orgs/acme/quota", _in_api(limits))
    assert answer.status_code == 200, answer.text


async def by_page(world: World, wanted: Wanted) -> None:
    own, limits = _divided(wanted.organization)
    page = "/account/organizations/acme/rules"
    ann = await signed_in(world, world.people.ann, page)
    await ann.submit(page, **_fields(own))
    assert "Rules saved." in ann.text
    admin = await signed_in(world, world.people.admin, "/manage/rules")
    await admin.submit("/manage/rules", **_fields(wanted.registry))
    assert "Rules saved." in admin.text
    await admin.open("/manage/organizations/acme")
    await admin.submit("/manage/organizations/acme/quota", **_fields(limits))
    assert "Limits saved." in admin.text


def _fields(values: Values) -> dict[str, str | list[str]]:
    """Return what is entered into a form: a box that is not checked is not sent."""
    fields = dict[str, str | list[str]]()
    for name, value in values.items():
        match value:
            case bool():
                fields[name] = ["yes"] if value else []
            case list():
                fields[name] = "\n".join(map(str, value))  # pyright: ignore[reportUnknownArgumentType, reportUnknownVariableType]
            case _:
                fields[name] = str(value)
    return fields


async def by_command(world: World, wanted: Wanted) -> None:
    terminal = Terminal(world.registry.settings.data)
    own, limits = _divided(wanted.organization)
    for command, values in (
        (("org", "rules", "acme"), own),
        (("rules",), wanted.registry),
        (("org", "quota", "acme"), limits),
    ):
        await asyncio.to_thread(terminal.run, *command, *_options(values))


_SINGULAR = {"licenses": "license", "refused_licenses": "refused-license"}


def _options(values: Values) -> list[str]:
    options = list[str]()
    for name, value in values.items():
        option = _SINGULAR.get(name, name.replace("_", "-"))
        match value:
            case bool():
                options.append(f"--{option}" if value else f"--no-{option}")
            case list():
                for each in value or [""]:  # pyright: ignore[reportUnknownVariableType]
                    options += [f"--{option}", str(each)]  # pyright: ignore[reportUnknownArgumentType]
            case _:
                options += [f"--{option}", str(value)]
    return options


async def by_file(world: World, wanted: Wanted) -> None:
    lines = [*_lines("registry", wanted.registry)]
    lines += _lines("organizations.acme", wanted.organization)
    answer = await apply(world, await applier(world), "\n".join(lines))
    assert answer.status_code == 200, answer.text


def _lines(section: str, values: Values) -> list[str]:
    lines = [f"[{section}]"]
    for name, value in values.items():
        text = str(value).lower() if isinstance(value, bool) else repr(value)
        if name == "retention":
            text = "{ last = 5, days = 30 }" if value else "{ last = 0, days = 0 }"
        if name == "version_rule":
            # A file that says nothing of it leaves it as it is, and none follows the registry.
            text = text.replace("registry", "warn")
        lines.append(f"{name} = {text}")
    return lines


async def shown(world: World) -> tuple[Values, Values]:
    """Return the rules of acme and those of the registry, as the API shows them."""
    ann = await world.get(f"{URL}{OF_ACME}", by=world.people.ann)
    admin = await signed_in(world, world.people.admin)
    return ann.json(), (await admin.api("GET", OF_REGISTRY)).json()


COMMAND = pytest.param(by_command, marks=one_machine("the command opens the data folder"))


@pytest.mark.parametrize("set_by", [by_page, by_api, COMMAND, by_file])
async def test_each_face_sets_each_rule_and_takes_it_back(world: World, set_by: Set) -> None:
    for wanted in (STRICT, UNSET):
        await set_by(world, wanted)
        of_acme, of_registry = await shown(world)
        for values, found in ((wanted.organization, of_acme), (wanted.registry, of_registry)):
            expected = _in_api(values)
            if set_by is by_file and expected["versionRule"] == "registry":
                expected["versionRule"] = "warn"
            assert {name: found[name] for name in expected} == expected


# --- Rules x states ------------------------------------------------------------------------------


async def _set(world: World, row: StateRow) -> None:
    if row.organization:
        await set_rules(world, **row.organization)
    if row.registry:
        await set_registry_rules(world, **row.registry)
    if row.quota:
        admin = await signed_in(world, world.people.admin)
        await admin.api("PATCH", "/api/v1/orgs/acme/quota", dict(row.quota))


@pytest.mark.parametrize("row", STATES, ids=lambda row: row.id)
async def test_whose_rule_holds_and_a_dry_run_finds_what_a_push_does(
    world: World, row: StateRow
) -> None:
    await world.push(bala("acme/greet:1.0.0"))
    await _set(world, row)
    answer = (await dry_run(world, row.archive())).json()
    found = {each["rule"]: each for each in answer["findings"]}
    said = await refusal_of_push(world, row.archive())
    assert (row.rule in found, answer["may_publish"]) == (row.refuses, not row.refuses)
    assert bool(said) == row.refuses
    if row.refuses:
        assert found[row.rule]["severity"] == "error"
        assert found[row.rule]["message"] in said
        assert row.whose in said


@pytest.mark.parametrize("retention", ["", "last 1"])
async def test_a_dry_run_of_retention_finds_what_the_task_removes(
    world: World, retention: str
) -> None:
    """The registry has no such rule: unset, nothing goes."""
    for version in ("1.0.0-a", "1.0.0-b"):
        await world.push(bala(f"acme/vault:{version}", visibility="private"))
    gone = [] if not retention else ["acme/vault:1.0.0-a"]
    assert await would_go(world, retention or None) == gone
    await set_rules(world, retention=retention)
    assert await would_go(world) == gone
    await run(world)
    kept = {"acme/vault:1.0.0-a", "acme/vault:1.0.0-b"}.difference(gone)
    assert {f"acme/vault:{each}" for each in await live(world, "acme/vault")} == kept
