"""What holds for every sample: it says what to try, starts, has its page, and stops cleanly."""

from __future__ import annotations

import ast
import re

import pytest

from tests.samples.running import SAMPLES, RunningSample

NAMES = sorted(file.stem for file in SAMPLES.glob("*.py"))
PAGES = sorted(SAMPLES.glob("public/*.html"))
_LINKS = re.compile(r"""(?:src|href|from)\s*=?\s*["']([^"'$#]+)["']""")


def test_the_samples_that_were_promised_are_there():
    promised = {
        *("sse_global", "sse_local", "sse_groups", "sse_signed", "sse_broadcast_levels"),
        *("sse_connect_events", "progress", "chat", "live_chart", "rest_api", "timers"),
        *("schedules", "shared_stream", "showcase", "token_stream", "pages", "pode_pages"),
        *("configuration", "cookies", "formats"),
    }
    assert promised <= set(NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_a_sample_says_what_to_try(name):
    tree = ast.parse((SAMPLES / f"{name}.py").read_text("utf-8"))
    docstring = ast.get_docstring(tree) or ""
    assert "http://localhost:8090/" in docstring
    assert "curl" in docstring
    assert "PORT" in docstring


@pytest.mark.parametrize("name", NAMES)
def test_a_sample_uses_public_imports_only(name):
    tree = ast.parse((SAMPLES / f"{name}.py").read_text("utf-8"))
    imported = [node.module for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)]
    assert "pode_py" in imported
    assert not [module for module in imported if module and module.startswith("pode_py.")]


@pytest.mark.parametrize("name", NAMES)
def test_a_sample_starts_shows_its_page_and_stops(name):
    with RunningSample(name) as sample:
        page = sample.get("/")
        assert page.status_code == 200
        assert page.headers["Content-Type"].startswith("text/html")
        sample.wait_for_output(f"http://localhost:{sample.port}/")
        for link in _LINKS.findall(page.text):
            assert sample.get(link).status_code == 200, link


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_a_page_needs_nothing_from_the_internet(page):
    assert not re.findall(
        r"""(?:src|href|from|url)\s*[=(]?\s*["']?(?:https?:)?//""", page.read_text()
    )


@pytest.mark.parametrize("page", [*PAGES, SAMPLES / "public/pode.js", SAMPLES / "public/chart.js"])
def test_a_page_puts_text_in_as_text(page):
    for word in ("innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval("):
        assert word not in page.read_text("utf-8")
