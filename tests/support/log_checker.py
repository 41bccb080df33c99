"""A checker of whole logs, written against RFC 6962 and the specifications of C2SP alone: it shares
no code with what it checks."""

import base64
import hashlib
from collections.abc import Awaitable, Callable, Sequence

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

ORIGIN = "packages.example.org/log"  # The name of the log of most tests.

ReadFile = Callable[[str], Awaitable[bytes | None]]


class LogDiffers(Exception):
    """A log is not what it has to be; `str()` says where."""


def naive_leaf(entry: bytes) -> bytes:
    return hashlib.sha256(b"\0" + entry).digest()


def naive_root(leaves: Sequence[bytes]) -> bytes:
    """Return the Merkle tree hash over hashes of leaves, as RFC 6962 defines it."""
    if not leaves:
        return hashlib.sha256(b"").digest()
    if len(leaves) == 1:
        return leaves[0]
    split = 1
    while split * 2 < len(leaves):
        split *= 2
    left = naive_root(leaves[:split])
    return hashlib.sha256(b"\1" + left + naive_root(leaves[split:])).digest()


def naive_entries_root(entries: Sequence[bytes]) -> bytes:
    """Return the Merkle tree hash over entries."""
    return naive_root([naive_leaf(entry) for entry in entries])


def naive_inclusion(index: int, leaves: Sequence[bytes]) -> list[bytes]:
    """Return PATH(m, D[n]) of RFC 6962."""
    if len(leaves) == 1:
        return []
    split = 1
    while split * 2 < len(leaves):
        split *= 2
    if index < split:
        return [*naive_inclusion(index, leaves[:split]), naive_root(leaves[split:])]
    return [*naive_inclusion(index - split, leaves[split:]), naive_root(leaves[:split])]


def naive_consistency(old: int, leaves: Sequence[bytes]) -> list[bytes]:
    """Return PROOF(m, D[n]) of RFC 6962."""
    return _subproof(old, leaves, is_old=True) if old else []


def _subproof(old: int, leaves: Sequence[bytes], *, is_old: bool) -> list[bytes]:
    if old == len(leaves):
        return [] if is_old else [naive_root(leaves)]
    split = 1
    while split * 2 < len(leaves):
        split *= 2
    if old <= split:
        return [*_subproof(old, leaves[:split], is_old=is_old), naive_root(leaves[split:])]
    rest = _subproof(old - split, leaves[split:], is_old=False)
    return [*rest, naive_root(leaves[:split])]


async def checked_log(read: ReadFile, origin: str, public: bytes) -> list[bytes]:
    """Read a whole log from its checkpoint on, and return its entries; raise `LogDiffers`.

    `read` gets paths below the address of the log, and `public` is the Ed25519 key. A log without a
    checkpoint has no entries.
    """
    note = await read("checkpoint")
    if note is None:
        return []
    size, root = _verified(note, origin, public)
    entries = [each for at in _widths(size) for each in await _bundle(read, *at)]
    if len(entries) != size:
        message = f"There are {len(entries)} entries, and not {size}."
        raise LogDiffers(message)
    hashes = [naive_leaf(each) for each in entries]
    if naive_root(hashes) != root:
        message = f"The root of {size} entries is not that of the checkpoint."
        raise LogDiffers(message)
    await _check_tiles(read, hashes)
    return entries


def _verified(note: bytes, origin: str, public: bytes) -> tuple[int, bytes]:
    text, _, signatures = note.decode().rpartition("\n\n")
    text += "\n"
    lines = text.split("\n")
    if lines[0] != origin:
        message = f"The checkpoint is of {lines[0]}."
        raise LogDiffers(message)
    key_id = hashlib.sha256(origin.encode() + b"\n\x01" + public).digest()[:4]
    for line in signatures.splitlines():
        _, name, encoded = line.split(" ")
        content = base64.b64decode(encoded)
        if name == origin and content[:4] == key_id:
            Ed25519PublicKey.from_public_bytes(public).verify(content[4:], text.encode())
            return int(lines[1]), base64.b64decode(lines[2])
    message = "The key has not signed the checkpoint."
    raise LogDiffers(message)


def _widths(count: int) -> list[tuple[int, int]]:
    """Return the numbers of tiles over so many parts, and their widths."""
    full = [(number, 256) for number in range(count // 256)]
    return [*full, (count // 256, count % 256)] if count % 256 else full


def _suffix(number: int, width: int) -> str:
    digits = str(number)
    digits = "0" * (-len(digits) % 3) + digits
    groups = [digits[at : at + 3] for at in range(0, len(digits), 3)]
    path = "/".join([f"x{each}" for each in groups[:-1]] + groups[-1:])
    return path if width == 256 else f"{path}.p/{width}"


async def _bundle(read: ReadFile, number: int, width: int) -> list[bytes]:
    content = await _required(read, f"tile/entries/{_suffix(number, width)}")
    entries = list[bytes]()
    while content:
        length = content[0] * 256 + content[1]
        entries.append(content[2 : 2 + length])
        content = content[2 + length :]
    if len(entries) != width:
        message = f"Bundle {number} has {len(entries)} entries, and not {width}."
        raise LogDiffers(message)
    return entries


async def _check_tiles(read: ReadFile, hashes: list[bytes]) -> None:
    level = 0
    while hashes:
        for number, width in _widths(len(hashes)):
            path = f"tile/{level}/{_suffix(number, width)}"
            expected = b"".join(hashes[number * 256 : number * 256 + width])
            if await _required(read, path) != expected:
                message = f"{path} has not the hashes of its entries."
                raise LogDiffers(message)
        full = len(hashes) // 256
        hashes = [naive_root(hashes[at * 256 : (at + 1) * 256]) for at in range(full)]
        level += 1


async def _required(read: ReadFile, path: str) -> bytes:
    content = await read(path)
    if content is None:
        message = f"{path} is missing."
        raise LogDiffers(message)
    return content
