"""Secrets in files that are published: in images, wheels and the repository, also compiled."""

import re
from collections.abc import Iterable, Iterator
from pathlib import Path

# What issuers document as the form of their secrets. None of them occurs by chance.
SECRET_FORMS = {
    "token of a registry": rb"blr_[a-z0-9]+_[0-9A-Za-z]{40,}",
    "token of GitHub": rb"gh[pousr]_[0-9A-Za-z]{36}|github_pat_[0-9A-Za-z_]{60,}",
    "token of GitLab": rb"glpat-[0-9A-Za-z_-]{20}",
    "token of PyPI": rb"pypi-AgEIcHlwaS5vcmc[0-9A-Za-z_-]{50,}",
    "key of AWS": rb"AKIA[0-9A-Z]{16}",
    "key of a storage account": rb"AccountKey=[0-9A-Za-z+/]{80,}==",
    "private key": rb"-----BEGIN (?:[A-Z]+ )?PRIVATE KEY-----\s+[0-9A-Za-z+/=\s]{60,}",
    "JSON Web Token": rb"eyJ[0-9A-Za-z_-]{20,}\.eyJ[0-9A-Za-z_-]{20,}\.[0-9A-Za-z_-]{20,}",
}
_FORMS = {name: re.compile(form) for name, form in SECRET_FORMS.items()}
# Files that hold secrets by what they are.
_NAMES = re.compile(r"(^|/)(\.env|\.git|\.netrc|\.pypirc|id_rsa|id_ed25519|.+\.(pem|key|pfx|p12))$")


def secrets_in(root: Path, files: Iterable[Path]) -> Iterator[str]:
    """Yield each file that holds a secret, or is one, with what it seems to be."""
    for file in files:
        name = file.relative_to(root).as_posix()
        if _NAMES.search(name):
            yield f"{name} is a file for secrets"
        if file.is_file() and not file.is_symlink():
            content = file.read_bytes()
            for kind, form in _FORMS.items():
                if form.search(content):
                    yield f"{name} holds what looks like a {kind}"
