"""Access tokens, and trusted publishing."""

from collections.abc import Iterator
from functools import cached_property

from shared.auth.leak_reports import FetchedScannerKeys, LeakReports
from shared.domain.trusted_publishing.jobs import Provider
from shared.domain.trusted_publishing.presets import preset_of
from shared.registry.group import ServiceGroup
from shared.services.tokens.device_login import DeviceLogin
from shared.services.tokens.makers import MakerReview, Makers
from shared.services.tokens.pasted_id_tokens import PastedIdTokens
from shared.services.tokens.repository_ids import RepositoryIds
from shared.services.tokens.secret_scanning import SecretScanning
from shared.services.tokens.token_mail import TokenMail
from shared.services.tokens.tokens import TokenRecords, Tokens
from shared.services.tokens.trusted_publishers import TrustedPublishers
from shared.services.tokens.trusted_publishing import (
    AZURE_DEVOPS_AUDIENCE,
    JobTokenVerifier,
    TrustedIssuer,
    TrustedPublishing,
)
from shared.settings import Settings
from shared.settings.values import named_issuers, secret_of, split_list
from shared.telemetry.logged import logged


class TokenServices(ServiceGroup, frozen=True):
    """Access tokens, and what creates and ends them."""

    @cached_property
    def access_tokens(self) -> Tokens:
        return Tokens(
            token_records=self.records,
            authorization=self._registry.rights.authorization,
            registry_authorization=self._registry.rights.registry_authorization,
            enabled_people=self._registry.administration.directory_locks,
            makers=self.makers,
            decision_mail=self._parts.foundation.decision_mail,
            clock=self._adapters.clock,
            token_days=self._settings.token_days,
        )

    @cached_property
    def records(self) -> TokenRecords:
        return TokenRecords(
            directory=self._adapters.directory,
            audited_writer=self._parts.foundation.audited_writer,
            clock=self._adapters.clock,
            randomness=self._adapters.randomness,
            environment=self._settings.environment,
        )

    @cached_property
    def device_login(self) -> DeviceLogin:
        return DeviceLogin(
            work=self._adapters.work,
            directory=self._adapters.directory,
            audited_writer=self._parts.foundation.audited_writer,
            tokens=self.access_tokens,
            rate_limiter=self._registry.limits.rate_limiter,
            keys=self._adapters.keys,
            clock=self._adapters.clock,
            randomness=self._adapters.randomness,
            base_url=self._settings.base_url,
        )

    @cached_property
    def secret_scanning(self) -> SecretScanning:
        return SecretScanning(
            reports=self._parts.tokens.leak_reports,
            token_records=self.records,
            directory=self._adapters.directory,
            work=self._adapters.work,
            clock=self._adapters.clock,
            token_mail=self._parts.tokens.token_mail,
        )

    @cached_property
    def trusted_publishers(self) -> TrustedPublishers:
        return TrustedPublishers(
            authorization=self._registry.rights.authorization,
            directory=self._adapters.directory,
            audited_writer=self._parts.foundation.audited_writer,
            metadata=self._adapters.metadata,
            package_records=self._registry.packages.records,
            clock=self._adapters.clock,
            randomness=self._adapters.randomness,
            jobs=self._parts.tokens.job_token_verifier,
            base_url=self._settings.base_url,
            repository_ids=self._parts.tokens.repository_ids,
            rate_limiter=self._registry.limits.rate_limiter,
            decision_mail=self._parts.foundation.decision_mail,
        )

    @cached_property
    def trusted_publishing(self) -> TrustedPublishing:
        return TrustedPublishing(
            jobs=self._parts.tokens.job_token_verifier,
            directory=self._adapters.directory,
            audited_writer=self._parts.foundation.audited_writer,
            metadata=self._adapters.metadata,
            makers=self.makers,
            token_records=self.records,
            work=self._adapters.work,
            clock=self._adapters.clock,
            base_url=self._settings.base_url,
            publish_id_token_hours=self._settings.publish_id_token_hours,
        )

    @cached_property
    def pasted_id_tokens(self) -> PastedIdTokens:
        return PastedIdTokens(
            jobs=self._parts.tokens.job_token_verifier,
            trusted_publishers=self.trusted_publishers,
            makers=self.makers,
        )

    @cached_property
    def makers(self) -> Makers:
        return Makers(directory=self._adapters.directory, clock=self._adapters.clock)

    @cached_property
    def maker_review(self) -> MakerReview:
        return MakerReview(
            directory=self._adapters.directory,
            makers=self.makers,
            staff=self._parts.identity.staff,
            clock=self._adapters.clock,
        )


class TokenParts(ServiceGroup, frozen=True):
    """Who issues id tokens, and the mail about access tokens."""

    @cached_property
    def token_mail(self) -> TokenMail:
        return TokenMail(
            directory=self._adapters.directory,
            mail_delivery=self._parts.foundation.mail_delivery,
            clock=self._adapters.clock,
            base_url=self._settings.base_url,
        )

    @cached_property
    def leak_reports(self) -> LeakReports:
        """The reader of reports by the scanner whose keys are configured."""
        if not self._settings.report_keys_url:
            return LeakReports(keys=None)
        published = FetchedScannerKeys(
            fetcher=self._adapters.fetcher,
            url=self._settings.report_keys_url,
            clock=self._adapters.clock,
            on_failure=logged("reports.keys_not_read", "reason"),
        )
        return LeakReports(keys=published)

    @cached_property
    def job_token_verifier(self) -> JobTokenVerifier:
        return JobTokenVerifier(
            issuers=tuple(_trusted_issuers(self._settings)),
            keys=self._parts.identity.issuer_keys,
            clock=self._adapters.clock,
        )

    @cached_property
    def repository_ids(self) -> RepositoryIds:
        return RepositoryIds(
            http=self._adapters.fetcher,
            token=secret_of(self._settings.lookup_token),
            rate_limiter=self._registry.limits.rate_limiter,
            clock=self._adapters.clock,
        )


def _trusted_issuers(settings: Settings) -> Iterator[TrustedIssuer]:
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
