"""Mail about access tokens."""

from datetime import UTC, datetime, timedelta

from msgspec import Struct

from shared.domain.mail import MailText
from shared.domain.tokens import Token, describe_grants
from shared.ports.directory import DirectoryStore
from shared.ports.system import Clock
from shared.services.identity.accounts import accounts_by_ids, responsible_accounts
from shared.services.mail_delivery import MailDelivery, mail_text


class TokenMail(Struct, frozen=True):
    """Sends mail about a token to its account, or to the owners of its organization."""

    directory: DirectoryStore
    mail_delivery: MailDelivery
    clock: Clock
    base_url: str

    async def send_leaked(self, token: Token, found_at: str, *, until_ms: int) -> None:
        """Send mail about a token that was found in public and is revoked. Until `until_ms` it is
        sent only once."""
        mail = mail_text(
            "token-leaked",
            name=token.name,
            token=_described(token),
            found=f"It was found at {found_at}\n\n" if found_at else "",
            scopes=describe_grants(token.grants),
            page=self._tokens_page(token),
        )
        await self._send(token, f"leaked:{token.hash}", mail, until_ms)

    async def send_expiry_reminder(self, token: Token, lead: timedelta, *, until_ms: int) -> int:
        """Send mail about a token that expires soon, once for each lead; return how many were
        sent."""
        day = datetime.fromtimestamp((token.expires_ms or 0) // 1000, UTC).strftime("%d %B %Y")
        described = _described(token)
        page = self._tokens_page(token)
        mail = mail_text("token-expires", name=token.name, token=described, day=day, page=page)
        return await self._send(token, f"expiry:{token.hash}:{lead.days}", mail, until_ms)

    def _tokens_page(self, token: Token) -> str:
        owner = f"/organizations/{token.org}" if token.org else ""
        return f"{self.base_url}/account{owner}/tokens"

    async def _send(self, token: Token, key: str, mail: MailText, until_ms: int) -> int:
        now_ms = self.clock.now_ms()
        owners = (
            await responsible_accounts(self.directory, token.org, now_ms)
            if token.org
            else await accounts_by_ids(self.directory, [token.owner])
        )
        return await self.mail_delivery.send_once(key, owners, mail, until_ms=until_ms)


def _described(token: Token) -> str:
    whose = f" of the organization {token.org}" if token.org else ""
    return f"The access token {token.name} ({token.id}){whose}"
