"""What anonymous requests cost the process that serves them, over the worst archives."""

import gc
import json
import time
import tracemalloc
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from urllib.parse import quote

import httpx

from shared.services.adapters import Adapters
from tests.fakes.doubles_usage import DOUBLES_USAGE
from tests.support.mcp_agent import tool_call
from tests.support.world import URL, Template, World, asking
from tests.support.worst_archives import SMALL, WorstArchive

MOST_SECONDS = 0.1  # Of processor time.
MOST_BYTES = 20 << 20  # Of memory.
ATTEMPTS = 10  # The machine is shared with others.
PIECE_OF_WORK = {f"key {at}": [at] * 20 for at in range(1000)}
PIECE_SECONDS = 0.004  # What the piece takes on the machine for which `MOST_SECONDS` was chosen.

# Routes that answer with what somebody pushed, by their Functions: where they are for one archive.
# `{symbol}` and `{file}` are repeated for each of those that an archive names.
OF_ARCHIVES: Mapping[str, tuple[str, ...]] = {
    "api_packages_history": ("/api/v1/packages/{package}/history?count=500",),
    "api_log_proof": ("/api/v1/log/proof/{package}/{version}",),
    "api_packages_checklist": ("/api/v1/packages/{package}/{version}/checklist",),
    "api_packages_successor": ("/api/v1/packages/{package}/successor",),
    "api_assessments_vex": ("/api/v1/vex/{package}/{version}",),
    "api_provenance_statements": ("/api/v1/provenance/{package}/{version}",),
    "api_provenance_origin": ("/api/v1/packages/{package}/{version}/origin",),
    "api_sbom": ("/api/v1/sbom/{package}/{version}",),
    "api_sbom_author": ("/api/v1/sbom/{package}/{version}/author",),
    "api_sbom_differences": ("/api/v1/sbom/{package}/{version}/differences",),
    "central_connectors_by_name": (
        "/2.0/registry/connectors/{package}/{version}/{module}/{symbol}",
    ),
    "central_package": ("/2.0/registry/packages/{package}/{version}",),
    "central_triggers_by_name": ("/2.0/registry/triggers/{package}/{version}/{module}/{symbol}",),
    "central_versions": ("/2.0/registry/packages/{package}",),
    "index_file": ("/index/{package}/index.json",),
    "index_text": ("/index/{package}/index.txt",),
    "mcp_request": (),  # See `_of_tools`.
    "maven_read": (
        "/2.0/maven/{package}/maven-metadata.xml",
        "/2.0/maven/{package}/{version}/{module}-{version}.pom",
        "/2.0/maven/{package}/{version}/{module}-{version}.pom.sha1",
        "/2.0/maven/{package}/{version}/{module}-{version}.bala.ballroom-sig",
    ),
    "web_file": ("/files/{package}/{version}/{file}",),
    "web_module_docs": (
        "/packages/{package}/{version}/docs/{module}",
        "/packages/{package}/{version}/docs/{module}/{symbol}",
    ),
    "web_badge": ("/badges/{package}/version.svg", "/badges/{package}/license.json"),
    "web_compare": ("/compare?packages={package}",),
    "web_feed_package": ("/feeds/{package}.atom",),
    "web_package": ("/packages/{package}",),
    "web_package_tab": (
        *(
            f"/packages/{{package}}/{{version}}/{tab}"
            for tab in (
                "changes",
                "dependencies",
                "dependents",
                "docs",
                "files",
                "history",
                "sbom",
                "statistics",
                "versions",
            )
        ),
        "/packages/{package}/{version}/files?path={file}",
    ),
    "web_package_version": ("/packages/{package}/{version}",),
    "web_type_docs": ("/docs/{org}/{module}/{version}/{symbol}",),
}

# Routes that list or search what everybody pushed.
OF_ALL: Mapping[str, tuple[str, ...]] = {
    "api_orgs_list": ("/api/v1/orgs",),
    "api_orgs_show": ("/api/v1/orgs/acme",),
    "api_symbols_search": ("/api/v1/symbols?q=t&limit=1000", "/api/v1/symbols?q=c%201&limit=1000"),
    "central_connectors": ("/2.0/registry/connectors?limit=1000",),
    "central_connectors_by_id": ("/2.0/registry/connectors/1",),
    "central_doubled": ("/2.0/registry//search-packages?q=t&limit=1000",),
    "central_library": ("/2.0/docs/stdlib/2201.12.0", "/2.0/docs/stdlib/2201.12.0/search"),
    "central_list": ("/2.0/registry/packages?limit=1000",),
    "central_organization": ("/2.0/registry/packages/acme?limit=1000",),
    "central_search": (
        "/2.0/registry/search-packages?q=t&limit=1000",
        "/2.0/registry/search-packages?q=some+words&limit=1000",
    ),
    "central_search_symbols": ("/2.0/registry/search-symbols?q=t&limit=1000",),
    "central_suggest": ("/2.0/registry/search-suggestions?q=t",),
    "central_tool": ("/2.0/registry/tools/none",),
    "central_tools": ("/2.0/registry/tools?limit=1000",),
    "central_triggers": ("/2.0/registry/triggers?limit=1000",),
    "central_triggers_by_id": ("/2.0/registry/triggers/1",),
    "index_changes": ("/index/changes?since=0&limit=1000",),
    "osv_advisory": ("/v1/vulns/x_BLR-2026-1",),
    "osv_export": ("/v1/all.zip",),
    "web_advisories": ("/advisories",),
    "web_advisory": ("/advisories/x_BLR-2026-1",),
    "web_feed": ("/feeds/registry.atom", "/feeds/acme.atom"),
    "web_home": ("/",),
    "web_keywords": ("/keywords",),
    "web_llms": ("/llms.txt", "/llms.txt?page=1"),
    "web_org": ("/orgs/acme",),
    "web_organizations": ("/organizations",),
    "web_search": ("/search?q=t", "/search?q=some+words", "/search?form=suggestions&q=t"),
    "web_sitemap": ("/sitemap.xml", "/sitemap.xml?page=1"),
    "web_symbols": ("/symbols?q=t", "/symbols?q=c1"),
}

# Bodies of archives, and whole documents of modules: their number is bounded.
EXCEPTED = {"archive_bytes", "archive_of_release", "central_docs"}

# Routes that answer with nothing that anybody pushed, by how their names begin or whole.
OTHERS = (
    "account_",
    "manage_",
    "sign_in_",
    "token_",
    "device_",
    "login_",
    "health_",
    "static_",
    "api_accounts_",
    "api_advisories_",
    "api_staged_releases_",
    "api_apply",
    "api_export",
    "api_assessments_list",
    "api_org_advisories_",
    "api_moderation_",
    "api_orgs_frozen",
    "api_audit_",
    "api_rights",
    "api_docs_",
    "api_follows_",
    "api_groups_",
    "api_log_opening",
    "api_invitations_",
    "api_members_",
    "api_directory_locks_",
    "api_mirror_",
    "api_approved_",
    "api_org_approvals_",
    "api_org_quota_",
    "api_org_retention_",
    "approval_",
    "api_ownership_",
    "api_name_disputes_",
    "api_org_pulls",
    "api_org_reports",
    "api_reports_",
    "api_org_rules_",
    "api_org_tokens_",
    "api_releases_rule_findings",
    "api_rules_",
    "api_org_webhooks_",
    "api_publishers_",
    "api_scim_",
    "api_webhooks_",
    "api_settings_",
    "api_trusted_",
    "central_doc_ui",
    "index_settings",
    "log_",
    "scim_",
    "api_keys",
    "security_txt_",
    "web_about",
    "web_manual",
    "web_policy_names",
    "zz_missing",
    "web_update_tool",
    "web_cli_token",
    "web_opensearch",
    "web_audit_file",
    "web_outdated_file",
    "web_verify_file",
    "web_publish_file",
    "web_site_icon",
    "web_site_robots",
    "witness_",
)

# Each address is asked for in these forms. A response that is sent as gzip was made plain first.
FORMS: Mapping[str, Mapping[str, str]] = {
    "html": {"Accept": "text/html", "Accept-Encoding": "gzip"},
    "markdown": {"Accept": "text/markdown", "Accept-Encoding": "identity"},
}

GRAPHQL = """{{apiDocs(inputFilter: {{moduleInfo: {{orgName: "acme", moduleName: "{module}",
version: "{version}"}}}}) {{docsData {{modules {{id description functions records constants types
classes unionTypes variables}}}}}}}}"""


@dataclass(frozen=True)
class Question:
    """One request of an anonymous caller."""

    function: str
    path: str
    form: str = "html"
    body: bytes = b""

    @property
    def request(self) -> httpx.Request:
        headers = {**FORMS[self.form], "User-Agent": "costs"}
        if self.body:
            headers["Content-Type"] = "application/json"
        method = "POST" if self.body else "GET"
        return httpx.Request(method, URL + self.path, headers=headers, content=self.body or None)


@dataclass(frozen=True)
class Cost:
    """What the answer to a question took."""

    question: Question
    status: int
    seconds: float = 0
    memory_bytes: int = 0

    @property
    def is_too_much(self) -> bool:
        return self.seconds > MOST_SECONDS or self.memory_bytes > MOST_BYTES

    def __str__(self) -> str:
        took = f"{self.seconds * 1000:7.1f} ms {self.memory_bytes / (1 << 20):6.1f} MiB"
        return f"{took}  {self.status} {self.question.form:8} {self.question.path}"


def questions(archives: Iterable[WorstArchive]) -> Iterator[Question]:
    """Yield every question about some archives, and about all."""
    for archive in archives:
        for function, paths in OF_ARCHIVES.items():
            for path in dict.fromkeys(each for one in paths for each in _filled(one, archive)):
                for form in FORMS:
                    yield Question(function, path, form)
        query = GRAPHQL.format(module=archive.name, version=archive.version)
        body = b'{"query": "%b"}' % query.replace('"', '\\"').replace("\n", " ").encode()
        yield Question("central_graphql", "/2.0/graphql", body=body)
        yield from _of_tools(archive)
    for function, paths in OF_ALL.items():
        for path in paths:
            for form in FORMS:
                yield Question(function, path, form)


def _of_tools(archive: WorstArchive) -> Iterator[Question]:
    """Yield the calls of agents about an archive."""
    of = {"package": f"acme/{archive.name}", "version": archive.version}
    name = archive.name
    lock = "".join(f"[[package]]\norg='acme'\nname='p{n}'\nversion='1.0.0'\n" for n in range(900))
    calls: list[tuple[str, dict[str, object]]] = [
        ("search_packages", {"query": "t"}),
        ("search_symbols", {"query": "c1"}),
        ("get_package", {**of}),
        ("get_readme", {**of, "offset": 100_000}),
        *(("list_api", {**of, **more}) for more in ({}, {"bucket": "types"}, {"query": "zz"})),
        *(("get_symbol", {**of, "symbol": each}) for each in archive.symbols),
        *(("get_library", {"name": of["package"], "offset": each}) for each in (0, 300)),
        ("compare_versions", {"package": of["package"]}),
        ("resolve", {"packages": [f"{of['package']}:{each}" for each in (archive.version, "")]}),
        (
            "check",
            {"dependencies": lock + f"[[package]]\norg='acme'\nname='{name}'\nversion='0.0.1'"},
        ),
    ]
    for tool, arguments in calls:
        yield Question(
            "mcp_request", "/mcp", body=json.dumps(tool_call(tool, **arguments)).encode()
        )


def _filled(path: str, archive: WorstArchive) -> Iterator[str]:
    of_files = archive.files if "{file}" in path else ("",)
    for symbol in archive.symbols if "{symbol}" in path else ("",):
        for file in of_files:
            yield path.format(
                org="acme",
                package=f"acme/{archive.name}",
                version=archive.version,
                module=archive.name,
                symbol=symbol,
                file=quote(file),
            )


async def ask(world: World, question: Question) -> int:
    """Ask, and return the status; the body is not unpacked, which a client would do."""
    response = await world.http.send(question.request, stream=True)
    await response.aclose()
    return response.status_code


async def seconds_of(world: World, question: Question) -> Cost:
    """Measure the processor time of an answer, without that of doubles."""
    DOUBLES_USAGE.reset()
    started = time.process_time()
    status = await ask(world, question)
    return Cost(question, status, time.process_time() - started - DOUBLES_USAGE.seconds)


async def memory_of(world: World, question: Question) -> Cost:
    """Measure how much memory an answer takes at most, without that of doubles."""
    DOUBLES_USAGE.reset()
    tracemalloc.start()
    try:
        status = await ask(world, question)
        most = max(DOUBLES_USAGE.before_bytes, tracemalloc.get_traced_memory()[1])
        return Cost(question, status, memory_bytes=most)
    finally:
        tracemalloc.stop()


async def seconds_beside_work(world: World, question: Question) -> Cost:
    """Measure the same as of the machine of the limits, by a piece of work before and after: this
    one may be slower, and busy."""
    before = seconds_of_work()
    cost = await seconds_of(world, question)
    slowness = min(before, seconds_of_work()) / PIECE_SECONDS
    return replace(cost, seconds=cost.seconds / max(1, slowness))


def seconds_of_work() -> float:
    """Return the processor time of a piece of work that is always the same."""
    started = time.process_time()
    json.loads(json.dumps(PIECE_OF_WORK))
    return time.process_time() - started


Measure = Callable[[World, Question], Awaitable[Cost]]


async def fill(world: World, archives: Iterable[WorstArchive]) -> None:
    """Publish the archives, and make what their readers ask for."""
    for archive in (SMALL, *archives):
        await world.push(archive.archive)
    await world.document()
    for archive in archives:
        for path in dict.fromkeys(
            each.path for each in questions([archive]) if "?path=" in each.path
        ):
            await world.get(URL + path)
            await world.document()


@dataclass(frozen=True)
class Walk:
    """Asks everything of a registry that holds some archives.

    The registry is opened anew for each attempt, and answers the same about a small package first,
    so that an answer takes what it takes of a process that runs, for an archive that it did not
    read before.
    """

    template: Template
    folder: Path
    wrap: Callable[[Adapters], Adapters] = lambda stores: stores

    async def over(self, archives: Sequence[WorstArchive]) -> list[Cost]:
        """Publish the archives, and return what each question costs: the best of some attempts."""
        place = self.folder / archives[0].name
        asked = list(questions(archives))

        async def fill_with(world: World) -> None:
            await fill(world, archives)

        full = await self.template.filled(place, fill_with, wrap=self.wrap)
        memory = await self._measured(full, asked, memory_of)
        costs = {each.question: each for each in await self._measured(full, asked, seconds_of)}
        for _ in range(1, ATTEMPTS):
            again = [each.question for each in costs.values() if each.is_too_much]
            for each in await self._measured(full, again, seconds_beside_work) if again else ():
                if each.seconds < costs[each.question].seconds:
                    costs[each.question] = each
        return [replace(each, seconds=costs[each.question].seconds) for each in memory]

    async def _measured(
        self, full: Template, asked: Iterable[Question], measure: Measure
    ) -> list[Cost]:
        with TemporaryDirectory(dir=self.folder, ignore_cleanup_errors=True) as folder:
            place = Path(folder) / "data"
            async with full.world(place, host=asking, wrap=self.wrap) as world:
                world.documents_when_read = False
                for question in questions([SMALL]):
                    await ask(world, question)
                gc.collect()
                gc.freeze()
                return [await measure(world, each) for each in asked]
