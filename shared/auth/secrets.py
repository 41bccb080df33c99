"""Secret texts, which no log and no error shows, and random texts."""

import hmac
from typing import NoReturn

from shared.ports.system import Randomness

MASK = "****"


class Secret:
    """A text that prints as `****`; `reveal()` is the only way to read it.

    Not a dataclass: JSON serializers and debuggers read the fields of those.
    """

    __slots__ = ("__text",)

    def __init__(self, text: str) -> None:
        self.__text = text

    def reveal(self) -> str:
        """Return the text: to hash it, to send it, or to show it to its owner once."""
        return self.__text

    def __str__(self) -> str:
        return MASK

    def __repr__(self) -> str:
        return MASK

    def __format__(self, spec: str) -> str:
        return format(MASK, spec)

    def __reduce__(self) -> NoReturn:
        """Refuse to be pickled: the pickle would contain the text."""
        raise TypeError

    def __eq__(self, other: object) -> bool:
        """Compare in constant time."""
        if not isinstance(other, Secret):
            return NotImplemented
        return hmac.compare_digest(self.__text.encode(), other.__text.encode())

    def __hash__(self) -> int:
        return hash(self.__text)


BASE62_ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"


def encode_base62(number: int, length: int) -> str:
    """Return `number` modulo 62^length as exactly `length` letters and digits."""
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
