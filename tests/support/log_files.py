"""A small transparency log as files, and a server of them: for tests of what verifies a log.

It is written against c2sp.org/tlog-tiles, signed-note, tlog-cosignature and tlog-proof, and shares
no code with the product.
"""

import base64
import hashlib
import json
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from typing import Any

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA44PrivateKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from tests.support.log_checker import ORIGIN, naive_entries_root, naive_inclusion, naive_leaf
from tests.support.served_handlers import QuietHandler, served_handler

TIME = "2026-11-28T10:00:00Z"


def _sha256(content: bytes) -> bytes:
    return hashlib.sha256(content).digest()


def _encoded(content: bytes) -> str:
    return base64.b64encode(content).decode()


@dataclass(frozen=True)
class Signer:
    """Somebody who signs notes, by a seed: a log (kind 1) or a witness (kind 4, or 6)."""

    name: str
    kind: int = 1
    seed: bytes = b"s" * 32

    @property
    def _private(self) -> Any:
        kind = MLDSA44PrivateKey.from_seed_bytes if self.kind == 6 else None
        return kind(self.seed) if kind else Ed25519PrivateKey.from_private_bytes(self.seed)

    @property
    def _public(self) -> bytes:
        return bytes([self.kind]) + self._private.public_key().public_bytes_raw()

    @property
    def key_id(self) -> bytes:
        return _sha256(f"{self.name}\n".encode() + self._public)[:4]

    @property
    def vkey(self) -> str:
        return f"{self.name}+{self.key_id.hex()}+{_encoded(self._public)}"

    def line(self, text: str, time: int = 1_700_000_000) -> str:
        """Return the line of a signature below a note."""
        if self.kind == 1:
            signature = self._private.sign(text.encode())
        else:
            signature = time.to_bytes(8, "big") + self._private.sign(self._cosigned(text, time))
        return f"\u2014 {self.name} {_encoded(self.key_id + signature)}\n"

    def _cosigned(self, text: str, time: int) -> bytes:
        if self.kind == 4:
            return f"cosignature/v1\ntime {time}\n{text}".encode()
        origin, size, root = text.split("\n")[:3]
        return b"".join(
            (
                b"subtree/v1\n\0",
                bytes([len(self.name)]) + self.name.encode(),
                time.to_bytes(8, "big"),
                bytes([len(origin)]) + origin.encode(),
                (0).to_bytes(8, "big") + int(size).to_bytes(8, "big"),
                base64.b64decode(root),
            )
        )


LOG = Signer(ORIGIN)


class LogTreeFiles:
    """The entries of a log, and its files by their paths."""

    def __init__(self, entries: Sequence[bytes]) -> None:
        self.entries = list(entries)

    def root(self, size: int) -> bytes:
        return naive_entries_root(self.entries[:size])

    def proof(self, index: int, size: int) -> list[bytes]:
        """Return the proof that an entry is in the first ones."""
        return naive_inclusion(index, [naive_leaf(entry) for entry in self.entries[:size]])

    def tiles(self, size: int) -> Iterator[tuple[str, bytes]]:
        """Yield the paths and contents of all tiles and bundles of a size."""
        level = 0
        while size >> (8 * level):
            span = 1 << (8 * level)
            count = size // span
            for first in range(0, count, 256):
                width = min(256, count - first)
                path = _path(first // 256) + (f".p/{width}" if width < 256 else "")
                places = range(first, first + width)
                hashes = (
                    naive_entries_root(self.entries[n * span : (n + 1) * span]) for n in places
                )
                yield f"tile/{level}/{path}", b"".join(hashes)
                if level == 0:
                    parts = (
                        len(self.entries[n]).to_bytes(2, "big") + self.entries[n] for n in places
                    )
                    yield f"tile/entries/{path}", b"".join(parts)
            level += 1


def _path(number: int) -> str:
    text = f"{number % 1000:03}"
    while number := number // 1000:
        text = f"x{number % 1000:03}/{text}"
    return text


def leaf(index: int, **fields: object) -> bytes:
    """Return a leaf that everybody reads."""
    said = {"v": 1, "index": index, "time": TIME, "by": {"id": "7"}, **fields}
    return json.dumps(said, sort_keys=True, separators=(",", ":")).encode()


def release_leaf(index: int, release: str, digest: str, **fields: object) -> bytes:
    """Return the leaf of a publication; `release` is `org/name:version`."""
    package, _, version = release.partition(":")
    said = {"kind": "release.published", "package": package, "version": version, "size": 1}
    return leaf(index, digest=f"sha256:{digest}", **{**said, **fields})


def commitment(index: int, salt: bytes, opening: bytes) -> bytes:
    hidden = {"v": 1, "index": index, "commitment": _encoded(_sha256(salt + opening))}
    return json.dumps(hidden, sort_keys=True, separators=(",", ":")).encode()


@dataclass
class ServedLog:
    """What a registry serves, by the path; a test changes `files` to lie."""

    tree: LogTreeFiles
    size: int
    signers: Sequence[Signer] = (LOG,)
    policy: str = f"log {LOG.vkey}\nquorum none\n"
    origin: str = ORIGIN
    files: dict[str, bytes] = field(default_factory=dict[str, bytes])
    # Answers that are no files: each gets the handler of the request.
    answers: dict[str, Callable[[BaseHTTPRequestHandler], None]] = field(
        default_factory=dict[str, Callable[[BaseHTTPRequestHandler], None]]
    )
    requests: list[tuple[str, Mapping[str, str]]] = field(
        default_factory=list[tuple[str, Mapping[str, str]]]
    )
    release_key: ec.EllipticCurvePrivateKey = field(
        default_factory=lambda: ec.generate_private_key(ec.SECP256R1())
    )

    def __post_init__(self) -> None:
        self.publish(self.size)

    def publish(self, size: int) -> None:
        """Serve the log with that many entries."""
        self.size = size
        for path, content in self.tree.tiles(size):
            self.files[f"log/{path}"] = content
        self.files["log/checkpoint"] = self.checkpoint(size)
        self.files["log/policy"] = self.policy.encode()

    def checkpoint(self, size: int) -> bytes:
        text = f"{self.origin}\n{size}\n{_encoded(self.tree.root(size))}\n"
        return "".join((text, "\n", *(each.line(text) for each in self.signers))).encode()

    def prove(self, release: str, index: int, size: int) -> None:
        """Serve the proof of a release, in the checkpoint of that size."""
        lines = ("c2sp.org/tlog-proof@v1", f"index {index}")
        hashes = map(_encoded, self.tree.proof(index, size))
        head = "\n".join((*lines, *hashes)).encode()
        proof = head + b"\n\n" + self.checkpoint(size)
        self.files[f"api/v1/log/proof/{release.replace(':', '/')}"] = proof

    def sign(self, release: str, digest: str, *, checksum: str = "") -> None:
        """Serve the key of releases, and the line of a signed release in the index."""
        public = self.release_key.public_key().public_bytes(
            Encoding.DER, PublicFormat.SubjectPublicKeyInfo
        )
        keyid = f"SHA256:{_encoded(_sha256(public)).rstrip('=')}"
        key = {"keyid": keyid, "key": _encoded(public), "expires": None}
        self.files["api/v1/keys"] = json.dumps({"keys": [key]}).encode()
        package, _, version = release.partition(":")
        signed = f"{package}@{version}:sha256-{_encoded(bytes.fromhex(digest))}".encode()
        signature = _encoded(self.release_key.sign(signed, ec.ECDSA(SHA256())))
        org, _, name = package.partition("/")
        line = {
            "org": org,
            "name": name,
            "version": version,
            "checksum": f"sha-256={checksum or digest}",
            "signatures": [{"keyid": keyid, "sig": signature}],
        }
        path = f"index/{package}/index.json"
        self.files[path] = self.files.get(path, b"") + json.dumps(line).encode() + b"\n"


@contextmanager
def serving(site: ServedLog) -> Generator[str]:
    """Serve a site on this machine, and return its address."""

    class Handler(QuietHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            path = self.path.lstrip("/")
            site.requests.append((path, dict(self.headers.items())))
            if special := site.answers.get(path):
                special(self)
                return
            content = site.files.get(path)
            self.answer(404 if content is None else 200, content or b"")

        def do_POST(self) -> None:
            body = self.read_body()
            site.requests.append((f"POST {self.path}", {**self.headers, "body": body.decode()}))
            self.answer(200 if self.path == "/hook" else 500)

    with served_handler(Handler) as address:
        yield address
