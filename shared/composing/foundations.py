"""What every other service leans on."""

from dataclasses import dataclass
from functools import cached_property

from shared.auth.administration import Administration
from shared.auth.authorization import Authorization
from shared.auth.discovery import Discovery
from shared.auth.keysets import KeySets
from shared.composing.world import World
from shared.domain.errors import Refusal
from shared.domain.rates import OperationClass
from shared.log import log
from shared.services.announcing import Announcing
from shared.services.braking import Braking
from shared.services.bulletins import Bulletins
from shared.services.limiting import Limiting
from shared.services.notifying import Notifying
from shared.services.pausing import Pausing
from shared.services.recording import Recording
from shared.settings import Settings


@dataclass(frozen=True)
class Foundations:
    """Rights, records, letters, limits, and the keys of others."""

    settings: Settings
    world: World

    @cached_property
    def authorization(self) -> Authorization:
        """Return what says who may do what."""
        return Authorization(self.world.directory, self.world.clock)

    @cached_property
    def administration(self) -> Administration:
        """Return what says who runs the registry."""
        return Administration(self.world.directory, self.world.clock)

    @cached_property
    def recording(self) -> Recording:
        """Return what writes entities with their events."""
        world = self.world
        return Recording(
            directory=world.directory,
            events=world.events,
            clock=world.clock,
            randomness=world.randomness,
            delayed=_log_delayed_event,
        )

    @cached_property
    def notifying(self) -> Notifying:
        """Return what writes to people."""
        return Notifying(self.world.mailer, failed=_log_undelivered)

    @cached_property
    def limiting(self) -> Limiting:
        """Return what says how much is too much."""
        work, clock, settings = self.world.work, self.world.clock, self.settings
        rules = {operation: settings.limits_of(operation) for operation in OperationClass}
        braking = Braking(work, clock, settings.brake_packages, settings.brake_releases)
        return Limiting(work, clock, rules, braking, self.pausing)

    @cached_property
    def bulletins(self) -> Bulletins:
        """Return what knows the bulletin."""
        return Bulletins(self.world.directory, self.world.clock)

    @cached_property
    def pausing(self) -> Pausing:
        """Return what says whether changes are taken."""
        return Pausing(self.bulletins)

    @cached_property
    def announcing(self) -> Announcing:
        """Return what writes the bulletin."""
        return Announcing(
            administration=self.administration,
            directory=self.world.directory,
            recording=self.recording,
            bulletins=self.bulletins,
            clock=self.world.clock,
            randomness=self.world.randomness,
        )

    @cached_property
    def discovery(self) -> Discovery:
        """Return what finds the documents of issuers."""
        return Discovery(self.world.fetcher, self.world.clock, _log_unread_issuer)

    @cached_property
    def key_sets(self) -> KeySets:
        """Return what keeps the keys of issuers."""
        return KeySets(self.world.fetcher, self.discovery, self.world.clock, _log_unread_issuer)


def _log_unread_issuer(document: str, reason: str) -> None:
    log.warning("issuer.unanswered", document=document, reason=reason)


def _log_delayed_event(refusal: Refusal) -> None:
    log.warning("event.delayed", reason=type(refusal).__name__)


def _log_undelivered(reason: str, count: int) -> None:
    log.warning("mail.undelivered", reason=reason, count=count)
