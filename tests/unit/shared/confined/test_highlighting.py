"""The task `highlight`."""

from collections.abc import Mapping
from pathlib import Path

from shared.confined.budget import Json
from shared.confined.release import highlight_file
from shared.confined.tasks import Job
from shared.prose.rendering import highlight
from tests.fakes.confined import NoLimits, order_of


def test_a_file_is_highlighted_by_its_path(tmp_path: Path) -> None:
    text = "public function größe() {}\n"
    (tmp_path / "source").write_text(text, "utf-8")
    lines = list[Mapping[str, Json]]()
    order = order_of(tmp_path, "modules/a/a.bal")
    Job(order, NoLimits(), lines.append).run_task(highlight_file)
    assert lines[-1]["end"] == "file"
    html = (tmp_path / "output" / "source.html").read_text("utf-8")
    assert html == highlight("a.bal", text)
    assert 'class="k' in html
