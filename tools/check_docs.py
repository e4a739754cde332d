"""Checks the docs: links that lead inside of the tree resolve, and Python blocks compile.

Addresses on the internet are not asked. `python tools/check_docs.py` prints what is wrong, one
line each, and exits with 1; the test suite calls `check` for the same list.
"""

from __future__ import annotations

import ast
import doctest
import importlib
import re
import sys
import textwrap
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from urllib.parse import unquote

ROOT: Final = Path(__file__).parent.parent
PUBLIC: Final = ("pode_py", "pode_py.testing", "pode_py.asgi")

_FENCE = re.compile(r"^(?P<indent>\s*)(?P<marks>```+|~~~+)\s*(?P<language>[\w+-]*)")
_LINK = re.compile(r"\[[^\]]*\]\(\s*<?(?P<target>[^)\s>]+)>?(?:\s+\"[^\"]*\")?\s*\)")
_HTML_LINK = re.compile(r"<(?:a|img)\b[^>]*\b(?:href|src)=\"(?P<target>[^\"]+)\"")
_REFERENCE = re.compile(r"^\s{0,3}\[[^\]^]+\]:\s*<?(?P<target>[^\s>]+)", re.MULTILINE)
_CODE_SPAN = re.compile(r"(?<!`)(`+)(?!`)(.+?)(?<!`)\1(?!`)", re.DOTALL)
# Where a line begins a block of its own, although no blank line stands before it.
_BLOCK = re.compile(r"\s*(?:[-*+]\s|\d+[.)]\s|\||#|>|\[[^\]]+\]:)")
_WORD = re.compile(r"\w+")
_HEADING = re.compile(r"^#{1,6}\s+(?P<text>.+?)\s*#*\s*$")
_ANCHOR = re.compile(r"<[^>]+\b(?:id|name)=\"([^\"]+)\"")
_SCHEME = re.compile(r"^[a-z][a-z0-9+.-]*:", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Block:
    """A fenced block: its language, the line of its first line of code, and the code."""

    language: str
    line: int
    code: str


@dataclass(frozen=True, slots=True)
class Page:
    """A Markdown file, taken apart: numbered lines of prose, and blocks."""

    path: Path
    prose: tuple[tuple[int, str], ...]
    blocks: tuple[Block, ...]
    open_fence: int | None

    @property
    def paragraphs(self) -> Iterator[tuple[int, str]]:
        """Lines of prose that belong together, as links and code may be wrapped: the number of the
        first, and the text."""
        first, lines = 0, list[str]()
        for number, line in self.prose:
            goes_on = number == first + len(lines) and line.strip() and not _BLOCK.match(line)
            if lines and not goes_on:
                yield first, "\n".join(lines)
                lines = []
            if line.strip():
                first = first if lines else number
                lines.append(line)
        if lines:
            yield first, "\n".join(lines)

    @property
    def anchors(self) -> set[str]:
        """What `#...` may name: the headings, as GitHub spells them, and ids in HTML."""
        found: set[str] = set()
        for _, line in self.prose:
            found.update(_ANCHOR.findall(line))
            if heading := _HEADING.match(line):
                found.add(_unused(_slug(heading["text"]), found))
        return found


def pages(root: Path = ROOT) -> list[Page]:
    """Every page of the docs: Markdown beside the Makefile, in docs/ and in samples/."""
    files = [*root.glob("*.md"), *root.glob("docs/**/*.md"), *root.glob("samples/**/*.md")]
    return [read(path) for path in sorted(files)]


def read(path: Path) -> Page:
    """Take a Markdown file apart."""
    prose: list[tuple[int, str]] = []
    blocks: list[Block] = []
    code: list[str] = []
    fence: tuple[str, str, int] | None = None
    for number, line in enumerate(path.read_text("utf-8").splitlines(), 1):
        mark = _FENCE.match(line)
        if fence is None and mark is not None:
            fence = (mark["marks"], mark["language"].lower(), number)
            code = []
        elif fence is None:
            prose.append((number, line))
        elif mark is not None and mark["marks"].startswith(fence[0]) and not mark["language"]:
            blocks.append(Block(fence[1], fence[2] + 1, "\n".join(code)))
            fence = None
        else:
            code.append(line)
    return Page(path, tuple(prose), tuple(blocks), fence[2] if fence else None)


def check(root: Path = ROOT) -> list[str]:
    """What is wrong, as `file:line: sentence`."""
    found: list[str] = []
    for page in pages(root):
        name = page.path.relative_to(root)
        if page.open_fence is not None:
            found.append(f"{name}:{page.open_fence}: This code block is never closed.")
        found.extend(f"{name}:{line}: {text}" for line, text in _broken_links(page, root))
        found.extend(f"{name}:{line}: {text}" for line, text in _broken_code(page))
    return found


def unnamed(names: Iterable[str], folder: Path) -> list[str]:
    """The names that no page of the folder has in a block or span of code."""
    told: set[str] = set()
    for path in folder.glob("*.md"):
        page = read(path)
        code = [block.code for block in page.blocks]
        code += [span for _, text in page.paragraphs for _, span in _CODE_SPAN.findall(text)]
        told.update(_WORD.findall("\n".join(code)))
    return sorted(set(names) - told)


def imports(code: str) -> Iterator[tuple[int, str, list[str]]]:
    """Line, module and names of every import in Python code that compiles."""
    for node in ast.walk(ast.parse(code)):
        if isinstance(node, ast.ImportFrom) and node.level == 0:
            yield node.lineno, node.module or "", [alias.name for alias in node.names]
        elif isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name, []) for alias in node.names)


def python_code(block: Block) -> str | None:
    """The block's Python with its line numbers kept; None if it is not Python."""
    if block.language not in ("python", "py", "pycon"):
        return None
    code = textwrap.dedent(block.code)
    if not code.lstrip().startswith(">>>"):
        return code
    lines = [""] * (code.count("\n") + 1)
    for example in doctest.DocTestParser().get_examples(code + "\n"):
        for offset, line in enumerate(example.source.splitlines()):
            lines[example.lineno + offset] = line
    return "\n".join(lines)


def _broken_links(page: Page, root: Path) -> Iterator[tuple[int, str]]:
    for first, paragraph in page.paragraphs:
        # Without code, but with its lines.
        text = _CODE_SPAN.sub(lambda span: "\n" * span[0].count("\n"), paragraph)
        for pattern in (_LINK, _HTML_LINK, _REFERENCE):
            for match in pattern.finditer(text):
                problem = _problem(match["target"], page, root)
                if problem:
                    yield first + text.count("\n", 0, match.start("target")), problem


def _problem(target: str, page: Page, root: Path) -> str | None:
    if _SCHEME.match(target):
        return None
    path, _, anchor = unquote(target).partition("#")
    there = (page.path.parent / path).resolve() if path else page.path
    if not there.is_relative_to(root.resolve()):
        return f"The link {target!r} leads out of the tree."
    if not there.exists():
        return f"The link {target!r} leads to nothing."
    if anchor and there.suffix == ".md" and anchor not in read(there).anchors:
        return f"The link {target!r} names a heading that {there.name} does not have."
    return None


def _broken_code(page: Page) -> Iterator[tuple[int, str]]:
    for block in page.blocks:
        code = python_code(block)
        if code is None:
            continue
        try:
            compile(code, str(page.path), "exec", ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)
        except SyntaxError as error:
            yield block.line + (error.lineno or 1) - 1, f"This Python has an error: {error.msg}."
            continue
        for line, module, names in imports(code):
            for name in names:
                if module in PUBLIC and name != "*" and not _exports(module, name):
                    yield block.line + line - 1, f"{module} has no {name!r}."


def _exports(module: str, name: str) -> bool:
    return hasattr(importlib.import_module(module), name)


def _slug(heading: str) -> str:
    text = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading)
    text = re.sub(r"<[^>]+>|[`*]", "", text).strip().lower()
    return re.sub(r"[^\w\- ]", "", text).replace(" ", "-")


def _unused(slug: str, taken: set[str]) -> str:
    name, count = slug, 0
    while name in taken:
        count += 1
        name = f"{slug}-{count}"
    return name


def main() -> int:
    """Print what is wrong; the exit code says whether anything was."""
    found = check()
    print("\n".join(found) if found else f"{len(pages())} pages: links and code are fine.")
    return 1 if found else 0


if __name__ == "__main__":
    sys.path.insert(0, str(ROOT))
    sys.exit(main())
