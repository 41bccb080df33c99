"""Every way there is to ask about a package, by the Function that answers.

A Function that reads and is neither here nor in `ABOUT_NO_PACKAGE` fails a test, so whoever adds a
face says here how one asks it about a package.
"""

import json
from base64 import b64encode
from collections.abc import Iterator
from dataclasses import dataclass
from fnmatch import fnmatchcase

import httpx

from functions.web.package import pages
from shared.domain.archives.digests import Digest
from tests.protocol.bal.java import ACCEPT_ARCHIVE
from tests.protocol.bal.okhttp import FORM, multipart
from tests.support.archives import bala
from tests.support.mcp_agent import tool_call
from tests.support.world import BASE, MAVEN, URL, Person, World

REGISTRY = BASE.removeprefix(URL)
REPOSITORY = MAVEN.removeprefix(URL)
PLATFORM = "v2201-13-0"


@dataclass(frozen=True)
class Probe:
    """A request about the package `acme/NAME`, which has one version and the tool `NAME`.

    In path and body `NAME` is its name, `WORDS` its name in Base64, and `DIGEST` its archive's.
    """

    path: str
    method: str = "GET"
    body: str = ""
    headers: tuple[tuple[str, str], ...] = ()
    archive: bool = False  # The body is the archive of a next version.

    def about(self, name: str, org: str = "acme") -> httpx.Request:
        """Return the request about the package of that name, in `acme` or another organization."""
        path = _named(self.path, name, org)
        content = _named(self.body, name, org).encode()
        if self.archive:
            content = bala(f"{org}/{name}:1.1.0", visibility="private", tools=[name])
        if self.headers == tuple(FORM.items()):
            content = multipart("x.bala", content)
        return httpx.Request(self.method, f"{URL}{path}", headers=self.headers, content=content)

    def __str__(self) -> str:
        """Return what a failure calls it."""
        accept = " (archive)" if self.headers == ACCEPT_ARCHIVE else ""
        return f"{self.method} {self.path}{accept}"


@dataclass(frozen=True)
class Seen:
    """All that a caller gets to know by one request, but for what differs each time anyway."""

    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes


PULL = tuple(ACCEPT_ARCHIVE)
PACKAGES = '{"packages":[{"org":"acme","name":"NAME","version":"1.0.0","mode":"soft"}]}'
AMONG_OTHERS = (
    '{"packages":[{"org":"acme","name":"greet"},{"org":"acme","name":"NAME"},'
    '{"org":"other","name":"NAME"}]}'
)
MODULES = '{"modules":[{"organization":"acme","moduleName":"NAME"}]}'
SUBMODULES = (
    '{"modules":[{"organization":"acme","moduleName":"NAME.sub","possiblePackages":'
    '[{"org":"acme","name":"NAME","version":"1.0.0"}]}]}'
)
STEM = f"{REPOSITORY}/acme/NAME/1.0.0/NAME-1.0.0"
FILE = "1.0.0/acme-NAME-any-1.0.0.bala"
PUBLISHER = (
    '{"package":"NAME","provider":"github","ids":{"repository_id":"1","repository_owner_id":"2"}}'
)
MESSAGE = '{"message":"x"}'
LOCKED = '[[package]]\norg = "acme"\nname = "NAME"\nversion = "1.0.0"\n'

OF_CLIENTS: dict[str, tuple[Probe, ...]] = {
    "api_orgs_show": (Probe("/api/v1/orgs/acme"), Probe("/api/v1/orgs/other")),
    **{
        name: tuple(
            Probe(f"/api/v1/packages/acme/NAME/{version}/{end}") for version in ("1.0.0", "9.9.9")
        )
        for name, end in (
            ("api_staged_releases_review", "review"),
            ("api_releases_rule_findings", "warnings"),
        )
    },
    "api_packages_history": tuple(
        Probe(f"/api/v1/packages/acme/NAME/history{query}") for query in ("", "?before=2&count=1")
    ),
    "api_log_proof": tuple(
        Probe(f"/api/v1/log/proof/acme/NAME/{version}", headers=headers)
        for version in ("1.0.0", "9.9.9")
        for headers in ((), (("Accept", "application/json"),))
    ),
    "api_packages_checklist": tuple(
        Probe(f"/api/v1/packages/acme/NAME/{version}/checklist") for version in ("1.0.0", "9.9.9")
    ),
    "api_dependencies_check": (
        Probe("/api/v1/check", "POST", json.dumps({"dependencies": LOCKED})),
    ),
    "api_packages_successor": (Probe("/api/v1/packages/acme/NAME/successor"),),
    "api_symbols_search": (Probe("/api/v1/symbols?q=NAME"), Probe("/api/v1/symbols?q=NAME:")),
    "api_provenance_origin": tuple(
        Probe(f"/api/v1/packages/acme/NAME/{version}/origin") for version in ("1.0.0", "9.9.9")
    ),
    "api_assessments_list": tuple(
        Probe(f"/api/v1/packages/acme/NAME/{version}/assessments") for version in ("1.0.0", "9.9.9")
    ),
    "api_assessments_vex": tuple(
        Probe(f"/api/v1/vex/acme/NAME/{version}") for version in ("1.0.0", "9.9.9")
    ),
    "api_provenance_statements": tuple(
        Probe(f"/api/v1/provenance/acme/NAME/{version}") for version in ("1.0.0", "9.9.9")
    ),
    **{
        f"api_sbom{name}": tuple(
            Probe(f"/api/v1/sbom/acme/NAME/{version}{path}") for version in ("1.0.0", "9.9.9")
        )
        for name, path in (("", ""), ("_author", "/author"), ("_differences", "/differences"))
    },
    "archive_bytes": (
        Probe(f"/archives/private/DIGEST/{FILE}"),
        Probe(f"/archives/private/DIGEST/{FILE}", "HEAD"),
        Probe(f"/archives/public/DIGEST/{FILE}"),
        Probe("/archives/private/DIGEST/9.9.9/other-name-any-9.9.9.bala"),
        Probe(f"/archives/private/DIGEST/{FILE}?expires=9999999999999&signature=none"),
        Probe(f"/archives/private/DIGEST/{FILE}", headers=(("Range", "bytes=0-9"),)),
        Probe(f"/archives/private/DIGEST/{FILE}", headers=(("If-None-Match", '"DIGEST"'),)),
    ),
    "archive_of_release": tuple(
        Probe(f"/archives/mirrored/acme/NAME/{version}/{FILE.partition('/')[2]}")
        for version in ("1.0.0", "9.9.9")
    ),
    "central_connectors": (Probe(f"{REGISTRY}/connectors?q=NAME"),),
    "central_connectors_by_id": (Probe(f"{REGISTRY}/connectors/NAME"),),
    "central_connectors_by_name": (Probe(f"{REGISTRY}/connectors/acme/NAME/1.0.0/NAME/Client"),),
    "central_list": tuple(
        Probe(f"{REGISTRY}/packages{query}")
        for query in (
            "",
            "?limit=1000",
            "?q=NAME",
            "?q=acme/NAME",
            "?q=org:acme",
            "?org=acme",
            "?package=NAME&org=acme",
            "?package=NAME&org=acme&user-packages=true",
            "?q=NAME&deprecated=true&sort=pullCount,DESC",
        )
    ),
    "central_organization": (
        Probe(f"{REGISTRY}/packages/acme"),
        Probe(f"{REGISTRY}/packages/acme?limit=1&offset=1"),
        Probe(f"{REGISTRY}/packages/ACME?readme=false"),
    ),
    "central_package": tuple(
        Probe(f"{REGISTRY}/packages/acme/NAME/{version}", headers=headers)
        for version in ("1.0.0", "9.9.9", "*", "1.*", "1.0.*", "2.*", "latest")
        for headers in ((), PULL)
    ),
    "central_resolve_modules": tuple(
        Probe(f"{REGISTRY}/packages/resolve-modules", "POST", body)
        for body in (MODULES, SUBMODULES)
    ),
    "central_docs": tuple(
        Probe(f"/2.0/docs/acme/NAME/{version}", method, headers=headers)
        for version in ("1.0.0", "9.9.9", "x")
        for method in ("GET", "HEAD")
        for headers in ((), (("Accept-Encoding", "gzip"),))
    ),
    "central_graphql": tuple(
        Probe("/2.0/graphql", "POST", json.dumps({"query": query}))
        for query in (
            '{ package(orgName: "acme", packageName: "NAME", version: "1.0.0") { pullCount } }',
            '{ packages(orgName: "acme", limit: 1000) { packages { name } } }',
            (
                '{ apiDocs(inputFilter: { moduleInfo: { orgName: "acme", moduleName: "NAME",'
                ' version: "1.0.0" } }) { docsData { modules { id functions } } } }'
            ),
        )
    ),
    "mcp_request": tuple(
        Probe("/mcp", "POST", json.dumps(tool_call(name, **arguments)))
        for name, arguments in (
            *(("search_packages", {"query": each}) for each in ("NAME", "org:acme", "WORDS")),
            *(("search_symbols", {"query": each}) for each in ("NAME", "Client.greet")),
            *(
                ("get_package", {"package": "acme/NAME", "version": v})
                for v in ("", "9.9.9", "1.*")
            ),
            ("get_readme", {"package": "acme/NAME"}),
            ("list_api", {"package": "acme/NAME", "bucket": "client"}),
            ("get_symbol", {"package": "acme/NAME", "symbol": "Client"}),
            ("get_library", {"name": "acme/NAME"}),
            ("compare_versions", {"package": "acme/NAME"}),
            ("compare_versions", {"package": "acme/NAME", "before": "1.0.0", "after": "9.9.9"}),
            ("resolve", {"packages": ["acme/NAME", "acme/greet", "other/NAME:1.0.0"]}),
            ("check", {"dependencies": LOCKED}),
        )
    ),
    "central_resolve_packages": tuple(
        Probe(f"{REGISTRY}/packages/resolve-dependencies", "POST", body)
        for body in (PACKAGES, AMONG_OTHERS)
    ),
    "central_resolve_tools": tuple(
        Probe(f"{REGISTRY}/tools/resolve-dependencies", "POST", body)
        for body in (
            '{"tools":[{"id":"NAME"}]}',
            '{"tools":[{"id":"NAME","version":"1.0.0","mode":"hard"},{"id":"free"}]}',
        )
    ),
    "central_search": tuple(
        Probe(f"{REGISTRY}/search-packages{query}") for query in ("", "?q=NAME", "?q=acme/NAME")
    ),
    "central_doubled": tuple(
        Probe(f"{REGISTRY}//{path}")
        for path in (
            "search-packages?q=NAME",
            "packages/acme/NAME",
            "packages/acme/NAME/1.0.0",
            "tools/NAME",
            "nowhere/NAME",
        )
    ),
    "central_library": (Probe("/2.0/docs/stdlib/2201.12.0"),),
    "central_search_symbols": (Probe(f"{REGISTRY}/search-symbols?q=NAME"),),
    "central_suggest": tuple(
        Probe(f"{REGISTRY}/search-suggestions?q={text}")
        for text in ("NAME", "acme/NAME", "acme/", "a")
    ),
    "central_tool": tuple(
        Probe(f"{REGISTRY}/tools/NAME{version}")
        for version in ("", "/1.0.0", "/9.9.9", "/*", "/1.*", "/latest")
    ),
    "central_tools": tuple(Probe(f"{REGISTRY}/tools{query}") for query in ("", "?q=NAME")),
    "central_triggers": (Probe(f"{REGISTRY}/triggers?q=NAME"),),
    "central_triggers_by_id": (Probe(f"{REGISTRY}/triggers/NAME"),),
    "central_triggers_by_name": (Probe(f"{REGISTRY}/triggers/acme/NAME/1.0.0/NAME/Listener"),),
    "central_versions": (
        Probe(f"{REGISTRY}/packages/acme/NAME"),
        Probe(f"{REGISTRY}/packages/Acme/NAME?ballerina_version=2201.12.0"),
    ),
    "index_changes": tuple(
        Probe(f"/index/changes{query}", method)
        for method in ("GET", "HEAD")
        for query in ("", "?since=1", "?limit=1")
    ),
    "index_file": tuple(
        Probe("/index/acme/NAME/index.json", method, headers=headers)
        for method in ("GET", "HEAD")
        for headers in ((), (("If-None-Match", "*"),), (("Cache-Control", "no-cache"),))
    ),
    "index_text": tuple(Probe("/index/acme/NAME/index.txt", method) for method in ("GET", "HEAD")),
    "maven_read": tuple(
        Probe(path, method)
        for method in ("GET", "HEAD")
        for path in (
            f"{REPOSITORY}/acme/NAME/maven-metadata.xml",
            f"{REPOSITORY}/acme/NAME/maven-metadata.xml.sha1",
            f"{STEM}.bala",
            f"{STEM}.bala.sha1",
            f"{STEM}.bala.md5",
            f"{STEM}.bala.ballroom-sig",
            f"{STEM}.bala.ballroom-sig.sha1",
            f"{STEM}.pom",
            f"{STEM}.pom.sha256",
            f"{STEM}-depgraph.json",
            f"{STEM}-listeners.json",
            f"{REPOSITORY}/acme/NAME/1.0.0/bom.cdx.json",
            f"{REPOSITORY}/{PLATFORM}/acme/NAME/maven-metadata.xml",
            f"{REPOSITORY}/{PLATFORM}/acme/NAME/maven-metadata.xml.sha1",
            f"{REPOSITORY}/{PLATFORM}/__tools__/NAME/maven-metadata.xml",
            f"{REPOSITORY}/{PLATFORM}/__packagesearch__/WORDS/maven-metadata.xml",
            f"{REPOSITORY}/{PLATFORM}/__packagesearchsolr__/WORDS/maven-metadata.xml",
            f"{REPOSITORY}/{PLATFORM}/__toolsearch__/WORDS/maven-metadata.xml",
            f"{REPOSITORY}/{PLATFORM}/__symbolsearch__/WORDS/maven-metadata.xml",
        )
    ),
}

MARKDOWN_TWIN = (("Accept", "text/markdown"),)
OF_PACKAGE_PAGES: dict[str, tuple[Probe, ...]] = {
    "web_package": tuple(
        Probe("/packages/acme/NAME", method, headers=headers)
        for method in ("GET", "HEAD")
        for headers in ((), MARKDOWN_TWIN, (("If-None-Match", "*"),))
    ),
    "web_package_version": tuple(
        Probe(f"/packages/acme/NAME/{version}", headers=headers)
        for version in ("1.0.0", "9.9.9", "latest", "versions", "files?path=x", "nothing")
        for headers in ((), MARKDOWN_TWIN)
    ),
    "web_package_tab": tuple(
        Probe(f"/packages/acme/NAME/{version}/{tab}")
        for version in ("1.0.0", "9.9.9", "latest")
        for tab in (*pages.TAB_HANDLERS, "nothing", "files?path=package.json", "files?path=x")
    ),
    "web_module_docs": tuple(
        Probe(f"/packages/acme/NAME/{path}", headers=headers)
        for path in ("1.0.0/docs/NAME", "1.0.0/docs/NAME/greet", "9.9.9/docs/NAME/x")
        for headers in ((), MARKDOWN_TWIN)
    ),
    "web_type_docs": tuple(
        Probe(f"/docs/acme/NAME/{path}") for path in ("1.0.0", "1.0.0/greet", "9.9.9/greet")
    ),
    "web_file": tuple(
        Probe(f"/files/acme/NAME/{file}", method)
        for method in ("GET", "HEAD")
        for file in ("1.0.0/package.json", "1.0.0/nothing", "9.9.9/package.json")
    ),
    "web_llms": (Probe("/llms.txt"), Probe("/llms.txt?page=2")),
    "web_badge": tuple(
        Probe(f"/badges/acme/NAME/{badge}.{form}")
        for badge in ("version", "license")
        for form in ("svg", "json")
    ),
    "web_compare": tuple(
        Probe(f"/compare?packages={packages}")
        for packages in ("acme/NAME", "acme/greet,acme/NAME", "ACME/NAME,other/greet")
    ),
    "web_feed_package": (Probe("/feeds/acme/NAME.atom"),),
}

OF_THE_SITE: dict[str, tuple[Probe, ...]] = {
    "web_org": tuple(Probe(f"/orgs/acme{tab}") for tab in ("", "?page=2")),
    "web_feed": tuple(Probe(f"/feeds/{name}.atom") for name in ("registry", "acme")),
    "web_sitemap": (Probe("/sitemap.xml"),),
    "web_organizations": tuple(Probe(f"/organizations{query}") for query in ("", "?q=acme")),
    "web_symbols": tuple(
        Probe(f"/symbols?q={text}")
        for text in ("NAME", "NAME:Client", "NAME:", "import+acme/NAME", "greetWrold")
    ),
    "web_keywords": tuple(Probe(f"/keywords{query}") for query in ("", "?q=NAME")),
    "web_search": tuple(
        Probe(f"/search?{query}")
        for query in (
            "q=NAME",
            "q=acme/NAME",
            "org=acme",
            "q=NAMR",
            "deprecated=true",
            "q=NAM&form=suggestions",
        )
    ),
}

READING = {**OF_CLIENTS, **OF_PACKAGE_PAGES, **OF_THE_SITE}

CHANGING: dict[str, tuple[Probe, ...]] = {
    "api_packages_freeze": (
        Probe("/api/v1/packages/acme/NAME/freeze", "POST", '{"reason":"A case."}'),
    ),
    "api_packages_unfreeze": (Probe("/api/v1/packages/acme/NAME/freeze", "DELETE"),),
    **{
        f"api_releases_{act}": tuple(
            Probe(f"/api/v1/packages/acme/NAME/{version}/{act}", "POST", '{"reason":"A case."}')
            for version in ("1.0.0", "9.9.9")
        )
        for act in ("erase", "hold", "restore")
    },
    **{
        f"api_staged_releases_{act}": tuple(
            Probe(f"/api/v1/packages/acme/NAME/{version}/{end}", "POST", body)
            for version in ("1.0.0", "9.9.9")
        )
        for act, end, body in (
            ("approve", "review/approve", "{}"),
            ("refuse", "review/refuse", '{"reason":"A case."}'),
        )
    },
    "api_follows_package": (Probe("/api/v1/follows/packages/acme/NAME", "PUT", "{}"),),
    "api_follows_package_end": (Probe("/api/v1/follows/packages/acme/NAME", "DELETE"),),
    "api_orgs_delete": (Probe("/api/v1/orgs/acme", "DELETE"),),
    "api_publishers_add": (Probe("/api/v1/orgs/acme/publishers", "POST", PUBLISHER),),
    "api_publishers_restrict": (
        Probe("/api/v1/packages/acme/NAME/pushers", "PUT", '{"pushers":"publishers"}'),
    ),
    "api_name_disputes_open": (
        Probe("/api/v1/name-disputes", "POST", '{"name":"acme/NAME","statement":"x"}'),
    ),
    **{
        f"api_assessments_{act}": tuple(
            Probe(
                f"/api/v1/packages/acme/NAME/{version}/assessments/x_BLR-2026-1",
                method,
                '{"state":"in_triage","detail":"x"}' if method == "PUT" else "",
            )
            for version in ("1.0.0", "9.9.9")
        )
        for act, method in (("assess", "PUT"), ("retract", "DELETE"))
    },
    "api_reports_make": tuple(
        Probe(
            f"/api/v1/packages/acme/NAME/{version}/reports",
            "POST",
            '{"why":"malware","text":"It reads keys."}',
        )
        for version in ("1.0.0", "9.9.9")
    ),
    "api_packages_succeed": tuple(
        Probe("/api/v1/packages/acme/NAME/successor", "PUT", f'{{"successor":{successor}}}')
        for successor in ("null", '"acme/greet"', '"acme/NAME"')
    ),
    "api_packages_visibility": tuple(
        Probe("/api/v1/packages/acme/NAME/visibility", "PUT", f'{{"visibility":"{visibility}"}}')
        for visibility in ("public", "private", "hidden")
    ),
    "central_deprecate": tuple(
        Probe(f"{REGISTRY}/packages/deprecate/acme/NAME/{version}", "PUT", MESSAGE)
        for version in ("1.0.0", "9.9.9", "*")
    ),
    "api_dry_run": (Probe("/api/v1/dry-run", "POST", headers=tuple(FORM.items()), archive=True),),
    "central_push": (
        Probe(f"{REGISTRY}/packages", "POST", headers=tuple(FORM.items()), archive=True),
    ),
    "central_undeprecate": tuple(
        Probe(f"{REGISTRY}/packages/undeprecate/acme/NAME/{version}", "PUT", "{}")
        for version in ("1.0.0", "*")
    ),
    "maven_options": (Probe(f"{STEM}.bala", "OPTIONS"),),
    "maven_write": (
        Probe(f"{REPOSITORY}/acme/NAME/1.1.0/NAME-1.1.0.bala", "PUT", archive=True),
        Probe(f"{STEM}.bala.sha1", "PUT", "0" * 40),
        Probe(f"{STEM}.pom", "PUT", "<project/>"),
        Probe(f"{REPOSITORY}/acme/NAME/1.0.0/bom.cdx.json", "PUT", "{}"),
        Probe(f"{REPOSITORY}/acme/NAME/maven-metadata.xml", "PUT", "<metadata/>"),
    ),
}

# Functions that no package is named to and that list none, by pattern, below the reason.
ABOUT_NO_PACKAGE = {
    "show and change what is the caller's own": (
        "account_*",
        "api_reports_own",
        "api_settings_*",
    ),
    "show what a commitment hides to those who may see it, by its number": ("api_log_opening",),
    "show the caller's own log, or an organization's to its owners": ("api_audit_*",),
    "are the same for everybody, whatever they name": (
        "api_docs_*",
        "health_*",
        "index_settings",
        "log_*",
        "api_keys",
        "login_*",
        "security_txt_*",
        "static_*",
        "web_audit_file",
        "web_outdated_file",
        "web_verify_file",
        "web_publish_file",
        "web_manual",
        "web_policy_names",
        "web_update_tool",
        "central_doc_ui",
        "web_site_icon",
        "web_site_robots",
        "web_cli_token",
        "zz_missing",
        "web_opensearch",
        "witness_*",
    ),
    "are the same for everybody who is not signed in": ("sign_in_*",),
    "list or count public packages alone, whoever asks": ("web_home", "web_about", "osv_export"),
    "are asked with advisories in test_queries.py, of those who may see their packages": (
        "osv_advisory",
        "web_advisories",
        "web_advisory",
        "osv_query",
        "osv_query_batch",
    ),
    "show what an organization has to its owners": (
        "api_org_advisories_*",
        "api_org_approvals_dry_run",
        "api_org_quota_change",
        "api_org_retention_dry_run",
        "api_org_pulls*",
        "api_org_reports",
        "api_org_webhooks_*",
        "api_publishers_list",
    ),
    "show and change who belongs to an organization": ("api_members_*", "api_invitations_*"),
    "list what the caller follows": ("api_follows_list",),
    "are about an organization as a whole": (
        "api_follows_organization",
        "api_follows_organization_end",
        "api_orgs_allow_bursts",
        "api_orgs_change",
        "api_orgs_continue",
        "api_orgs_require_provenance",
        "api_org_rules_*",
        "api_staged_releases_list",
        "api_orgs_found",
        "api_orgs_keep",
        "api_orgs_list",
        "api_orgs_freeze",
        "api_orgs_frozen",
        "api_orgs_unfreeze",
        "api_ownership_*",
    ),
    "name patterns, whether packages match them or not": ("api_org_tokens_*", "token_*"),
    "take the id of a publisher": ("api_publishers_confirm", "api_publishers_remove"),
    "take the id of a dispute, or list those of the caller": (
        "api_name_disputes_appeal",
        "api_name_disputes_decide",
        "api_name_disputes_list",
        "api_name_disputes_show",
        "api_name_disputes_state",
        "api_name_disputes_withdraw",
    ),
    "are for directories, which know people and groups": ("scim_*",),
    "take codes, or what somebody signs": ("api_leaks_*", "api_trusted_*", "device_*"),
    "are for administrators": (
        "api_accounts_*",
        "api_advisories_*",
        "api_apply",
        "api_export",
        "api_moderation_*",
        "api_directory_locks_*",
        "api_groups_*",
        "api_mirror_*",
        "api_rights",
        "api_rights_csv",
        "api_approved_*",
        "api_rules_*",
        "api_scim_*",
        "api_webhooks_*",
        "manage_*",
    ),
}


def is_about_no_package(function: str) -> bool:
    return any(fnmatchcase(function, each) for rows in ABOUT_NO_PACKAGE.values() for each in rows)


def probes() -> Iterator[tuple[str, Probe]]:
    """Yield every probe with the name of the Function that is to answer it."""
    for function, asked in (READING | CHANGING).items():
        yield from ((function, probe) for probe in asked)


async def seen(world: World, request: httpx.Request, by: Person | None) -> Seen:
    """Send the request, and return what its caller sees."""
    if by:
        request.headers["Authorization"] = f"Bearer {by.token}"
    answer = await world.http.send(request)
    skipped = {"x-request-id", "date"}
    headers = sorted((k, v) for k, v in answer.headers.items() if k not in skipped)
    # Pages of refusals repeat the request's id, for whoever tells an operator of it.
    body = answer.content.replace(answer.headers["x-request-id"].encode(), b"ID")
    return Seen(answer.status_code, tuple(headers), body)


def secret(name: str, org: str = "acme") -> bytes:
    """Return the archive of the private package that is asked about."""
    return bala(
        f"{org}/{name}:1.0.0", visibility="private", tools=[name], modules=["sub"], keywords=[name]
    )


def _named(text: str, name: str, org: str) -> str:
    for spelled in (str.lower, str.upper, str.capitalize):
        text = text.replace(spelled("acme"), spelled(org))
    if "DIGEST" in text:
        text = text.replace("DIGEST", Digest.of(secret(name, org)).hex)
    return text.replace("NAME", name).replace("WORDS", b64encode(name.encode()).decode())
