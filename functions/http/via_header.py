"""The header `Via`: the registries that a request passed before this one."""

import re

# One entry of `Via`: a protocol and a host or pseudonym, without a comment (RFC 9110, 7.6.3).
_PASSED = re.compile(
    r"(?:[A-Za-z]{1,10}/)?[0-9.]{1,8}[ \t]+([A-Za-z0-9._\[\]:-]{1,100})(?:[ \t]|$)"
)

# With the entry of this registry there are eight entries, which take less than 1 KB.
MOST_PASSED = 7


def passed_registries(via: str) -> str:
    """Return the header `Via` to send to an upstream for a request that came with this one. It has
    the registries that the request passed last, and is written anew, because anybody can send any
    text in the header."""
    entries = (_PASSED.match(each.strip()) for each in via[-4_000:].split(","))
    hosts = [entry[1] for entry in entries if entry]
    return ", ".join(f"1.1 {host}" for host in hosts[-MOST_PASSED:])
