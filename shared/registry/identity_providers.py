"""The identity providers that the settings describe."""

from collections.abc import Mapping

from shared.auth.entra import managed_identity
from shared.auth.entra_sign_in import EntraProvider, EntraRegistration
from shared.auth.id_tokens import IdTokenValidator
from shared.auth.identity_providers import IdentityProvider, StrongClaims
from shared.auth.issuer_keys import IssuerDiscovery
from shared.auth.microsoft_graph import MicrosoftGraph
from shared.auth.openid_connect import GitHubProvider, OAuthClient, OidcProvider
from shared.auth.secrets import Secret
from shared.services.adapters import Adapters
from shared.settings import Settings
from shared.settings.values import secret_of
from shared.telemetry.logged import logged


def entra_provider(
    adapters: Adapters, settings: Settings, discovery: IssuerDiscovery, id_tokens: IdTokenValidator
) -> EntraProvider | None:
    """Create the provider of the tenant that the settings name; None if they name none."""
    if not settings.entra_tenant:
        return None
    client_secret = secret_of(settings.entra_client_secret)
    assertion = None if client_secret else managed_identity(settings.entra_managed_identity)
    registration = EntraRegistration(
        settings.entra_authority,
        settings.entra_tenant,
        OAuthClient(settings.entra_client_id, client_secret or Secret(""), assertion),
        by_form_post=settings.base_url.startswith("https:"),
    )
    return EntraProvider(
        registration,
        discovery=discovery,
        fetcher=adapters.fetcher,
        id_tokens=id_tokens,
        strong=StrongClaims.parse(settings.strong_claims),
        clock=adapters.clock,
        graph=MicrosoftGraph(
            settings.entra_graph,
            registration.issuer,
            registration.client,
            discovery,
            adapters.fetcher,
        ),
        reads_groups=settings.entra_groups,
        asks_states=settings.entra_accounts,
        on_unread_groups=logged("groups.unanswered", "provider", "reason"),
    )


def identity_providers(
    adapters: Adapters,
    settings: Settings,
    discovery: IssuerDiscovery,
    id_tokens: IdTokenValidator,
    entra: EntraProvider | None,
) -> Mapping[str, IdentityProvider]:
    """Create the other identity providers that the settings describe; return all by their names in
    URLs."""
    fetcher = adapters.fetcher
    clock = adapters.clock
    randomness = adapters.randomness
    providers = dict[str, IdentityProvider]()
    if entra is not None:
        providers["entra"] = entra
    if settings.oidc_issuer:
        client_secret = secret_of(settings.oidc_client_secret) or Secret("")
        providers["oidc"] = OidcProvider(
            settings.oidc_issuer,
            settings.oidc_name,
            OAuthClient(settings.oidc_client_id, client_secret),
            discovery=discovery,
            fetcher=fetcher,
            id_tokens=id_tokens,
            strong=StrongClaims.parse(settings.strong_claims),
            clock=clock,
            randomness=randomness,
            groups_claim=settings.oidc_groups_claim,
        )
    if settings.github_client_id:
        client_secret = secret_of(settings.github_client_secret) or Secret("")
        client = OAuthClient(settings.github_client_id, client_secret)
        providers["github"] = GitHubProvider(
            settings.github_url, client, fetcher=fetcher, clock=clock, randomness=randomness
        )
    return providers


def identity_issuers(settings: Settings) -> Mapping[str, str]:
    """Return the issuers of the identities of people whom a directory can provision, by the names
    of their identity providers."""
    issuers = dict[str, str]()
    if settings.entra_tenant:
        issuers["entra"] = f"{settings.entra_authority}/{settings.entra_tenant}/v2.0"
    if settings.oidc_issuer:
        issuers["oidc"] = settings.oidc_issuer
    return issuers
