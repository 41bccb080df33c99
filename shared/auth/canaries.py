"""Canaries: tokens that open nothing, and tell when somebody tries them."""

from datetime import timedelta

from shared.auth.beside import Beside
from shared.auth.client import Client
from shared.auth.recent import Recent
from shared.domain.errors import Refusal
from shared.domain.package import Event
from shared.domain.tokens import Token
from shared.log import log
from shared.ports import Clock, EventStore

EVENT_EVERY = timedelta(minutes=10)  # Of one canary from one address; each try is in the log.
REMEMBERED = 1_000  # Canaries and addresses; who sends from more is seen in the log.

_EVENT_EVERY_MS = EVENT_EVERY // timedelta(milliseconds=1)


class Canaries:
    """Tells the operator of each use of a canary; whoever uses it is told nothing."""

    def __init__(self, events: EventStore, clock: Clock) -> None:
        """Append to `events`, beside the requests, so that no answer comes later for it."""
        self._events = events
        self._clock = clock
        self._told = Recent[int](REMEMBERED)
        self._beside = Beside()

    def tried(self, token: Token, client: Client) -> None:
        """Tell that somebody has sent this canary."""
        log.warning(
            "token.canary_tried", token=token.id, address=client.address, agent=client.agent
        )
        now_ms = self._clock.now_ms()
        event = _event(token, client, now_ms)
        if self._told.get(event.id) is None:
            self._told.put(event.id, now_ms)
            self._beside.begin(self._append(event))

    async def close(self) -> None:
        """Wait until everything is told."""
        await self._beside.close()

    async def _append(self, event: Event) -> None:
        try:
            await self._events.append([event])
        except Refusal as refusal:
            self._told.drop(event.id)
            log.error("token.canary_not_told", token=event.subject, reason=type(refusal).__name__)


def _event(token: Token, client: Client, now_ms: int) -> Event:
    # The feed takes each id once, so all processes together tell it once.
    window = now_ms // _EVENT_EVERY_MS
    return Event(
        id=f"token.canary-tried:{token.id}:{client.address}:{window}",
        kind="token.canary-tried",
        at_ms=now_ms,
        actor="",
        subject=token.id,
        org=token.org.lower(),
        account="" if token.org else token.owner,
        credential=token.id,
        address=client.address,
        details={"name": token.name, "agent": client.agent},
    )
