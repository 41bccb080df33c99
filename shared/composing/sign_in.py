"""What signs people in, put together once."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta

from shared.auth.beside import Beside
from shared.auth.browsers import Browsers, Devices
from shared.auth.cookies import Cookie, Crossing
from shared.auth.discovery import Discovery
from shared.auth.entra import EntraApplication, EntraProvider, managed_identity
from shared.auth.entra_access import EntraAccess, EntraRoles, EntraTenant, audiences
from shared.auth.github import GitHubProvider
from shared.auth.idtokens import IdTokens
from shared.auth.keys import Keys
from shared.auth.keysets import KeySets
from shared.auth.oidc import OAuthClient, OidcProvider
from shared.auth.providers import Provider, StrongClaims
from shared.auth.secret import Secret
from shared.auth.session import Lifetimes, Proof, Sessions
from shared.auth.sign_in_links import SignInLinks
from shared.domain.errors import Refusal
from shared.log import log
from shared.ports import Clock, DirectoryStore, Fetcher, Randomness, WorkStore
from shared.registry import SignIn
from shared.services.accounts import Accounts
from shared.services.identities import Identities
from shared.services.noticing import Noticing
from shared.services.notifying import Notifying
from shared.services.pausing import Pausing
from shared.services.recording import Recording
from shared.services.signing_in import SigningIn, SignUp
from shared.services.signing_out import SigningOut
from shared.settings import Settings, listed


@dataclass(frozen=True, slots=True)
class Stores:
    """What signing in needs of the outside."""

    clock: Clock
    randomness: Randomness
    keys: Keys
    directory: DirectoryStore
    work: WorkStore
    fetcher: Fetcher


@dataclass(frozen=True, slots=True)
class Parts:
    """What signing in needs of the other services."""

    accounts: Accounts
    recording: Recording
    notifying: Notifying
    discovery: Discovery
    key_sets: KeySets
    pausing: Pausing


def sign_in_of(settings: Settings, stores: Stores, parts: Parts) -> SignIn:
    """Return what signs people in, by these settings."""
    noticing = _noticing(settings, stores, parts)
    signing_out = SigningOut(stores.directory, parts.recording, stores.clock, noticing)
    sessions = _sessions(settings, stores, signing_out)
    browsers, devices = _browsers(settings, stores), _devices(settings, stores)
    links = SignInLinks(stores.work, stores.clock, stores.randomness, base_url=settings.base_url)
    identities = Identities(
        directory=stores.directory,
        accounts=parts.accounts,
        recording=parts.recording,
        clock=stores.clock,
        randomness=stores.randomness,
        noticing=noticing,
        pausing=parts.pausing,
    )
    signing_in = SigningIn(
        providers=dict(_providers(settings, stores, parts)),
        links=links,
        sessions=sessions,
        identities=identities,
        devices=devices,
        work=stores.work,
        directory=stores.directory,
        recording=parts.recording,
        clock=stores.clock,
        randomness=stores.randomness,
        noticing=noticing,
        base_url=settings.base_url,
        lifetimes=lifetimes(settings),
        sign_up=SignUp(settings.sign_up),
        refused=_log_refused,
    )
    return SignIn(sessions, links, browsers, devices, signing_in, signing_out, identities, noticing)


def entra_access_of(
    settings: Settings, directory: DirectoryStore, keys: KeySets, clock: Clock
) -> EntraAccess | None:
    """Return what accepts access tokens of the tenant; None where the operator maps no roles."""
    if not (settings.entra_tenant and settings.entra_roles):
        return None
    for_us = audiences(settings.entra_client_id, listed(settings.entra_audience))
    tenant = EntraTenant(settings.entra_authority, settings.entra_tenant, for_us)
    roles = EntraRoles.parse(settings.entra_roles)
    return EntraAccess(tenant, roles, keys, directory, clock)


def lifetimes(settings: Settings) -> Lifetimes:
    """Return how long sessions last."""
    return Lifetimes(
        idle=timedelta(hours=settings.session_idle_hours),
        whole=timedelta(days=settings.session_days),
    )


def _noticing(settings: Settings, stores: Stores, parts: Parts) -> Noticing:
    return Noticing(stores.directory, parts.notifying, settings.base_url, Beside())


def _sessions(settings: Settings, stores: Stores, signing_out: SigningOut) -> Sessions:
    return Sessions(
        stores.directory,
        keys=stores.keys,
        clock=stores.clock,
        randomness=stores.randomness,
        cookie=Cookie.named("ballroom", settings.base_url),
        proof=Proof.STRONG if settings.require_strong else Proof.ANY,
        copied=signing_out.copied,
        delayed=_log_delayed_secret,
    )


def _browsers(settings: Settings, stores: Stores) -> Browsers:
    cookie = Cookie.named("ballroom-browser", settings.base_url, Crossing.FORMS)
    return Browsers(stores.keys, stores.randomness, cookie=cookie)


def _devices(settings: Settings, stores: Stores) -> Devices:
    # With forms of other sites as well: the answer of a provider is where it is asked for.
    cookie = Cookie.named("ballroom-device", settings.base_url, Crossing.FORMS)
    return Devices(stores.keys, stores.randomness, cookie=cookie)


def _providers(settings: Settings, stores: Stores, parts: Parts) -> Iterator[tuple[str, Provider]]:
    """Yield what is configured, by the name that stands in addresses."""
    if settings.entra_tenant:
        yield "entra", _entra(settings, stores, parts)
    if settings.oidc_issuer:
        yield "oidc", _oidc(settings, stores, parts)
    if settings.github_client_id:
        yield "github", _github(settings, stores)


def _entra(settings: Settings, stores: Stores, parts: Parts) -> Provider:
    secret = settings.entra_client_secret
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
        fetcher=stores.fetcher,
        id_tokens=IdTokens(parts.key_sets, stores.clock),
        strong=StrongClaims.parse(settings.strong_claims),
        clock=stores.clock,
    )


def _oidc(settings: Settings, stores: Stores, parts: Parts) -> Provider:
    secret = settings.oidc_client_secret
    client = OAuthClient(
        settings.oidc_client_id, Secret(secret.get_secret_value() if secret else "")
    )
    return OidcProvider(
        settings.oidc_issuer,
        settings.oidc_name,
        client,
        discovery=parts.discovery,
        fetcher=stores.fetcher,
        id_tokens=IdTokens(parts.key_sets, stores.clock),
        strong=StrongClaims.parse(settings.strong_claims),
        clock=stores.clock,
        randomness=stores.randomness,
    )


def _github(settings: Settings, stores: Stores) -> Provider:
    secret = settings.github_client_secret
    client = OAuthClient(
        settings.github_client_id, Secret(secret.get_secret_value() if secret else "")
    )
    return GitHubProvider(
        settings.github_url,
        client,
        fetcher=stores.fetcher,
        clock=stores.clock,
        randomness=stores.randomness,
    )


def _log_refused(provider: str, reason: str) -> None:
    log.warning("sign_in.refused", provider=provider, reason=reason)


def _log_delayed_secret(refusal: Refusal) -> None:
    log.warning("session.not_renewed", reason=type(refusal).__name__)
