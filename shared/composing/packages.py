"""Publishing and reading packages, put together once."""

from dataclasses import dataclass
from functools import cached_property

from shared.auth.keys import LinkSigner
from shared.auth.trusted import AZURE_DEVOPS_AUDIENCE, JobTokens, TrustedIssuer, trusted_entra
from shared.composing.people import People
from shared.domain.derived_index import index_file
from shared.domain.errors import Refusal
from shared.domain.limits import ArchiveLimits, Documentation
from shared.domain.package import Release
from shared.domain.workloads import Provider
from shared.log import log
from shared.services.browsing import Browsing
from shared.services.checking import Checking
from shared.services.chronicling import Chronicling
from shared.services.counting import Counting
from shared.services.dependencies import Dependencies
from shared.services.deploying import Deploying
from shared.services.deprecating import Deprecating
from shared.services.deriving import Deriving
from shared.services.held_news import HeldNews
from shared.services.indexing import Indexing
from shared.services.inspecting import Inspecting
from shared.services.moderation import Moderation
from shared.services.moderation_news import ModerationNews
from shared.services.placing import Placing
from shared.services.publishing import Publishing
from shared.services.pulling import Pulling
from shared.services.reading import Reading
from shared.services.remembering import Remembering
from shared.services.renderings import Renderings
from shared.services.resolving import Resolving
from shared.services.reviewing import Reviewing
from shared.services.searching import Searching
from shared.services.serving import Edges, Serving
from shared.services.showing import Showing
from shared.services.stocktaking import Stocktaking
from shared.services.trusted_publishers import TrustedPublishers
from shared.services.trusted_publishing import TrustedPublishing
from shared.services.unpacking import Unpacking
from shared.services.visibility import ChangingVisibility
from shared.services.withholding import Withholding
from shared.settings import Settings, listed
from shared.telemetry import recording
from shared.telemetry.catalog import PUSHES


@dataclass(frozen=True)
class Packages(People):
    """The services of packages."""

    @cached_property
    def deriving(self) -> Deriving:
        """Return what keeps lists, search and feed true."""
        world = self.world
        return Deriving(
            metadata=world.metadata,
            documents=world.documents,
            search=world.search,
            events=world.events,
            withholding=Withholding(world.directory, world.metadata),
            placing=self._placing(),
        )

    @cached_property
    def reading(self) -> Reading:
        """Return what reads archives."""
        settings = self.settings
        return Reading(
            limits=archive_limits(settings),
            max_archive_bytes=settings.max_archive_bytes,
            max_in_hand=settings.max_archives_in_hand,
        )

    @cached_property
    def trusted_publishers(self) -> TrustedPublishers:
        """Return what keeps who publishes from CI."""
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
        """Return what gives tokens to jobs."""
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
        """Return what reads the id tokens of jobs."""
        issuers = trusted_issuers(self.settings)
        return JobTokens(issuers, self.key_sets, self.world.clock)

    @cached_property
    def publishing(self) -> Publishing:
        """Return what admits releases."""
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
            admitted=_tell_of_push,
        )

    @cached_property
    def pulling(self) -> Pulling:
        """Return what finds releases."""
        return Pulling(self.authorization, self.world.metadata, self.world.documents)

    @cached_property
    def browsing(self) -> Browsing:
        """Return what shows packages."""
        return Browsing(self.pulling, self.world.documents, self.world.search)

    @cached_property
    def showing(self) -> Showing:
        """Return what shows packages to people."""
        world = self.world
        return Showing(
            pulling=self.pulling,
            searching=Searching(world.search, self.authorization),
            metadata=world.metadata,
            documents=world.documents,
            directory=world.directory,
            pulls=world.pulls,
            clock=world.clock,
        )

    @cached_property
    def chronicling(self) -> Chronicling:
        """Return what tells what became of packages."""
        return Chronicling(self.world.events, self.world.metadata)

    @cached_property
    def unpacking(self) -> Unpacking:
        """Return what reads the files of archives."""
        return Unpacking(self.world.archives)

    @cached_property
    def renderings(self) -> Renderings:
        """Return what renders texts."""
        return Renderings(self.world.documents)

    @cached_property
    def checking(self) -> Checking:
        """Return what compares checksums."""
        return Checking(self.world.archives)

    @cached_property
    def deploying(self) -> Deploying:
        """Return what takes files of a Maven repository."""
        world = self.world
        return Deploying(self.publishing, world.metadata, world.documents, self.checking)

    @cached_property
    def resolving(self) -> Resolving:
        """Return what chooses versions."""
        world = self.world
        return Resolving(
            metadata=world.metadata,
            documents=world.documents,
            authorization=self.authorization,
            max_requests=self.settings.max_resolve,
        )

    @cached_property
    def indexing(self) -> Indexing:
        """Return what makes the files of the index."""
        world = self.world
        return Indexing(
            pulling=self.pulling,
            authorization=self.authorization,
            metadata=world.metadata,
            events=world.events,
            files=Remembering(index_file, world.clock),
        )

    @cached_property
    def moderation(self) -> Moderation:
        """Return what holds and withdraws releases."""
        world, base_url = self.world, self.settings.base_url
        return Moderation(
            authorization=self.authorization,
            administration=self.administration,
            metadata=world.metadata,
            deriving=self.deriving,
            news=ModerationNews(world.directory, self.notifying, world.clock, base_url),
            clock=world.clock,
        )

    @cached_property
    def inspecting(self) -> Inspecting:
        """Return what shows administrators releases, whatever their state."""
        world = self.world
        return Inspecting(
            administration=self.administration,
            metadata=world.metadata,
            directory=world.directory,
            pulls=world.pulls,
            logbook=self.logbook,
            searching=Searching(world.search, self.authorization),
        )

    @cached_property
    def reviewing(self) -> Reviewing:
        """Return what shows owners the releases that wait for them."""
        world = self.world
        return Reviewing(self.authorization, world.metadata, world.directory)

    @cached_property
    def stocktaking(self) -> Stocktaking:
        """Return what shows an organization its packages."""
        return Stocktaking(self.authorization, self.world.metadata)

    @cached_property
    def deprecating(self) -> Deprecating:
        """Return what deprecates."""
        world = self.world
        return Deprecating(self.authorization, world.metadata, self.deriving, world.clock)

    @cached_property
    def visibility(self) -> ChangingVisibility:
        """Return what changes who sees a package."""
        world = self.world
        return ChangingVisibility(self.authorization, world.metadata, self.deriving, world.clock)

    @cached_property
    def serving(self) -> Serving:
        """Return what hands out bytes."""
        return Serving(
            authorization=self.authorization,
            metadata=self.world.metadata,
            signer=LinkSigner(self.world.keys),
            clock=self.world.clock,
            base_url=self.settings.base_url,
            edges=Edges(
                cdn_url=self.settings.archive_cdn_url,
                cdn=self.settings.archive_cdn,
                links=self.world.links if self.settings.archive_links == "store" else None,
            ),
        )

    @cached_property
    def counting(self) -> Counting:
        """Return what counts pulls."""
        world = self.world
        signer = world.keys.signer("callers")
        return Counting(
            world.pulls, world.clock, signer, admit=self.pausing.admit, delayed=_log_delayed_pulls
        )

    def _placing(self) -> Placing | None:
        """Return what moves archives, where a link or a copy could outlive a change."""
        world = self.world
        if world.links is None and world.edge is None:
            return None
        return Placing(world.metadata, world.archives, world.edge)

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


def _tell_of_push(release: Release) -> None:
    recording.record(PUSHES, 1, {"state": release.state.value})


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
