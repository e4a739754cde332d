"""Scanner: where in a text the reader stands; blanks, comments, and errors with their place."""

from __future__ import annotations

import re

_LINE_END = re.compile(r"\r\n|[\r\n]")
_BLANKS = re.compile(r"(?:[ \t\v\f\x85\xa0]|`(?:\r\n|[\r\n]))+")
_COMMENT = re.compile(r"#[^\r\n]*")
# Each level takes some frames of Python's stack.
_DEEPEST = 64
_LONGEST = 60
_OPENING = {")": "(", "}": "{"}


class Psd1Error(ValueError):
    """What is wrong with a data file, where, and what to write instead. Counted from 1."""

    def __init__(self, text: str, line: int, column: int) -> None:
        super().__init__(text)
        self.line = line
        self.column = column


class Scanner:
    """Moves forward through `text`. `at` is the index of the next character."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.at = 0
        self._depth = 0

    @property
    def at_end(self) -> bool:
        return self.at >= len(self.text)

    def next(self, count: int = 1) -> str:
        """The next characters, which stay; fewer at the end."""
        return self.text[self.at : self.at + count]

    def take(self, expected: str) -> bool:
        """Whether `expected` comes next. If so it is passed over."""
        if not self.text.startswith(expected, self.at):
            return False
        self.at += len(expected)
        return True

    def match(self, pattern: re.Pattern[str]) -> re.Match[str] | None:
        """What matches here, passed over."""
        found = pattern.match(self.text, self.at)
        if found is not None:
            self.at = found.end()
        return found

    def skip_blanks(self) -> None:
        """Pass over blanks and comments, up to the end of the line."""
        while self.match(_BLANKS) or self.match(_COMMENT) or self._skip_block_comment():
            pass

    def skip_lines(self, also: str = "") -> None:
        """Pass over blanks, comments and line ends, and the characters in `also`."""
        self.skip_blanks()
        while self.match(_LINE_END) or (self.next() and self.next() in also and self._step()):
            self.skip_blanks()

    def take_line_end(self) -> bool:
        """Whether a line ends here. If so, its end is passed over."""
        return self.match(_LINE_END) is not None

    def enter(self) -> None:
        """Into a bracket."""
        self._depth += 1
        if self._depth > _DEEPEST:
            raise self.error("The values are nested too deeply here. Nest them less.")

    def leave(self) -> None:
        self._depth -= 1

    def error(self, text: str, at: int | None = None) -> Psd1Error:
        """An error at `at`, by default here."""
        at = self.at if at is None else at
        before = [found.end() for found in _LINE_END.finditer(self.text, 0, at)]
        return Psd1Error(text, len(before) + 1, at - (before[-1] if before else 0) + 1)

    def line(self, at: int) -> int:
        return self.error("", at).line

    def shown(self, start: int) -> str:
        """What stands from `start` to the end of its line, for a message."""
        line = _LINE_END.split(self.text[start : start + 1000], maxsplit=1)[0].strip()
        line = "".join(one if one.isprintable() else "?" for one in line)
        # Closing brackets that belong to what stands before it.
        while (
            line[1:] and line[-1] in ")}" and line.count(line[-1]) > line.count(_OPENING[line[-1]])
        ):
            line = line[:-1].rstrip()
        return line if len(line) <= _LONGEST else line[: _LONGEST - 1] + "…"

    def _step(self) -> bool:
        self.at += 1
        return True

    def _skip_block_comment(self) -> bool:
        start = self.at
        if not self.take("<#"):
            return False
        end = self.text.find("#>", self.at)
        if end < 0:
            raise self.error("The comment that begins here has no end. Write #> behind it.", start)
        self.at = end + 2
        return True
