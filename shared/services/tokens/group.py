"""Creates the services of access tokens, device login, secret scanning and trusted publishing."""

from dataclasses import dataclass
from typing import Self

from shared.auth.secret_scanning import ConfiguredScannerKeys, FetchedScannerKeys, LeakReports
from shared.domain.trusted_publishing.jobs import Provider
from shared.log import log
from shared.services.common import Adapters, Common
from shared.services.identity.group import IdentityServices
from shared.services.limits.group import LimitServices
from shared.services.packages.group import PackageServices
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
