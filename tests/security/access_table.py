"""What every Function takes, in one table: whom it is for, and how the matrix asks it.

A Function that is not here fails the matrix. Its entry says which right of the table it takes, or
that it is for everybody, for whoever has an account, or proves its caller by itself.
"""

import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from enum import Enum

import httpx

from functions.device.device_login import GRANT_TYPE
from functions.faces import operations
from functions.http.signed_in_pages import SignedInPages
from functions.web.package.pages import TAB_HANDLERS
from shared.domain.mirror_rules import CENTRAL_PAGES
from shared.domain.principals import Action
from shared.settings import Settings
from tests.protocol.bal.java import ACCEPT_ARCHIVE
from tests.protocol.bal.okhttp import FORM, multipart
from tests.security.personas import Credential, Persona
from tests.support.archives import bala
from tests.support.world import URL

REGISTRY, REPOSITORY = "/2.0/registry", "/2.0/maven"
NOBODYS = "0000000000"  # An id that nothing has.


class State(Enum):
    """What became of the package that is asked about; its name is the state's."""

    PUBLIC = "public"
    PRIVATE = "private"
    HELD = "held"
    QUARANTINED = "quarantined"
    REMOVED = "removed"
    DEPRECATED = "deprecated"
    DELETED = "deleted"  # Its organization was deleted.
    MISSING = "missing"

    @property
    def org(self) -> str:
        """Return the organization that is asked about."""
        return "gone" if self is State.DELETED else "acme"


EVERY_STATE = tuple(State)
SERVED = (State.PUBLIC, State.DEPRECATED)
SHOWN = (*SERVED, State.PRIVATE)
OF_ORGANIZATIONS = (State.PUBLIC, State.DELETED, State.MISSING)
WHATEVER = (State.PUBLIC,)


class Outcome(Enum):
    """What becomes of a request, as far as rights go."""

    DONE = "done"  # The rights allow it; what it comes to is no matter of rights.
    UNKNOWN = "unknown"  # Credentials are wanted, or good ones.
    FORBIDDEN = "forbidden"
    HIDDEN = "hidden"  # It does not exist for this caller.


@dataclass(frozen=True)
class Cell:
    """One request of the matrix."""

    persona: Persona
    state: State
    number: int  # Another one for each cell, for what may be made once.
    elsewhere: str = ""  # Another organization than that of the state.

    @property
    def org(self) -> str:
        """Return the organization that is asked about."""
        return self.elsewhere or self.state.org

    @property
    def name(self) -> str:
        """Return the package that is asked about; what is missing is so in each cell."""
        is_missing = self.state is State.MISSING
        return f"missing{self.number}" if is_missing else self.state.value

    def named(self, text: str) -> str:
        """Return the text about this cell's package."""
        words = {"ORG": self.org, "NAME": self.name, "NUMBER": str(self.number)}
        for word, value in words.items():
            text = text.replace(word, value)
        return text


Expects = Callable[[Persona, State], set[Outcome]]
Reads = Callable[[httpx.Response], Outcome]


@dataclass(frozen=True)
class Declared:
    """How a Function is asked, what is to come of it, and how that shows."""

    method: str
    path: str
    expects: Expects
    states: tuple[State, ...] = WHATEVER
    body: str = ""
    headers: Mapping[str, str] | None = None
    content: Callable[[Cell], bytes] | None = None
    shows: Reads | None = None

    def request(self, cell: Cell, accounts: Mapping[str, str]) -> httpx.Request:
        """Return the request of a cell, without its credentials; ids of accounts are by name."""
        body = _with_ids(cell.named(self.body), accounts)
        content = self.content(cell) if self.content else body.encode()
        url = f"{URL}{_with_ids(cell.named(self.path), accounts)}"
        return httpx.Request(self.method, url, headers=self.headers, content=content)


def _with_ids(text: str, accounts: Mapping[str, str]) -> str:
    return re.sub(r"ID-OF-([a-z]+)", lambda found: accounts[found[1]], text)


# --- what is to come of it ---------------------------------------------------------------------


def anybody(_persona: Persona, _state: State) -> set[Outcome]:
    """Everybody may, and credentials are not even looked at."""
    return {Outcome.DONE}


def anybody_known(persona: Persona, _state: State) -> set[Outcome]:
    """Everybody may, but credentials that are no good are told so."""
    return {Outcome.UNKNOWN if persona.is_bad else Outcome.DONE}


def nobody_by_token(_persona: Persona, _state: State) -> set[Outcome]:
    """It takes the session of a browser, or proves its caller by what is sent."""
    return {Outcome.UNKNOWN}


def not_there(_persona: Persona, _state: State) -> set[Outcome]:
    """There is nothing of the kind, and credentials are not even looked at."""
    return {Outcome.HIDDEN}


def fresh_administrators(persona: Persona, _state: State) -> set[Outcome]:
    """Administrators alone, who just signed in."""
    if persona.is_unknown:
        return {Outcome.UNKNOWN}
    may = persona.administrator and persona.is_fresh
    return {Outcome.DONE if may else Outcome.FORBIDDEN}


def administrators(persona: Persona, _state: State) -> set[Outcome]:
    """Administrators alone, by a credential that manages everything."""
    if persona.is_unknown:
        return {Outcome.UNKNOWN}
    may = persona.administrator and persona.manages_account
    return {Outcome.DONE if may else Outcome.FORBIDDEN}


def empty(persona: Persona, _state: State) -> set[Outcome]:
    """There is nothing of the kind yet."""
    return {Outcome.UNKNOWN if persona.is_bad else Outcome.HIDDEN}


def readers(persona: Persona, state: State) -> set[Outcome]:
    """Everybody reads what is public, members what is private, nobody what was withheld."""
    if persona.is_bad:
        return {Outcome.UNKNOWN}
    if state in SERVED:
        return {Outcome.DONE}
    may = state is State.PRIVATE and persona.may(Action.READ, state.value)
    return {Outcome.DONE if may else Outcome.HIDDEN}


def finders(persona: Persona, state: State) -> set[Outcome]:
    """As readers, but a token for some packages finds no private ones by a search."""
    if state is State.PRIVATE and not persona.may(Action.READ):
        return {Outcome.UNKNOWN if persona.is_bad else Outcome.HIDDEN}
    return readers(persona, state)


def maven_readers(persona: Persona, state: State) -> set[Outcome]:
    """As readers, but callers without credentials are asked for some where they might help."""
    outcome = readers(persona, state)
    is_asked = persona.is_anonymous and state is not State.DELETED
    return {Outcome.UNKNOWN} if outcome == {Outcome.HIDDEN} and is_asked else outcome


def publishers(persona: Persona, state: State) -> set[Outcome]:
    """Publishing takes one right for what is there and another one for what is not."""
    action = Action.PUSH_NEW if state is State.MISSING else Action.PUSH_VERSION
    return _right(action, persona, state, state.value)


def maintainers(persona: Persona, state: State) -> set[Outcome]:
    """Deprecating takes a release that is served."""
    outcome = _right(Action.DEPRECATE, persona, state, state.value)
    if outcome != {Outcome.DONE} or state in SHOWN:
        return outcome
    return {Outcome.HIDDEN}


def governors(persona: Persona, state: State) -> set[Outcome]:
    """Owners decide of packages that are there, whatever became of their releases."""
    found = Outcome.HIDDEN if state is State.MISSING else Outcome.DONE
    return _right_of_member(Action.GOVERN, persona, state, state.value, found=found)


def members_alone(action: Action, *, found: Outcome = Outcome.DONE) -> Expects:
    """Return what comes of a request about an organization that is not there for outsiders."""

    def expects(persona: Persona, state: State) -> set[Outcome]:
        return _right_of_member(action, persona, state, found=found)

    return expects


def no_member(persona: Persona, _state: State) -> set[Outcome]:
    """Nobody is taken out who is no member."""
    return {Outcome.UNKNOWN if persona.is_unknown else Outcome.HIDDEN}


def shown(persona: Persona, state: State) -> set[Outcome]:
    """Everybody sees an organization that is there."""
    if persona.is_bad:
        return {Outcome.UNKNOWN}
    return {Outcome.HIDDEN if state is State.DELETED else Outcome.DONE}


def founders(persona: Persona, _state: State) -> set[Outcome]:
    """Whoever has an account founds organizations, and machines have none."""
    if persona.is_unknown or persona.credential is Credential.MACHINE:
        return {Outcome.UNKNOWN}
    return {Outcome.DONE if persona.manages_account else Outcome.FORBIDDEN}


def anybody_known_alone(*, found: Outcome = Outcome.DONE) -> Expects:
    """Return what comes of a request that takes good credentials and no right."""
    return lambda persona, _state: {Outcome.UNKNOWN if persona.is_unknown else found}


def own_account(*, found: Outcome = Outcome.DONE) -> Expects:
    """Return what comes of a request about what belongs to the caller's account as a whole."""

    def expects(persona: Persona, _state: State) -> set[Outcome]:
        if persona.is_unknown:
            return {Outcome.UNKNOWN}
        return {found if persona.manages_account else Outcome.FORBIDDEN}

    return expects


def _right(
    action: Action, persona: Persona, state: State, package: str | None = None
) -> set[Outcome]:
    if persona.is_unknown:
        return {Outcome.UNKNOWN}
    if state is State.DELETED or not persona.may(action, package):
        return {Outcome.FORBIDDEN}
    return {Outcome.DONE}


def _right_of_member(
    action: Action, persona: Persona, state: State, package: str | None = None, *, found: Outcome
) -> set[Outcome]:
    belongs = persona.administrator or persona.role is not None
    if not persona.is_unknown and (state is State.DELETED or not belongs):
        return {Outcome.HIDDEN}
    outcome = _right(action, persona, state, package)
    return {found} if outcome == {Outcome.DONE} else outcome


# --- how it shows ------------------------------------------------------------------------------


def by_status(answer: httpx.Response) -> Outcome:
    """Read an answer of our own API, of the Maven face and of pages."""
    refusals = {401: Outcome.UNKNOWN, 403: Outcome.FORBIDDEN, 404: Outcome.HIDDEN}
    return refusals.get(answer.status_code, Outcome.DONE)


def by_message(answer: httpx.Response) -> Outcome:
    """Read an answer of the Central face, whose clients know no 403."""
    if answer.status_code == 400 and "You may not" in answer.text:
        return Outcome.FORBIDDEN
    return by_status(answer)


def by_place(answer: httpx.Response) -> Outcome:
    """Read an answer that leads to Central for what is not here."""
    is_elsewhere = answer.headers.get("location", "").startswith(CENTRAL_PAGES)
    return Outcome.HIDDEN if is_elsewhere else by_status(answer)


def by_list(*keys: str) -> Reads:
    """Return how to read an answer that leaves out what is hidden."""

    def read(answer: httpx.Response) -> Outcome:
        if answer.status_code != 200:
            return by_message(answer)
        body = answer.json()
        return Outcome.DONE if any(body[key] for key in keys) else Outcome.HIDDEN

    return read


def by_page_of_results(answer: httpx.Response) -> Outcome:
    """Read the page of a search."""
    if answer.status_code != 200:
        return by_message(answer)
    return Outcome.DONE if '<li class="hit">' in answer.text else Outcome.HIDDEN


def by_graphql(answer: httpx.Response) -> Outcome:
    """Read an answer of GraphQL, which always has the status 200."""
    body = answer.json()
    if body["data"] is None:
        return Outcome.UNKNOWN
    return Outcome.DONE if body["data"]["package"] else Outcome.HIDDEN


# --- the table ---------------------------------------------------------------------------------


def _next_version(cell: Cell) -> bytes:
    archive = bala(f"{cell.org}/{cell.name}:2.0.{cell.number}", visibility=_visibility(cell))
    return multipart("x.bala", archive)


def _bare_version(cell: Cell) -> bytes:
    return bala(f"{cell.org}/{cell.name}:2.0.{cell.number}", visibility=_visibility(cell))


def _visibility(cell: Cell) -> str:
    return "private" if cell.state is State.PRIVATE else ""


def _read(path: str, **options: object) -> Declared:
    return Declared("GET", path, readers, EVERY_STATE, shows=by_message, **options)  # pyright: ignore[reportArgumentType]


def _find(path: str, key: str) -> Declared:
    return Declared("GET", path, finders, EVERY_STATE, shows=by_list(key))


def _ask(path: str, body: object, shows: Reads) -> Declared:
    return Declared("POST", path, readers, EVERY_STATE, json.dumps(body), shows=shows)


def _api(method: str, path: str, expects: Expects, body: object = None) -> Declared:
    states = OF_ORGANIZATIONS if "ORG" in path else WHATEVER
    return Declared(method, f"/api/v1/{path}", expects, states, json.dumps(body) if body else "")


def _for_all(path: str, expects: Expects = anybody, method: str = "GET") -> Declared:
    return Declared(method, path, expects)


VERSION = f"{REGISTRY}/packages/ORG/NAME/1.0.0"
STEM = f"{REPOSITORY}/ORG/NAME/1.0.0/NAME-1.0.0"
TOKEN = {"name": "made by the matrix", "scopes": ["read"]}
PUBLISHER = {
    "package": "public",
    "provider": "github",
    "ids": {"repository_id": "1", "repository_owner_id": "2"},
    "workflow": "release.yml",
    "refs": ["refs/heads/main"],
}

CENTRAL = {
    "central_versions": _read(f"{REGISTRY}/packages/ORG/NAME"),
    "central_package": _read(VERSION),
    "central_package (pull)": _read(VERSION, headers=dict(ACCEPT_ARCHIVE)),
    "central_package (range)": _read(f"{REGISTRY}/packages/ORG/NAME/1.*"),
    "central_docs": _read("/2.0/docs/ORG/NAME/1.0.0"),
    "central_doc_ui": _for_all("/2.0/docs/doc-ui", lambda _persona, _state: {Outcome.HIDDEN}),
    "central_graphql": _ask(
        "/2.0/graphql",
        {"query": '{ package(orgName: "ORG", packageName: "NAME", version: "1.0.0") { name } }'},
        by_graphql,
    ),
    "central_tool": _read(f"{REGISTRY}/tools/NAME"),
    "central_list": _find(f"{REGISTRY}/packages?package=NAME&org=ORG&deprecated=true", "packages"),
    "central_organization": _for_all(f"{REGISTRY}/packages/ORG", anybody_known),
    "central_search": _find(f"{REGISTRY}/search-packages?package=NAME&deprecated=true", "packages"),
    "central_doubled": _find(
        f"{REGISTRY}//search-packages?package=NAME&deprecated=true", "packages"
    ),
    "central_suggest": _for_all(f"{REGISTRY}/search-suggestions?q=x", anybody_known),
    "central_tools": _find(f"{REGISTRY}/tools?package=NAME&org=ORG&deprecated=true", "tools"),
    "central_resolve_packages": _ask(
        f"{REGISTRY}/packages/resolve-dependencies",
        {"packages": [{"org": "ORG", "name": "NAME"}]},
        by_list("resolved"),
    ),
    "central_resolve_modules": _ask(
        f"{REGISTRY}/packages/resolve-modules",
        {"modules": [{"organization": "ORG", "moduleName": "NAME"}]},
        by_list("resolvedModules"),
    ),
    "central_resolve_tools": _ask(
        f"{REGISTRY}/tools/resolve-dependencies", {"tools": [{"id": "NAME"}]}, by_list("resolved")
    ),
    "central_push": Declared(
        *("POST", f"{REGISTRY}/packages", publishers, EVERY_STATE),
        headers=FORM,
        content=_next_version,
        shows=by_message,
    ),
    "central_deprecate": Declared(
        *("PUT", f"{REGISTRY}/packages/deprecate/ORG/NAME/1.0.0", maintainers, EVERY_STATE),
        body='{"message":"Use another."}',
        shows=by_message,
    ),
    "central_undeprecate": Declared(
        *("PUT", f"{REGISTRY}/packages/undeprecate/ORG/NAME/1.0.0", maintainers, EVERY_STATE),
        body="{}",
        shows=by_message,
    ),
    "central_search_symbols": _for_all(f"{REGISTRY}/search-symbols?q=x", anybody_known),
    "central_library": _for_all("/2.0/docs/stdlib/2201.12.0", anybody_known),
    "central_docs (library)": _for_all("/2.0/docs/stdlib/2201.12.0/search", anybody_known),
    **{
        f"central_{kind}": _for_all(f"{REGISTRY}/{kind}", anybody_known)
        for kind in ("connectors", "triggers")
    },
    **{
        f"central_{kind}_by_id": _for_all(f"{REGISTRY}/{kind}/1", empty)
        for kind in ("connectors", "triggers")
    },
    **{
        f"central_{kind}_by_name": _for_all(f"{REGISTRY}/{kind}/ORG/public/1.0.0/m/N", empty)
        for kind in ("connectors", "triggers")
    },
}

MAVEN = {
    "maven_read": Declared("GET", f"{STEM}.pom", maven_readers, EVERY_STATE),
    "maven_read (archive)": Declared("HEAD", f"{STEM}.bala", maven_readers, EVERY_STATE),
    "maven_read (versions)": Declared(
        "GET", f"{REPOSITORY}/ORG/NAME/maven-metadata.xml", maven_readers, EVERY_STATE
    ),
    "maven_write": Declared(
        *("PUT", f"{REPOSITORY}/ORG/NAME/2.0.NUMBER/NAME-2.0.NUMBER.bala", publishers),
        EVERY_STATE,
        content=_bare_version,
    ),
    "maven_options": _for_all(
        f"{REPOSITORY}/ORG/public/maven-metadata.xml", anybody_known_alone(), "OPTIONS"
    ),
}

FILES = {
    "archive_bytes": _for_all(
        "/archives/public/nothing/1.0.0/x.bala", lambda _p, _s: {Outcome.HIDDEN}
    ),
    "archive_of_release": Declared(
        "GET", "/archives/mirrored/ORG/NAME/1.0.0/ORG-NAME-any-1.0.0.bala", readers, EVERY_STATE
    ),
    "index_file": Declared("GET", "/index/ORG/NAME/index.json", readers, EVERY_STATE),
    "index_changes": _for_all("/index/changes", anybody_known),
    "index_settings": _for_all("/index/config.json"),
    "health_default": _for_all("/health"),
    "health_live": _for_all("/health/live"),
    "health_ready": _for_all("/health/ready"),
    "static_file": _for_all("/static/none.css", lambda _p, _s: {Outcome.HIDDEN}),
}

API = {
    "api_docs_openapi": _for_all("/api/v1/openapi.json"),
    "api_settings_toml": _for_all("/api/v1/settings.toml", anybody_known),
    "api_packages_visibility": Declared(
        *("PUT", "/api/v1/packages/ORG/NAME/visibility", governors, EVERY_STATE),
        body='{"visibility":"private"}',
    ),
    "api_symbols_search": _for_all("/api/v1/symbols", anybody_known),
    "api_provenance_origin": Declared(
        "GET", "/api/v1/packages/ORG/NAME/1.0.0/origin", readers, EVERY_STATE
    ),
    "api_publishers_restrict": Declared(
        *("PUT", "/api/v1/packages/ORG/NAME/pushers", governors, EVERY_STATE),
        body='{"pushers":"members"}',
    ),
    "api_audit_organization": _api("GET", "orgs/ORG/audit", members_alone(Action.MANAGE)),
    "api_audit_export": _api("GET", "orgs/ORG/audit.jsonl", members_alone(Action.MANAGE)),
    "api_audit_account": _api("GET", "account/events", own_account()),
    "api_orgs_allow_bursts": _api("POST", "orgs/ORG/burst-detection/off", fresh_administrators),
    "api_orgs_list": _api("GET", "orgs", anybody_known_alone()),
    "api_orgs_found": _api("POST", "orgs", founders, {"name": "matrixNUMBER"}),
    "api_orgs_show": _api("GET", "orgs/ORG", shown),
    "api_orgs_change": _api(
        "PATCH", "orgs/ORG", members_alone(Action.MANAGE), {"description": "Number NUMBER."}
    ),
    "api_orgs_change (visibility)": _api(
        "PATCH", "orgs/ORG", members_alone(Action.GOVERN), {"defaultVisibility": "public"}
    ),
    "api_orgs_delete": _api("DELETE", "orgs/ORG", members_alone(Action.GOVERN)),
    "api_orgs_keep": _api("DELETE", "orgs/ORG/deletion", members_alone(Action.GOVERN)),
    "api_members_list": _api("GET", "orgs/ORG/members", members_alone(Action.READ)),
    "api_members_set": _api(
        "PUT", "orgs/ORG/members/ID-OF-max", members_alone(Action.GOVERN), {"role": "maintainer"}
    ),
    "api_members_set (owner)": _api(
        "PUT", "orgs/ORG/members/ID-OF-ann", members_alone(Action.GOVERN), {"role": "owner"}
    ),
    "api_members_remove": _api("DELETE", f"orgs/ORG/members/{NOBODYS}", no_member),
    "api_members_undo": _api(
        "DELETE", "orgs/ORG/pending/ID-OF-max", members_alone(Action.GOVERN, found=Outcome.HIDDEN)
    ),
    "api_invitations_list": _api("GET", "orgs/ORG/invitations", members_alone(Action.MANAGE)),
    "api_invitations_send": _api(
        *("POST", "orgs/ORG/invitations", members_alone(Action.MANAGE)),
        {"role": "member", "email": "samNUMBER@example.org"},
    ),
    "api_invitations_send (maintainer)": _api(
        *("POST", "orgs/ORG/invitations", members_alone(Action.GOVERN)),
        {"role": "maintainer", "email": "tomNUMBER@example.org"},
    ),
    "api_invitations_send (owner)": _api(
        *("POST", "orgs/ORG/invitations", members_alone(Action.GOVERN)),
        {"role": "owner", "email": "samNUMBER@example.org"},
    ),
    "api_invitations_withdraw": _api(
        *("DELETE", f"orgs/ORG/invitations/{NOBODYS}"),
        members_alone(Action.MANAGE, found=Outcome.HIDDEN),
    ),
    "api_leaks_report": _for_all("/api/v1/leaked-tokens", nobody_by_token, "POST"),
    "api_org_tokens_list": _api("GET", "orgs/ORG/tokens", members_alone(Action.MANAGE)),
    "api_org_tokens_issue": _api("POST", "orgs/ORG/tokens", members_alone(Action.GOVERN), TOKEN),
    "api_publishers_list": _api("GET", "orgs/ORG/publishers", members_alone(Action.MANAGE)),
    "api_publishers_add": _api(
        "POST", "orgs/ORG/publishers", members_alone(Action.GOVERN), PUBLISHER
    ),
    "api_publishers_remove": _api(
        *("DELETE", f"orgs/ORG/publishers/{NOBODYS}"),
        members_alone(Action.GOVERN, found=Outcome.HIDDEN),
    ),
    "api_trusted_audience": _for_all("/api/v1/trusted-publishing/audience"),
    "api_trusted_exchange": _api(
        "POST", "trusted-publishing/token", nobody_by_token, {"token": "no.id.token"}
    ),
    # The registry of the matrix mirrors nothing, which only administrators learn.
    "api_mirror_show": _api("GET", "mirror", administrators),
    "api_mirror_refusals": _api("GET", "mirror/refusals", administrators),
    "api_mirror_retry": _api(
        "POST", "mirror/retries", administrators, {"release": "ORG/name:1.0.0"}
    ),
    "api_mirror_replace": _api("PUT", "mirror", administrators, {"upstreams": ["central"]}),
    "api_mirror_dry_run": _api(
        "POST", "mirror/dry-run", administrators, {"upstreams": ["central"]}
    ),
    "api_mirror_admit": _api(
        "POST", "mirror/admissions", administrators, {"release": "ORG/name:1.0.0", "reason": "Fix."}
    ),
    "token_whoami": _api("GET", "whoami", anybody_known_alone()),
    "token_list": _api("GET", "tokens", own_account()),
    "token_issue": _api("POST", "tokens", own_account(), TOKEN),
    **{
        f"api_org_tokens_{verb}": _api(
            method, path, members_alone(Action.MANAGE, found=Outcome.HIDDEN), body
        )
        for verb, method, path, body in (
            ("show", "GET", f"orgs/ORG/tokens/{NOBODYS}", None),
            ("revoke", "DELETE", f"orgs/ORG/tokens/{NOBODYS}", None),
        )
    },
    "api_org_tokens_rotate": _api(
        *("POST", f"orgs/ORG/tokens/{NOBODYS}/rotate"),
        members_alone(Action.GOVERN, found=Outcome.HIDDEN),
    ),
    **{
        f"token_{verb}": _api(method, path, own_account(found=Outcome.HIDDEN), body)
        for verb, method, path, body in (
            ("show", "GET", f"tokens/{NOBODYS}", None),
            ("rotate", "POST", f"tokens/{NOBODYS}/rotate", None),
            ("revoke", "DELETE", f"tokens/{NOBODYS}", None),
        )
    },
    "device_api_ask": _api("POST", "device", anybody_known, {"client_id": "a machine"}),
    "device_api_token": _api(
        "POST", "device/token", anybody_known, {"grant_type": GRANT_TYPE, "device_code": "none"}
    ),
}

_PARAMETERS = {"org": "ORG", "name": "public", "version": "1.0.0", "account": "ID-OF-ann"}


def _by_session() -> Iterator[tuple[str, Declared]]:
    """Yield the pages that know people by the cookie of a browser: a token opens none of them."""
    for each in operations(Settings()):
        if isinstance(each.face, SignedInPages) and each.name not in OPEN_PAGES:
            method = each.methods[0]
            query = "?q=ORG/public" if each.name == "manage_releases" else ""
            if method == "GET" and "_confirm_" in each.name:
                query = f"?token={NOBODYS}"
            path = each.route.format(code="none", **_PARAMETERS)
            yield each.name, _for_all(f"/{path}{query}", nobody_by_token, method)


OPEN_PAGES = {
    "login_file": _for_all("/login.py"),
    "security_txt_file": _for_all("/.well-known/security.txt", not_there),
    "sign_in_page_shown": _for_all("/sign-in"),
    "sign_in_begin": _for_all("/sign-in/nobody", not_there),
    "sign_in_callback": _for_all("/sign-in/callback/nobody", not_there),
    "sign_in_link_page": _for_all("/sign-in/link/none", nobody_by_token),
    "sign_in_link_used": _for_all("/sign-in/link/none", anybody, "POST"),
    "sign_in_out": _for_all("/sign-out", anybody, "POST"),
}
PAGES = {**dict(_by_session()), **OPEN_PAGES}


def strangers(_persona: Persona, state: State) -> set[Outcome]:
    """Everybody reads what is public, and whoever asks is a stranger."""
    return {Outcome.DONE if state in SERVED else Outcome.HIDDEN}


def _page(path: str, expects: Expects = readers, shows: Reads | None = None) -> Declared:
    return Declared("GET", path, expects, EVERY_STATE, shows=shows)


# Pages of packages are for everybody, and know people by a session or a token.
OF_PACKAGES = {
    "web_package": _page("/packages/ORG/NAME"),
    "web_package_version": _page("/packages/ORG/NAME/1.0.0"),
    **{
        f"web_package_tab ({tab})": _page(f"/packages/ORG/NAME/1.0.0/{tab}") for tab in TAB_HANDLERS
    },
    "web_module_docs": _page("/packages/ORG/NAME/1.0.0/docs/NAME/greet"),
    "web_type_docs": _page("/docs/ORG/NAME/1.0.0/greet", shows=by_place),
    "web_file": _page("/files/ORG/NAME/1.0.0/package.json"),
    "web_llms": _for_all("/llms.txt"),
}

FOUND = '/search?q=name:"NAME"&org=ORG'
NOT_DEPRECATED = tuple(state for state in State if state is not State.DEPRECATED)

SITE = {
    "web_home": _for_all("/", anybody_known),
    "web_cli_token": _for_all("/cli-token", anybody_known),
    "web_manual": _for_all("/docs/clients", anybody_known),
    "web_about": _for_all("/about/status", anybody_known),
    "web_search": Declared("GET", FOUND, finders, NOT_DEPRECATED, shows=by_page_of_results),
    "web_search (deprecated)": Declared(
        *("GET", f"{FOUND}&deprecated=true", finders, (State.DEPRECATED,)), shows=by_page_of_results
    ),
    "web_symbols": _for_all("/symbols", anybody_known),
    "web_organizations": _for_all("/organizations", anybody_known),
    "web_keywords": _for_all("/keywords", anybody_known),
    "web_update_tool": _for_all("/2.0/update-tool/distributions", empty),
    "web_org": Declared("GET", "/orgs/ORG", shown, OF_ORGANIZATIONS),
    "web_site_robots": _for_all("/robots.txt", anybody_known),
    "web_site_icon": _for_all("/favicon.ico"),
}

DECLARED: dict[str, Declared] = {**CENTRAL, **MAVEN, **FILES, **API, **PAGES, **OF_PACKAGES, **SITE}
