"""Ballerina code in searches: people paste what they read in a program.

import ballerinax/mysql;      the package, or the module of one
http:Client->post("/a")       the package that the prefix names, and the symbol Client.post
jsonutils:                    the same without a symbol
person.cloneWithType(Person)  the method, whatever the variable is called
http:Client c = check new (u); http and c, without words of the language and arguments
"""

import re

from shared.domain.names import RESERVED_WORDS

_IMPORT = re.compile(
    r"\s*import\s+(?:(?P<org>[\w']+)\s*/\s*)?(?P<module>[\w.']+)(?:\s+as\s+[\w']+)?\s*;?\s*",
    re.ASCII,
)
# A prefix before a call, or before a name in camel case: no address, port or `license:MIT`.
_PREFIXED = re.compile(
    r"@?(?P<module>'?[A-Za-z_][\w.']*):(?:\w+(?:->|\().*|\w*(?:[a-z][A-Z]|[A-Z][a-z])[\w.]*)",
    re.ASCII,
)
# Of a name in camel case: `example.com(2)` is no call.
_METHOD_CALL = re.compile(r"[A-Za-z_][\w']*\.(?P<method>[a-z]\w*[A-Z]\w*)\(.*", re.ASCII)
_NAME = re.compile(r"-?[\w.:/*'\"-]+")  # Also a filter, or a word in quotes.
_ARGUMENTS = re.compile(r"(?<=\w)\(.*", re.DOTALL)
_CALL = re.compile(r"->/?")


def imported(text: str) -> tuple[str, str] | None:
    """Return the organization, which may be empty, and the module of an import; else None."""
    found = _IMPORT.fullmatch(text)
    return (_unquoted(found["org"] or ""), _unquoted(found["module"])) if found else None


def packages_in(text: str) -> str:
    """Return the search for packages that is meant by an import or a statement, else the text."""
    if found := imported(text):
        return "/".join(filter(None, found))
    words = text.split()
    if len(words) > 1 and any(map(prefix_of, words)):
        return " ".join(each for each in words if prefix_of(each) or _is_name(each))
    return text


def _is_name(word: str) -> bool:
    return word not in RESERVED_WORDS and _NAME.fullmatch(word) is not None


def prefix_of(word: str) -> str:
    """Return the module that a word of code names by its prefix, else an empty text."""
    found = _PREFIXED.fullmatch(word)
    return _unquoted(found["module"]) if found else ""


def method_of(word: str) -> str:
    """Return the method that a word of code calls of a variable, else an empty text."""
    found = _METHOD_CALL.fullmatch(word)
    return found["method"] if found else ""


def symbols_in_import(text: str) -> str:
    """Return the search for symbols that is meant by an import, such as `org:acme http:`, else the
    text."""
    if found := imported(text):
        org, module = found
        return f"org:{org} {module}:" if org else f"{module}:"
    return text


def symbols_in_call(text: str) -> str:
    """Return the names of a call: of `http:Client->post("/a")` http:Client.post."""
    return _CALL.sub(".", _ARGUMENTS.sub("", text)).replace(";", " ").replace("'", "")


def _unquoted(name: str) -> str:
    """Return a name without the quotes of words that the language reserves."""
    return name.replace("'", "")
