"""Creates the services of accounts and sign-in, tokens, and organizations."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Self

from pydantic import SecretStr

from shared.auth.authentication import Authentication
from shared.auth.entra import (
    EntraAccess,
    EntraApplication,
    EntraProvider,
    EntraRoles,
    EntraTenant,
    audiences,
    managed_identity,
)
from shared.auth.identity_providers import IdentityProvider, StrongClaims
from shared.auth.issuer_keys import IssuerDiscovery, IssuerKeys
from shared.auth.openid_connect import GitHubProvider, OAuthClient, OidcProvider
from shared.auth.secret_scanning import ConfiguredScannerKeys, FetchedScannerKeys, LeakReports
from shared.auth.sessions import (
    Browsers,
    Cookie,
    KnownBrowsers,
    SessionAuthentication,
    SessionLifetimes,
    SignInProof,
)
from shared.auth.signed_tokens import IdTokenValidator
from shared.auth.tokens import Secret
from shared.domain.errors.base import Refusal
from shared.domain.trusted_publishing.jobs import Provider
from shared.log import log
from shared.runtime.background_tasks import BackgroundTasks
from shared.services.common import Adapters, Common
from shared.services.identity.accounts import Accounts
from shared.services.identity.mail import AccountMail, MailDelivery, ReleaseMail, TokenMail
from shared.services.identity.sessions import FirstSignIn, Identities, Sessions
from shared.services.identity.sign_in import SignInFlow, SignInLinks, SignUp
from shared.services.organizations.invitations import Invitations
from shared.services.organizations.memberships import Memberships, OrganizationMembers
from shared.services.organizations.organizations import (
    OrganizationCreators,
    OrganizationDeletion,
    Organizations,
)
from shared.services.organizations.reserved_names import ReservedNames
from shared.services.package_services import LimitServices, MirroringServices, PackageServices
from shared.services.tokens.device_login import DeviceLogin
from shared.services.tokens.secret_scanning import SecretScanning
from shared.services.tokens.tokens import TokenRecords, Tokens
from shared.services.tokens.trusted_publishers import RepositoryIds, TrustedPublishers
from shared.services.tokens.trusted_publishing import (
    AZURE_DEVOPS_AUDIENCE,
    JobTokenVerifier,
    TrustedIssuer,
    TrustedPublishing,
)
from shared.settings import Settings
from shared.settings.values import split_list


@dataclass(frozen=True)
class IdentityServices:
    """Who somebody is: accounts, identities, sessions; and mail to accounts."""

    accounts: Accounts
    identities: Identities
    sessions: Sessions
    authentication: Authentication
    session_authentication: SessionAuthentication
    sign_in_flow: SignInFlow
    sign_in_links: SignInLinks
    first_sign_in: FirstSignIn
    browsers: Browsers
    known_browsers: KnownBrowsers
    issuer_keys: IssuerKeys
    mail_delivery: MailDelivery
    account_mail: AccountMail
    token_mail: TokenMail
    release_mail: ReleaseMail

    @classmethod
    def build(cls, common: Common, limits: LimitServices) -> Self:
        adapters, settings = common.adapters, common.settings
        directory, work, keys = adapters.directory, adapters.work, adapters.keys
        clock, randomness, base_url = adapters.clock, adapters.randomness, settings.base_url

        mail_delivery = MailDelivery(adapters.mailer, failed=_log_undelivered_mail)
        account_mail = AccountMail(directory, mail_delivery, base_url, BackgroundTasks())
        common.closing.push_async_callback(account_mail.close)

        discovery = IssuerDiscovery(adapters.fetcher, clock, failed=_log_silent_issuer)
        issuer_keys = IssuerKeys(adapters.fetcher, discovery, clock, failed=_log_silent_issuer)
        authentication = Authentication(
            directory,
            clock,
            settings.environment,
            edition=adapters.edition,
            entra=_entra_access(adapters, settings, issuer_keys),
        )
        common.closing.push_async_callback(authentication.close)

        accounts = Accounts(directory, common.record_writer, clock, randomness)
        identities = Identities(
            directory,
            accounts,
            common.record_writer,
            clock,
            randomness,
            account_mail,
            limits.read_only_mode,
        )
        sessions = Sessions(directory, common.record_writer, clock, account_mail)
        session_authentication = SessionAuthentication(
            directory,
            keys=keys,
            clock=clock,
            randomness=randomness,
            cookie=Cookie.named("ballroom", base_url),
            proof=SignInProof.STRONG if settings.require_strong else SignInProof.ANY,
            copied=sessions.end_copied,
            delayed=_log_delayed_secret,
        )
        sign_in_links = SignInLinks(work, clock, randomness, base_url=base_url)
        known_browsers = KnownBrowsers(keys, randomness, base_url)
        sign_in_flow = SignInFlow(
            dict(_identity_providers(adapters, settings, discovery, issuer_keys)),
            sign_in_links,
            session_authentication,
            identities,
            known_browsers,
            work,
            directory,
            common.record_writer,
            clock,
            randomness,
            account_mail,
            base_url,
            SessionLifetimes(
                idle=timedelta(hours=settings.session_idle_hours),
                whole=timedelta(days=settings.session_days),
            ),
            SignUp(settings.sign_up),
            refused=_log_refused_sign_in,
        )
        return cls(
            accounts=accounts,
            identities=identities,
            sessions=sessions,
            authentication=authentication,
            session_authentication=session_authentication,
            sign_in_flow=sign_in_flow,
            sign_in_links=sign_in_links,
            first_sign_in=FirstSignIn(directory, clock),
            browsers=Browsers(keys, randomness, base_url),
            known_browsers=known_browsers,
            issuer_keys=issuer_keys,
            mail_delivery=mail_delivery,
            account_mail=account_mail,
            token_mail=TokenMail(directory, work, mail_delivery, clock, base_url),
            release_mail=ReleaseMail(directory, work, mail_delivery, clock, base_url),
        )


def _entra_access(adapters: Adapters, settings: Settings, keys: IssuerKeys) -> EntraAccess | None:
    """Return the verifier of the tenant's access tokens; None where no role is mapped."""
    if not (settings.entra_tenant and settings.entra_roles):
        return None
    accepted = audiences(settings.entra_client_id, split_list(settings.entra_audience))
    tenant = EntraTenant(settings.entra_authority, settings.entra_tenant, accepted)
    roles = EntraRoles.parse(settings.entra_roles)
    return EntraAccess(tenant, roles, keys, adapters.directory, adapters.clock)


def _identity_providers(
    adapters: Adapters, settings: Settings, discovery: IssuerDiscovery, issuer_keys: IssuerKeys
) -> Iterator[tuple[str, IdentityProvider]]:
    """Yield the identity providers that the settings describe, each with its name in URLs."""
    fetcher, clock, randomness = adapters.fetcher, adapters.clock, adapters.randomness
    id_tokens = IdTokenValidator(issuer_keys, clock)
    strong = StrongClaims.parse(settings.strong_claims)
    if settings.entra_tenant:
        secret = _secret(settings.entra_client_secret)
        application = EntraApplication(
            authority=settings.entra_authority,
            tenant=settings.entra_tenant,
            client_id=settings.entra_client_id,
            credential=secret or managed_identity(settings.entra_managed_identity),
            by_form_post=settings.base_url.startswith("https:"),
        )
        yield (
            "entra",
            EntraProvider(
                application, fetcher=fetcher, id_tokens=id_tokens, strong=strong, clock=clock
            ),
        )
    if settings.oidc_issuer:
        secret = _secret(settings.oidc_client_secret) or Secret("")
        yield (
            "oidc",
            OidcProvider(
                settings.oidc_issuer,
                settings.oidc_name,
                OAuthClient(settings.oidc_client_id, secret),
                discovery=discovery,
                fetcher=fetcher,
                id_tokens=id_tokens,
                strong=strong,
                clock=clock,
                randomness=randomness,
            ),
        )
    if settings.github_client_id:
        secret = _secret(settings.github_client_secret) or Secret("")
        client = OAuthClient(settings.github_client_id, secret)
        address = settings.github_url
        github = GitHubProvider(
            address, client, fetcher=fetcher, clock=clock, randomness=randomness
        )
        yield "github", github


def _secret(setting: SecretStr | None) -> Secret | None:
    return Secret(setting.get_secret_value()) if setting else None


def _log_silent_issuer(document: str, reason: str) -> None:
    log.warning("issuer.unanswered", document=document, reason=reason)


def _log_refused_sign_in(provider: str, reason: str) -> None:
    log.warning("sign_in.refused", provider=provider, reason=reason)


def _log_delayed_secret(refusal: Refusal) -> None:
    log.warning("session.not_renewed", reason=refusal.outcome)


def _log_undelivered_mail(reason: str, count: int) -> None:
    log.warning("mail.undelivered", reason=reason, count=count)


@dataclass(frozen=True)
class TokenServices:
    """Access tokens, and what creates and ends them."""

    access_tokens: Tokens
    records: TokenRecords
    device_login: DeviceLogin
    secret_scanning: SecretScanning
    trusted_publishers: TrustedPublishers
    trusted_publishing: TrustedPublishing

    @classmethod
    def build(
        cls,
        common: Common,
        limits: LimitServices,
        packages: PackageServices,
        identity: IdentityServices,
    ) -> Self:
        adapters, settings = common.adapters, common.settings
        directory, work, events = adapters.directory, adapters.work, adapters.events
        clock, randomness = adapters.clock, adapters.randomness

        records = TokenRecords(
            directory, common.record_writer, clock, randomness, settings.environment
        )
        access_tokens = Tokens(records, common.authorization, clock, settings.token_days)
        jobs = JobTokenVerifier(_trusted_issuers(settings), identity.issuer_keys, clock)
        return cls(
            access_tokens=access_tokens,
            records=records,
            device_login=DeviceLogin(
                work,
                directory,
                events,
                common.record_writer,
                access_tokens,
                limits.rate_limiter,
                adapters.keys,
                clock,
                randomness,
                settings.base_url,
            ),
            secret_scanning=SecretScanning(
                _leak_reports(adapters, settings),
                records,
                directory,
                work,
                clock,
                identity.token_mail,
            ),
            trusted_publishers=TrustedPublishers(
                common.authorization,
                directory,
                common.record_writer,
                adapters.metadata,
                packages.record_writer,
                clock,
                randomness,
                jobs.servers,
                RepositoryIds(adapters.fetcher),
                limits.rate_limiter,
            ),
            trusted_publishing=TrustedPublishing(
                jobs,
                directory,
                common.record_writer,
                events,
                adapters.metadata,
                records,
                work,
                clock,
            ),
        )


def _trusted_issuers(settings: Settings) -> list[TrustedIssuer]:
    """Return the issuers of id tokens for jobs that may publish."""
    registry, anybody = (settings.base_url,), (AZURE_DEVOPS_AUDIENCE,)
    signers = (
        (Provider.GITHUB, settings.publish_from_github, registry),
        (Provider.GITLAB, settings.publish_from_gitlab, registry),
        (Provider.AZURE_DEVOPS, settings.publish_from_azure_devops, anybody),
    )
    return [
        TrustedIssuer(provider, issuer, accepted)
        for provider, issuers, accepted in signers
        for issuer in split_list(issuers)
    ]


def _leak_reports(adapters: Adapters, settings: Settings) -> LeakReports:
    """Return the reader of reports by the scanners whose keys are configured."""
    configured = ConfiguredScannerKeys.of_setting(settings.report_keys)
    if not settings.report_keys_url:
        return LeakReports((configured,))
    published = FetchedScannerKeys(
        adapters.fetcher, settings.report_keys_url, adapters.clock, failed=_log_keys_not_read
    )
    return LeakReports((configured, published))


def _log_keys_not_read(reason: str) -> None:
    log.warning("reports.keys_not_read", reason=reason)


@dataclass(frozen=True)
class OrganizationServices:
    """Organizations, their members, and the names that they may have."""

    organizations: Organizations
    memberships: Memberships
    invitations: Invitations
    deletion: OrganizationDeletion
    reserved_names: ReservedNames

    @classmethod
    def build(
        cls,
        common: Common,
        limits: LimitServices,
        identity: IdentityServices,
        mirroring: MirroringServices | None,
    ) -> Self:
        adapters, settings = common.adapters, common.settings
        directory, clock, randomness = adapters.directory, adapters.clock, adapters.randomness
        members = OrganizationMembers(
            directory,
            common.record_writer,
            common.leases,
            identity.mail_delivery,
            settings.base_url,
        )
        return cls(
            memberships=Memberships(
                directory, common.authorization, common.record_writer, members, clock
            ),
            organizations=Organizations(
                directory,
                common.authorization,
                common.record_writer,
                limits.rate_limiter,
                clock,
                randomness,
                OrganizationCreators(settings.founding),
                settings.reserved_patterns,
                mirroring.names if mirroring else None,
            ),
            invitations=Invitations(
                directory,
                adapters.work,
                common.authorization,
                common.record_writer,
                members,
                identity.mail_delivery,
                limits.rate_limiter,
                limits.read_only_mode,
                clock,
                randomness,
                settings.base_url,
                settings.invitation_mail_minutes,
            ),
            deletion=OrganizationDeletion(
                common.authorization, directory, adapters.metadata, members, common.record_writer
            ),
            reserved_names=ReservedNames(
                directory, common.administration, common.record_writer, settings.reserved_patterns
            ),
        )
