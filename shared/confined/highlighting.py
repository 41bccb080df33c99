"""The task `highlight`: one file of a release as HTML, with its syntax highlighted."""

from shared.confined.job_files import SOURCE, SOURCE_PAGE
from shared.confined.tasks import Job
from shared.prose.rendering import highlight


def highlight_file(job: Job) -> None:
    """Write the file of the job, whose path in the archive is the request, as HTML."""

    def work() -> None:
        text = (job.folder / SOURCE).read_text("utf-8")
        (job.output / SOURCE_PAGE).write_text(highlight(str(job.request), text), "utf-8")

    job.run_last("file", work)
