"""Settings of a registry whose limits nobody reaches: tests send more requests than anybody may."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

UNREACHED_LIMITS: Mapping[str, Any] = MappingProxyType(
    dict.fromkeys(("brake_packages", "brake_releases"), 1_000_000)
    | {
        f"limit_{name}": "address=1000000"
        for name in (
            "read",
            "write",
            "push",
            "token_issue",
            "sign_in",
            "device",
            "invitation",
            "failure",
            "export",
        )
    }
)
