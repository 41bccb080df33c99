"""Rights, records, limits, leases and mail, which services of all subjects use."""

from functools import cached_property, partial

from shared.auth.authorization import Authorization
from shared.auth.known_readers import KnownReaders
from shared.auth.registry_authorization import RegistryAuthorization
from shared.domain.rate_limits import RateLimitClass
from shared.registry.group import ServiceGroup
from shared.runtime.background_tasks import BackgroundTasks
from shared.services.audited_writes import AuditedWriter
from shared.services.event_appender import EventAppender
from shared.services.identity.mail import DecisionMail
from shared.services.identity.mail_recipients import recipient_accounts
from shared.services.leases import Leases
from shared.services.limits.burst_detection import BurstDetection
from shared.services.limits.notices import NoticeCache, Notices, ReadOnlyMode
from shared.services.limits.rate_limits import RateLimiter
from shared.services.mail_delivery import Appeal, MailDelivery
from shared.services.mail_queue import MailQueue
from shared.telemetry.logged import logged


class RightsServices(ServiceGroup, frozen=True):
    """Who may do what: the rights of organizations, and those of administrators."""

    @cached_property
    def authorization(self) -> Authorization:
        return Authorization(
            directory=self._adapters.directory,
            clock=self._adapters.clock,
            readers=self._parts.foundation.known_readers,
            base_url=self._settings.base_url,
            founding=self._settings.founding,
        )

    @cached_property
    def registry_authorization(self) -> RegistryAuthorization:
        return RegistryAuthorization(directory=self._adapters.directory, clock=self._adapters.clock)


class LimitServices(ServiceGroup, frozen=True):
    """Rate limits and notices, which say whether the registry is read-only."""

    @cached_property
    def rate_limiter(self) -> RateLimiter:
        return RateLimiter(
            work=self._adapters.work,
            clock=self._adapters.clock,
            rules={each: self._settings.limits_of(each) for each in RateLimitClass},
            burst_detection=self._parts.foundation.burst_detection,
            read_only_mode=self._parts.foundation.read_only_mode,
        )

    @cached_property
    def notices(self) -> Notices:
        return Notices(
            registry_authorization=self._registry.rights.registry_authorization,
            directory=self._adapters.directory,
            audited_writer=self._parts.foundation.audited_writer,
            notice_cache=self.notice_cache,
            clock=self._adapters.clock,
        )

    @cached_property
    def notice_cache(self) -> NoticeCache:
        return self._close_at_end(
            NoticeCache(directory=self._adapters.directory, clock=self._adapters.clock)
        )


class FoundationParts(ServiceGroup, frozen=True):
    """Records, leases, mail and background tasks."""

    @cached_property
    def known_readers(self) -> KnownReaders:
        return KnownReaders(edition=self._adapters.edition, clock=self._adapters.clock)

    @cached_property
    def event_appender(self) -> EventAppender:
        writes_log = self._adapters.writes_log
        return EventAppender(
            events=self._adapters.events,
            revocations=self._adapters.revocations,
            start_log=self._parts.transparency.log_writing.start if writes_log else None,
        )

    @cached_property
    def audited_writer(self) -> AuditedWriter:
        return AuditedWriter(
            directory=self._adapters.directory,
            event_appender=self.event_appender,
            clock=self._adapters.clock,
            randomness=self._adapters.randomness,
            on_delay=logged("event.delayed", "reason"),
        )

    @cached_property
    def leases(self) -> Leases:
        return Leases(
            work=self._adapters.work,
            clock=self._adapters.clock,
            randomness=self._adapters.randomness,
        )

    @cached_property
    def burst_detection(self) -> BurstDetection:
        return BurstDetection(
            work=self._adapters.work,
            clock=self._adapters.clock,
            most_packages=self._settings.brake_packages,
            most_releases=self._settings.brake_releases,
        )

    @cached_property
    def read_only_mode(self) -> ReadOnlyMode:
        return ReadOnlyMode(notice_cache=self._registry.limits.notice_cache)

    @cached_property
    def background_tasks(self) -> BackgroundTasks:
        return self._close_at_end(BackgroundTasks())

    @cached_property
    def mail_delivery(self) -> MailDelivery:
        return MailDelivery(
            mailer=self._adapters.mailer,
            work=self._adapters.work,
            clock=self._adapters.clock,
            on_failure=logged("mail.undelivered", "reason", "count"),
            mail_queue=self.mail_queue,
            read_recipients=partial(
                recipient_accounts, self._adapters.directory, self._adapters.clock
            ),
        )

    @cached_property
    def mail_queue(self) -> MailQueue:
        return MailQueue(
            directory=self._adapters.directory,
            clock=self._adapters.clock,
            randomness=self._adapters.randomness,
        )

    @cached_property
    def appeal(self) -> Appeal:
        return Appeal(abuse_contact=self._settings.abuse_contact)

    @cached_property
    def decision_mail(self) -> DecisionMail:
        return DecisionMail(
            mail_delivery=self.mail_delivery,
            appeal=self.appeal,
            clock=self._adapters.clock,
            base_url=self._settings.base_url,
        )
