"""The pipelines in docs/use: the same as on the page "Publish from CI" of an example registry.

    python -m tests.support.pipeline_docs

writes them again after a change of `functions/templates/pipelines`.
"""

import re
from collections.abc import Iterator

from functions.html.pipelines import pipeline_text
from shared.domain.trusted_publishing.presets import CI_SYSTEMS, CiSystem, PipelineForm
from tests.paths import ROOT

PAGES = {
    PipelineForm.STEP: ROOT / "docs" / "use" / "publish-from-ci.md",
    PipelineForm.SHELL: ROOT / "docs" / "use" / "publish-from-ci-by-shell.md",
}
_LANGUAGES = {"yml": "yaml", "groovy": "groovy", "sh": "sh"}
_SECTION = re.compile(r"^## (.+)\n((?:(?!^## ).*\n?)*)", re.MULTILINE)
_PIPELINES = re.compile(r"^\*\*[^*\n]+\*\*(?:, saved as `[^`]+`)?:\n\n```.*?^```\n", re.M | re.S)


def pipelines_of(system: CiSystem, form: PipelineForm) -> Iterator[str]:
    """Yield the pipelines of a CI system as a page has them."""
    for each in system.pipelines:
        if each.form is form:
            place = f", saved as `{each.saved_as}`" if each.saved_as else ""
            language = _LANGUAGES[each.template.rpartition(".")[2]]
            yield f"**{each.title}**{place}:\n\n```{language}\n{pipeline_text(each)}```\n"


def with_pipelines(text: str, form: PipelineForm) -> str:
    """Return a page with the pipelines of today in the sections of their CI systems."""
    systems = {each.title: each for each in CI_SYSTEMS}

    def renewed(section: re.Match[str]) -> str:
        system = systems.get(section[1])
        if system is None:
            return section[0]
        body = _PIPELINES.sub("", section[2]).strip()
        parts = [f"## {section[1]}\n", f"{body}\n" if body else "", *pipelines_of(system, form)]
        return "\n".join(each for each in parts if each) + "\n"

    return _SECTION.sub(renewed, text).rstrip("\n") + "\n"


if __name__ == "__main__":
    for form, page in PAGES.items():
        page.write_text(with_pipelines(page.read_text("utf-8"), form), "utf-8")
