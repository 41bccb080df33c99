"""axe-core: automatic checks of WCAG 2.2 AA in a real browser."""

from functools import cache
from typing import Any

from playwright.sync_api import Page

from tests.browser.chromium import skip_without
from tests.support import npm

PACKAGE = "axe-core@4.14.1"
SCRIPT = "node_modules/axe-core/axe.min.js"
# Beside the levels: landmarks that readers can tell apart by their roles and names.
RULES = {"landmark-unique": {"enabled": True}}
LEVELS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]


def assert_accessible(page: Page) -> None:
    """Fail for each element of the page that breaks a rule, naming both."""
    if page.evaluate("typeof axe") == "undefined":
        page.add_init_script(_script())  # What the page shows next has it.
        page.evaluate(_script())
    options = {
        "runOnly": {"type": "tag", "values": LEVELS},
        "rules": RULES,
        "resultTypes": ["violations"],
    }
    violations = page.evaluate("async options => (await axe.run(options)).violations", options)
    broken = [said for violation in violations for said in _sentences(violation)]
    assert not broken, f"{page.url}\n" + "\n".join(broken)


@cache
def _script() -> str:
    skip_without(npm.missing(PACKAGE, SCRIPT))
    return (npm.folder_of(PACKAGE) / SCRIPT).read_text("utf-8")


def _sentences(violation: dict[str, Any]) -> list[str]:
    return [
        f"{violation['id']}: {node['target']} {node['html'][:200]} {node['failureSummary']}"
        for node in violation["nodes"]
    ]
