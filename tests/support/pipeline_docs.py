"""The pipelines in docs/use: those of GitHub and GitLab as the page "Publish from CI" of an example
registry prints them, and of the others what is not the same in all of them.

    python -m tests.support.pipeline_docs

writes them again after a change of `functions/templates/pipelines`.
"""

import re
from collections.abc import Iterator

from functions.html.pipelines import (
    COMMANDS_PLACEHOLDER,
    FOLDER,
    PART_PLACEHOLDER,
    pipeline_text,
)
from functions.http.scripts import EXAMPLE_URL
from shared.domain.trusted_publishing.presets import (
    CI_SYSTEMS,
    CiSystem,
    Pipeline,
    PipelineForm,
)
from tests.paths import ROOT

PAGES = {
    PipelineForm.STEP: ROOT / "docs" / "use" / "publish-from-ci.md",
    PipelineForm.SHELL: ROOT / "docs" / "use" / "publish-from-ci-by-shell.md",
}
PRINTED_WHOLE = ("github", "gitlab")
COMMANDS = "Commands of all pipelines"  # The section with what the others have in common.
PACK = "# The commands that pack"
PUBLISH = "# The commands that publish"
_PARTS = FOLDER / "parts"
_LANGUAGES = {"yml": "yaml", "groovy": "groovy", "sh": "sh"}
_SECTION = re.compile(r"^## (.+)\n((?:(?!^## ).*\n?)*)", re.MULTILINE)
_PIPELINES = re.compile(r"^\*\*[^*\n]+\*\*[^\n]*:\n\n```.*?^```\n", re.MULTILINE | re.DOTALL)


def pipelines_of(system: CiSystem, form: PipelineForm) -> Iterator[str]:
    """Yield the pipelines of a CI system as a page has them."""
    others = {each.template for each in system.pipelines if each.form is not form}
    for each in system.pipelines:
        if each.form is not form:
            continue
        place = f", saved as `{each.saved_as}`" if each.saved_as else ""
        if system.key in PRINTED_WHOLE:
            yield _block(each, place, pipeline_text(each))
            continue
        printed = f" ([whole]({EXAMPLE_URL}/about/publish?provider={system.key}))"
        if form is PipelineForm.SHELL and each.template in others:
            lines = "".join(_own_parts(form.value, _system_of(each)))
            yield f"**{each.title}**, its own lines{printed}:\n\n```sh\n{lines}```\n"
        else:
            yield _block(each, place + printed, _shortened(each))


def commands_of(form: PipelineForm) -> Iterator[str]:
    """Yield the commands that all pipelines have, as a page has them."""
    for title, name in ((PACK, "build"), (PUBLISH, form.value)):
        yield f"**{title.removeprefix('# ')}**:\n\n```sh\n{_common_part(name)}```\n"


def with_pipelines(text: str, form: PipelineForm) -> str:
    """Return a page with the pipelines of today in the sections of their CI systems."""
    blocks = {each.title: tuple(pipelines_of(each, form)) for each in CI_SYSTEMS}
    blocks[COMMANDS] = tuple(commands_of(form))

    def renewed(section: re.Match[str]) -> str:
        if section[1] not in blocks:
            return section[0]
        body = _PIPELINES.sub("", section[2]).strip()
        parts = [f"## {section[1]}\n", f"{body}\n" if body else "", *blocks[section[1]]]
        return "\n".join(each for each in parts if each) + "\n"

    return _SECTION.sub(renewed, text).rstrip("\n") + "\n"


def _block(pipeline: Pipeline, place: str, text: str) -> str:
    language = _LANGUAGES[pipeline.template.rpartition(".")[2]]
    return f"**{pipeline.title}**{place}:\n\n```{language}\n{text}```\n"


def _template(pipeline: Pipeline) -> str:
    return (FOLDER / pipeline.template).read_text("utf-8")


def _system_of(pipeline: Pipeline) -> str:
    """Return the name under which a pipeline has parts of its own."""
    return next(
        name
        for _, kind, name in COMMANDS_PLACEHOLDER.findall(_template(pipeline))
        if kind == "publish"
    )


def _shortened(pipeline: Pipeline) -> str:
    """Return a pipeline with a comment in place of the commands that all have."""

    def shortened(found: re.Match[str]) -> str:
        margin, kind, argument = found.groups()
        if kind == "build":
            lines = [PACK]
        elif kind == "step":
            lines = [f"{PUBLISH}, with the options {argument}"]
        else:
            form = pipeline.form.value if kind == "publish" else kind
            lines = "".join(_own_parts(form, argument)).splitlines()
            lines.append(f"{PUBLISH}{', with these lines' if lines else ''}")
        return "".join(f"{margin}{line}\n" for line in lines)

    return COMMANDS_PLACEHOLDER.sub(shortened, _template(pipeline))


def _common_part(name: str) -> str:
    """Return commands with a comment where each CI system may have lines of its own."""

    def filled(found: re.Match[str]) -> str:
        margin, part = found.groups()
        if not (_PARTS / f"{part}.sh").exists():
            return f"{margin}# ({part})\n"
        lines = _common_part(part).splitlines()
        if (_PARTS / part).exists():
            lines = [f"# ({part})", *lines, f"# (end of {part})"]
        return "".join(f"{margin}{line}\n" for line in lines)

    return PART_PLACEHOLDER.sub(
        filled, (_PARTS / f"{name}.sh").read_text("utf-8").replace(" [[options]]", "")
    )


def _own_parts(name: str, system: str) -> Iterator[str]:
    """Yield the lines of a CI system for its parts of these commands, each with its comment."""
    for _, part in PART_PLACEHOLDER.findall((_PARTS / f"{name}.sh").read_text("utf-8")):
        own = _PARTS / part / f"{system}.sh"
        if own.exists():
            yield f"# ({part})\n{own.read_text('utf-8')}"
        elif (_PARTS / f"{part}.sh").exists():
            yield from _own_parts(part, system)


if __name__ == "__main__":
    for form, page in PAGES.items():
        page.write_text(with_pipelines(page.read_text("utf-8"), form), "utf-8")
