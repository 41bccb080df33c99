"""Every service, put together once over a choice of adapters."""

from collections.abc import Awaitable, Callable, Hashable
from dataclasses import dataclass
from datetime import timedelta
from functools import cached_property
from pathlib import Path

from shared.auth.authentication import Authentication
from shared.auth.authorization import Authorization
from shared.auth.canaries import Canaries
from shared.auth.discovery import Discovery
from shared.auth.keys import KeyRing, LinkSigner
from shared.auth.keysets import KeySets
from shared.auth.reports import FetchedKeys, Reports, StaticKeys
from shared.auth.trusted import AZURE_DEVOPS_AUDIENCE, JobTokens, TrustedIssuer, trusted_entra
from shared.domain.derived_index import index_file
from shared.domain.digest import Digest
from shared.domain.errors import Refusal
from shared.domain.limits import ArchiveLimits, Documentation
from shared.domain.rates import OperationClass
from shared.domain.workloads import Provider
from shared.log import log
from shared.ports import (
    ArchiveStore,
    Clock,
    DirectoryStore,
    DocumentStore,
    DomainRecords,
    EventStore,
    Fetcher,
    Mailer,
    MetadataStore,
    PullLedger,
    Randomness,
    SearchIndex,
    WorkStore,
)
from shared.registry import Registry, SignIn
from shared.services.accounts import Accounts
from shared.services.auditing import Auditing
from shared.services.braking import Braking
from shared.services.browsing import Browsing
from shared.services.checking import Checking
from shared.services.closing import Closing
from shared.services.connecting import Connecting
from shared.services.counting import Counting
from shared.services.departing import Departing
from shared.services.dependencies import Dependencies
from shared.services.deploying import Deploying
from shared.services.deprecating import Deprecating
from shared.services.deriving import Deriving
from shared.services.disclosing import Disclosing
from shared.services.enumerating import Enumerating
from shared.services.founding import Founders, Founding
from shared.services.held_news import HeldNews
from shared.services.indexing import Indexing
from shared.services.inviting import Inviting
from shared.services.limiting import Limiting
from shared.services.logbook import Logbook
from shared.services.member_changes import MemberChanges
from shared.services.moderation import Moderation
from shared.services.notifying import Notifying
from shared.services.organization_tokens import OrganizationTokens
from shared.services.organizations import Organizations
from shared.services.proving import Proving
from shared.services.publishing import Publishing
from shared.services.pulling import Pulling
from shared.services.reading import Reading
from shared.services.recording import Recording
from shared.services.remembering import Remembering
from shared.services.reminding import Reminding
from shared.services.resolving import Resolving
from shared.services.rosters import Rosters
from shared.services.searching import Searching
from shared.services.serving import Serving
from shared.services.token_news import TokenNews
from shared.services.token_records import TokenRecords
from shared.services.tokens import Tokens
from shared.services.trusted_publishers import TrustedPublishers
from shared.services.trusted_publishing import TrustedPublishing
from shared.services.upkeep import (
    Expiring,
    Forgetting,
    Refreshing,
    RollingUp,
    Settling,
    Sweeping,
    Upkeep,
)
from shared.services.visibility import ChangingVisibility
from shared.settings import Settings, listed
from shared.sign_in_composition import Parts, Stores, entra_access_of, sign_in_of


@dataclass(frozen=True)
class World:
    """One choice of adapter for every port, and the keys."""

    clock: Clock
    randomness: Randomness
    keys: KeyRing
    metadata: MetadataStore
    documents: DocumentStore
    archives: ArchiveStore
    directory: DirectoryStore
    events: EventStore
    work: WorkStore
    pulls: PullLedger
    search: SearchIndex
    mailer: Mailer
    domain_records: DomainRecords
    fetcher: Fetcher
    archive_path: Callable[[Digest], Path] | None
    close: Callable[[], Awaitable[None]]
    # Tells what the stores hold by a value that is another one after each write, where that can be
    # told at a fraction of what reading costs.
    edition: Callable[[], Hashable] | None = None


def compose(settings: Settings, world: World) -> Registry:
    """Return the registry with these settings over this choice of adapters."""
    return _Composition(settings, world).registry()


@dataclass(frozen=True)
class _Composition:
    """Each service once, made when the first other one needs it."""

    settings: Settings
    world: World

    def registry(self) -> Registry:
        """Return everything that the faces may ask for."""
        return Registry(
            settings=self.settings,
            clock=self.world.clock,
            authentication=self.authentication,
            sign_in=self.sign_in,
            accounts=self.accounts,
            organizations=self.organizations,
            closing=self.closing,
            inviting=self.inviting,
            proving=self.proving,
            tokens=self.tokens,
            logbook=self.logbook,
            trusted_publishers=self.trusted_publishers,
            trusted_publishing=self.trusted_publishing,
            organization_tokens=self.organization_tokens,
            disclosing=self.disclosing,
            connecting=self.connecting,
            departing=self.departing,
            publishing=self.publishing,
            deploying=self.deploying,
            pulling=self.pulling,
            browsing=self.browsing,
            checking=self.checking,
            enumerating=Enumerating(self.browsing, self.world.clock),
            resolving=self.resolving,
            searching=Searching(self.world.search, self.authorization),
            indexing=self.indexing,
            limiting=self.limiting,
            deprecating=self.deprecating,
            moderation=self.moderation,
            visibility=self.visibility,
            serving=self.serving,
            archives=self.world.archives,
            counting=self.counting,
            upkeep=self.upkeep,
            archive_path=self.world.archive_path,
            edition=self.world.edition,
            probe=self.probe,
            close=self.close,
        )

    async def probe(self) -> None:
        """Raise unless the stores answer."""
        await self.world.metadata.packages("", 1)

    async def close(self) -> None:
        """Write what is only in memory, and let go of the stores."""
        await self.counting.close()
        await self.authentication.close()
        await self.sign_in.noticing.close()
        self.reading.close()
        await self.world.close()

    @cached_property
    def authentication(self) -> Authentication:
        world = self.world
        return Authentication(
            world.directory,
            world.clock,
            self.settings.environment,
            canaries=Canaries(world.events, world.clock),
            entra=entra_access_of(self.settings, world.directory, self.key_sets, world.clock),
        )

    @cached_property
    def authorization(self) -> Authorization:
        return Authorization(self.world.directory, self.world.clock)

    @cached_property
    def sign_in(self) -> SignIn:
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
        )
        return sign_in_of(self.settings, stores, parts)

    @cached_property
    def trusted_publishers(self) -> TrustedPublishers:
        world = self.world
        return TrustedPublishers(
            authorization=self.authorization,
            directory=world.directory,
            recording=self.recording,
            metadata=world.metadata,
            deriving=self.deriving,
            clock=world.clock,
            randomness=world.randomness,
            servers=self.job_tokens.servers,
        )

    @cached_property
    def trusted_publishing(self) -> TrustedPublishing:
        world = self.world
        return TrustedPublishing(
            jobs=self.job_tokens,
            directory=world.directory,
            recording=self.recording,
            events=world.events,
            metadata=world.metadata,
            tokens=self.token_records,
            work=world.work,
            clock=world.clock,
        )

    @cached_property
    def job_tokens(self) -> JobTokens:
        issuers = trusted_issuers(self.settings)
        return JobTokens(issuers, self.key_sets, self.world.clock)

    @cached_property
    def key_sets(self) -> KeySets:
        return KeySets(self.world.fetcher, self.discovery, self.world.clock, _log_unread_issuer)

    @cached_property
    def discovery(self) -> Discovery:
        return Discovery(self.world.fetcher, self.world.clock, _log_unread_issuer)

    @cached_property
    def recording(self) -> Recording:
        world = self.world
        return Recording(
            directory=world.directory,
            events=world.events,
            clock=world.clock,
            randomness=world.randomness,
            delayed=_log_delayed_event,
        )

    @cached_property
    def accounts(self) -> Accounts:
        world = self.world
        return Accounts(world.directory, self.recording, world.clock, world.randomness)

    @cached_property
    def organizations(self) -> Organizations:
        world = self.world
        return Organizations(
            directory=world.directory,
            authorization=self.authorization,
            recording=self.recording,
            founding=self._founding(),
            rosters=self.rosters,
            changes=self.member_changes,
            clock=world.clock,
        )

    @cached_property
    def closing(self) -> Closing:
        return Closing(
            authorization=self.authorization,
            directory=self.world.directory,
            metadata=self.world.metadata,
            rosters=self.rosters,
            recording=self.recording,
            changes=self.member_changes,
        )

    @cached_property
    def inviting(self) -> Inviting:
        world = self.world
        return Inviting(
            directory=world.directory,
            authorization=self.authorization,
            recording=self.recording,
            rosters=self.rosters,
            changes=self.member_changes,
            randomness=world.randomness,
            base_url=self.settings.base_url,
        )

    @cached_property
    def proving(self) -> Proving:
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
        world = self.world
        return Rosters(world.directory, world.work, world.clock, world.randomness)

    @cached_property
    def member_changes(self) -> MemberChanges:
        base_url = self.settings.base_url
        return MemberChanges(self.world.directory, self.recording, self.notifying, base_url)

    @cached_property
    def notifying(self) -> Notifying:
        return Notifying(self.world.mailer, failed=_log_undelivered)

    @cached_property
    def tokens(self) -> Tokens:
        return Tokens(self.token_records, self.world.clock, self.settings.token_days)

    @cached_property
    def organization_tokens(self) -> OrganizationTokens:
        return OrganizationTokens(
            records=self.token_records,
            authorization=self.authorization,
            directory=self.world.directory,
            clock=self.world.clock,
            default_days=self.settings.token_days,
        )

    @cached_property
    def disclosing(self) -> Disclosing:
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
        world, base_url = self.world, self.settings.base_url
        return TokenNews(world.directory, self.notifying, world.clock, base_url)

    @cached_property
    def token_records(self) -> TokenRecords:
        return TokenRecords(
            directory=self.world.directory,
            recording=self.recording,
            clock=self.world.clock,
            randomness=self.world.randomness,
            environment=self.settings.environment,
        )

    @cached_property
    def connecting(self) -> Connecting:
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
        return Logbook(self.world.events, self.world.directory, self.authorization)

    @cached_property
    def departing(self) -> Departing:
        world = self.world
        return Departing(
            directory=world.directory,
            organizations=self.organizations,
            tokens=self.tokens,
            signing_out=self.sign_in.signing_out,
            identities=self.sign_in.identities,
            logbook=self.logbook,
            recording=self.recording,
            clock=world.clock,
        )

    @cached_property
    def deriving(self) -> Deriving:
        world = self.world
        return Deriving(world.metadata, world.documents, world.search, world.events)

    @cached_property
    def reading(self) -> Reading:
        settings = self.settings
        return Reading(
            limits=archive_limits(settings),
            max_archive_bytes=settings.max_archive_bytes,
            max_in_hand=settings.max_archives_in_hand,
        )

    @cached_property
    def publishing(self) -> Publishing:
        return Publishing(
            authorization=self.authorization,
            organizations=self.organizations,
            reading=self.reading,
            metadata=self.world.metadata,
            documents=self.world.documents,
            archives=self.world.archives,
            deriving=self.deriving,
            clock=self.world.clock,
            dependencies=self._dependencies(),
            publishers=self.trusted_publishers,
            limiting=self.limiting,
            news=self._held_news(),
        )

    @cached_property
    def pulling(self) -> Pulling:
        return Pulling(self.authorization, self.world.metadata, self.world.documents)

    @cached_property
    def browsing(self) -> Browsing:
        return Browsing(self.pulling, self.world.documents, self.world.search)

    @cached_property
    def checking(self) -> Checking:
        return Checking(self.world.archives)

    @cached_property
    def deploying(self) -> Deploying:
        world = self.world
        return Deploying(self.publishing, world.metadata, world.documents, self.checking)

    @cached_property
    def resolving(self) -> Resolving:
        world = self.world
        return Resolving(
            metadata=world.metadata,
            documents=world.documents,
            authorization=self.authorization,
            max_requests=self.settings.max_resolve,
        )

    @cached_property
    def indexing(self) -> Indexing:
        world = self.world
        return Indexing(
            pulling=self.pulling,
            authorization=self.authorization,
            metadata=world.metadata,
            events=world.events,
            files=Remembering(index_file, world.clock),
        )

    @cached_property
    def limiting(self) -> Limiting:
        work, clock, settings = self.world.work, self.world.clock, self.settings
        rules = {operation: settings.limits_of(operation) for operation in OperationClass}
        return Limiting(work, clock, rules, Braking(work, clock, settings.brake_packages))

    @cached_property
    def moderation(self) -> Moderation:
        world = self.world
        return Moderation(self.authorization, world.metadata, self.deriving, world.clock)

    @cached_property
    def deprecating(self) -> Deprecating:
        world = self.world
        return Deprecating(self.authorization, world.metadata, self.deriving, world.clock)

    @cached_property
    def visibility(self) -> ChangingVisibility:
        world = self.world
        return ChangingVisibility(self.authorization, world.metadata, self.deriving, world.clock)

    @cached_property
    def serving(self) -> Serving:
        return Serving(
            authorization=self.authorization,
            metadata=self.world.metadata,
            signer=LinkSigner(self.world.keys),
            clock=self.world.clock,
            base_url=self.settings.base_url,
        )

    @cached_property
    def counting(self) -> Counting:
        world = self.world
        signer = world.keys.signer("callers")
        return Counting(world.pulls, world.clock, signer, delayed=_log_delayed_pulls)

    @cached_property
    def upkeep(self) -> Upkeep:
        world = self.world
        tasks = {
            "settle": Settling(world.metadata, self.deriving, world.directory, world.events).run,
            "sweep": self._sweeping().run,
            "roll-up": RollingUp(world.pulls, self.deriving, world.clock).run,
            "expire": Expiring(world.directory, world.work, world.clock).run,
            "audit": Auditing(world.metadata, world.archives, self.reading).run,
            "forget": Forgetting(world.events, world.clock, self.settings.audit_days).run,
            "prove": self.proving.run,
            "keep": self.closing.run,
            "remind": Reminding(world.directory, world.work, world.clock, self.token_news).run,
            "refresh": Refreshing(world.metadata, self.deriving).run,
        }
        return Upkeep(world.work, world.clock, world.randomness, tasks)

    def _founding(self) -> Founding:
        world, settings = self.world, self.settings
        return Founding(
            directory=world.directory,
            recording=self.recording,
            clock=world.clock,
            randomness=world.randomness,
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

    def _held_news(self) -> HeldNews:
        world = self.world
        return HeldNews(
            directory=world.directory,
            notifying=self.notifying,
            work=world.work,
            clock=world.clock,
            base_url=self.settings.base_url,
        )

    def _dependencies(self) -> Dependencies:
        required = self.settings.require_dependencies
        return Dependencies(self.authorization, self.world.metadata, required)

    def _sweeping(self) -> Sweeping:
        return Sweeping(
            metadata=self.world.metadata,
            documents=self.world.documents,
            archives=self.world.archives,
            clock=self.world.clock,
            grace=timedelta(hours=self.settings.sweep_grace_hours),
        )


def _log_unread_issuer(document: str, reason: str) -> None:
    log.warning("issuer.unanswered", document=document, reason=reason)


def _log_delayed_event(refusal: Refusal) -> None:
    log.warning("event.delayed", reason=type(refusal).__name__)


def _log_unread_keys(reason: str) -> None:
    log.warning("reports.keys_not_read", reason=reason)


def _log_delayed_pulls(refusal: Refusal) -> None:
    log.warning("pulls.delayed", reason=type(refusal).__name__)


def trusted_issuers(settings: Settings) -> list[TrustedIssuer]:
    """Return who may sign for jobs that publish, as the operator has set it."""
    registry, anybody = (settings.base_url,), (AZURE_DEVOPS_AUDIENCE,)
    signers = (
        (Provider.GITHUB, settings.publish_from_github, registry),
        (Provider.GITLAB, settings.publish_from_gitlab, registry),
        (Provider.AZURE_DEVOPS, settings.publish_from_azure_devops, anybody),
    )
    found = [
        TrustedIssuer(provider, issuer, audiences)
        for provider, issuers, audiences in signers
        for issuer in listed(issuers)
    ]
    audience = settings.publish_from_entra_audience or settings.base_url
    for tenant in listed(settings.publish_from_entra):
        found += trusted_entra(tenant, audience)
    return found


def _log_undelivered(reason: str, count: int) -> None:
    log.warning("mail.undelivered", reason=reason, count=count)


def archive_limits(settings: Settings) -> ArchiveLimits:
    """Return the limits that the operator has set for archives."""
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
