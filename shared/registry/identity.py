"""Accounts, identities, sign-in and sessions."""

from collections.abc import Mapping
from datetime import timedelta
from functools import cached_property

from shared.auth.authentication import Authentication
from shared.auth.browsers import Browsers, KnownBrowsers
from shared.auth.cookies import Cookie
from shared.auth.entra_sign_in import EntraProvider
from shared.auth.id_tokens import IdTokenValidator
from shared.auth.identity_providers import IdentityProvider
from shared.auth.issuer_keys import IssuerDiscovery, IssuerKeys
from shared.auth.sessions import SessionAuthentication, SessionLifetimes
from shared.domain.staff import Staff, parse_staff_sources
from shared.registry.group import ServiceGroup
from shared.registry.identity_providers import entra_provider, identity_providers
from shared.services.identity.accounts import Accounts, RetiredNames
from shared.services.identity.mail import AccountMail
from shared.services.identity.mail_domains import MailDomains
from shared.services.identity.sessions import Identities, Sessions
from shared.services.identity.sign_in import SignInFlow
from shared.services.identity.sign_in_links import SignInLinks
from shared.services.revocation_list import RetiredNameList
from shared.telemetry.logged import logged


class IdentityServices(ServiceGroup, frozen=True):
    """Who somebody is: accounts, identities, sessions; and mail to accounts."""

    @cached_property
    def accounts(self) -> Accounts:
        return Accounts(
            directory=self._adapters.directory,
            retired_names=self._parts.identity.retired_names,
            audited_writer=self._parts.foundation.audited_writer,
            clock=self._adapters.clock,
            randomness=self._adapters.randomness,
        )

    @cached_property
    def identities(self) -> Identities:
        return Identities(
            directory=self._adapters.directory,
            accounts=self.accounts,
            audited_writer=self._parts.foundation.audited_writer,
            clock=self._adapters.clock,
            randomness=self._adapters.randomness,
            account_mail=self.account_mail,
            read_only_mode=self._parts.foundation.read_only_mode,
            rights=self._parts.administration.roles_by_groups,
            leases=self._parts.foundation.leases,
        )

    @cached_property
    def sessions(self) -> Sessions:
        return Sessions(
            directory=self._adapters.directory,
            audited_writer=self._parts.foundation.audited_writer,
            clock=self._adapters.clock,
            account_mail=self.account_mail,
        )

    @cached_property
    def authentication(self) -> Authentication:
        return self._close_at_end(
            Authentication(
                directory=self._adapters.directory,
                clock=self._adapters.clock,
                environment=self._settings.environment,
                edition=self._adapters.edition,
                staff=self._parts.identity.staff,
            )
        )

    @cached_property
    def session_authentication(self) -> SessionAuthentication:
        return SessionAuthentication(
            directory=self._adapters.directory,
            keys=self._adapters.keys,
            clock=self._adapters.clock,
            randomness=self._adapters.randomness,
            cookie=Cookie.named("ballroom", self._settings.base_url),
            require_strong=self._settings.require_strong,
            staff=self._parts.identity.staff,
            on_copied_cookie=self.sessions.end_copied,
            rights=self._parts.administration.roles_by_groups,
            on_delay=logged("session.not_renewed", "reason"),
        )

    @cached_property
    def sign_in_flow(self) -> SignInFlow:
        return SignInFlow(
            providers=self._parts.identity.identity_providers,
            links=self.sign_in_links,
            two_administrators=self._settings.two_administrators,
            session_authentication=self.session_authentication,
            identities=self.identities,
            known_browsers=self.known_browsers,
            work=self._adapters.work,
            directory=self._adapters.directory,
            audited_writer=self._parts.foundation.audited_writer,
            clock=self._adapters.clock,
            randomness=self._adapters.randomness,
            account_mail=self.account_mail,
            rights=self._parts.administration.roles_by_groups,
            base_url=self._settings.base_url,
            lifetimes=SessionLifetimes(
                idle=timedelta(hours=self._settings.session_idle_hours),
                whole=timedelta(days=self._settings.session_days),
            ),
            sign_up=self._settings.sign_up,
            on_refusal=logged("sign_in.refused", "provider", "reason"),
        )

    @cached_property
    def sign_in_links(self) -> SignInLinks:
        return SignInLinks(
            work=self._adapters.work,
            directory=self._adapters.directory,
            clock=self._adapters.clock,
            randomness=self._adapters.randomness,
            base_url=self._settings.base_url,
        )

    @cached_property
    def browsers(self) -> Browsers:
        return Browsers(
            keys=self._adapters.keys,
            randomness=self._adapters.randomness,
            base_url=self._settings.base_url,
        )

    @cached_property
    def known_browsers(self) -> KnownBrowsers:
        return KnownBrowsers(
            keys=self._adapters.keys,
            randomness=self._adapters.randomness,
            base_url=self._settings.base_url,
        )

    @cached_property
    def account_mail(self) -> AccountMail:
        return self._close_at_end(
            AccountMail(
                directory=self._adapters.directory,
                mail_delivery=self._parts.foundation.mail_delivery,
                base_url=self._settings.base_url,
                background_tasks=self._parts.foundation.background_tasks,
            )
        )


class IdentityParts(ServiceGroup, frozen=True):
    """Identity providers, names that nobody may have again, and domains of mail."""

    @cached_property
    def entra_provider(self) -> EntraProvider | None:
        return entra_provider(
            self._adapters, self._settings, self.issuer_discovery, self.id_token_validator
        )

    @cached_property
    def identity_providers(self) -> Mapping[str, IdentityProvider]:
        return identity_providers(
            self._adapters,
            self._settings,
            self.issuer_discovery,
            self.id_token_validator,
            self.entra_provider,
        )

    @cached_property
    def retired_name_list(self) -> RetiredNameList:
        return RetiredNameList(
            events=self._adapters.events,
            revocations=self._adapters.revocations,
            clock=self._adapters.clock,
        )

    @cached_property
    def retired_names(self) -> RetiredNames:
        return RetiredNames(
            directory=self._adapters.directory,
            listed=self.retired_name_list,
            randomness=self._adapters.randomness,
        )

    @cached_property
    def issuer_discovery(self) -> IssuerDiscovery:
        return IssuerDiscovery(
            fetcher=self._adapters.fetcher,
            clock=self._adapters.clock,
            on_failure=logged("issuer.unanswered", "document", "reason"),
        )

    @cached_property
    def issuer_keys(self) -> IssuerKeys:
        return IssuerKeys(
            fetcher=self._adapters.fetcher,
            discovery=self.issuer_discovery,
            clock=self._adapters.clock,
            on_failure=logged("issuer.unanswered", "document", "reason"),
        )

    @cached_property
    def id_token_validator(self) -> IdTokenValidator:
        return IdTokenValidator(issuer_keys=self.issuer_keys, clock=self._adapters.clock)

    @cached_property
    def staff(self) -> Staff:
        return Staff(
            sources=parse_staff_sources(self._settings.staff),
            reads_groups=self._settings.entra_groups or bool(self._settings.oidc_groups_claim),
        )

    @cached_property
    def mail_domains(self) -> MailDomains:
        return MailDomains(
            http=self._adapters.fetcher,
            directory=self._adapters.directory,
            audited_writer=self._parts.foundation.audited_writer,
            mail_delivery=self._parts.foundation.mail_delivery,
            clock=self._adapters.clock,
            rdap_url=self._settings.rdap_url,
            base_url=self._settings.base_url,
        )
