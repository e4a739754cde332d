"""What h11 lets pass and we do not: one pure check between the bytes and the Request.

Theory: a request is smuggled where two parsers read the same bytes differently. So whatever is
not plainly one thing is refused with 400 and the connection closed. `check_head_bytes` looks at
the raw head before h11 sees it (h11 unfolds lines, takes bare LF and merges lengths),
`check_head` at what h11 made of it, and `ChunkGuard` at the framing of a chunked body (h11 takes
any chunk extension).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from ipaddress import IPv6Address
from urllib.parse import unquote_to_bytes

from pode_py.http.headers import RawHeaders

_TOKEN = rb"[!#$%&'*+.^_`|~0-9A-Za-z-]+"
_TEXT = rb"[\t\x20-\x7e\x80-\xff]*"
# The whole head in one look. A field has no white space before its colon (RFC 9112, 5.1), does
# not begin with white space (obs-fold, 5.2), and holds no control character (RFC 9110, 5.5).
_HEAD = re.compile(
    rb"%b ([^ \r\n]+) HTTP/(\d)\.(\d)(?:\r\n%b:%b)*\Z" % (_TOKEN, _TOKEN, _TEXT),
)
_REQUEST_LINE = re.compile(rb"%b [^ \r\n]+ HTTP/\d\.\d(?:\r\n|\Z)" % _TOKEN)
_BAD_BYTES = re.compile(rb"(?<!\r)\n|\r(?!\n)|[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]|\r\n[ \t]")
_FIELD = re.compile(rb"%b:%b\Z" % (_TOKEN, _TEXT))
# h11 makes one Content-Length of several equal ones, and of a list.
_LENGTHS = re.compile(rb"(?i)\r\ncontent-length:[ \t]*([^\r]*)")
_HOST = re.compile(
    rb"(?:[A-Za-z0-9._~!$&'()*+,;=-]|%[0-9A-Fa-f]{2})*(?::\d{0,5})?\Z"
    rb"|\[([0-9A-Fa-f:.]{2,45})\](?::\d{0,5})?\Z"
)
_DIGITS = re.compile(rb"\d{1,18}\Z")
_ABSOLUTE = re.compile(rb"(?i:https?)://([^/?#]*)(.*)\Z", re.DOTALL)


class ProtocolError(Exception):
    """The request is not one we answer with a handler. The connection closes after `status`."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


@dataclass(frozen=True, slots=True)
class Framing:
    """How the body of a request ends, and what the head said for the connection."""

    length: int | None
    chunked: bool
    keep_alive: bool
    expects_continue: bool

    @property
    def has_body(self) -> bool:
        return self.chunked or bool(self.length)


def check_head_bytes(head: bytes) -> None:
    """Raise ProtocolError unless the raw head (up to its empty line) is plain."""
    plain = _HEAD.match(head)
    if plain is None:
        raise _explain(head)
    if plain[2] != b"1" or plain[3] not in (b"0", b"1"):
        raise ProtocolError(505, "Only HTTP/1.1 and HTTP/1.0 are spoken here.")
    lengths = _LENGTHS.findall(head)
    if lengths and (len(lengths) > 1 or not _DIGITS.match(lengths[0].rstrip(b" \t"))):
        raise ProtocolError(400, "The Content-Length is malformed.")


def _explain(head: bytes) -> ProtocolError:
    if _BAD_BYTES.search(head):
        why = "The head has a bare CR or LF, a control character, or a folded line."
    elif not _REQUEST_LINE.match(head):
        why = "The request line is malformed."
    else:
        why = "A header field is malformed."
    return ProtocolError(400, why)


def check_head(method: bytes, target: bytes, version: bytes, headers: RawHeaders) -> Framing:
    """What the head says about framing; ProtocolError for what it must not say."""
    if method == b"CONNECT":
        raise ProtocolError(501, "CONNECT is not served here.")
    hosts = [value for name, value in headers if name == b"host"]
    if len(hosts) > 1 or (not hosts and version == b"1.1"):
        raise ProtocolError(400, "A request needs exactly one Host.")
    if hosts and not is_host(hosts[0]):
        raise ProtocolError(400, "The Host is malformed.")
    if not (target.startswith(b"/") or target == b"*" or _ABSOLUTE.match(target)):
        raise ProtocolError(400, "The request target is malformed.")
    if target == b"*" and method != b"OPTIONS":
        raise ProtocolError(400, "Only OPTIONS may ask for *.")
    return _framing(version, headers)


def is_host(value: bytes) -> bool:
    """Whether this is a host with or without a port. An empty one is (RFC 9112, 3.2)."""
    found = _HOST.match(value)
    if found is None:
        return False
    if found[1] is None:
        return True
    try:
        IPv6Address(found[1].decode("ascii"))
    except ValueError:
        return False
    return True


def _framing(version: bytes, headers: RawHeaders) -> Framing:
    lengths = [value for name, value in headers if name == b"content-length"]
    codings = [value for name, value in headers if name == b"transfer-encoding"]
    if lengths and codings:
        raise ProtocolError(400, "Content-Length and Transfer-Encoding exclude each other.")
    if codings and version == b"1.0":
        raise ProtocolError(400, "HTTP/1.0 has no Transfer-Encoding.")
    if len(lengths) > 1 or (lengths and not _DIGITS.match(lengths[0])):
        raise ProtocolError(400, "The Content-Length is malformed.")
    if codings and (len(codings) > 1 or codings[0].strip().lower() != b"chunked"):
        raise ProtocolError(501, "The only Transfer-Encoding served here is chunked.")
    options = _tokens(headers, b"connection")
    expectations = _tokens(headers, b"expect")
    if expectations - {b"100-continue"}:
        raise ProtocolError(417, "The only expectation known here is 100-continue.")
    return Framing(
        length=int(lengths[0]) if lengths else None,
        chunked=bool(codings),
        keep_alive=version == b"1.1" and b"close" not in options,
        expects_continue=version == b"1.1" and bool(expectations),
    )


def _tokens(headers: RawHeaders, name: bytes) -> set[bytes]:
    found: set[bytes] = set()
    for known, value in headers:
        if known == name:
            found.update(token.strip().lower() for token in value.split(b",") if token.strip())
    return found


def split_target(target: bytes, host: bytes) -> tuple[str, str, str, str]:
    """Target, decoded path, query string and host. Takes them from an absolute target, too.

    RFC 9112, 3.2.2: the host of an absolute target replaces the Host field.
    """
    absolute = _ABSOLUTE.match(target)
    if absolute is not None:
        host, target = absolute[1], absolute[2] or b"/"
        if not host or host.startswith(b":") or not is_host(host):
            raise ProtocolError(400, "The host in the request target is malformed.")
        if not target.startswith(b"/"):
            target = b"/" + target
    raw_path, _, query = target.partition(b"?")
    if b"#" in target:
        raise ProtocolError(400, "A request target has no fragment.")
    return (
        target.decode("latin-1"),
        decode_path(raw_path),
        query.decode("latin-1"),
        host.decode("latin-1"),
    )


def decode_path(raw: bytes) -> str:
    """Percent-decode a path as UTF-8. An encoded slash stays ``%2F``: it separates nothing."""
    if b"%" not in raw:
        data = raw
    else:
        data = b"%2F".join(unquote_to_bytes(part) for part in re.split(rb"(?i)%2f", raw))
    if b"\x00" in data:
        raise ProtocolError(400, "A path can't have a NUL.")
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        raise ProtocolError(400, "The path is not UTF-8.") from None


_SIZE_LINE = re.compile(rb"[0-9A-Fa-f]{1,16}\Z")
_MAX_LINE = 1024
_MAX_TRAILERS = 8192


class ChunkGuard:
    """Follows the framing of one chunked body and raises on what is not plain.

    Sees the bytes before h11 does. Chunk extensions are refused: nobody uses them, and parsers
    disagree about them (RFC 9112, 7.1.1 lets a recipient ignore or limit them). `limit` bounds
    the size of the body; a chunk that would pass it is refused before its bytes arrive.
    """

    __slots__ = ("_left", "_limit", "_line", "_skip", "_state", "_trailer_bytes")

    def __init__(self, limit: int) -> None:
        self._limit = self._left = limit
        self._state = "size"
        self._line = b""
        self._skip = 0
        self._trailer_bytes = 0

    def feed(self, data: bytes) -> int:
        """Check the next bytes. Return how many of them belong to the body."""
        position = 0
        while position < len(data) and self._state != "end":
            if self._state == "data":
                taken = min(self._skip, len(data) - position)
                position += taken
                self._skip -= taken
                if not self._skip:
                    self._state = "data-end"
                continue
            end = data.find(b"\n", position)
            stop = len(data) if end < 0 else end + 1
            self._line += data[position:stop]
            position = stop
            self._check_start()
            if end >= 0:
                line, self._line = self._line, b""
                self._finish(line)
        return position

    def _check_start(self) -> None:
        """Refuse early what no further byte can mend."""
        if len(self._line) > _MAX_LINE:
            raise ProtocolError(400, "A line of the chunked body is too long.")
        if self._state == "data-end" and not b"\r\n".startswith(self._line):
            raise ProtocolError(400, "A chunk is longer than its size says.")

    def _finish(self, line: bytes) -> None:
        if not line.endswith(b"\r\n"):
            raise ProtocolError(400, "A line of the chunked body does not end in CR LF.")
        text = line[:-2]
        if self._state == "data-end":
            self._state = "size"
        elif self._state == "size":
            self._begin_chunk(text)
        elif not text:
            self._state = "end"
        else:
            self._trailer(text)

    def _begin_chunk(self, text: bytes) -> None:
        if not _SIZE_LINE.match(text):
            raise ProtocolError(400, "A chunk size is malformed.")
        self._skip = int(text, 16)
        self._left -= self._skip
        if self._left < 0:
            raise too_large(self._limit)
        self._state = "data" if self._skip else "trailers"

    def _trailer(self, text: bytes) -> None:
        self._trailer_bytes += len(text)
        if not _FIELD.match(text) or self._trailer_bytes > _MAX_TRAILERS:
            raise ProtocolError(400, "A trailer field is malformed.")


def too_large(limit: int) -> ProtocolError:
    """What a body larger than `limit` bytes is answered with."""
    return ProtocolError(413, f"The body is larger than {limit} bytes.")
