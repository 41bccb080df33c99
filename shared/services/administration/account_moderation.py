"""What an account made, for moderators who decide whether to lock it."""

from urllib.parse import urlsplit

from msgspec import Struct

from shared.auth.authorization import Administration
from shared.domain.access import Invitation
from shared.domain.accounts import Account, Token
from shared.domain.principals import Principal
from shared.domain.trusted_publishing.publishers import Publisher
from shared.domain.webhooks import Webhook
from shared.ports import Clock, DirectoryStore
from shared.services.records import RECORDS_AT_ONCE, entity_batches
from shared.services.tokens.tokens import TokenRecords


class MadeByAccount(Struct, frozen=True):
    """Something that an account made: a token, publisher, webhook or invitation.

    `org` is empty for what belongs to the account itself.
    """

    kind: str
    id: str
    org: str
    name: str
    created_ms: int


class AccountModeration(Struct, frozen=True):
    """Lists what an account made. The cost grows with the number of tokens and publishers."""

    administration: Administration
    directory: DirectoryStore
    tokens: TokenRecords
    clock: Clock

    async def made_by(self, account: Account, *, by: Principal) -> list[MadeByAccount]:
        """Return what the account made and what has not expired: its tokens, and what it made for
        organizations."""
        await self.administration.require_reviewer(by, "see", "the accounts of others")
        now_ms = self.clock.now_ms()
        own = [each.token for each in await self.tokens.of(account.id)]
        found = [_of_token(each) for each in own if _is_valid(each, now_ms)]
        for kind in (Token, Publisher, Webhook, Invitation):
            async for batch in entity_batches(self.directory, kind, RECORDS_AT_ONCE):
                found += [
                    _of_organization(each)
                    for each in batch
                    if account.id in _makers(each) and _is_valid(each, now_ms)
                ]
        return found


_Made = Token | Publisher | Webhook | Invitation


def _makers(made: _Made) -> tuple[str, ...]:
    """Return who made something of an organization; none for what is of an account."""
    if not isinstance(made, Token):
        return (made.by,)
    return (made.made_by, *made.makers) if made.org and not made.canary else ()


def _is_valid(made: _Made, now_ms: int) -> bool:
    return made.ends_ms is None or now_ms < made.ends_ms


def _of_organization(made: _Made) -> MadeByAccount:
    if isinstance(made, Token):
        return _of_token(made)
    if isinstance(made, Publisher):
        name = f"{made.org}/{made.package}"
        return MadeByAccount("publisher", made.id, made.org, name, made.created_ms)
    if isinstance(made, Webhook):
        host = urlsplit(made.url).netloc
        return MadeByAccount("webhook", made.id, made.org, host, made.created_ms)
    return MadeByAccount("invitation", made.id, made.org, made.label, made.created_ms)


def _of_token(token: Token) -> MadeByAccount:
    return MadeByAccount("token", token.id, token.org, token.name, token.created_ms)
