"""The identity of the app in Microsoft Entra ID."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from shared.ports.http_client import Unanswered
from shared.runtime.connection_problems import reason_of

if TYPE_CHECKING:
    from azure.core.credentials_async import AsyncTokenCredential
    from azure.core.pipeline.transport import AsyncHttpTransport

ClientAssertion = Callable[[], str]
AppIdentity = Callable[[], "AsyncTokenCredential"]

_PATIENCE_SECONDS = 5  # The endpoint of managed identities is local, and a person waits for it.


def app_identity(transport: "AsyncHttpTransport[Any, Any] | None" = None) -> "AsyncTokenCredential":
    """Return the credential of the app: the managed identity that AZURE_CLIENT_ID names, by default
    the one of the system; on the machine of a developer, who is signed in there. It connects by
    `transport`, which it closes."""
    from azure.identity.aio import DefaultAzureCredential  # noqa: PLC0415 - takes 100 ms.

    return DefaultAzureCredential(**({"transport": transport} if transport else {}))


async def bearer(resource: str, identity: AppIdentity = app_identity) -> str:
    """Return the header that authorizes requests to a service, or raise `Unanswered`."""
    from azure.core.exceptions import AzureError  # noqa: PLC0415 - as above.

    try:
        async with identity() as credential:
            return f"Bearer {(await credential.get_token(f'{resource}/.default')).token}"
    except AzureError as failure:
        raise Unanswered(reason_of(failure)) from None


def managed_identity(client_id: str) -> ClientAssertion:
    """Return a credential of an application of Entra ID from a managed identity; `system` is the
    system-assigned one. The function blocks, and raises `Unanswered`."""

    def assertion() -> str:
        from azure.core.exceptions import AzureError  # noqa: PLC0415 - as above.
        from azure.core.pipeline.transport import RequestsTransport  # noqa: PLC0415
        from azure.identity import ManagedIdentityCredential  # noqa: PLC0415

        named = None if client_id == "system" else client_id
        # No proxy of the environment may see the response.
        transport = RequestsTransport(use_env_settings=False)
        try:
            with ManagedIdentityCredential(
                client_id=named,
                transport=transport,
                connection_timeout=_PATIENCE_SECONDS,
                read_timeout=_PATIENCE_SECONDS,
                retry_total=0,
            ) as credential:
                return credential.get_token("api://AzureADTokenExchange/.default").token
        except AzureError as failure:
            raise Unanswered(reason_of(failure)) from None

    return assertion
