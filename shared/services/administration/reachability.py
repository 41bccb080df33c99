"""Whether the servers answer that the registry calls by itself: identity providers, issuers of CI
jobs, the mail server, the scanner and the receivers of webhooks. Nothing is sent that changes or
delivers anything.
"""

import asyncio
from collections import defaultdict
from collections.abc import Awaitable, Callable, Iterable, Mapping
from datetime import timedelta
from enum import Enum
from urllib.parse import urlsplit

from msgspec import Struct

from shared.auth.identity_providers import IdentityProvider
from shared.domain.sentences import named
from shared.domain.trusted_publishing.publishers import Publisher
from shared.domain.webhooks import ReceiverHosts, Webhook
from shared.ports.directory import DirectoryStore
from shared.ports.http_client import Unanswered
from shared.ports.mail import Mailer, Undelivered
from shared.services.record_batches import all_entities
from shared.services.tokens.trusted_publishing import JobTokenVerifier

TIME_LIMIT = timedelta(seconds=5)  # The limit for the answer of each server.
CHECKED_AT_ONCE = 16
NAMED = 3  # Webhooks that a sentence names.

ConnectTo = Callable[[str], Awaitable[None]]  # Sends nothing; raises `Unanswered`.


class ServerKind(Enum):
    """What a server does for the registry."""

    PROVIDER = "sign-in"
    ISSUER = "issuer"
    MAIL = "mail"
    SCANNER = "scanner"
    RECEIVER = "webhook"


class ServerCheck(Struct, frozen=True):
    """How it went with one server; `way_out` is empty if it answers."""

    kind: ServerKind
    found: str
    way_out: str = ""


class Reachability(Struct, frozen=True):
    """Tries the servers, each for five seconds at most."""

    providers: Mapping[str, IdentityProvider]
    jobs: JobTokenVerifier
    mailer: Mailer
    directory: DirectoryStore
    connect: ConnectTo | None  # None where nothing connects, as in some tests.
    connect_scanner: ConnectTo | None
    receiver_hosts: ReceiverHosts
    scanner_url: str  # Empty without one.

    async def check(self) -> list[ServerCheck]:
        """Return how it went with each server: providers and issuers, mail, receivers by name."""
        publishers = await all_entities(self.directory, Publisher)
        webhooks = await all_entities(self.directory, Webhook)
        used = {(each.provider, each.server) for each in publishers}
        issuers = [e.issuer for e in self.jobs.issuers if (e.provider, e.server) in used]
        gate = asyncio.Semaphore(CHECKED_AT_ONCE)

        async def limited(check: Awaitable[ServerCheck | None]) -> ServerCheck | None:
            async with gate:
                return await check

        checks = [
            *map(_provider, self.providers.values()),
            *map(self._issuer, issuers),
            self._mail_server(),
            self._scanner(),
            *(self._receiver(*each) for each in _receivers(webhooks)),
        ]
        return [each for each in await asyncio.gather(*map(limited, checks)) if each]

    async def _issuer(self, issuer: str) -> ServerCheck:
        return await _tried(
            ServerKind.ISSUER,
            f"{issuer}, which signs for CI jobs,",
            self.jobs.check(issuer),
            "Until it answers, trusted publishers of it push nothing. See that this machine "
            "reaches the address.",
        )

    async def _mail_server(self) -> ServerCheck | None:
        try:
            async with asyncio.timeout(TIME_LIMIT.total_seconds()):
                found = await self.mailer.check()
        except TimeoutError:
            failure = Undelivered("there was no answer in time")
        except Undelivered as error:
            failure = error
        else:
            return ServerCheck(ServerKind.MAIL, found) if found else None
        way_out = failure.way_out or (
            "Until it answers, no mail is sent. See that the settings of the mail server are right "
            "and that this machine reaches it."
        )
        return ServerCheck(ServerKind.MAIL, f"The mail server takes no mail: {failure}.", way_out)

    async def _scanner(self) -> ServerCheck | None:
        if self.connect_scanner is None or not self.scanner_url:
            return None
        return await _tried(
            ServerKind.SCANNER,
            f"{urlsplit(self.scanner_url).netloc}, the scanner,",
            self.connect_scanner(self.scanner_url),
            "Until it answers, BALLROOM_SCANNER_WITHOUT_ANSWER says what becomes of pushes. See "
            "that this machine reaches BALLROOM_SCANNER_URL.",
        )

    async def _receiver(self, address: str, names: str) -> ServerCheck | None:
        if self.connect is None:
            return None
        if not self.receiver_hosts.allows(address):
            found = f"{urlsplit(address).netloc} ({names}) is not in BALLROOM_WEBHOOK_HOSTS."
            return ServerCheck(ServerKind.RECEIVER, found, "Add the host, or remove the webhooks.")
        return await _tried(
            ServerKind.RECEIVER,
            f"{urlsplit(address).netloc} ({names})",
            self.connect(address),
            "Deliveries wait until it answers. A receiver has a public address, or is named by "
            "BALLROOM_INSIDE_HOSTS.",
        )


async def _provider(provider: IdentityProvider) -> ServerCheck:
    return await _tried(
        ServerKind.PROVIDER,
        provider.label,
        provider.check(),
        "Until it answers, nobody signs in with it. See that its settings are right and that this "
        "machine reaches it.",
    )


async def _tried(kind: ServerKind, name: str, check: Awaitable[None], way_out: str) -> ServerCheck:
    try:
        async with asyncio.timeout(TIME_LIMIT.total_seconds()):
            await check
    except TimeoutError:
        return ServerCheck(kind, f"{name} does not answer: it takes too long.", way_out)
    except Unanswered as failure:
        found = f"{name} {failure.trouble}: {failure}."
        return ServerCheck(kind, found, failure.way_out or way_out)
    return ServerCheck(kind, f"{name} answers.")


def _receivers(webhooks: Iterable[Webhook]) -> Iterable[tuple[str, str]]:
    """Yield the address of each server without its path, which may be a secret, and its webhooks in
    words."""
    found = defaultdict[str, list[str]](list)
    for each in webhooks:
        parts = urlsplit(each.url)
        owner = f"of {each.org}" if each.org else "of the registry"
        found[f"{parts.scheme}://{parts.netloc}/"].append(f"webhook {each.id} {owner}")
    for address, names in sorted(found.items()):
        yield address, named(names, NAMED)
