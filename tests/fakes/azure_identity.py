"""The identity of an app in Azure: one that gets tokens, and one that Azure does not know."""

from types import TracebackType
from typing import Any, Self

from azure.core.credentials import AccessToken
from azure.core.exceptions import ClientAuthenticationError


class Identity:
    """An identity that always gets a token."""

    async def get_token(self, *scopes: str, **options: Any) -> AccessToken:
        """Return a token that names its scopes."""
        return AccessToken(f"token of {' '.join(scopes)}", 2**40)

    async def close(self) -> None:
        """Do nothing."""

    async def __aenter__(self) -> Self:
        """Return itself."""
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None = None,
        exc_value: BaseException | None = None,
        traceback: TracebackType | None = None,
    ) -> None:
        """Do nothing."""


class Stranger(Identity):
    """An identity that Azure does not know."""

    async def get_token(self, *scopes: str, **options: Any) -> AccessToken:
        """Refuse."""
        raise ClientAuthenticationError
