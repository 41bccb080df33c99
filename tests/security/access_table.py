"""What every Function takes, in one table: whom it is for, and how the matrix asks it.

A Function that is not here fails the matrix. Its entry says which right of the table it takes, or
that it is for everybody, for whoever has an account, or proves its caller by itself.
"""

import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from enum import Enum
from functools import cache

import httpx

from functions.api.device_login import GRANT_TYPE
from functions.faces import operations
from functions.html.signed_in_pages import SignedInPages
from functions.web.package.pages import TAB_HANDLERS
from shared.domain.mirror_rules import CENTRAL_PAGES
from shared.domain.scopes import Action, Scope
from shared.settings import Settings
from tests.protocol.bal.java import ACCEPT_ARCHIVE
from tests.protocol.bal.okhttp import FORM, multipart
from tests.security.personas import Credential, Persona
from tests.support.archives import bala
from tests.support.mcp_agent import tool_call
from tests.support.world import URL

REGISTRY = "/2.0/registry"
REPOSITORY = "/2.0/maven"
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
        return "gone" if self is State.DELETED else "acme"


EVERY_STATE = tuple(State)
SERVED = (State.PUBLIC, State.DEPRECATED)
WITHDRAWN = (State.HELD, State.QUARANTINED, State.REMOVED)
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
        return self.elsewhere or self.state.org

    @property
    def name(self) -> str:
        """Return the package that is asked about; what is missing is so in each cell."""
        is_missing = self.state is State.MISSING
        return f"missing{self.number}" if is_missing else self.state.value

    def named(self, text: str) -> str:
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
    states: tuple[State, ...]
    body: str
    headers: Mapping[str, str] | None
    content: Callable[[Cell], bytes] | None
    shows: Reads

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
    return _known(persona, may=persona.administrator and persona.is_fresh)


def freezers(persona: Persona, state: State) -> set[Outcome]:
    """Administrators who just signed in; what is deleted is not frozen."""
    expected = fresh_administrators(persona, state)
    hide = {Outcome.DONE: Outcome.HIDDEN} if state is State.DELETED else {}
    return {hide.get(each, each) for each in expected}


def administrators(persona: Persona, _state: State) -> set[Outcome]:
    """Administrators alone, by a credential that manages everything."""
    return _known(persona, may=persona.administrator and persona.manages_account)


def auditors(persona: Persona, _state: State) -> set[Outcome]:
    """Administrators and auditors, by a credential that manages everything or audits."""
    return _known(persona, may=persona.audits)


def dispute_readers(persona: Persona, _state: State) -> set[Outcome]:
    """Whoever has an account sees their disputes, and auditors all; there is none."""
    may = persona.manages_account or Scope.AUDIT in persona.scopes
    return _known(persona, may=may, found=Outcome.HIDDEN)


def moderators(persona: Persona, _state: State) -> set[Outcome]:
    """Administrators who just signed in, and their tokens that moderate everything."""
    return _known(persona, may=_moderates(persona) and (persona.org, persona.package) == _ALL)


def moderators_of_package(persona: Persona, state: State) -> set[Outcome]:
    """Administrators who just signed in, and their tokens that moderate the package."""
    may = persona.is_fresh or persona.may(Action.MODERATE, state.value)
    return _known(persona, may=_moderates(persona) and may)


def appliers(persona: Persona, _state: State) -> set[Outcome]:
    """Administrators who just signed in, and their tokens that apply registry files."""
    applies = persona.is_fresh or Scope.APPLY in persona.scopes
    return _known(persona, may=persona.administrator and applies)


def reviewers(persona: Persona, _state: State) -> set[Outcome]:
    """Administrators by a credential that manages or moderates everything, and auditors."""
    is_whole = (persona.org, persona.package) == _ALL and Scope.MODERATE in persona.scopes
    return _known(persona, may=persona.audits or (persona.administrator and is_whole))


def reviewers_of_package(persona: Persona, state: State) -> set[Outcome]:
    """Administrators by a credential that manages everything, or moderates the package; and
    auditors."""
    may = persona.manages_account or persona.may(Action.MODERATE, state.value)
    return _known(persona, may=persona.audits or (persona.administrator and may))


def _moderates(persona: Persona) -> bool:
    return persona.administrator and (persona.is_fresh or Scope.MODERATE in persona.scopes)


_ALL = ("*", "*")


def hidden(expects: Expects) -> Expects:
    """Return what comes of a request about something that is not there, for those who may."""
    hide = {Outcome.DONE: Outcome.HIDDEN}
    return lambda persona, state: {hide.get(each, each) for each in expects(persona, state)}


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


def reporters(persona: Persona, state: State) -> set[Outcome]:
    """Whoever has an account reports what they read, by a credential for all of the account."""
    known = _known(persona, may=persona.manages_account)
    return readers(persona, state) if known == {Outcome.DONE} else known


def followers_of_organization(persona: Persona, state: State) -> set[Outcome]:
    """Whoever has an account follows what they see, by a credential for all of the account."""
    known = _known(persona, may=persona.manages_account)
    return shown(persona, state) if known == {Outcome.DONE} else known


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


def feed_readers(persona: Persona, state: State) -> set[Outcome]:
    """As readers, but a feed tells that a release was withdrawn, and who sends no credentials is
    asked for some."""
    if state in WITHDRAWN and not persona.is_bad:
        return {Outcome.DONE}
    outcome = readers(persona, state)
    return {Outcome.UNKNOWN} if outcome == {Outcome.HIDDEN} and persona.is_anonymous else outcome


def history_readers(persona: Persona, state: State) -> set[Outcome]:
    """As readers, but the history tells that a release was withdrawn, and members that it is
    held."""
    is_told = state in (State.QUARANTINED, State.REMOVED)
    if state is State.HELD:
        is_told = persona.may(Action.READ, state.value)
    return {Outcome.DONE} if is_told and not persona.is_bad else readers(persona, state)


def publishers(persona: Persona, state: State) -> set[Outcome]:
    """Publishing takes one right for what is there and another one for what is not."""
    action = Action.PUSH_NEW if state is State.MISSING else Action.PUSH_VERSION
    return _right(action, persona, state, state.value)


def checkers(persona: Persona, state: State) -> set[Outcome]:
    """Who publishes a package checks an archive of it, and so do members who read it."""
    pushes = publishers(persona, state) == {Outcome.DONE}
    reads = persona.may(Action.READ, state.value)
    return _known(persona, may=state is not State.DELETED and (pushes or reads))


def maintainers(persona: Persona, state: State) -> set[Outcome]:
    """Deprecating takes a release that is served."""
    outcome = _right(Action.DEPRECATE, persona, state, state.value)
    if outcome != {Outcome.DONE} or state in SHOWN:
        return outcome
    return {Outcome.HIDDEN}


@cache
def with_right(action: Action) -> Expects:
    """Return what comes of a request about a package that takes the right to `action`: those who
    have it change packages that are there, whatever became of their releases."""

    def expects(persona: Persona, state: State) -> set[Outcome]:
        found = Outcome.HIDDEN if state is State.MISSING else Outcome.DONE
        return _right_of_member(action, persona, state, state.value, found=found)

    return expects


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
    if persona.credential is Credential.MACHINE:
        return {Outcome.UNKNOWN}
    return _known(persona, may=persona.manages_account)


def anybody_known_alone(persona: Persona, _state: State) -> set[Outcome]:
    """It takes good credentials and no right."""
    return _known(persona, may=True)


def nobody_known(persona: Persona, _state: State) -> set[Outcome]:
    """It takes the token of a CI job, which none of these have."""
    return _known(persona, may=False)


def own_account(*, found: Outcome = Outcome.DONE) -> Expects:
    """Return what comes of a request about what belongs to the caller's account as a whole."""
    return lambda persona, _state: _known(persona, may=persona.manages_account, found=found)


def _known(persona: Persona, *, may: bool, found: Outcome = Outcome.DONE) -> set[Outcome]:
    if persona.is_unknown:
        return {Outcome.UNKNOWN}
    return {found if may else Outcome.FORBIDDEN}


def _right(
    action: Action, persona: Persona, state: State, package: str | None = None
) -> set[Outcome]:
    return _known(persona, may=state is not State.DELETED and persona.may(action, package))


def _right_of_member(
    action: Action, persona: Persona, state: State, package: str | None = None, *, found: Outcome
) -> set[Outcome]:
    belongs = persona.administrator or persona.role is not None
    if not persona.is_unknown and (state is State.DELETED or not belongs):
        return {Outcome.HIDDEN}
    return _known(persona, may=persona.may(action, package), found=found)


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


def by_state(answer: httpx.Response) -> Outcome:
    """Read an answer that says of what is hidden that it is missing, or was withdrawn."""
    if answer.status_code != 200:
        return by_status(answer)
    [found] = answer.json()["packages"]
    return Outcome.HIDDEN if found["state"] in ("missing", "withdrawn") else Outcome.DONE


def by_page_of_results(answer: httpx.Response) -> Outcome:
    if answer.status_code != 200:
        return by_message(answer)
    return Outcome.DONE if '<li class="hit">' in answer.text else Outcome.HIDDEN


def by_comparison(answer: httpx.Response) -> Outcome:
    """Read a page that leaves out what the caller may not see."""
    if answer.status_code != 200:
        return by_message(answer)
    return Outcome.DONE if "<table" in answer.text else Outcome.HIDDEN


def by_graphql(answer: httpx.Response) -> Outcome:
    """Read an answer of GraphQL, which always has the status 200."""
    body = answer.json()
    if body["data"] is None:
        return Outcome.UNKNOWN
    return Outcome.DONE if body["data"]["package"] else Outcome.HIDDEN


def by_tool(answer: httpx.Response) -> Outcome:
    """Read what a tool told an agent, which has the status 200 if the caller is known."""
    if answer.status_code != 200:
        return by_status(answer)
    return Outcome.HIDDEN if answer.json()["result"]["isError"] else Outcome.DONE


# --- the table ---------------------------------------------------------------------------------

TOKEN = {"name": "made by the matrix", "scopes": ["read"]}
PUBLISHER = {
    "package": "public",
    "provider": "github",
    "ids": {"repository_id": "1", "repository_owner_id": "2"},
    "workflow": "release.yml",
    "refs": ["refs/heads/main"],
}

WEBHOOK = {"url": "https://hooks.test/NUMBER", "events": ["release"]}

ADVISORY = {"summary": "It greets strangers.", "affected": [".."]}

# The Functions by what comes of a request to them. Some are asked in several ways.
EXPECTED: Mapping[Expects, tuple[str, ...]] = {
    anybody: (
        "account_dashboard",
        "account_following_leave",
        "account_following_leave_page",
        "account_invitation",
        "account_invitation_answer",
        "api_docs_openapi",
        "api_keys",
        "api_trusted_audience",
        "health_default",
        "health_live",
        "health_ready",
        "index_settings",
        "login_file",
        "web_audit_file",
        "web_outdated_file",
        "web_verify_file",
        "web_publish_file",
        "sign_in_link_page",
        "sign_in_link_used",
        "sign_in_out",
        "sign_in_page_shown",
        "web_llms",
        "web_site_icon",
        "web_badge",
        "web_sitemap",
    ),
    anybody_known: (
        "api_settings_toml",
        "api_symbols_search",
        "osv_export",
        "osv_query",
        "osv_query_batch",
        "central_connectors",
        "central_docs (library)",
        "central_library",
        "central_organization",
        "central_search_symbols",
        "central_suggest",
        "central_triggers",
        "device_api_ask",
        "device_api_token",
        "index_changes",
        "log_checkpoint",
        "log_policy",
        "web_about",
        "web_advisories",
        "web_cli_token",
        "web_feed",
        "web_home",
        "web_keywords",
        "web_manual",
        "web_opensearch",
        "web_organizations",
        "web_policy_names",
        "web_site_robots",
        "web_symbols",
        "witness_add",
    ),
    anybody_known_alone: (
        "api_approved_ask",
        "api_orgs_list",
        "maven_options",
        "token_whoami",
    ),
    nobody_by_token: (
        "api_leaks_report",
        "api_trusted_exchange",
        # Tokens of directories are none of a person.
        "scim_config",
        "scim_groups_create",
        "scim_groups_list",
        "scim_groups_patch",
        "scim_groups_remove",
        "scim_groups_replace",
        "scim_groups_show",
        "scim_resource_types_list",
        "scim_resource_types_show",
        "scim_schemas_list",
        "scim_schemas_show",
        "scim_search",
        "scim_users_create",
        "scim_users_list",
        "scim_users_patch",
        "scim_users_remove",
        "scim_users_replace",
        "scim_users_show",
    ),
    nobody_known: ("api_trusted_end",),
    not_there: (
        "account_following_end_page",
        "account_following_end",
        "archive_bytes",
        "central_doc_ui",
        "security_txt_file",
        "sign_in_begin_entra",
        "sign_in_begin_github",
        "sign_in_begin_oidc",
        "sign_in_callback",
        "static_file",
    ),
    empty: (
        "api_log_opening",
        "central_connectors_by_id",
        "central_connectors_by_name",
        "central_triggers_by_id",
        "central_triggers_by_name",
        "log_following_checkpoint",
        "log_following_policy",
        "log_following_tile",
        "log_tile",
        "osv_advisory",
        "web_advisory",
        "web_update_tool",
        "witness_checkpoint",
        "zz_missing",
    ),
    readers: (
        "api_assessments_list",
        "api_assessments_vex",
        "api_log_proof",
        "api_packages_checklist",
        "api_dependencies_check",
        "api_packages_successor",
        "api_provenance_origin",
        "api_provenance_statements",
        "api_sbom",
        "api_sbom_author",
        "api_sbom_differences",
        "archive_of_release",
        "central_docs",
        "central_graphql",
        "central_package",
        "central_package (pull)",
        "central_package (range)",
        "central_resolve_modules",
        "central_resolve_packages",
        "central_resolve_tools",
        "central_tool",
        "central_versions",
        "index_file",
        "index_text",
        "mcp_request",
        "web_file",
        "web_module_docs",
        "web_compare",
        "web_package",
        "web_package_version",
        "web_type_docs",
        *(f"web_package_tab ({tab})" for tab in TAB_HANDLERS),
    ),
    finders: (
        "central_doubled",
        "central_list",
        "central_search",
        "central_tools",
        "web_search",
        "web_search (deprecated)",
    ),
    feed_readers: ("web_feed_package",),
    history_readers: ("api_packages_history",),
    maven_readers: ("maven_read", "maven_read (archive)", "maven_read (versions)"),
    publishers: ("central_push", "maven_write"),
    checkers: ("api_dry_run",),
    maintainers: ("central_deprecate", "central_undeprecate"),
    with_right(Action.GOVERN): (
        "api_packages_visibility",
        "api_publishers_restrict",
        "api_releases_erase",
        "api_releases_hold",
        "api_releases_restore",
    ),
    with_right(Action.MANAGE): ("api_packages_succeed", "api_releases_rule_findings"),
    with_right(Action.APPROVE): ("api_staged_releases_approve", "api_staged_releases_refuse"),
    # No release of the matrix has a Java library inside.
    hidden(with_right(Action.MANAGE)): ("api_assessments_assess", "api_assessments_retract"),
    shown: ("api_orgs_show", "web_org"),
    founders: ("api_orgs_found",),
    reporters: ("api_reports_make", "api_follows_package"),
    followers_of_organization: ("api_follows_organization",),
    no_member: ("api_members_remove",),
    own_account(): (
        "api_audit_account",
        "api_follows_list",
        "api_follows_organization_end",
        "api_follows_package_end",
        "api_name_disputes_list",
        "api_reports_own",
        "token_issue",
        "token_list",
    ),
    own_account(found=Outcome.HIDDEN): (
        "api_name_disputes_appeal",
        "api_name_disputes_open",
        "api_name_disputes_state",
        "api_name_disputes_withdraw",
        "token_rename",
        "token_revoke",
        "token_rotate",
        "token_show",
    ),
    members_alone(Action.READ): (
        "api_staged_releases_list",
        "api_members_list",
        "api_org_rules_show",
        "api_orgs_frozen",
        "api_ownership_list",
    ),
    # Nothing in the registry of the matrix waits for a review.
    members_alone(Action.READ, found=Outcome.HIDDEN): ("api_staged_releases_review",),
    # The registry of the matrix has an owner who can sign in.
    members_alone(Action.LEAVE): ("api_ownership_request",),
    members_alone(Action.MANAGE): (
        "api_org_approvals_dry_run",
        "api_org_retention_dry_run",
        "api_org_advisories_draft",
        "api_org_advisories_list",
        "api_audit_export",
        "api_audit_organization",
        "api_invitations_list",
        "api_invitations_send",
        "api_org_tokens_list",
        "api_orgs_change",
        "api_publishers_list",
        "api_org_rules_dry_run",
        "api_org_pulls",
        "api_org_pulls_csv",
        "api_org_pulls_lines",
        "api_org_reports",
        "api_org_webhooks_list",
    ),
    members_alone(Action.MANAGE, found=Outcome.HIDDEN): (
        "api_org_advisories_change",
        "api_org_advisories_discard",
        "api_org_advisories_publish",
        "api_org_advisories_show",
        "api_org_advisories_withdraw",
        "api_invitations_withdraw",
        "api_org_tokens_rename",
        "api_org_tokens_revoke",
        "api_org_tokens_show",
        "api_org_webhooks_replay",
        "api_org_webhooks_show",
    ),
    members_alone(Action.GOVERN): (
        "api_invitations_send (maintainer)",
        "api_invitations_send (owner)",
        "api_members_set",
        "api_members_set (owner)",
        "api_org_tokens_issue",
        "api_orgs_change (visibility)",
        "api_org_rules_change",
        "api_org_webhooks_add",
        "api_orgs_continue",
        "api_orgs_delete",
        "api_orgs_keep",
        "api_orgs_require_provenance",
        "api_publishers_add",
    ),
    members_alone(Action.GOVERN, found=Outcome.HIDDEN): (
        "api_members_undo",
        "api_org_tokens_rotate",
        "api_org_webhooks_remove",
        "api_org_tokens_confirm",
        "api_org_webhooks_confirm",
        "api_publishers_confirm",
        "api_org_webhooks_rotate",
        "api_publishers_remove",
    ),
    moderators: (
        "api_moderation_quarantine_many",
        "api_moderation_lock",
        "api_moderation_move_name",
        "api_moderation_reserve_name",
        "api_moderation_revoke",
        "api_moderation_unlock",
    ),
    moderators_of_package: (
        "api_moderation_erase",
        "api_moderation_hold",
        "api_moderation_package_hold",
        "api_moderation_package_restore",
        "api_moderation_quarantine",
        "api_moderation_remove",
        "api_moderation_restore",
    ),
    reviewers: (
        "api_moderation_account",
        "api_moderation_proposals",
        "api_moderation_releases",
        "api_moderation_reports",
        "api_moderation_quarantine_many (list)",
    ),
    reviewers_of_package: ("api_moderation_release",),
    # Nobody reported these versions.
    hidden(moderators_of_package): ("api_moderation_report_decide",),
    hidden(reviewers_of_package): ("api_moderation_reported_release",),
    fresh_administrators: (
        "api_approved_approve",
        "api_advisories_draft",
        "api_accounts_leave",
        "api_directory_locks_decide",
        "api_groups_replace",
        "api_orgs_allow_bursts",
        "api_rules_change",
        "api_scim_takeovers_allow",
        "api_scim_tokens_issue",
        "api_webhooks_add",
    ),
    freezers: ("api_org_quota_change", "api_orgs_freeze", "api_orgs_unfreeze"),
    appliers: ("api_apply", "api_export"),
    hidden(fresh_administrators): (
        "api_approved_withdraw",
        "api_approved_refuse",
        "api_advisories_change",
        "api_advisories_discard",
        "api_advisories_publish",
        "api_advisories_withdraw",
        "api_moderation_confirm",
        "api_moderation_reject",
        "api_moderation_withdraw",
        "api_packages_freeze",
        "api_packages_unfreeze",
        "api_name_disputes_decide",
        "api_ownership_decide",
        "api_scim_tokens_revoke",
        "api_webhooks_confirm",
        "api_webhooks_remove",
        "api_webhooks_rotate",
    ),
    hidden(administrators): ("api_webhooks_replay",),
    hidden(auditors): ("api_advisories_show", "api_webhooks_show"),
    dispute_readers: ("api_name_disputes_show",),
    # The registry of the matrix mirrors nothing, which only administrators and auditors learn.
    administrators: (
        "api_approved_dry_run",
        "api_groups_dry_run",
        "api_rules_dry_run",
        "api_mirror_admit",
        "api_mirror_dry_run",
        "api_mirror_keep",
        "api_mirror_replace",
        "api_mirror_retry",
        "api_mirror_withhold",
    ),
    auditors: (
        "api_rights",
        "api_rights_csv",
        "api_approved_list",
        "api_approved_requests",
        "api_advisories_list",
        "api_mirror_refusals",
        "api_accounts_rights",
        "api_accounts_statement",
        "api_directory_locks_list",
        "api_mirror_gone",
        "api_groups_show",
        "api_ownership_list_all",
        "api_ownership_ownerless",
        "api_audit_registry",
        "api_mirror_show",
        "api_rules_show",
        "api_scim_takeovers_list",
        "api_scim_tokens_list",
        "api_webhooks_list",
    ),
}
ABOUT_PACKAGES = {
    readers,
    finders,
    maven_readers,
    publishers,
    maintainers,
    *map(with_right, Action),
}
STATES = {
    "web_search": tuple(state for state in State if state is not State.DEPRECATED),
    "web_search (deprecated)": (State.DEPRECATED,),
}

VALUES = {
    **dict.fromkeys(("name", "package", "module"), "NAME"),
    "org": "ORG",
    "version": "1.0.0",
    "id": NOBODYS,
    "account": "ID-OF-max",
    "dispute": f"acme-{NOBODYS}",
}
OSV_QUERY = {"package": {"ecosystem": "Ballerina", "name": "ORG/NAME"}, "version": "1.0.0"}
STEM = f"{REPOSITORY}/ORG/NAME/1.0.0/NAME-1.0.0"
FOUND = '/search?q=name:"NAME"&org=ORG'
LISTED = "package=NAME&org=ORG&deprecated=true"

# Where a Function is asked something in particular; else it is at its route, with these values.
PATHS = {
    "api_members_remove": f"/api/v1/orgs/ORG/members/{NOBODYS}",
    "api_log_opening": "/api/v1/log/openings/999999",
    "api_members_set (owner)": "/api/v1/orgs/ORG/members/ID-OF-ann",
    "api_packages_freeze": "/api/v1/packages/ORG/nowhere/freeze",
    "api_packages_unfreeze": "/api/v1/packages/ORG/nowhere/freeze",
    **{
        f"api_moderation_{act}": f"/api/v1/moderation/accounts/max/{act}"
        for act in ("lock", "unlock")
    },
    "api_moderation_account": "/api/v1/moderation/accounts/max",
    "api_moderation_releases": "/api/v1/moderation/releases?org=ORG",
    "api_moderation_revoke": "/api/v1/moderation/accounts/max/revoke-tokens",
    "api_moderation_report_decide": "/api/v1/moderation/reports/ORG/NAME/9.9.9/decision",
    "api_moderation_reported_release": "/api/v1/moderation/reports/ORG/NAME/9.9.9",
    "archive_bytes": "/archives/public/nothing/1.0.0/x.bala",
    "archive_of_release": "/archives/mirrored/ORG/NAME/1.0.0/ORG-NAME-any-1.0.0.bala",
    "central_connectors_by_id": f"{REGISTRY}/connectors/1",
    "central_docs (library)": "/2.0/docs/stdlib/2201.12.0/search",
    "central_doubled": f"{REGISTRY}//search-packages?package=NAME&deprecated=true",
    "central_library": "/2.0/docs/stdlib/2201.12.0",
    "central_list": f"{REGISTRY}/packages?{LISTED}",
    "central_package (range)": f"{REGISTRY}/packages/ORG/NAME/1.*",
    "central_search": f"{REGISTRY}/search-packages?package=NAME&deprecated=true",
    "central_search_symbols": f"{REGISTRY}/search-symbols?q=x",
    "central_suggest": f"{REGISTRY}/search-suggestions?q=x",
    "central_tool": f"{REGISTRY}/tools/NAME",
    "central_tools": f"{REGISTRY}/tools?{LISTED}",
    "central_triggers_by_id": f"{REGISTRY}/triggers/1",
    "log_following_checkpoint": "/logs/log9/checkpoint",
    "log_following_policy": "/logs/log9/policy",
    "log_following_tile": "/logs/log9/tile/9/000",
    "log_tile": "/log/tile/9/000",
    "manage_releases": "/manage/releases?q=ORG/public",
    "maven_options": f"{REPOSITORY}/ORG/public/maven-metadata.xml",
    "maven_read": f"{STEM}.pom",
    "maven_read (archive)": f"{STEM}.bala",
    "maven_read (versions)": f"{REPOSITORY}/ORG/NAME/maven-metadata.xml",
    "maven_write": f"{REPOSITORY}/ORG/NAME/2.0.NUMBER/NAME-2.0.NUMBER.bala",
    "web_about": "/about/status",
    "web_badge": "/badges/ORG/NAME/version.svg",
    "web_compare": "/compare?packages=ORG/NAME",
    "web_feed": "/feeds/registry.atom",
    "web_feed_package": "/feeds/ORG/NAME.atom",
    "web_file": "/files/ORG/NAME/1.0.0/package.json",
    "web_home": "/",
    "web_manual": "/docs/clients",
    "web_module_docs": "/packages/ORG/NAME/1.0.0/docs/NAME/greet",
    "web_search": FOUND,
    "web_search (deprecated)": f"{FOUND}&deprecated=true",
    "web_type_docs": "/docs/ORG/NAME/1.0.0/greet",
    "web_update_tool": "/2.0/update-tool/distributions",
    "witness_checkpoint": "/witness/none/checkpoint",
    "zz_missing": "/nothing/more/and/more",
    **{f"web_package_tab ({tab})": f"/packages/ORG/NAME/1.0.0/{tab}" for tab in TAB_HANDLERS},
}

_GRAPHQL = '{ package(orgName: "ORG", packageName: "NAME", version: "1.0.0") { name } }'
BODIES: Mapping[str, object] = {
    "api_approved_approve": {"packages": ["ORG/name:1.0.0"], "reason": "Reviewed."},
    "api_approved_ask": {"reason": "A build needs it."},
    "api_approved_dry_run": {},
    "api_approved_refuse": {"reason": "Use another one."},
    "api_approved_withdraw": {"packages": ["nobody/name:1.0.0"], "reason": "Old."},
    "api_org_quota_change": {"maxReleases": 0},
    "api_org_retention_dry_run": {"retention": "last 5"},
    "api_advisories_change": ADVISORY,
    "api_advisories_draft": {"package": "acme/public", **ADVISORY},
    "api_advisories_withdraw": {"reason": "A mistake."},
    "api_apply": {"file": "[registry]\nreserved_names = ['wso2NUMBER*']\n"},
    "api_assessments_assess": {"state": "in_triage"},
    "api_org_advisories_change": ADVISORY,
    "api_org_advisories_draft": {"package": "public", **ADVISORY},
    "api_directory_locks_decide": {"decision": "lock", "accounts": ["*"], "reason": "Left."},
    "api_groups_dry_run": {"rules": ["oidc:dev -> staff"]},
    "api_groups_replace": {"rules": ["oidc:NUMBER -> staff"]},
    "api_invitations_send": {"role": "member", "email": "samNUMBER@example.org"},
    "api_invitations_send (maintainer)": {"role": "maintainer", "email": "tomNUMBER@example.org"},
    "api_invitations_send (owner)": {"role": "owner", "email": "samNUMBER@example.org"},
    "api_members_set": {"role": "maintainer"},
    "api_ownership_decide": {"decision": "refuse", "reason": "Left."},
    "api_ownership_request": {"reason": "Left."},
    "api_members_set (owner)": {"role": "owner"},
    "api_mirror_admit": {"release": "ORG/name:1.0.0", "reason": "Fix."},
    "api_mirror_dry_run": {"upstreams": ["central"]},
    "api_mirror_keep": {"release": "ORG/name:1.0.0"},
    "api_mirror_withhold": {"release": "ORG/name:1.0.0"},
    "api_mirror_replace": {"upstreams": ["central"]},
    "api_mirror_retry": {"release": "ORG/name:1.0.0"},
    "api_name_disputes_appeal": {"reason": "It is older."},
    "api_name_disputes_decide": {"outcome": "denied", "reason": "It is older."},
    "api_name_disputes_open": {"name": "nobody", "statement": "It is ours."},
    "api_name_disputes_state": {"text": "It is ours."},
    **{
        name: {"reason": "A test."}
        for name in (
            "api_moderation_erase",
            "api_moderation_hold",
            "api_moderation_lock",
            "api_moderation_package_hold",
            "api_moderation_quarantine",
            "api_moderation_reject",
            "api_moderation_remove",
            "api_moderation_revoke",
            "api_staged_releases_refuse",
            "api_releases_erase",
            "api_releases_hold",
        )
    },
    "api_moderation_move_name": {"to": "here", "reason": "A test."},
    "api_moderation_quarantine_many": {"org": "ORG", "reason": "A test."},
    "api_moderation_quarantine_many (list)": {"org": "ORG", "reason": "No.", "dryRun": True},
    "api_moderation_report_decide": {"outcome": "false", "reason": "A test."},
    "api_reports_make": {"why": "malware", "text": "It reads keys."},
    "api_moderation_reserve_name": {"pattern": "evilNUMBER*", "reason": "A test."},
    "api_org_tokens_issue": TOKEN,
    "api_org_tokens_rename": {"name": "other"},
    "api_org_webhooks_add": WEBHOOK,
    "api_orgs_change": {"description": "Number NUMBER."},
    "api_orgs_change (visibility)": {"defaultVisibility": "public"},
    "api_orgs_continue": {"continuedAs": None, "reason": "A mistake."},
    "api_orgs_require_provenance": {"requiresProvenance": "none"},
    "api_org_rules_change": {"approvals": 1},
    "api_org_rules_dry_run": {"staged": True},
    "api_rules_change": {"versionRule": "warn"},
    "api_rules_dry_run": {"staged": True},
    "api_orgs_freeze": {"reason": "A case."},
    "api_packages_freeze": {"reason": "A case."},
    "api_orgs_found": {"name": "matrixNUMBER"},
    "api_packages_succeed": {"successor": "acme/public", "reason": "It moved."},
    "api_packages_visibility": {"visibility": "private"},
    "api_publishers_add": PUBLISHER,
    "api_publishers_restrict": {"pushers": "members"},
    "api_trusted_exchange": {"token": "no.id.token"},
    "api_webhooks_add": WEBHOOK,
    "central_deprecate": {"message": "Use another."},
    "central_graphql": {"query": _GRAPHQL},
    "central_resolve_modules": {"modules": [{"organization": "ORG", "moduleName": "NAME"}]},
    "central_resolve_packages": {"packages": [{"org": "ORG", "name": "NAME"}]},
    "central_resolve_tools": {"tools": [{"id": "NAME"}]},
    "central_undeprecate": {},
    "mcp_request": tool_call("get_package", package="ORG/NAME"),
    "api_scim_takeovers_allow": {"accounts": ["*"]},
    "api_scim_tokens_issue": {"directory": "entra"},
    "osv_query": OSV_QUERY,
    "osv_query_batch": {"queries": [OSV_QUERY]},
    "api_dependencies_check": {
        "dependencies": "[[package]]\norg='ORG'\nname='NAME'\nversion='1.0.0'\n"
    },
    "device_api_ask": {"client_id": "a machine"},
    "device_api_token": {"grant_type": GRANT_TYPE, "device_code": "none"},
    "token_issue": TOKEN,
    "token_rename": {"name": "other"},
}
HEADERS = {
    "api_dry_run": FORM,
    "central_package (pull)": dict(ACCEPT_ARCHIVE),
    "central_push": FORM,
}


def _next_version(cell: Cell) -> bytes:
    visibility = "private" if cell.state is State.PRIVATE else ""
    return bala(f"{cell.org}/{cell.name}:2.0.{cell.number}", visibility=visibility)


ARCHIVES: Mapping[str, Callable[[Cell], bytes]] = {
    "api_dry_run": lambda cell: multipart("x.bala", _next_version(cell)),
    "central_push": lambda cell: multipart("x.bala", _next_version(cell)),
    "maven_write": _next_version,
}
SHOWING: Mapping[str, Reads] = {
    "api_dependencies_check": by_state,
    **dict.fromkeys(("central_doubled", "central_list", "central_search"), by_list("packages")),
    **dict.fromkeys(("central_resolve_packages", "central_resolve_tools"), by_list("resolved")),
    **dict.fromkeys(("web_search", "web_search (deprecated)"), by_page_of_results),
    "central_graphql": by_graphql,
    "web_compare": by_comparison,
    "central_resolve_modules": by_list("resolvedModules"),
    "central_tools": by_list("tools"),
    "mcp_request": by_tool,
    "web_type_docs": by_place,
}

OPERATIONS = {each.name: each for each in operations(Settings())}


def _declared(name: str, expects: Expects) -> Declared:
    operation = OPERATIONS[name.partition(" ")[0]]
    path = PATHS.get(name) or "/" + _PARAMETER.sub(
        lambda found: VALUES.get(found[1], "none"), operation.route
    )
    of_organization = path.startswith(("/api/v1/orgs/ORG", "/orgs/ORG"))
    states = OF_ORGANIZATIONS if of_organization else WHATEVER
    return Declared(
        "HEAD" if name == "maven_read (archive)" else operation.methods[0],
        path,
        expects,
        STATES.get(name, EVERY_STATE if expects in ABOUT_PACKAGES else states),
        json.dumps(BODIES[name]) if name in BODIES else "",
        HEADERS.get(name),
        ARCHIVES.get(name),
        SHOWING.get(name, by_message if name.startswith("central_") else by_status),
    )


_PARAMETER = re.compile(r"\{\*?(\w+)\??(?::[^}]*)?\}")


def _by_session() -> Iterator[tuple[str, Declared]]:
    """Yield the pages that know people by the cookie of a browser: a token opens none of them."""
    for name in PAGES:
        page = _declared(name, nobody_by_token)
        asks_first = page.method == "GET" and "_confirm_" in name
        yield name, replace(page, path=f"{page.path}?token={NOBODYS}") if asks_first else page


PAGES = {name for name, each in OPERATIONS.items() if isinstance(each.face, SignedInPages)}
DECLARED: dict[str, Declared] = {
    **dict(_by_session()),
    **{name: _declared(name, expects) for expects, names in EXPECTED.items() for name in names},
}
# Operations that are asked by POST and change nothing.
ASKS_BY_POST = {
    "api_dependencies_check",
    "api_dry_run",
    "central_graphql",
    "mcp_request",
    "osv_query",
    "osv_query_batch",
    *(name for name in DECLARED if "_resolve_" in name),
}
