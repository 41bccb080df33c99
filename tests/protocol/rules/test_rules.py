"""Rules about what is published: who changes them, what the log says, and what holds."""

from typing import Any

import pytest

from shared.domain.publishing_rules import (
    OF_REGISTRY as WHOSE_REGISTRY,
)
from shared.domain.publishing_rules import (
    OrganizationRules,
    OwnedRule,
    RegistryRules,
    VersionRule,
    stricter,
)
from tests.protocol.rules.rule_world import (
    OF_ACME,
    OF_REGISTRY,
    events_of,
    set_registry_rules,
    set_rules,
)
from tests.support.browsers import signed_in
from tests.support.world import URL, World

pytestmark = pytest.mark.measured


async def test_an_owner_changes_some_rules_and_the_others_stay(world: World) -> None:
    await set_rules(world, staged=True, approvals=2)
    changed = await set_rules(world, versionRule="hold")
    named = {"staged": True, "approvals": 2, "versionRule": "hold"}
    assert changed == {**changed, **named}
    effective = changed["effective"]
    assert (effective["staged"], effective["versionRule"]) == (True, "hold")
    shown = await world.get(f"{URL}{OF_ACME}", by=world.people.mia)
    assert shown.json() == changed
    assert (await world.get(f"{URL}{OF_ACME}", by=world.people.bob)).status_code == 404


async def test_a_change_is_one_event_with_before_and_after(world: World) -> None:
    await set_rules(world, staged=True)
    await set_rules(world, staged=True)
    [changed] = await events_of(world, "organization.rules-changed")
    assert changed.details == {"staged_before": "no", "staged_after": "yes"}
    await set_registry_rules(world, versionRule="refuse")
    [changed] = await events_of(world, "registry.rules-changed")
    assert changed.details == {"version_rule_before": "warn", "version_rule_after": "refuse"}


async def test_no_token_and_nobody_but_owners_changes_rules(world: World) -> None:
    people = world.people
    wanted = {"staged": True}
    by_token = await world.send("PATCH", f"{URL}{OF_ACME}", by=people.ann, json=wanted)
    assert by_token.status_code == 403
    for person, status in ((people.mia, 403), (people.bob, 404)):
        answer = await (await signed_in(world, person)).api("PATCH", OF_ACME, wanted)
        assert answer.status_code == status
    answer = await (await signed_in(world, people.ann)).api("PATCH", OF_REGISTRY, wanted)
    assert answer.status_code == 403
    assert not (await set_rules(world))["staged"]


@pytest.mark.parametrize(
    ("wanted", "said"),
    [
        ({"approvals": 3}, "approvals"),
        ({"versionRule": "sometimes"}, "versionRule"),
        ({"stagd": True}, "stagd"),
    ],
)
async def test_what_is_no_rule_is_refused(world: World, wanted: dict[str, Any], said: str) -> None:
    answer = await (await signed_in(world, world.people.ann)).api("PATCH", OF_ACME, wanted)
    assert answer.status_code == 400
    assert said in answer.text


async def test_the_registry_has_no_rule_above_its_own(world: World) -> None:
    admin = await signed_in(world, world.people.admin)
    answer = await admin.api("PATCH", OF_REGISTRY, {"versionRule": "registry"})
    assert answer.status_code == 400
    assert "Choose warn, hold or refuse." in answer.text


def test_an_organization_loosens_nothing() -> None:
    registry = RegistryRules(version_rule=VersionRule.HOLD, staged=True, licenses=("MIT",))
    loose = OrganizationRules(version_rule=VersionRule.WARN, licenses=("MIT", "GPL-3.0-only"))
    held = stricter(registry, loose, "acme")
    assert held.version_rule == OwnedRule(VersionRule.HOLD, WHOSE_REGISTRY)
    assert held.staged == OwnedRule(True, WHOSE_REGISTRY)
    assert held.licenses == (
        OwnedRule(("MIT",), WHOSE_REGISTRY),
        OwnedRule(("MIT", "GPL-3.0-only"), "acme"),
    )
    strict = OrganizationRules(version_rule=VersionRule.REFUSE, staged=True)
    assert stricter(registry, strict, "acme").version_rule == OwnedRule(VersionRule.REFUSE, "acme")
    assert stricter(RegistryRules(), strict, "acme").staged == OwnedRule(True, "acme")
