"""/account/organizations/{org}/webhooks: webhooks with their secrets and last deliveries."""

import re

import pytest

from tests.support.archives import bala
from tests.support.browsers import Browser
from tests.support.receivers import receiving
from tests.support.world import OpenWorld, World

pytestmark = pytest.mark.measured

PAGE = "/account/organizations/acme/webhooks"
SECRET = re.compile(r'value="(whsec_[^"]+)"')


@pytest.fixture
async def world(worlds: OpenWorld) -> World:
    """Return a registry that may call this machine."""
    return await worlds(inside_hosts="127.0.0.1")


async def test_an_owner_adds_a_webhook_sees_its_deliveries_and_removes_it(ann: Browser) -> None:
    runner = ann.world.registry.maintenance.task_runner
    with receiving() as receiver:
        assert "No webhooks yet" in ann.text
        await ann.submit(f"{PAGE}/add", url=receiver.url, events=["release", "token"])
        [secret] = SECRET.findall(ann.text)
        await ann.open(PAGE)
        assert secret not in ann.text
        [webhook] = re.findall(rf'href="({PAGE}/\w+)"', ann.text)
        receiver.status = 500
        receiver.body = b"broken"
        await ann.world.push(bala("acme/greet:1.0.0"))
        await runner.run("deliver-webhooks")
        await ann.open(webhook)
        assert all(each in ann.text for each in ("release.published", "500", "broken", "Waiting"))
        receiver.status = 204
        receiver.body = b""
        [number] = re.findall(r'name="number" value="(\d+)"', ann.text)
        await ann.submit(f"{webhook}/replay", number=number)
        assert "The delivery is sent again within a minute." in ann.text
        assert "Last attempt: " in ann.text
        assert "of 0 attempts" not in ann.text
        await runner.run("deliver-webhooks")
        await ann.open(webhook)
        assert "Delivered" in ann.text
        await ann.submit(f"{webhook}/rotate")
        assert SECRET.findall(ann.text) not in ([], [secret])
        await ann.submit(f"{webhook}/remove")
        assert "Webhook removed." in ann.text
        assert "No webhooks yet" in ann.text


async def test_what_is_missing_is_said_at_its_field(ann: Browser) -> None:
    refused = {"is an https URL": ("hooks.test", "release"), "Choose the": ("https://x.test/", "x")}
    for sentence, (url, event) in refused.items():
        answer = await ann.post(f"{PAGE}/add", url=url, events=[event])
        assert answer.status_code == 400
        assert re.search(rf'<p class="error"[^>]*>[^<]*{sentence}', ann.text)
