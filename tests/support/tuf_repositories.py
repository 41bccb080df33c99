"""A repository of The Update Framework with the trusted root of a Sigstore instance of our own."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any, cast

from securesystemslib.signer._crypto_signer import CryptoSigner
from tuf.api._payload import MetaFile, Root, Snapshot, TargetFile, Targets, Timestamp
from tuf.api.metadata import Metadata

from shared.ports.http_client import HttpResponse, Unanswered
from shared.services.provenance.trusted_root_renewal import SERVER

_ROLES = ("root", "timestamp", "snapshot", "targets")


class TufRepository:
    """Serves the files of a repository, and notes what was asked for. It is a `HttpClient`."""

    def __init__(self, trusted_root: dict[str, Any]) -> None:
        self.files = dict[str, bytes]()
        self.asked = list[str]()
        self.is_down = False
        self._signer = CryptoSigner.generate_ed25519()
        self._version = 0
        self._root_version = 1
        self.first_root = self._sign_root()
        self.publish(trusted_root)

    def publish(self, trusted_root: dict[str, Any], *, valid: timedelta | None = None) -> None:
        """Publish a trusted root with the next version of all metadata."""
        self._version += 1
        version = self._version
        expires = datetime.now(UTC).replace(microsecond=0) + (valid or timedelta(days=7))
        content = json.dumps(trusted_root).encode()
        target = TargetFile.from_data("trusted_root.json", content, ["sha256"])
        digest = target.hashes["sha256"]
        self.files[f"targets/{digest}.trusted_root.json"] = content
        targets = Targets(version, expires=expires, targets={"trusted_root.json": target})
        self.files[f"{version}.targets.json"] = self._sign(targets)
        snapshot = Snapshot(version, expires=expires, meta={"targets.json": MetaFile(version)})
        self.files[f"{version}.snapshot.json"] = self._sign(snapshot)
        timestamp = Timestamp(version, expires=expires, snapshot_meta=MetaFile(version))
        self.files["timestamp.json"] = self._sign(timestamp)

    def rotate(self) -> None:
        """Publish the next version of the root of the framework."""
        self._root_version += 1
        self.files[f"{self._root_version}.root.json"] = self._sign_root()

    async def get(self, url: str, headers: dict[str, str]) -> HttpResponse:
        self.asked.append(url)
        if self.is_down:
            reason = "the cable is cut"
            raise Unanswered(reason)
        content = self.files.get(url.removeprefix(f"{SERVER}/"))
        return HttpResponse(404, {}, b"") if content is None else HttpResponse(200, {}, content)

    async def post(self, url: str, headers: dict[str, str], body: bytes) -> HttpResponse:
        raise AssertionError(url)

    def _sign_root(self) -> bytes:
        root = Root(self._root_version, expires=datetime(2099, 1, 1, tzinfo=UTC))
        for role in _ROLES:
            root.add_key(self._signer.public_key, role)
        return self._sign(root)

    def _sign(self, signed: Root | Timestamp | Snapshot | Targets) -> bytes:
        metadata: Metadata[Any] = Metadata(cast(Any, signed))
        metadata.sign(self._signer)
        return metadata.to_bytes()
