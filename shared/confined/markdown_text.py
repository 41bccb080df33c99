"""A text of Markdown that somebody wrote on a page of the registry, as HTML."""

from shared.confined.job_files import SOURCE, SOURCE_PAGE
from shared.confined.tasks import Job
from shared.prose.rendering import render_markdown
from shared.prose.text_links import TextPlace


def render_text(job: Job) -> None:
    """Write the text of the job as HTML, whose ids have the prefix that is the request."""

    def work() -> None:
        text = (job.folder / SOURCE).read_text("utf-8")
        page = render_markdown(text, TextOfPeople(""), prefix=str(job.request))
        (job.output / SOURCE_PAGE).write_text(page, "utf-8")

    job.run_last("text", work)


class TextOfPeople(TextPlace, frozen=True):
    """The place of a text that belongs to no archive: its links lead to pages of this registry and
    to other sites, and it shows no pictures."""

    def link(self, written: str, prefix: str) -> str:
        is_path = written.startswith("/") and not written.startswith(("//", "/\\"))
        return written if is_path else super().link(written, prefix)

    def picture(self, written: str) -> str:  # noqa: ARG002 - there is nothing to show.
        return ""
