"""Accounts, organizations and tokens, put together once."""

from dataclasses import dataclass
from datetime import timedelta
from functools import cached_property

from shared.auth.authentication import Authentication
from shared.auth.canaries import Canaries
from shared.auth.reports import FetchedKeys, Reports, StaticKeys
from shared.composing.foundations import Foundations
from shared.composing.sign_in import Parts, Stores, entra_access_of, sign_in_of
from shared.log import log
from shared.registry import SignIn
from shared.services.accounts import Accounts
from shared.services.administrators import Administrators
from shared.services.appointing import Appointing
from shared.services.closing import Closing
from shared.services.connecting import Connecting
from shared.services.departing import Departing
from shared.services.disclosing import Disclosing
from shared.services.founding import Founders, Founding
from shared.services.handing_over import HandingOver
from shared.services.inviting import InvitationPace, Inviting
from shared.services.kept_invitations import KeptInvitations
from shared.services.leasing import Leasing
from shared.services.logbook import Logbook
from shared.services.member_changes import MemberChanges
from shared.services.organization_tokens import OrganizationTokens
from shared.services.organizations import Organizations
from shared.services.proving import Proving
from shared.services.provisioning import Provisioning
from shared.services.reserving import Reserving
from shared.services.restraining import Restraining
from shared.services.rosters import Rosters
from shared.services.supervising import Supervising
from shared.services.token_lineage import TokenLineage
from shared.services.token_news import TokenNews
from shared.services.token_records import TokenRecords
from shared.services.tokens import Tokens


@dataclass(frozen=True)
class People(Foundations):
    """The services of people."""

    @cached_property
    def authentication(self) -> Authentication:
        """Return what says who makes a request."""
        world = self.world
        return Authentication(
            world.directory,
            world.clock,
            self.settings.environment,
            canaries=Canaries(world.events, world.clock),
            entra=entra_access_of(self.settings, world.directory, self.key_sets, world.clock),
        )

    @cached_property
    def sign_in(self) -> SignIn:
        """Return what signs people in and out."""
        world = self.world
        stores = Stores(
            clock=world.clock,
            randomness=world.randomness,
            keys=world.keys,
            directory=world.directory,
            work=world.work,
            fetcher=world.fetcher,
        )
        parts = Parts(
            accounts=self.accounts,
            recording=self.recording,
            notifying=self.notifying,
            discovery=self.discovery,
            key_sets=self.key_sets,
            pausing=self.pausing,
        )
        return sign_in_of(self.settings, stores, parts)

    @cached_property
    def accounts(self) -> Accounts:
        """Return what keeps accounts."""
        world = self.world
        return Accounts(world.directory, self.recording, world.clock, world.randomness)

    @cached_property
    def organizations(self) -> Organizations:
        """Return what keeps organizations."""
        world = self.world
        return Organizations(
            directory=world.directory,
            authorization=self.authorization,
            recording=self.recording,
            founding=self._founding(),
            rosters=self.rosters,
            changes=self.member_changes,
            lineage=self.token_lineage,
            clock=world.clock,
        )

    @cached_property
    def closing(self) -> Closing:
        """Return what deletes organizations."""
        return Closing(
            authorization=self.authorization,
            directory=self.world.directory,
            metadata=self.world.metadata,
            rosters=self.rosters,
            recording=self.recording,
            changes=self.member_changes,
        )

    @cached_property
    def handing_over(self) -> HandingOver:
        """Return what gives organizations to other owners."""
        return HandingOver(self.authorization, self.rosters, self.member_changes)

    @cached_property
    def inviting(self) -> Inviting:
        """Return what invites people."""
        world = self.world
        return Inviting(
            directory=world.directory,
            authorization=self.authorization,
            recording=self.recording,
            rosters=self.rosters,
            changes=self.member_changes,
            lineage=self.token_lineage,
            pace=InvitationPace(
                world.work,
                world.clock,
                self.limiting,
                timedelta(minutes=self.settings.invitation_mail_minutes),
            ),
            randomness=world.randomness,
            base_url=self.settings.base_url,
        )

    @cached_property
    def kept_invitations(self) -> KeptInvitations:
        """Return what keeps invitations for whoever has opened them."""
        return KeptInvitations(self.world.directory, self.inviting, self.pausing)

    @cached_property
    def proving(self) -> Proving:
        """Return what proves domains."""
        world = self.world
        return Proving(
            directory=world.directory,
            authorization=self.authorization,
            recording=self.recording,
            rosters=self.rosters,
            changes=self.member_changes,
            records=world.domain_records,
            randomness=world.randomness,
        )

    @cached_property
    def rosters(self) -> Rosters:
        """Return what reads and writes who is a member."""
        world = self.world
        return Rosters(world.directory, world.work, world.clock, world.randomness)

    @cached_property
    def member_changes(self) -> MemberChanges:
        """Return what tells of changes of members."""
        base_url = self.settings.base_url
        return MemberChanges(self.world.directory, self.recording, self.notifying, base_url)

    @cached_property
    def tokens(self) -> Tokens:
        """Return what keeps the tokens of accounts."""
        return Tokens(self.token_records, self.world.clock, self.settings.token_days)

    @cached_property
    def organization_tokens(self) -> OrganizationTokens:
        """Return what keeps the tokens of organizations."""
        return OrganizationTokens(
            records=self.token_records,
            authorization=self.authorization,
            directory=self.world.directory,
            clock=self.world.clock,
            default_days=self.settings.token_days,
        )

    @cached_property
    def disclosing(self) -> Disclosing:
        """Return what ends tokens that leaked."""
        world = self.world
        return Disclosing(
            reports=self._reports(),
            records=self.token_records,
            directory=world.directory,
            work=world.work,
            clock=world.clock,
            news=self.token_news,
        )

    @cached_property
    def token_news(self) -> TokenNews:
        """Return what tells people of their tokens."""
        world, base_url = self.world, self.settings.base_url
        return TokenNews(world.directory, self.notifying, world.clock, base_url)

    @cached_property
    def token_records(self) -> TokenRecords:
        """Return what writes tokens."""
        return TokenRecords(
            directory=self.world.directory,
            recording=self.recording,
            lineage=self.token_lineage,
            clock=self.world.clock,
            randomness=self.world.randomness,
            environment=self.settings.environment,
        )

    @cached_property
    def token_lineage(self) -> TokenLineage:
        """Return what knows what was made with tokens."""
        return TokenLineage(self.world.directory, self.recording, self.world.clock)

    @cached_property
    def connecting(self) -> Connecting:
        """Return what gives tokens to machines that a person approves."""
        world = self.world
        return Connecting(
            work=world.work,
            directory=world.directory,
            events=world.events,
            recording=self.recording,
            tokens=self.tokens,
            limiting=self.limiting,
            signer=world.keys.signer("device"),
            clock=world.clock,
            randomness=world.randomness,
            base_url=self.settings.base_url,
        )

    @cached_property
    def logbook(self) -> Logbook:
        """Return what reads the logs."""
        world = self.world
        return Logbook(world.events, world.directory, self.authorization, self.administration)

    @cached_property
    def departing(self) -> Departing:
        """Return what lets people take their data and go."""
        world = self.world
        return Departing(
            directory=world.directory,
            organizations=self.organizations,
            tokens=self.tokens,
            lineage=self.token_lineage,
            signing_out=self.sign_in.signing_out,
            identities=self.sign_in.identities,
            logbook=self.logbook,
            recording=self.recording,
            clock=world.clock,
        )

    @cached_property
    def administrators(self) -> Administrators:
        """Return what knows who administers the registry."""
        world = self.world
        leasing = Leasing(world.work, world.clock, world.randomness)
        return Administrators(world.directory, self.administration, leasing)

    @cached_property
    def supervising(self) -> Supervising:
        """Return what shows accounts to administrators."""
        return Supervising(
            directory=self.world.directory,
            administration=self.administration,
            administrators=self.administrators,
            organizations=self.organizations,
            tokens=self.token_records,
            logbook=self.logbook,
        )

    @cached_property
    def appointing(self) -> Appointing:
        """Return what makes administrators."""
        base_url = self.settings.base_url
        return Appointing(self.administrators, self.recording, self.notifying, base_url)

    @cached_property
    def restraining(self) -> Restraining:
        """Return what locks accounts, and ends what they are used by."""
        return Restraining(
            administrators=self.administrators,
            recording=self.recording,
            signing_out=self.sign_in.signing_out,
            tokens=self.token_records,
            notifying=self.notifying,
            base_url=self.settings.base_url,
        )

    @cached_property
    def provisioning(self) -> Provisioning:
        """Return what shows every organization to administrators."""
        return Provisioning(self.world.directory, self.administration, self.organizations)

    @cached_property
    def reserving(self) -> Reserving:
        """Return what keeps names back."""
        return Reserving(
            directory=self.world.directory,
            administration=self.administration,
            recording=self.recording,
            configured=self.settings.reserved_patterns,
        )

    def _founding(self) -> Founding:
        world, settings = self.world, self.settings
        return Founding(
            directory=world.directory,
            recording=self.recording,
            clock=world.clock,
            randomness=world.randomness,
            limiting=self.limiting,
            founders=Founders(settings.founding),
            kept_back=settings.reserved_patterns,
        )

    def _reports(self) -> Reports:
        world, url = self.world, self.settings.report_keys_url
        configured = StaticKeys.of_setting(self.settings.report_keys)
        if not url:
            return Reports((configured,))
        published = FetchedKeys(world.fetcher, url, world.clock, failed=_log_unread_keys)
        return Reports((configured, published))


def _log_unread_keys(reason: str) -> None:
    log.warning("reports.keys_not_read", reason=reason)
