"""Organizations, their members and names, and webhooks."""

from functools import cached_property, partial

from shared.domain.webhooks import ReceiverHosts
from shared.registry.group import ServiceGroup
from shared.services.organizations.continuation import Continuation
from shared.services.organizations.freezes import Freezes
from shared.services.organizations.invitations import Invitations
from shared.services.organizations.made_by_accounts import MadeByAccounts, MakerMail
from shared.services.organizations.membership_records import MembershipRecords
from shared.services.organizations.memberships import Memberships
from shared.services.organizations.organizations import OrganizationDeletion, Organizations
from shared.services.organizations.ownership import OwnerlessOrganizations, OwnershipRequests
from shared.services.organizations.reserved_names import ReservedNames
from shared.services.organizations.retention import PrereleaseRetention
from shared.services.organizations.typosquats import Typosquats
from shared.services.organizations.usage import UsageCounts
from shared.services.organizations.webhook_delivery import WebhookDelivery
from shared.services.organizations.webhook_secrets import WebhookSecrets
from shared.services.organizations.webhooks import Webhooks
from shared.settings.values import split_list
from shared.telemetry.logged import logged
from shared.telemetry.metrics import WEBHOOK_ATTEMPTS, record_metric


class OrganizationServices(ServiceGroup, frozen=True):
    """Organizations, their members, the names that they may have, and webhooks."""

    @cached_property
    def organizations(self) -> Organizations:
        return Organizations(
            directory=self._adapters.directory,
            authorization=self._registry.rights.authorization,
            audited_writer=self._parts.foundation.audited_writer,
            rate_limiter=self._registry.limits.rate_limiter,
            clock=self._adapters.clock,
            randomness=self._adapters.randomness,
            founding=self._settings.founding,
            reserved_patterns=self._settings.reserved_patterns,
            upstreams=self._parts.mirroring.upstreams,
            typosquats=self._parts.organizations.typosquats,
        )

    @cached_property
    def memberships(self) -> Memberships:
        return Memberships(
            directory=self._adapters.directory,
            authorization=self._registry.rights.authorization,
            membership_records=self._parts.organizations.membership_records,
            made_by_accounts=self.made_by_accounts,
            maker_mail=self._parts.organizations.maker_mail,
            clock=self._adapters.clock,
        )

    @cached_property
    def invitations(self) -> Invitations:
        return Invitations(
            directory=self._adapters.directory,
            work=self._adapters.work,
            authorization=self._registry.rights.authorization,
            audited_writer=self._parts.foundation.audited_writer,
            membership_records=self._parts.organizations.membership_records,
            mail_domains=self._parts.identity.mail_domains,
            mail_delivery=self._parts.foundation.mail_delivery,
            rate_limiter=self._registry.limits.rate_limiter,
            read_only_mode=self._parts.foundation.read_only_mode,
            clock=self._adapters.clock,
            randomness=self._adapters.randomness,
            base_url=self._settings.base_url,
            invitation_mail_minutes=self._settings.invitation_mail_minutes,
        )

    @cached_property
    def made_by_accounts(self) -> MadeByAccounts:
        return MadeByAccounts(
            directory=self._adapters.directory,
            metadata=self._adapters.metadata,
            audited_writer=self._parts.foundation.audited_writer,
            token_records=self._registry.tokens.records,
            clock=self._adapters.clock,
        )

    @cached_property
    def deletion(self) -> OrganizationDeletion:
        return OrganizationDeletion(
            authorization=self._registry.rights.authorization,
            metadata=self._adapters.metadata,
            membership_records=self._parts.organizations.membership_records,
            audited_writer=self._parts.foundation.audited_writer,
            clock=self._adapters.clock,
        )

    @cached_property
    def ownerless(self) -> OwnerlessOrganizations:
        return OwnerlessOrganizations(
            directory=self._adapters.directory,
            events=self._adapters.events,
            membership_records=self._parts.organizations.membership_records,
            audited_writer=self._parts.foundation.audited_writer,
            clock=self._adapters.clock,
            mail_delivery=self._parts.foundation.mail_delivery,
            base_url=self._settings.base_url,
        )

    @cached_property
    def ownership_requests(self) -> OwnershipRequests:
        return OwnershipRequests(
            directory=self._adapters.directory,
            metadata=self._adapters.metadata,
            events=self._adapters.events,
            authorization=self._registry.rights.authorization,
            registry_authorization=self._registry.rights.registry_authorization,
            accounts=self._registry.identity.accounts,
            ownerless=self.ownerless,
            membership_records=self._parts.organizations.membership_records,
            memberships=self.memberships,
            audited_writer=self._parts.foundation.audited_writer,
            clock=self._adapters.clock,
            mail_delivery=self._parts.foundation.mail_delivery,
            base_url=self._settings.base_url,
        )

    @cached_property
    def continuation(self) -> Continuation:
        return Continuation(
            authorization=self._registry.rights.authorization,
            directory=self._adapters.directory,
            membership_records=self._parts.organizations.membership_records,
            audited_writer=self._parts.foundation.audited_writer,
            clock=self._adapters.clock,
        )

    @cached_property
    def freezes(self) -> Freezes:
        return Freezes(
            authorization=self._registry.rights.authorization,
            registry_authorization=self._registry.rights.registry_authorization,
            directory=self._adapters.directory,
            metadata=self._adapters.metadata,
            memberships=self.memberships,
            membership_records=self._parts.organizations.membership_records,
            audited_writer=self._parts.foundation.audited_writer,
            appeal=self._parts.foundation.appeal,
            clock=self._adapters.clock,
        )

    @cached_property
    def reserved_names(self) -> ReservedNames:
        return ReservedNames(
            directory=self._adapters.directory,
            registry_authorization=self._registry.rights.registry_authorization,
            audited_writer=self._parts.foundation.audited_writer,
            clock=self._adapters.clock,
            reserved_patterns=self._settings.reserved_patterns,
        )

    @cached_property
    def webhooks(self) -> Webhooks:
        return Webhooks(
            authorization=self._registry.rights.authorization,
            registry_authorization=self._registry.rights.registry_authorization,
            directory=self._adapters.directory,
            events=self._adapters.events,
            audited_writer=self._parts.foundation.audited_writer,
            makers=self._registry.tokens.makers,
            secrets=self.webhook_secrets,
            decision_mail=self._parts.foundation.decision_mail,
            clock=self._adapters.clock,
            randomness=self._adapters.randomness,
            inside_hosts=frozenset(split_list(self._settings.inside_hosts.lower())),
            receiver_hosts=ReceiverHosts.parse(self._settings.webhook_hosts),
        )

    @cached_property
    def webhook_secrets(self) -> WebhookSecrets:
        return WebhookSecrets(
            directory=self._adapters.directory,
            keys=self._adapters.keys,
            clock=self._adapters.clock,
            randomness=self._adapters.randomness,
        )

    @cached_property
    def retention(self) -> PrereleaseRetention:
        return PrereleaseRetention(
            authorization=self._registry.rights.authorization,
            directory=self._adapters.directory,
            metadata=self._adapters.metadata,
            package_records=self._registry.packages.records,
            search=self._registry.packages.search,
            mail_delivery=self._parts.foundation.mail_delivery,
            clock=self._adapters.clock,
            base_url=self._settings.base_url,
        )


class OrganizationParts(ServiceGroup, frozen=True):
    """Members, usage, confusable names and the delivery of webhooks."""

    @cached_property
    def usage_counts(self) -> UsageCounts:
        return UsageCounts(
            directory=self._adapters.directory,
            metadata=self._adapters.metadata,
            mail_delivery=self._parts.foundation.mail_delivery,
            clock=self._adapters.clock,
            base_url=self._settings.base_url,
        )

    @cached_property
    def membership_records(self) -> MembershipRecords:
        return MembershipRecords(
            directory=self._adapters.directory,
            audited_writer=self._parts.foundation.audited_writer,
            clock=self._adapters.clock,
            leases=self._parts.foundation.leases,
            mail_delivery=self._parts.foundation.mail_delivery,
            decision_mail=self._parts.foundation.decision_mail,
            base_url=self._settings.base_url,
            two_administrators=self._settings.two_administrators,
        )

    @cached_property
    def maker_mail(self) -> MakerMail:
        return MakerMail(
            mail_delivery=self._parts.foundation.mail_delivery,
            base_url=self._settings.base_url,
        )

    @cached_property
    def typosquats(self) -> Typosquats:
        return Typosquats(
            index=self._adapters.search,
            directory=self._adapters.directory,
            work=self._adapters.work,
            mail_delivery=self._parts.foundation.mail_delivery,
            clock=self._adapters.clock,
            base_url=self._settings.base_url,
            is_on=self._settings.typosquats == "hold",
            on_failure=logged("typosquats.names_unread", "reason"),
        )

    @cached_property
    def webhook_delivery(self) -> WebhookDelivery:
        return WebhookDelivery(
            directory=self._adapters.directory,
            events=self._adapters.events,
            makers=self._registry.tokens.makers,
            secrets=self._registry.organizations.webhook_secrets,
            http=self._adapters.fetcher,
            receiver_hosts=ReceiverHosts.parse(self._settings.webhook_hosts),
            clock=self._adapters.clock,
            count_attempt=partial(record_metric, WEBHOOK_ATTEMPTS, 1),
            on_unanswered=logged("webhook.unanswered", "webhook", "host", "reason"),
        )
