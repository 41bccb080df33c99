"""Objects that the settings describe: identity providers, trusted issuers, scanners and limits."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta

from shared.auth.azure_identity import managed_identity
from shared.auth.entra import (
    EntraAccess,
    EntraApplication,
    EntraProvider,
    EntraRoles,
    EntraTenant,
    audiences,
)
from shared.auth.identity_providers import IdentityProvider, StrongClaims
from shared.auth.issuer_keys import IssuerDiscovery, IssuerKeys
from shared.auth.openid_connect import GitHubProvider, OAuthClient, OidcProvider
from shared.auth.secret_scanning import ConfiguredScannerKeys, FetchedScannerKeys, LeakReports
from shared.auth.secrets import Secret
from shared.auth.sessions import SessionLifetimes
from shared.auth.signed_tokens import IdTokenValidator
from shared.auth.trusted_publishing import AZURE_DEVOPS_AUDIENCE, TrustedIssuer, trusted_entra
from shared.domain.archives.unpacking import ArchiveLimits, Documentation
from shared.domain.trusted_publishing.jobs import Provider
from shared.log import log
from shared.ports import Clock, DirectoryStore, HttpClient, Randomness
from shared.settings import Settings
from shared.settings.values import split_list


@dataclass(frozen=True, slots=True)
class IdentityProviders:
    """Creates the identity providers that the settings describe."""

    settings: Settings
    fetcher: HttpClient
    discovery: IssuerDiscovery
    id_tokens: IdTokenValidator
    clock: Clock
    randomness: Randomness

    def by_name(self) -> Iterator[tuple[str, IdentityProvider]]:
        """Yield each provider with its name in URLs."""
        if self.settings.entra_tenant:
            yield "entra", self._entra()
        if self.settings.oidc_issuer:
            yield "oidc", self._oidc()
        if self.settings.github_client_id:
            yield "github", self._github()

    def _entra(self) -> EntraProvider:
        settings, secret = self.settings, self.settings.entra_client_secret
        application = EntraApplication(
            authority=settings.entra_authority,
            tenant=settings.entra_tenant,
            client_id=settings.entra_client_id,
            credential=Secret(secret.get_secret_value())
            if secret
            else managed_identity(settings.entra_managed_identity),
            by_form_post=settings.base_url.startswith("https:"),
        )
        return EntraProvider(
            application,
            fetcher=self.fetcher,
            id_tokens=self.id_tokens,
            strong=StrongClaims.parse(settings.strong_claims),
            clock=self.clock,
        )

    def _oidc(self) -> OidcProvider:
        settings, secret = self.settings, self.settings.oidc_client_secret
        return OidcProvider(
            settings.oidc_issuer,
            settings.oidc_name,
            OAuthClient(
                settings.oidc_client_id, Secret(secret.get_secret_value() if secret else "")
            ),
            discovery=self.discovery,
            fetcher=self.fetcher,
            id_tokens=self.id_tokens,
            strong=StrongClaims.parse(settings.strong_claims),
            clock=self.clock,
            randomness=self.randomness,
        )

    def _github(self) -> GitHubProvider:
        settings, secret = self.settings, self.settings.github_client_secret
        return GitHubProvider(
            settings.github_url,
            OAuthClient(
                settings.github_client_id, Secret(secret.get_secret_value() if secret else "")
            ),
            fetcher=self.fetcher,
            clock=self.clock,
            randomness=self.randomness,
        )


def entra_access(
    settings: Settings, directory: DirectoryStore, keys: IssuerKeys, clock: Clock
) -> EntraAccess | None:
    """Return the verifier of the tenant's access tokens; None where no role is mapped."""
    if not (settings.entra_tenant and settings.entra_roles):
        return None
    accepted = audiences(settings.entra_client_id, split_list(settings.entra_audience))
    tenant = EntraTenant(settings.entra_authority, settings.entra_tenant, accepted)
    return EntraAccess(tenant, EntraRoles.parse(settings.entra_roles), keys, directory, clock)


def trusted_issuers(settings: Settings) -> list[TrustedIssuer]:
    """Return the issuers of id tokens for jobs that may publish."""
    registry, anybody = (settings.base_url,), (AZURE_DEVOPS_AUDIENCE,)
    signers = (
        (Provider.GITHUB, settings.publish_from_github, registry),
        (Provider.GITLAB, settings.publish_from_gitlab, registry),
        (Provider.AZURE_DEVOPS, settings.publish_from_azure_devops, anybody),
    )
    found = [
        TrustedIssuer(provider, issuer, accepted)
        for provider, issuers, accepted in signers
        for issuer in split_list(issuers)
    ]
    audience = settings.publish_from_entra_audience or settings.base_url
    for tenant in split_list(settings.publish_from_entra):
        found += trusted_entra(tenant, audience)
    return found


def leak_reports(settings: Settings, fetcher: HttpClient, clock: Clock) -> LeakReports:
    """Return the reader of reports by the scanners whose keys are configured."""
    configured = ConfiguredScannerKeys.of_setting(settings.report_keys)
    if not settings.report_keys_url:
        return LeakReports((configured,))
    published = FetchedScannerKeys(
        fetcher, settings.report_keys_url, clock, failed=_log_keys_not_read
    )
    return LeakReports((configured, published))


def archive_limits(settings: Settings) -> ArchiveLimits:
    documentation = (
        Documentation.REQUIRED if settings.require_documentation else Documentation.OPTIONAL
    )
    return ArchiveLimits(
        entries=settings.max_entries,
        unpacked_bytes=settings.max_unpacked_bytes,
        ratio=settings.max_entry_ratio,
        manifest_bytes=settings.max_manifest_bytes,
        documentation=documentation,
    )


def session_lifetimes(settings: Settings) -> SessionLifetimes:
    return SessionLifetimes(
        idle=timedelta(hours=settings.session_idle_hours),
        whole=timedelta(days=settings.session_days),
    )


def _log_keys_not_read(reason: str) -> None:
    log.warning("reports.keys_not_read", reason=reason)
