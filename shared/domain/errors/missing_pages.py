"""What is said of an address that has no page, and of a method that an address does not take."""

from collections.abc import Collection
from typing import TYPE_CHECKING

from shared.domain.errors.base import (
    NotFound,
    Refusal,
    RefusalKind,
    quoted,
)

if TYPE_CHECKING:
    pass


class PageNotFound(NotFound):
    def __init__(self, path: str) -> None:
        sentence = f"There is no page {quoted(path)} here. Check the address."
        super().__init__("page-not-found", sentence)


class MethodNotAllowed(Refusal):
    kind = RefusalKind.METHOD_NOT_ALLOWED

    def __init__(self, method: str, path: str, allowed: Collection[str]) -> None:
        super().__init__(
            "method-not-allowed",
            f"{method} is not supported at {quoted(path)}. Use {' or '.join(allowed)}.",
        )
        self.allowed = allowed
