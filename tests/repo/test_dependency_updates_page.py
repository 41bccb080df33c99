"""docs/use/dependency-updates.md: the examples for CI systems can be read."""

import re

import pytest
import yaml

from tests.paths import docs

PAGE = docs("use/dependency-updates")
CACHES = PAGE.partition("## Keep pulled packages between builds")[2]
SYSTEMS = (
    "GitHub Actions",
    "GitLab CI",
    "Azure DevOps",
    "Jenkins",
    "CircleCI",
    "Buildkite",
    "Bitbucket Pipelines",
    "Google Cloud Build",
    "Kubernetes",
)


@pytest.mark.parametrize("system", SYSTEMS)
def test_each_ci_system_has_a_cache_of_pulled_packages(system: str) -> None:
    [section] = re.findall(rf"^### {system}\n(.*?)(?=^### |\Z)", CACHES, re.DOTALL | re.MULTILINE)
    assert ".ballerina" in section


def test_the_examples_in_yaml_are_read() -> None:
    examples = re.findall(r"^```yaml\n(.*?)^```$", PAGE, re.DOTALL | re.MULTILINE)
    assert len(examples) == len(SYSTEMS) - 1  # All but Jenkins and Kubernetes, and code scanning.
    assert all(yaml.safe_load(each) for each in examples)
