"""TextFiles: the text of files that handlers answer with, however it was written."""

from __future__ import annotations

from pathlib import Path

from pode_py.core.errors import PodeError, StatusError
from pode_py.core.runtime import Runtime
from pode_py.http.charsets import text_of


class TextFiles:
    """Reads them anew each time, so changes show at once."""

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime

    def read(self, path: str | Path) -> str:
        """The text, without the mark that says how it was written.

        Paths are relative to the server's root. Raises StatusError: 404 if there is no such file,
        403 if it can't be read; the log says which. PodeError if it is no text.
        """
        file = self._runtime.folders.resolve(path)
        try:
            return text_of(file.read_bytes())
        except PermissionError as error:
            raise self._refusal(403, file, error) from error
        except OSError as error:
            raise self._refusal(404, file, error) from error
        except UnicodeDecodeError as error:
            raise PodeError(
                f"The file {file} is not text in UTF-8 or UTF-16: {error}. Save it as UTF-8."
            ) from error

    def _refusal(self, status: int, file: Path, error: OSError) -> StatusError:
        self._runtime.warn(
            f"The file {file} was to be the answer, and can't be read: {error.strerror}. "
            f"The client got {status}.",
            "responses",
        )
        return StatusError(status)
