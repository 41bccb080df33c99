"""Alert rules and charts of the templates, for the tests that ask them."""

import json
import re
from collections.abc import Mapping
from typing import Any

from tests.support.bicep_templates import INFRA, MAIN, module

WORKBOOK = json.loads((INFRA / "workbook.json").read_text())

# Variables of alerts.bicep with rules over metrics of Azure's own.
PLATFORM = ("appMetrics", "edgeMetrics", "databaseMetrics")


def rules() -> list[Any]:
    """Return the rules over logs."""
    return module("alerts").value("rules")


def probes() -> list[Any]:
    """Return what is asked from outside."""
    return module("alerts").value("probes")


def platform_rules() -> list[Any]:
    """Return the rules over what Azure counts itself."""
    return [each for name in PLATFORM for each in module("alerts").value(name)]


def apps() -> int:
    """Return how many function apps there are behind Front Door, as alerts know them."""
    [listed] = re.findall(r"^var apps = concat\((.*?)^\)", MAIN.read_text(), re.M | re.S)
    return listed.count("maximumInstances:")


def charts() -> Mapping[str, str]:
    """Return the query of every chart by its title; of charts without one, the text is empty."""
    contents = [item["content"] for item in WORKBOOK["items"] if item["type"] in (3, 10)]
    return {each["title"]: each.get("query", "") for each in contents}


def queries() -> Mapping[str, str]:
    """Return every query by the name of its rule or the title of its chart."""
    shown = {title: query for title, query in charts().items() if query}
    return {rule["name"]: rule["query"] for rule in rules()} | shown
