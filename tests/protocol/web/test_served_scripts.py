"""The scripts of the registry: each is one file with its address, for people without our code."""

import ast
import hashlib
from collections import Counter

import httpx
import pytest

from tests.support.world import URL, World

pytestmark = pytest.mark.measured

# Names that each file defines: its own, and those of the parts that it imports here.
SCRIPTS = {
    "audit": {"AuditFinding", "RegistryClient", "read_versions", "read_libraries"},
    "login": {"LoginOptions", "opener_of"},
    "outdated": {"CheckOptions", "opener_of", "read_versions"},
    "publish": {"PublishOptions", "opener_of"},
    "verify": {"LogTree", "LogPolicy", "RegistryClient", "read_versions"},
}
# The page of the manual that has the digest of each file; that of `login` runs it as it comes.
PAGES = {
    "audit": "audit",
    "outdated": "publish-from-ci",
    "publish": "publish-from-ci",
    "verify": "verify",
}
DEFINED_ONCE_MORE = {"MLDSA44PublicKey"}  # Where the library has no such key.


@pytest.fixture
async def served(world: World, name: str) -> httpx.Response:
    answer = await world.get(f"{URL}/{name}.py", headers={"Host": "evil.example"})
    assert answer.status_code == 200
    return answer


@pytest.mark.parametrize("name", SCRIPTS)
async def test_a_script_is_for_the_address_of_the_settings(served: httpx.Response) -> None:
    assert served.headers["content-type"] == "text/x-python; charset=utf-8"
    assert served.headers["cache-control"] == "no-cache"
    assert f'ADDRESS = "{URL}"' in served.text
    assert "evil.example" not in served.text


@pytest.mark.parametrize("name", SCRIPTS)
async def test_a_client_that_has_the_script_gets_304(world: World, served: httpx.Response) -> None:
    tag = served.headers["etag"]
    again = await world.get(str(served.request.url), headers={"If-None-Match": tag})
    assert again.status_code == 304


@pytest.mark.parametrize("name", SCRIPTS)
async def test_a_script_has_all_its_parts_once_and_python_3_9_reads_it(
    served: httpx.Response, name: str
) -> None:
    names = Counter[str]()
    for each in ast.parse(served.text, feature_version=(3, 9)).body:
        if isinstance(each, ast.FunctionDef | ast.ClassDef):
            names[each.name] += 1
        elif isinstance(each, ast.Assign | ast.AnnAssign):
            targets = each.targets if isinstance(each, ast.Assign) else [each.target]
            names.update(ast.unparse(target) for target in targets)
    assert {each for each, count in names.items() if count > 1} <= DEFINED_ONCE_MORE
    assert "from shared" not in served.text
    assert names.keys() >= SCRIPTS[name]


@pytest.mark.parametrize("name", PAGES)
async def test_the_page_about_a_script_has_its_digest(
    world: World, served: httpx.Response, name: str
) -> None:
    page = (await world.get(f"{URL}/docs/{PAGES[name]}")).text
    assert f"{hashlib.sha256(served.content).hexdigest()}  {name}.py" in page
    assert f"SHA256_OF_{name.upper()}_PY  " not in page
