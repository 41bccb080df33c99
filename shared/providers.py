"""Creates what a choice of the settings decides: which identity providers there are, where archives
are delivered from, and whose id tokens are trusted. `shared/construction.py` does the rest.
"""

from collections.abc import Callable, Iterator, Mapping
from urllib.parse import urlsplit

from pydantic import SecretStr

from shared.auth.entra import managed_identity
from shared.auth.entra_sign_in import EntraProvider, EntraRegistration
from shared.auth.id_tokens import IdTokenValidator
from shared.auth.identity_providers import IdentityProvider, StrongClaims
from shared.auth.issuer_keys import IssuerDiscovery
from shared.auth.known_readers import KnownReaders
from shared.auth.leak_reports import FetchedScannerKeys, LeakReports
from shared.auth.microsoft_graph import MicrosoftGraph
from shared.auth.openid_connect import GitHubProvider, OAuthClient, OidcProvider
from shared.auth.secrets import Secret
from shared.domain.archives.limits import ArchiveLimits, Documentation
from shared.domain.coordinates import Coordinate
from shared.domain.errors.base import Refusal
from shared.domain.trusted_publishing.jobs import Provider
from shared.domain.trusted_publishing.presets import preset_of
from shared.services.administration.key_ages import KeyKind, KeyPlace
from shared.services.common import Adapters
from shared.services.packages.archive_reader import ArchiveReader
from shared.services.packages.archive_relocation import ArchiveRelocation
from shared.services.packages.pull_redirects import CAPACITY_BYTES, DeliveryRoutes, RedirectCache
from shared.services.tokens.trusted_publishing import AZURE_DEVOPS_AUDIENCE, TrustedIssuer
from shared.settings import Settings
from shared.settings.values import named_issuers, split_list
from shared.telemetry.log import log


def pseudonym_of(base_url: str) -> str:
    """Return the name of a registry in the header `Via`: host and port of its address."""
    return urlsplit(base_url).netloc


def logged(
    event: str, *names: str, level: Callable[..., None] = log.warning
) -> Callable[..., None]:
    """Return a function that logs its arguments by these names; of a refusal, its outcome."""

    def report(*values: Coordinate | Refusal | str | int) -> None:
        fields = dict(zip(names, values, strict=True))
        level(
            event,
            **{
                name: value.outcome if isinstance(value, Refusal) else value
                for name, value in fields.items()
            },
        )

    return report


# --- Packages ---


def archive_reader(settings: Settings) -> ArchiveReader:
    is_required = settings.require_documentation
    limits = ArchiveLimits(
        archive_bytes=settings.max_archive_bytes,
        documentation=Documentation.REQUIRED if is_required else Documentation.OPTIONAL,
    )
    return ArchiveReader(limits, settings.max_archives_in_hand, settings.environment)


def archive_relocation(adapters: Adapters, settings: Settings) -> ArchiveRelocation | None:
    """Create the mover of archives if a link could outlive a change, else None."""
    if adapters.links is None and adapters.edge is None:
        return None
    return ArchiveRelocation(adapters.metadata, adapters.archives, adapters.edge, settings.readers)


def redirect_cache(
    adapters: Adapters, settings: Settings, readers: KnownReaders
) -> RedirectCache | None:
    """Create the cache of redirects where each takes requests to the stores; None elsewhere."""
    if adapters.links is None:
        return None
    # Other apps need their memory for archives that are pushed.
    capacity = CAPACITY_BYTES if settings.app_role == "reads" else CAPACITY_BYTES // 8
    return RedirectCache(
        adapters.edition, readers, adapters.clock, adapters.links, capacity_bytes=capacity
    )


def delivery_routes(adapters: Adapters, settings: Settings) -> DeliveryRoutes:
    return DeliveryRoutes(
        cdn_url=settings.archive_cdn_url,
        cdn=settings.archive_cdn,
        links=adapters.links if settings.archive_links == "store" else None,
    )


# --- Sign-in and tokens ---


def entra_provider(
    adapters: Adapters, settings: Settings, discovery: IssuerDiscovery, id_tokens: IdTokenValidator
) -> EntraProvider | None:
    """Create the provider of the tenant that the settings name; None if they name none."""
    if not settings.entra_tenant:
        return None
    client_secret = secret(settings.entra_client_secret)
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
        client_secret = secret(settings.oidc_client_secret) or Secret("")
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
        client_secret = secret(settings.github_client_secret) or Secret("")
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


def secret(setting: SecretStr | None) -> Secret | None:
    return Secret(setting.get_secret_value()) if setting else None


def trusted_issuers(settings: Settings) -> Iterator[TrustedIssuer]:
    """Yield the issuers of id tokens for jobs that may publish."""
    registry = (settings.base_url,)
    anybody = (AZURE_DEVOPS_AUDIENCE,)
    for provider, issuers, accepted in (
        (Provider.GITHUB, settings.publish_from_github, registry),
        (Provider.GITLAB, settings.publish_from_gitlab, registry),
        (Provider.AZURE_DEVOPS, settings.publish_from_azure_devops, anybody),
    ):
        for issuer in split_list(issuers):
            yield TrustedIssuer(provider, issuer, accepted)
    for named in named_issuers(settings.publish_from_issuers):
        traits = preset_of(named.label, named.issuer).traits
        yield TrustedIssuer(Provider.OIDC, named.issuer, registry, named.label, traits)


def leak_reports(adapters: Adapters, settings: Settings) -> LeakReports:
    """Create the reader of reports by the scanner whose keys are configured."""
    if not settings.report_keys_url:
        return LeakReports(None)
    published = FetchedScannerKeys(
        adapters.fetcher,
        settings.report_keys_url,
        adapters.clock,
        on_failure=logged("reports.keys_not_read", "reason"),
    )
    return LeakReports(published)


# --- Keys ---

_KEY_SETTINGS: Mapping[KeyKind, tuple[str, str]] = {  # The field, and the file and the secret.
    KeyKind.LINKS: ("link_key", "*.key"),
    KeyKind.RELEASES: ("release_keys", "release-keys"),
    KeyKind.LOG: ("log_keys", "log-keys"),
    KeyKind.WITNESS: ("witness_keys", "witness-keys"),
}
_KEPT = "It is kept: operators of logs know it."
_ROTATIONS: Mapping[KeyKind, tuple[str, str]] = {  # On one machine, and in a vault.
    KeyKind.LINKS: (
        "Run `ballroom keys rotate`, and restart the registry.",
        "Run `infra/keys.sh VAULT rotate`.",
    ),
    KeyKind.RELEASES: (
        "Run `ballroom keys rotate-release-keys`.",
        "Run `infra/keys.sh VAULT rotate-release-keys`.",
    ),
    KeyKind.LOG: (
        "Run `ballroom log rotate-key --days 90`.",
        "Run `infra/keys.sh VAULT rotate-log-key 90`.",
    ),
    KeyKind.WITNESS: (_KEPT, _KEPT),
}


def key_places(settings: Settings) -> dict[KeyKind, KeyPlace]:
    """Return where each key of a registry lies, and how the next one is made."""
    places = {kind: _key_place(settings, kind) for kind in _KEY_SETTINGS}
    places[KeyKind.WEBHOOKS] = KeyPlace(
        "the records, encrypted with the key of links and sessions",
        "Run `ballroom webhook rotate --all` if a copy of the records and that key leaked.",
    )
    if settings.tls_cert is not None:
        renewal = "Renew the certificate where it was issued, and restart the registry."
        places[KeyKind.CERTIFICATE] = KeyPlace(str(settings.tls_cert), renewal)
    return places


def _key_place(settings: Settings, kind: KeyKind) -> KeyPlace:
    field, name = _KEY_SETTINGS[kind]
    here, in_the_vault = _ROTATIONS[kind]
    if getattr(settings, field):
        variable = f"BALLROOM_{field.upper()}"
        rotation = f"Write a new key before those of {variable}, and restart the registry."
        return KeyPlace(variable, here if kind is KeyKind.WITNESS else rotation)
    if settings.key_vault:
        secret_name = settings.key_secret if kind is KeyKind.LINKS else name
        return KeyPlace(f"the secret {secret_name} of {settings.key_vault}", in_the_vault)
    return KeyPlace(f"keys/{name} in the data folder", here)
