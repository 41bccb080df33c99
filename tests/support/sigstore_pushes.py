"""Pushes with a Sigstore bundle, to a registry that trusts instances of our own."""

import json
from hashlib import sha256
from pathlib import Path
from typing import Any

import httpx

from tests.support.sigstore_instances import SigstoreInstance
from tests.support.trusted_publishing import TrustedPublishingWorld, trusting
from tests.support.world import OpenWorld, Person

BOUNDARY = "of-a-test"
FORM = {"Content-Type": f"multipart/form-data; boundary={BOUNDARY}"}
GREET = "acme/greet:1.0.0"


def form(**parts: bytes) -> bytes:
    """Return a form with files."""
    lines = list[bytes]()
    for name, content in parts.items():
        lines += [f"--{BOUNDARY}".encode()]
        lines += [f'Content-Disposition: form-data; name="{name}"; filename="{name}"'.encode()]
        lines += [b"", content]
    return b"\r\n".join([*lines, f"--{BOUNDARY}--\r\n".encode()])


def push_form(archive: bytes, bundle: object) -> bytes:
    content = bundle if isinstance(bundle, bytes) else json.dumps(bundle).encode()
    return form(**{"bala-file": archive, "provenance": content})


def hex_of(archive: bytes) -> str:
    return sha256(archive).hexdigest()


async def opened(
    worlds: OpenWorld, folder: Path, *instances: SigstoreInstance, **settings: Any
) -> TrustedPublishingWorld:
    """Open a registry that trusts these instances, and the jobs of octo/greet for acme/greet."""
    [first, *others] = instances
    roots = first.write_root(folder / "roots.jsonl", *others)
    trust = await trusting(worlds, sigstore_roots=str(roots), **settings)
    await trust.add()
    return trust


async def push(
    trust: TrustedPublishingWorld, archive: bytes, bundle: object, by: Person | None = None
) -> httpx.Response:
    who = by or await trust.job()
    return await trust.world.upload(push_form(archive, bundle), by=who, headers=FORM)
