"""Evidence for an audit: files that say what the code declares and what is stored, dated, with
their digests signed by the key of releases. No file holds a secret; `rights.json` names people.
"""

import base64
import json
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from typing import Any

from msgspec import Struct, to_builtins

from shared.auth.release_keys import ReleaseKey, ReleaseSigner
from shared.domain.access_rights import RIGHTS
from shared.domain.drills import Drill
from shared.domain.errors.base import Invalid
from shared.domain.evidence import (
    DIGESTS_FILE,
    SIGNATURES_FILE,
    DigestList,
    InstalledDistribution,
    ProtectionState,
)
from shared.domain.principals import Principal
from shared.domain.times import utc_text
from shared.ports.system import Clock
from shared.services.administration.key_ages import KeyAges
from shared.services.administration.rights_export import RightRow, RightsExport

Rows = list[dict[str, object]]

_ABOUT = {
    "versions.json": "the versions of the registry and of what it runs on",
    "components.cdx.json": "the installed components with their licenses: CycloneDX 1.6",
    "settings.json": "the settings that protect, and their state; of a secret only whether it is "
    "set",
    "keys.json": "the keys, their age, where they lie and how they are rotated; no key",
    "personal-data.json": "every stored field about a person: why, how long, how it goes",
    "retention.json": "how long each store and each kind of record is kept",
    "connections.json": "every connection that the registry opens to others",
    "roles.json": "what each role may do, and which scope a credential needs for it",
    "rights.json": "who has which role, by what, and the last sign-in; it names people",
    "drill.json": "the last recovery drill with its times, or null",
}


class EvidenceFiles(Struct, frozen=True):
    """The files of evidence by name, with the list of their digests and its signature."""

    files: Mapping[str, bytes]
    at_ms: int


class Evidence(Struct, frozen=True):
    """Makes evidence, and checks it."""

    key_ages: KeyAges
    rights_export: RightsExport
    release_signer: ReleaseSigner
    last_drill: Callable[[], Awaitable[Drill | None]]
    components: Callable[[], Sequence[InstalledDistribution]]  # Reads files.
    versions: Callable[[], Mapping[str, str]]
    protections: Sequence[ProtectionState]
    declared: Callable[[], Mapping[str, object]]  # Files that say what the code declares.
    base_url: str
    clock: Clock

    async def make(self, *, by: Principal) -> EvidenceFiles:
        """Return all files; raise `SigningKeyUnavailable`, and what the rights export raises."""
        rights = await self.rights_export.rows(by=by)
        await self.release_signer.ready()
        at_ms = self.clock.now_ms()
        rows: dict[str, object] = {
            "versions.json": dict(self.versions()),
            "components.cdx.json": _cyclonedx(self.components(), at_ms),
            "settings.json": to_builtins(list(self.protections)),
            "keys.json": await self._keys(at_ms),
            **self.declared(),
            "roles.json": _roles(),
            "rights.json": [_right(each) for each in rights],
            "drill.json": _drill(await self.last_drill()),
        }
        files = {name: _json(content) for name, content in rows.items()}
        files["README.md"] = self._readme(at_ms).encode()
        digests = DigestList.of(files, self.base_url, at_ms).text
        signature = self.release_signer.sign_evidence(digests)
        files[SIGNATURES_FILE] = _json([signature.shown()])
        files[DIGESTS_FILE] = digests
        return EvidenceFiles(files, at_ms)

    async def check(self, files: Mapping[str, bytes]) -> DigestList:
        """Return the list of digests of evidence that is whole and signed by a key of this
        registry; raise `evidence-differs`."""
        from shared.auth.p256 import is_signed  # noqa: PLC0415 - it takes 30 ms at start.

        try:
            listed = DigestList.parse(files.get(DIGESTS_FILE, b""))
            keyid, signature = _signature(files.get(SIGNATURES_FILE, b""))
        except ValueError as reason:
            raise _differs(f"{reason}.") from None
        others = {
            name: content
            for name, content in files.items()
            if name not in (DIGESTS_FILE, SIGNATURES_FILE)
        }
        if differences := listed.differences(others):
            raise _differs(" ".join(differences))
        key = _key_of(await self.release_signer.keys(), keyid, listed.at_ms)
        if not is_signed(_decoded(key.public), signature, files[DIGESTS_FILE]):
            reason = "The signature is not that of the list of digests."
            raise _differs(reason)
        return listed

    async def _keys(self, now_ms: int) -> Rows:
        return [
            {
                "key": each.kind.value,
                "protects": each.kind.protects,
                "where": each.place.where,
                "made": None if each.made_ms is None else utc_text(each.made_ms),
                "days": each.days(now_ms),
                "rotationIsDue": each.is_old(now_ms),
                "rotation": each.place.rotation,
                "missing": each.missing,
            }
            for each in await self.key_ages.ages()
        ]

    def _readme(self, at_ms: int) -> str:
        rows = "\n".join(f"| `{name}` | {about} |" for name, about in _ABOUT.items())
        return _README.format(
            url=self.base_url,
            at=utc_text(at_ms),
            rows=rows,
            digests=DIGESTS_FILE,
            signatures=SIGNATURES_FILE,
        )


_README = """# Evidence of {url}

Made at {at} by `ballroom evidence`, from what the code declares and what the registry stores.

| file | contents |
|---|---|
{rows}

`{digests}` has the SHA-256 of each file, and `{signatures}` its signature by the key of releases.
Verify both with the keys of the registry itself:

```sh
curl -fsSL -o ../keys.json {url}/api/v1/keys
keyid=$(sed -n 's/.*"keyid": *"\\([^"]*\\)".*/\\1/p' {signatures})
sed -n 's/.*"sig": *"\\([^"]*\\)".*/\\1/p' {signatures} | openssl base64 -d -A > ../sig.der
tr '}}' '\\n' < ../keys.json | grep -F "$keyid" |
  sed 's/.*"key":"\\([^"]*\\)".*/\\1/' | openssl base64 -d -A > ../key.der
openssl dgst -sha256 -verify ../key.der -keyform DER -signature ../sig.der {digests}
sha256sum --check {digests}
```
"""


def _drill(found: Drill | None) -> dict[str, object] | None:
    if found is None:
        return None
    shown = found.model_dump(mode="json", exclude={"at_ms", "copied_ms"})
    copied = None if found.copied_ms is None else utc_text(found.copied_ms)
    return {"at": utc_text(found.at_ms), "copied": copied, **shown}


def _json(content: object) -> bytes:
    return json.dumps(content, indent=2, ensure_ascii=False).encode() + b"\n"


def _roles() -> Rows:
    return [
        {
            "action": action.value,
            "scope": scope.value,
            "roles": sorted(role.value for role in roles),
        }
        for action, (scope, roles) in RIGHTS.items()
    ]


def _right(row: RightRow) -> dict[str, object]:
    shown: dict[str, Any] = to_builtins(row)
    for name in ("last_sign_in_ms", "until_ms"):
        at_ms = shown.pop(name)
        shown[name.removesuffix("_ms")] = None if at_ms is None else utc_text(at_ms)
    return shown


def _cyclonedx(components: Sequence[InstalledDistribution], at_ms: int) -> dict[str, object]:
    return {
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "version": 1,
        "metadata": {"timestamp": utc_text(at_ms)},
        "components": [
            {
                "type": "library",
                "bom-ref": each.purl,
                "name": each.name,
                "version": each.version,
                "purl": each.purl,
                "licenses": each.shown_licenses,
            }
            for each in components
        ],
    }


def _signature(content: bytes) -> tuple[str, bytes]:
    """Return the id of the key and the signature; raise `ValueError`."""
    with suppress(ValueError):
        match json.loads(content):
            case [{"keyid": str(keyid), "sig": str(text)}]:
                return keyid, _decoded(text)
            case _:
                pass
    message = f"{SIGNATURES_FILE} has no signature"
    raise ValueError(message)


def _decoded(text: str) -> bytes:
    return base64.b64decode(text, validate=True)


def _key_of(keys: Sequence[ReleaseKey], keyid: str, at_ms: int) -> ReleaseKey:
    found = next((each for each in keys if each.keyid == keyid), None)
    if found is None:
        reason = "No key of this registry signed it."
        raise _differs(reason)
    if found.expires_ms is not None and at_ms > found.expires_ms:
        reason = "The key that signed it had expired."
        raise _differs(reason)
    return found


def _differs(reason: str) -> Invalid:
    return Invalid(
        "evidence-differs", f"This is not what the registry made. {reason} Ask for it again."
    )
