"""Settings of a registry whose limits nobody reaches: tests send more requests than anybody may."""

from collections.abc import Mapping
from types import MappingProxyType

UNREACHED_LIMITS: Mapping[str, str] = MappingProxyType(
    {
        f"limit_{name}": "address=1000000"
        for name in (
            *("read", "write", "push", "token_issue", "sign_in", "device"),
            *("invitation", "failure"),
        )
    }
)
