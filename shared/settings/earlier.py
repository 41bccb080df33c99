"""Settings of earlier versions, and variables that are for others than the registry."""

import re
from collections.abc import Mapping

_HOLDS_EVERYWHERE = "Its default holds in every registry (docs/reference/limits.md)."
_EXCHANGED = "Programs exchange their tokens instead (docs/use/trusted-publishing.md)."
_IMPORT = "Run `ballroom bundle import FILE --trust KEYS` instead (docs/run/air-gap.md)."
_ISSUERS = "Set BALLROOM_PUBLISH_FROM_ISSUERS instead (docs/use/trusted-publishing.md)."

# The replacement of each removed setting.
GONE_SETTINGS: Mapping[str, str] = {
    "BALLROOM_ACCESS_LOG": "The log has a line for each request (docs/run/telemetry.md).",
    "BALLROOM_ACS_KEY": "Give the identity of the app the right to send mail instead.",
    "BALLROOM_ARCHIVE_CDN_AUTHORIZATION": "Let the CDN remove the header Authorization instead.",
    "BALLROOM_BODY_SECONDS": _HOLDS_EVERYWHERE,
    "BALLROOM_BUNDLE": _IMPORT,
    "BALLROOM_BUNDLE_TRUST": _IMPORT,
    "BALLROOM_COPY_DISTRIBUTIONS": "Nothing took its place: builds read from the app alone.",
    "BALLROOM_ENTRA_AUDIENCE": _EXCHANGED,
    "BALLROOM_ENTRA_ROLES": _EXCHANGED,
    "BALLROOM_HEAD_SECONDS": _HOLDS_EVERYWHERE,
    "BALLROOM_MAX_ENTRIES": _HOLDS_EVERYWHERE,
    "BALLROOM_MAX_ENTRY_RATIO": _HOLDS_EVERYWHERE,
    "BALLROOM_MAX_MANIFEST_BYTES": _HOLDS_EVERYWHERE,
    "BALLROOM_MAX_RESOLVE": _HOLDS_EVERYWHERE,
    "BALLROOM_MAX_UNPACKED_BYTES": _HOLDS_EVERYWHERE,
    "BALLROOM_MAX_WAITING_BYTES": _HOLDS_EVERYWHERE,
    "BALLROOM_MIN_RATE": _HOLDS_EVERYWHERE,
    "BALLROOM_PUBLISH_FROM_ENTRA": _ISSUERS,
    "BALLROOM_PUBLISH_FROM_ENTRA_AUDIENCE": _ISSUERS,
    "BALLROOM_RELEASE_MEMORY_BYTES": _HOLDS_EVERYWHERE,
    "BALLROOM_RELEASE_OUTPUT_BYTES": _HOLDS_EVERYWHERE,
    "BALLROOM_RELEASE_PROCESSOR_SECONDS": _HOLDS_EVERYWHERE,
    "BALLROOM_REPORT_KEYS": "Set BALLROOM_REPORT_KEYS_URL to the address of the keys instead.",
    "BALLROOM_UPSTREAM_QUOTA_BYTES": "Nothing took its place: mirrored archives have no quota.",
}

# What scripts, compose, deployments and clients read from the same environment.
_OF_OTHERS = frozenset(
    f"BALLROOM_{name}"
    for name in (
        # Backups, the image, compose, the shell and clients.
        "COMPLETE",
        "DOMAIN",
        "IMAGE",
        "OPERATE",
        "PYTHON",
        "TOKEN",
        # Parameters and outputs of the templates for Azure, and variables of the workflows.
        "ADDRESSES",
        "ALERT_EMAIL",
        "COSMOS",
        "EDGE_ADDRESSES",
        "ENDPOINT",
        "FUNCTION_APP",
        "IDENTITY_PRINCIPAL_ID",
        "ISOLATED",
        "PACKAGE",
        "PUBLIC_URL",
        "READS_APART",
        "READS_APP",
        "SIZE",
        "SMOKE_PACKAGE",
        "STORAGE",
        "VAULT",
        "UPLOADS_APART",
        "UPLOADS_APP",
        "UPLOADS_READY",
        "ADDRESSES",
        "MORE_SETTINGS",
        "OPERATOR_GROUP",
        "PREFLIGHT",
    )
)
_PREFIXES_OF_OTHERS = ("BALLROOM_BACKUPS", "BALLROOM_TEST_")

# Kubernetes names each service so to the containers of its namespace, and one may be ours.
_SERVICE_LINK = re.compile(
    r"BALLROOM_(?:[A-Z0-9_]+_)?(?:SERVICE_HOST|SERVICE_PORT(?:_[A-Z0-9_]+)?"
    r"|PORT_\d+_(?:TCP|UDP)(?:_(?:PROTO|PORT|ADDR))?)"
)


def is_of_others(variable: str, value: str) -> bool:
    """Check whether a variable, in upper case, is read by a script or client, or set by a host."""
    is_link = variable.endswith("_PORT") and value.startswith(("tcp://", "udp://"))
    return (
        variable in _OF_OTHERS
        or variable.startswith(_PREFIXES_OF_OTHERS)
        or is_link
        or _SERVICE_LINK.fullmatch(variable) is not None
    )
