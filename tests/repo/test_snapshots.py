"""What the templates make, as Microsoft's compiler evaluates them, is what is kept and what Azure
allows. infra/snapshot.py writes it."""

import json
import re
import shutil
from collections.abc import Iterator, Mapping
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from infra import check_types, compare, snapshot
from tests.paths import ROOT
from tests.support.bicep_templates import paths

INFRA = ROOT / "infra"
ISOLATED = [name for name in snapshot.VARIANTS if name.endswith("-isolated")]
BOUND_SECONDS = 600.0  # The compiler takes seconds, and minutes where others work as well.

pytestmark = pytest.mark.timeout(BOUND_SECONDS)

Resource = dict[str, Any]


@pytest.fixture(scope="module")
def compiler() -> None:
    """Leave out a test where there is no compiler, or not that of the snapshots."""
    if snapshot.compiler() is None:
        pytest.skip("there is no compiler of templates: run `az bicep install`, or set BICEP")
    if (found := snapshot.version()) != snapshot.VERSION:
        pytest.skip(f"the compiler is {found}, and the snapshots are of {snapshot.VERSION}")


@pytest.fixture
def copied(tmp_path: Path) -> Path:
    """Return a copy of the templates."""
    ignored = shutil.ignore_patterns("snapshots", "__pycache__")
    return Path(shutil.copytree(INFRA, tmp_path / "infra", ignore=ignored))


@cache
def kept(name: str) -> Mapping[str, Any]:
    return json.loads((snapshot.SNAPSHOTS / f"{name}.json").read_text())


def resources(name: str, kind: str = "") -> list[Resource]:
    """Return the resources of a snapshot, or those of a type."""
    return [each for each in kept(name)["predictedResources"] if kind in ("", each["type"])]


def every() -> Iterator[tuple[str, Resource]]:
    """Yield each resource of each snapshot."""
    for name in snapshot.VARIANTS:
        for each in resources(name):
            yield name, each


def values(value: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    """Yield each value in a resource that has no parts, with its path."""
    if isinstance(value, dict):
        for name, each in value.items():
            yield from values(each, f"{path}.{name}")
    elif isinstance(value, list):
        for each in value:
            yield from values(each, path)
    else:
        yield path, value


# --- compiler and linter -------------------------------------------------------------------------


@pytest.mark.slow  # The compiler judges what it evaluates for a snapshot too.
@pytest.mark.usefixtures("compiler")
def test_compiler_and_linter_find_nothing(copied: Path) -> None:
    judged = snapshot.run("lint", str(copied / "main.bicep"))
    assert (judged.stdout.strip(), judged.stderr.strip()) == ("", "")
    assert judged.returncode == 0


def test_every_rule_of_the_linter_is_on_or_says_why_not() -> None:
    text = (INFRA / "bicepconfig.json").read_text()
    rules = re.findall(r'"([\w-]+)": \{ "level": "(\w+)" \},?(.*)$', text, re.MULTILINE)
    assert len(rules) > 40
    for name, level, reason in rules:
        if level == "off":
            assert re.fullmatch(r" // [A-Z].{20,}\.", reason), name
        else:
            assert (level, reason) == ("error", ""), name
    assert ("what-if-short-circuiting", "error", "") in rules


def test_an_exception_of_one_line_says_why() -> None:
    for path in paths():
        lines = path.read_text().splitlines()
        for before, line in pairwise(lines):
            if "#disable-next-line" in line:
                assert " // " in line or before.strip().startswith("//"), f"{path.name}: {line}"


# --- snapshots -----------------------------------------------------------------------------------


def test_the_snapshots_were_written_of_these_templates() -> None:
    kept_digest = snapshot.DIGEST.read_text().strip()
    found = snapshot.digest(INFRA, snapshot.SNAPSHOTS)
    assert kept_digest == found, "run `python3 infra/snapshot.py`, and commit what changes"


TEMPLATES = [str(path.relative_to(INFRA)) for path in paths()]
BESIDE_TEMPLATES = ["bicepconfig.json", "public.parameters.json", "workbook.json"]


@pytest.mark.parametrize("name", [*TEMPLATES, *BESIDE_TEMPLATES])
def test_a_template_that_changed_is_seen_without_the_compiler(copied: Path, name: str) -> None:
    before = snapshot.digest(copied, snapshot.SNAPSHOTS)
    with (copied / name).open("a") as template:
        template.write(" ")
    assert snapshot.digest(copied, snapshot.SNAPSHOTS) != before


def test_a_snapshot_another_compiler_or_a_variant_that_changed_is_seen(
    copied: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    snapshots = Path(shutil.copytree(snapshot.SNAPSHOTS, copied / "snapshots"))
    found = [snapshot.digest(copied, snapshots)]
    with (snapshots / "dev.json").open("a") as made:
        made.write(" ")
    found.append(snapshot.digest(copied, snapshots))
    monkeypatch.setattr(snapshot, "VERSION", "0.0.0")
    found.append(snapshot.digest(copied, snapshots))
    monkeypatch.setattr(snapshot, "VARIANTS", {})
    found.append(snapshot.digest(copied, snapshots))
    assert len(set(found)) == 4


@pytest.mark.slow  # The digest says that nothing was changed since they were written.
@pytest.mark.usefixtures("compiler")
@pytest.mark.parametrize("name", snapshot.VARIANTS)
def test_the_snapshot_of_a_size_is_what_the_templates_make(name: str) -> None:
    made = snapshot.written(snapshot.evaluate(INFRA, name))
    file = snapshot.SNAPSHOTS / f"{name}.json"
    assert file.read_text() == made, "run `python3 infra/snapshot.py`, and commit what changes"


def test_there_is_one_snapshot_of_each_size_with_and_without_a_network() -> None:
    assert {each.stem for each in snapshot.SNAPSHOTS.iterdir()} == set(snapshot.VARIANTS)
    assert len(snapshot.VARIANTS) == 2 * len(snapshot.SIZES) == 6


@pytest.mark.parametrize("newest", [False, True], ids=["as named", "newest"])
def test_what_the_templates_make_is_what_the_types_of_azure_allow(newest: bool) -> None:
    found = {finding for _, each in every() for finding in check_types.check(each, newest=newest)}
    assert found == set()


def test_no_property_is_sent_as_null() -> None:
    nothing = {
        f"{each['type']}{path}"
        for _, each in every()
        for path, value in values(each)
        if value is None
    }
    assert nothing == set()


# What only Azure can evaluate: the name of a role has the object id of whom it is given to in it,
# and the name of a zone the suffix of the cloud.
NAMED_LATER = {
    "Microsoft.Authorization/roleAssignments",
    "Microsoft.DocumentDB/databaseAccounts/sqlRoleAssignments",
    "Microsoft.Network/privateDnsZones",
    "Microsoft.Network/privateDnsZones/virtualNetworkLinks",
}


def test_what_if_knows_each_resource_by_its_name_and_whether_it_is_made() -> None:
    later = {each["type"] for _, each in every() if check_types.is_expression(each["name"])}
    assert later == NAMED_LATER
    assert [each["id"] for _, each in every() if "condition" in each] == []


def test_what_if_knows_each_app_setting_and_each_rule_of_access() -> None:
    apps = [(name, each) for name, each in every() if each["type"] == "Microsoft.Web/sites"]
    assert {name for name, _ in apps} == {*snapshot.VARIANTS}
    for name, each in apps:
        config = each["properties"]["siteConfig"]
        assert isinstance(config["appSettings"], list), name
        assert isinstance(config["ipSecurityRestrictions"], list), name
        scale = each["properties"]["functionAppConfig"]["scaleAndConcurrency"]
        assert isinstance(scale["triggers"]["http"]["perInstanceConcurrency"], int), name


def test_an_app_is_reached_over_tls_of_today_alone() -> None:
    apps = [each["properties"] for _, each in every() if each["type"] == "Microsoft.Web/sites"]
    assert apps
    for each in apps:
        assert each["httpsOnly"] is True
        assert each["siteConfig"]["minTlsVersion"] in ("1.2", "1.3")
        assert each["siteConfig"]["scmMinTlsVersion"] in ("1.2", "1.3")
        assert each["siteConfig"]["http20Enabled"] is True


# --- versions of interfaces ----------------------------------------------------------------------


def test_no_version_is_older_than_two_years_where_a_newer_one_is_published() -> None:
    day = check_types.PUBLISHED
    limit = day.replace(year=day.year - 2).isoformat()
    named = {
        (kind.lower(), version)
        for path in paths()
        for kind, version in re.findall(r"'(Microsoft\.[\w/]+)@([\w-]+)'", path.read_text())
    }
    assert len(named) > 30
    for kind, version in named:
        newest = check_types.UNLISTED.get(kind) or max(stable(kind))
        assert version >= limit or version >= newest, f"{kind}@{version}, and {newest} is there"


def stable(kind: str) -> list[str]:
    """Return the versions of a type that are no previews."""
    return [each for each in check_types.VERSIONS[kind] if not each.endswith("-preview")]


# --- parameters ----------------------------------------------------------------------------------

LOCKED = (
    "Microsoft.DocumentDB/databaseAccounts/cosmos-ballroom-",
    "Microsoft.KeyVault/vaults/kv-br-",
    "Microsoft.Storage/storageAccounts/stbr",
)


@pytest.mark.parametrize("name", snapshot.VARIANTS)
def test_what_cannot_be_made_again_is_locked_but_in_dev(name: str) -> None:
    locks = resources(name, "Microsoft.Authorization/locks")
    assert all(each["properties"]["level"] == "CanNotDelete" for each in locks)
    ids = sorted(each["id"].rpartition("/resourceGroups/")[2] for each in locks)
    assert len(ids) == (0 if name.startswith("dev") else len(LOCKED))
    for found, wanted in zip(ids, LOCKED, strict=False):
        assert f"/providers/{wanted}" in found
    assert not any("stbrhost" in each for each in ids)


@pytest.mark.parametrize("size", snapshot.SIZES)
def test_a_network_is_24_resources_and_says_how_it_reaches_the_internet(size: str) -> None:
    added = {
        each["id"]: each["type"]
        for each in resources(f"{size}-isolated")
        if each["type"].startswith("Microsoft.Network/")
        and "FrontDoorWebApplicationFirewall" not in each["type"]
    }
    assert len(added) == 24
    assert list(added.values()).count("Microsoft.Network/privateEndpoints") == 6
    assert list(added.values()).count("Microsoft.Network/privateDnsZones") == 5
    [network] = resources(f"{size}-isolated", "Microsoft.Network/virtualNetworks")
    subnets = network["properties"]["subnets"]
    assert [each["properties"]["defaultOutboundAccess"] for each in subnets] == [True] * len(
        subnets
    )


def evaluated(infra: Path, name: str, **more: object) -> list[Resource]:
    """Return what the templates make of a size with these parameters."""
    return snapshot.evaluate(infra, name, more)["predictedResources"]


@pytest.mark.slow
@pytest.mark.usefixtures("compiler")
def test_a_gateway_is_the_only_way_out_of_each_subnet() -> None:
    made = evaluated(INFRA, "dev-isolated", natGateway=True)
    [gateway] = [each for each in made if each["type"] == "Microsoft.Network/natGateways"]
    [network] = [each for each in made if each["type"] == "Microsoft.Network/virtualNetworks"]
    for each in network["properties"]["subnets"]:
        assert each["properties"]["defaultOutboundAccess"] is False
        assert each["properties"]["natGateway"]["id"] == gateway["id"]
    [address] = [each for each in made if each["type"] == "Microsoft.Network/publicIPAddresses"]
    assert gateway["properties"]["publicIpAddresses"] == [{"id": address["id"]}]


@pytest.mark.slow
@pytest.mark.usefixtures("compiler")
def test_after_a_restore_nothing_is_made_of_the_lost_account() -> None:
    made = evaluated(INFRA, "team-isolated", cosmosName="cosmos-restored")
    assert "cosmos-ballroom-" not in json.dumps(made)
    [account] = [each for each in made if each["type"] == "Microsoft.DocumentDB/databaseAccounts"]
    assert account["name"] == "cosmos-restored"
    # The private endpoint of the lost account cannot be turned to another one.
    names = [each["name"] for each in made if each["type"].endswith("/privateEndpoints")]
    assert any(each.startswith("pe-cosmos-restored-") for each in names)
    assert not any(each.startswith("pe-cosmos-egv") for each in names)


@pytest.mark.slow
@pytest.mark.usefixtures("compiler")
def test_what_regions_may_refuse_is_sent_where_it_is_wanted_alone() -> None:
    made = evaluated(INFRA, "dev", rollingUpdates=True)
    [app] = [each for each in made if each["type"] == "Microsoft.Web/sites"]
    wanted = app["properties"]["functionAppConfig"]["siteUpdateStrategy"]
    assert wanted == {"type": "RollingUpdate"}
    for _, each in every():
        if each["type"] == "Microsoft.Web/sites":
            assert "siteUpdateStrategy" not in each["properties"]["functionAppConfig"]


# --- what is seen --------------------------------------------------------------------------------

# A fault of each kind, and who sees it: the types, or the comparison with what is kept.
BROKEN = {
    "an unknown value": (
        "storage",
        "minimumTlsVersion: 'TLS1_2'",
        "minimumTlsVersion: 'TLS1_9'",
        "minimumTlsVersion: 'TLS1_9' is none of",
    ),
    "a property in a union": (
        "functions",
        "httpsOnly: true",
        "httpOnly: true",
        "properties.httpOnly: is no property of it",
    ),
    "a value in a loop": (
        "storage",
        "properties: { publicAccess: 'None' }",
        "properties: { publicAccess: 'Nobody' }",
        "publicAccess: 'Nobody' is none of",
    ),
    "another role": (
        "roles",
        "'4633458b-17de-408a-b874-0445c86b69e6'",
        "'00482a5a-887f-4fb3-b363-3b7fe8e74483'",
        "new: Microsoft.Authorization/roleAssignments",
    ),
    "a missing setting": (
        "functions",
        "  BALLROOM_KEY_SECRET: 'link-key'\n",
        "",
        'appSettings.BALLROOM_KEY_SECRET: "link-key" -> removed',
    ),
}


@pytest.mark.slow
@pytest.mark.usefixtures("compiler")
@pytest.mark.parametrize(("module", "right", "wrong", "seen"), BROKEN.values(), ids=BROKEN)
def test_a_fault_is_seen(copied: Path, module: str, right: str, wrong: str, seen: str) -> None:
    file = copied / "modules" / f"{module}.bicep"
    assert file.read_text().count(right) == 1
    file.write_text(file.read_text().replace(right, wrong))
    made = snapshot.evaluate(copied, "dev")
    found = [finding for each in made["predictedResources"] for finding in check_types.check(each)]
    now = json.loads(snapshot.written(made))["predictedResources"]
    before, after = (
        {compare.identifier(each): each for each in both} for both in (resources("dev"), now)
    )
    changed = list(compare.differences(before, after))
    assert any(seen in each for each in (*found, *changed))
    assert changed, "the comparison sees every change"
