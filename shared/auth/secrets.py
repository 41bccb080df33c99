"""Texts that no log line, message or traceback may show, and random texts in base 62."""

import hmac
from typing import NoReturn

from shared.ports import Randomness

MASK = "****"


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
        return MASK

    def __repr__(self) -> str:
        """Return asterisks."""
        return MASK

    def __format__(self, spec: str) -> str:
        """Return asterisks, set as asked."""
        return format(MASK, spec)

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


BASE62_ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"


def encode_base62(number: int, length: int) -> str:
    """Return `number` modulo 62^length in exactly `length` letters and digits."""
    digits: list[str] = []
    for _ in range(length):
        number, digit = divmod(number, len(BASE62_ALPHABET))
        digits.append(BASE62_ALPHABET[digit])
    return "".join(reversed(digits))


def random_text(randomness: Randomness, length: int) -> str:
    """Return `length` letters and digits that nobody can guess."""
    # One byte a character holds two bits more than base62 needs, and eight more bytes make the
    # modulo's bias smaller than 2^-64.
    number = int.from_bytes(randomness.token_bytes(length + 8))
    return encode_base62(number, length)
