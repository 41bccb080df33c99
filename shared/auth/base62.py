"""Numbers and randomness as letters and digits, which need no escaping anywhere."""

from shared.ports import Randomness

ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"


def encode(number: int, length: int) -> str:
    """Return `number` modulo 62^length in exactly `length` letters and digits."""
    digits: list[str] = []
    for _ in range(length):
        number, digit = divmod(number, len(ALPHABET))
        digits.append(ALPHABET[digit])
    return "".join(reversed(digits))


def random_text(randomness: Randomness, length: int) -> str:
    """Return `length` letters and digits that nobody can guess."""
    # One byte a character holds two bits more than base62 needs, and eight more bytes make the
    # modulo's bias smaller than 2^-64.
    number = int.from_bytes(randomness.token_bytes(length + 8))
    return encode(number, length)
