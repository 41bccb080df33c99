"""The upstream registries of this one: their order, their rules, and a circuit breaker for each."""

from collections.abc import Callable
from datetime import timedelta
from functools import partial

from msgspec import Struct

from shared.domain.coordinates import Package
from shared.domain.distributions import ANY_CLIENT
from shared.domain.errors.packages import (
    CLOSED,
    FAILING,
    NO_ROOM,
    UNUSABLE,
    UpstreamUnavailable,
    owned_by_upstream,
)
from shared.domain.mirror_rules import MIRROR_RULES_PLACE, MirrorRules, UpstreamAddress
from shared.domain.names import OrgName
from shared.domain.principals import Principal
from shared.ports.directory import DirectoryStore
from shared.ports.http_client import (
    AnswerUnusable,
    NoRoomToFetch,
    ServerUnreachable,
    TokenNeeded,
    Unanswered,
)
from shared.ports.system import Clock
from shared.ports.upstream import Upstream, UpstreamBusy
from shared.runtime.cached_record import CachedRecord
from shared.runtime.circuit_breaker import CircuitBreaker

PROBED = Package.parse("ballerina", "io")  # A registry that does not have it says so.
RULES_CACHED_FOR = timedelta(seconds=3)  # A change is in force everywhere within five.

ConnectUpstream = Callable[[UpstreamAddress], Upstream]
LogFailure = Callable[[str, str], None]  # Called with the name of an upstream and the reason.


class UpstreamSource(Struct, frozen=True):
    """An upstream registry, and its own circuit breaker: one that fails does not affect others.

    `with_token` is the same registry as it answers requests with a token, with a breaker of its
    own, so that a refused token leaves everything else as it is; None without a token.
    """

    name: str
    address: str
    upstream: Upstream
    breaker: CircuitBreaker
    with_token: "UpstreamSource | None" = None
    sends_token: bool = False

    @property
    def cache_key(self) -> str:
        """The key of its cached answers, which are apart for requests with a token."""
        return f"{self.name} with token" if self.sends_token else self.name

    async def failure(self) -> Unanswered | None:
        """Ask the upstream for versions; return why it does not answer, or None if it does."""
        try:
            await self.upstream.versions(PROBED, ANY_CLIENT, via="")
        except Unanswered as error:
            return error
        return None

    def asked_by(self, by: Principal) -> tuple["UpstreamSource", ...]:
        """Return how the upstream is asked for a caller, in this order: as anybody asks it, and
        with the token if the caller reads internal packages."""
        return (self, self.with_token) if self.with_token and by.reads_internal else (self,)


_ASK_OPERATOR = "Ask the operator of this registry, whose log has the reason."


def refusal_of(failure: Unanswered, what: object, source: UpstreamSource) -> UpstreamUnavailable:
    """Return the refusal of a question that the upstream did not answer, or not usably."""
    if isinstance(failure, TokenNeeded):
        return UpstreamUnavailable(what, source.name, CLOSED)
    if isinstance(failure, AnswerUnusable):
        return UpstreamUnavailable(what, source.name, UNUSABLE)
    if isinstance(failure, NoRoomToFetch):
        return UpstreamUnavailable(what, source.name, NO_ROOM)
    if failure.trouble != Unanswered.trouble:
        return UpstreamUnavailable(what, source.name, failure.trouble, _ASK_OPERATOR)
    if isinstance(failure, ServerUnreachable | UpstreamBusy):
        return UpstreamUnavailable(what, source.name)
    return UpstreamUnavailable(what, source.name, FAILING)


class Upstreams:
    """The upstreams in their order and the rules, as they were at most three seconds ago.

    While the store fails, those that were read last stay in force.
    """

    def __init__(
        self,
        configured: tuple[UpstreamAddress, ...],
        connect: ConnectUpstream,
        directory: DirectoryStore,
        clock: Clock,
        on_failure: LogFailure,
        *,
        minimum_age_days: int,
    ) -> None:
        """`configured` are the registries until operators change the list; the minimum age holds
        for all of them where no rule does."""
        self._configured = MirrorRules(revision=0, upstreams=configured)
        self._connect = connect
        self._directory = directory
        self._clock = clock
        self._on_failure = on_failure
        self._minimum_age_days = minimum_age_days
        self._sources: dict[UpstreamAddress, UpstreamSource] = {}
        self._rules = CachedRecord(self.stored_rules, clock, RULES_CACHED_FOR)

    async def rules(self) -> MirrorRules:
        """Return the rules; raise `Unavailable` if none were read yet and the store fails."""
        return await self._rules.current()

    async def stored_rules(self) -> MirrorRules:
        """Return the rules as they are stored; before operators stored some, with revision 0."""
        stored = await self._directory.get(MirrorRules, MIRROR_RULES_PLACE)
        update = {"default_days": self._minimum_age_days}
        return (stored or self._configured).model_copy(update=update)

    async def sources(self) -> tuple[UpstreamSource, ...]:
        """Return the upstreams in their order."""
        return tuple(map(self._source, (await self.rules()).upstreams))

    async def find(self, name: str) -> UpstreamSource | None:
        """Return the upstream of that name, or None if it was taken off the list."""
        return next((each for each in await self.sources() if each.name == name), None)

    async def require_foundable(self, org: OrgName) -> None:
        """Raise `owned-by-upstream` if a rule says that packages of the organization come from an
        upstream."""
        rules = await self.rules()
        rule = rules.reserving_rule(org)
        if rule is not None:
            raise owned_by_upstream(org, rule.upstream or rules.upstreams[0].name)

    def invalidate(self) -> None:
        """Read the rules again at the next request, because this process changed them."""
        self._rules.invalidate()

    async def close(self) -> None:
        """Cancel a read that is under way."""
        await self._rules.close()

    def _source(self, address: UpstreamAddress) -> UpstreamSource:
        """Return the source, made once for an address, so that its breaker remembers failures."""
        if address not in self._sources:
            name = address.name
            upstream = self._connect(address)
            with_token = None
            breaker = CircuitBreaker(self._clock, partial(self._on_failure, name))
            if (sending := upstream.with_token()) is not None:
                own = CircuitBreaker(
                    self._clock, partial(self._on_failure, f"{name}, with its token")
                )
                with_token = UpstreamSource(name, address.url, sending, own, sends_token=True)
            source = UpstreamSource(name, address.url, upstream, breaker, with_token)
            self._sources[address] = source
        return self._sources[address]
