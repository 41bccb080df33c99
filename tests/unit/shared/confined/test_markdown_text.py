"""A text that somebody wrote on a page becomes safe HTML, without pictures."""

from pathlib import Path

from shared.confined.job_files import OUTPUT, SOURCE, SOURCE_PAGE
from tests.fakes.confined import InProcess

HOSTILE = """# Title

It *runs* <script>alert(1)</script> ![a](https://example.org/a.png) [b](javascript:alert(1))
[c](/packages/acme/greet) [d](//evil.example.org) [e](https://example.org)
"""


async def test_a_text_is_rendered_without_scripts_and_pictures(tmp_path: Path) -> None:
    (tmp_path / SOURCE).write_text(HOSTILE, "utf-8")
    [part] = await InProcess().run("markdown", tmp_path, "details")
    assert part.refused is None
    page = (tmp_path / OUTPUT / SOURCE_PAGE).read_text("utf-8")
    assert "<em>runs</em>" in page
    assert "<script" not in page
    assert "<img" not in page
    assert 'href="javascript' not in page
    assert 'href="/packages/acme/greet"' in page
    assert 'href="https://example.org"' in page
