"""The rule about licenses, from outside: pushes, dry runs, changes, and who loosens nothing."""

import pytest

from tests.protocol.rules.rule_world import (
    OF_ACME,
    findings,
    refusal_of_push,
    set_registry_rules,
    set_rules,
)
from tests.support.archives import bala
from tests.support.browsers import signed_in
from tests.support.world import URL, World

pytestmark = pytest.mark.measured

PAGE = "/account/organizations/acme/rules"
MANAGE = "/manage/rules"


async def test_a_push_under_another_license_is_refused(world: World) -> None:
    await set_rules(world, licenses=["MIT", "apache-2.0"])
    gpl = bala("acme/greet:1.0.0", licenses=["GPL-3.0-only"])
    said = (
        "The rules of acme about licenses keep acme/greet:1.0.0 out: its license is GPL-3.0-only, "
        "and they do not allow GPL-3.0-only: they allow MIT, Apache-2.0. Publish it under one of "
        "these, or ask an owner of acme to change the rule."
    )
    assert said in await refusal_of_push(world, gpl)
    found = (await findings(world, gpl))["license-refused"]
    assert (found["severity"], found["message"]) == ("error", said)
    assert await refusal_of_push(world, bala("acme/greet:1.0.0", licenses=["mit"])) == ""


async def test_a_push_that_names_no_license_or_an_unreadable_one_says_so(world: World) -> None:
    await set_rules(world, licenses=["MIT"])
    said = await refusal_of_push(world, bala())
    assert "its manifest names no license, and they ask for one: they allow MIT" in said
    said = await refusal_of_push(world, bala(licenses=["(MIT OR"]))
    assert (
        "its license (MIT OR cannot be compared with them, as OR has a license on one side alone. "
        "Write it as SPDX does" in said
    )


async def test_the_registry_sets_the_floor(world: World) -> None:
    await set_registry_rules(world, refusedLicenses=["AGPL-3.0-only"])
    await set_rules(world, licenses=["AGPL-3.0-only", "MIT"])
    said = await refusal_of_push(world, bala(licenses=["AGPL-3.0-only"]))
    assert "The rules of the registry about licenses" in said
    assert "ask an administrator to change the rule" in said
    assert await refusal_of_push(world, bala(licenses=["AGPL-3.0-only OR MIT"])) == ""
    shown = (await world.get(f"{URL}{OF_ACME}", by=world.people.mia)).json()
    assert shown["licenses"] == ["AGPL-3.0-only", "MIT"]
    assert shown["effective"]["refusedLicenses"] == [
        {"whose": "the registry", "licenses": ["AGPL-3.0-only"]}
    ]


async def test_a_license_that_cannot_be_compared_with_refused_ones_is_a_warning(
    world: World,
) -> None:
    await set_rules(world, refusedLicenses=["GPL-3.0-only"])
    archive = bala(licenses=["Acme-EULA"])
    assert (await findings(world, archive))["license-unknown"]["severity"] == "warning"
    assert await refusal_of_push(world, archive) == ""


async def test_a_rule_that_is_no_expression_is_one_sentence_about_its_field(world: World) -> None:
    browser = await signed_in(world, world.people.ann)
    answer = await browser.api("PATCH", OF_ACME, {"licenses": ["MIT", "(MIT OR"]})
    assert answer.status_code == 400
    assert "(MIT OR is no license of SPDX: OR has a license on one side alone." in answer.text


async def test_a_dry_run_of_the_rule_names_the_releases_of_the_last_month(world: World) -> None:
    await world.push(bala("acme/greet:1.0.0", licenses=["MIT"]))
    await world.push(bala("acme/greet:1.1.0", licenses=["GPL-3.0-only"]))
    browser = await signed_in(world, world.people.ann)
    answer = await browser.api("POST", f"{OF_ACME}/dry-run", {"licenses": ["MIT"]})
    assert answer.status_code == 200, answer.text
    found = answer.json()
    assert found["releasesRead"] == 2
    assert [each["release"] for each in found["releases"]] == ["acme/greet:1.1.0"]
    assert found["releases"][0]["findings"][0]["rule"] == "license-refused"


async def test_an_owner_changes_the_lists_on_their_page(world: World) -> None:
    ann = await signed_in(world, world.people.ann, PAGE)
    fixed = {"approvals": "1", "version_rule": "registry"}
    await ann.submit(PAGE, licenses="mit\nISC\n", refused_licenses="GPL-3.0-only", **fixed)
    assert "Rules saved." in ann.text
    assert "MIT\nISC</textarea>" in ann.text
    await ann.submit(PAGE, licenses="(MIT OR", **fixed)
    assert "OR has a license on one side alone" in ann.text
    assert 'id="licenses-error"' in ann.text


async def test_an_administrator_changes_those_of_the_registry(world: World) -> None:
    admin = await signed_in(world, world.people.admin, MANAGE)
    await admin.submit(MANAGE, licenses="MIT", version_rule="warn", secrets="yes")
    assert "Rules saved." in admin.text
    ann = await signed_in(world, world.people.ann, PAGE)
    assert "The registry allows only these licenses: MIT." in ann.text
