"""Settings describe the identity providers, and what goes wrong beside a request is logged."""

import pytest
from pydantic import SecretStr

from shared.composition import create_registry
from shared.domain.errors.requests import Busy
from tests.support.logs import capture_logs
from tests.support.world import World

TENANT = "11111111-2222-3333-4444-555555555555"
PROVIDERS = {
    "entra_tenant": TENANT,
    "entra_client_id": TENANT,
    "entra_roles": '[{"claim": "Readers", "org": "acme", "role": "member", "scopes": ["read"]}]',
    "oidc_issuer": "https://issuer.test",
    "oidc_client_id": "registry",
    "github_client_id": "registry",
}
SECRETS = {
    name: SecretStr("s3cret")
    for name in ("entra_client_secret", "oidc_client_secret", "github_client_secret")
}


@pytest.mark.parametrize("secrets", [{}, SECRETS], ids=["without secrets", "with secrets"])
async def test_each_provider_that_settings_describe_is_created(
    world: World, secrets: dict[str, SecretStr]
) -> None:
    settings = world.registry.settings.model_copy(update=PROVIDERS | secrets)
    identity = create_registry(settings, world.stores).identity
    assert list(identity.sign_in_flow.providers) == ["entra", "oidc", "github"]


async def test_without_settings_there_is_no_provider(world: World) -> None:
    assert not world.registry.identity.sign_in_flow.providers


async def test_what_fails_beside_a_request_is_logged(
    world: World,
) -> None:
    with capture_logs() as logs:
        world.registry.identity.mail_delivery.failed("Busy", 2)
        world.registry.identity.sign_in_flow.refused("oidc", "expired")
        world.registry.common.record_writer.delayed(Busy())
    events = [each["event"] for each in logs]
    assert events == ["mail.undelivered", "sign_in.refused", "event.delayed"]
