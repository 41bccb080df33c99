"""What the rules say of releases that come from an upstream."""

import pytest

from tests.protocol.rules.rule_world import set_registry_rules
from tests.support.archives import bala
from tests.support.browsers import signed_in
from tests.support.mirrors import PULL
from tests.support.upstreams import FakeUpstream
from tests.support.world import World

pytestmark = pytest.mark.measured

PATH = "/packages/ballerina/io/2.0.0"
SECRET = "ghp" + "_zQWBuTSOoRi4A9spHcVY5ncnsDkxkJ0mLq17"


async def test_a_license_that_the_registry_refuses_does_not_come_in(
    mirror: World, upstream: FakeUpstream
) -> None:
    await set_registry_rules(mirror, refusedLicenses=["GPL-3.0-only"])
    upstream.publish("ballerina/io:2.0.0", licenses=["GPL-3.0-only"])
    refused = await mirror.get(PATH, headers=PULL)
    assert refused.status_code == 400
    assert (
        "is not served here: The rules of the registry about licenses keep ballerina/io:2.0.0 out: "
        "its license is GPL-3.0-only, and they refuse GPL-3.0-only. Ask an administrator to change "
        "the rule." in refused.json()["message"]
    )
    await set_registry_rules(mirror, refusedLicenses=[])
    assert (await mirror.get(PATH, headers=PULL)).status_code == 302


async def test_a_secret_is_shown_to_those_who_manage_the_release_alone(
    mirror: World, upstream: FakeUpstream
) -> None:
    upstream.publish("ballerina/io:2.0.0", entries={"resources/a.toml": f"\ntoken = '{SECRET}'\n"})
    assert (await mirror.get(PATH, headers=PULL)).status_code == 302
    for each in mirror.instances:
        each.api_docs.queue.enable()
    await mirror.document()
    page = "/packages/ballerina/io/2.0.0"
    admin = await signed_in(mirror, mirror.people.admin)
    await admin.open(page)
    assert "There may be secrets in its files." in admin.text
    assert "An access token of GitHub in <code" in admin.text
    assert "resources/a.toml</code>, line 2" in admin.text
    assert SECRET not in admin.text
    reader = await signed_in(mirror, mirror.people.bob)
    await reader.open(page)
    assert "secrets in its files" not in reader.text


async def test_a_secret_of_an_earlier_rule_is_shown_to_owners(world: World) -> None:
    await set_registry_rules(world, secrets=False)
    await world.push(bala(entries={"resources/a.toml": f"token = '{SECRET}'"}))
    await world.document()
    ann = await signed_in(world, world.people.ann)
    await ann.open("/packages/acme/greet")
    assert "There may be secrets in its files." in ann.text
