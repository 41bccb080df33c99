"""Values that no log line, message or traceback may show."""

import hmac
from typing import NoReturn

SHOWN = "****"


class Secret:
    """A text that prints as `****`; `reveal()` is the only way to read it.

    No dataclass: JSON serializers and debuggers look into those.
    """

    __slots__ = ("__text",)

    def __init__(self, text: str) -> None:
        """Hide `text`."""
        self.__text = text

    def reveal(self) -> str:
        """Return the text itself: to hash it, to send it, or to show it to its owner once."""
        return self.__text

    def __str__(self) -> str:
        """Return asterisks."""
        return SHOWN

    def __repr__(self) -> str:
        """Return asterisks."""
        return SHOWN

    def __format__(self, spec: str) -> str:
        """Return asterisks, set as asked."""
        return format(SHOWN, spec)

    def __reduce__(self) -> NoReturn:
        """Refuse to be pickled: that would write the text down."""
        raise TypeError

    def __eq__(self, other: object) -> bool:
        """Compare in a time that does not tell how much of two texts is the same."""
        if not isinstance(other, Secret):
            return NotImplemented
        return hmac.compare_digest(self.__text.encode(), other.__text.encode())

    def __hash__(self) -> int:
        """Hash the text, so that a set can hold secrets."""
        return hash(self.__text)
