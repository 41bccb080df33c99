"""How other servers are reached."""

from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from shared.adapters.http_fetcher import GuardedFetcher
from shared.adapters.network import Network
from shared.auth.entra import AppIdentity, app_identity
from shared.ports.http_client import HttpClient
from shared.settings import Settings

if TYPE_CHECKING:
    from azure.core.credentials_async import AsyncTokenCredential


def network_of(settings: Settings) -> Network:
    """Return how other servers are reached."""
    return Network(settings.proxy_rules, settings.ca_file)


def identity_of_app(network: Network) -> AppIdentity:
    """Return the function that creates the identity of the app in Azure."""

    def identity() -> "AsyncTokenCredential":
        from shared.adapters.azure_transports import identity_transport

        return app_identity(identity_transport(network))

    return identity


def fetcher_of(service: str, network: Network) -> HttpClient:
    """Return a client for a service of the operator, which a private endpoint may serve."""
    return GuardedFetcher([urlsplit(service).netloc], network=network)
