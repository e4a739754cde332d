"""What h11 lets pass and we do not: one pure check between the bytes and the Request.

Theory: a request is smuggled where two parsers read the same bytes differently. So whatever is
not plainly one thing is refused with 400 and the connection closed. `take_head` finds the end of a
head, `read_head` looks at it before h11 sees it (h11 unfolds lines, takes bare LF and merges
lengths), `check_head` at what it says, and `ChunkGuard` at the framing of a chunked body (h11 takes
any chunk extension). Both engines of ours use them, in front of whatever parses after them.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from ipaddress import IPv6Address
from urllib.parse import unquote_to_bytes

from pode_py.http.headers import RawHeaders

_TOKEN = rb"[!#$%&'*+.^_`|~0-9A-Za-z-]+"
_TEXT = rb"[\t\x20-\x7e\x80-\xff]*"
# The whole head in one look. The target is visible ASCII (RFC 3986). A field has no white space
# before its colon (RFC 9112, 5.1), does not begin with white space (obs-fold, 5.2), and holds no
# control character (RFC 9110, 5.5).
_HEAD = re.compile(
    rb"(%b) ([!-~]+) HTTP/(\d)\.(\d)(?:\r\n%b:%b)*\Z" % (_TOKEN, _TOKEN, _TEXT),
)
_REQUEST_LINE = re.compile(rb"%b [!-~]+ HTTP/\d\.\d(?:\r\n|\Z)" % _TOKEN)
_OTHER_TARGET = re.compile(rb"%b [^ \r\n]+ HTTP/\d\.\d(?:\r\n|\Z)" % _TOKEN)
_FIELDS = re.compile(rb"\r\n([^:\r]+):[ \t]*([^\r]*)")
_BAD_BYTES = re.compile(rb"(?<!\r)\n|\r(?!\n)|[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]|\r\n[ \t]")
_FIELD = re.compile(rb"%b:%b\Z" % (_TOKEN, _TEXT))
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


@dataclass(frozen=True, slots=True)
class PlainHead:
    """The head of a request, as everybody reads it: `fields` have lower-case names."""

    method: bytes
    target: bytes
    version: bytes
    fields: RawHeaders


_METHOD_START = frozenset(
    b"!#$%&'*+.^_`|~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ-abcdefghijklmnopqrstuvwxyz\r\n"
)
_BARE_LF = re.compile(rb"(?<!\r)\n|\x00")


def take_head(buffer: bytearray, scanned: int, limit: int) -> tuple[bytes | None, int]:
    """Take the first head, its empty line included, out of what has arrived; None if its end has
    not. `scanned` bytes have been looked at before; returns how many have now.

    Raises ProtocolError as soon as it is clear that this will be no head of at most `limit` bytes.
    """
    while buffer.startswith(b"\r\n"):  # RFC 9112, 2.2: ignore an empty line before a request
        del buffer[:2]
        scanned = 0
    if not buffer:
        return None, 0
    if buffer[0] not in _METHOD_START:
        raise ProtocolError(400, "This is not an HTTP request.")
    end = buffer.find(b"\r\n\r\n", max(0, scanned - 3))
    if 0 <= end <= limit - 4:
        head = bytes(buffer[: end + 4])
        del buffer[: end + 4]
        return head, 0
    if end >= 0 or len(buffer) > limit:
        if buffer.find(b"\r\n", 0, limit) < 0:
            raise ProtocolError(414, "The request line is too long.")
        raise ProtocolError(431, "The header fields are too large.")
    if _BARE_LF.search(buffer, max(0, scanned - 1)):
        raise ProtocolError(400, "The head has a bare LF or a NUL.")
    return None, len(buffer)


def begun_head(buffer: bytes | bytearray, limit: int) -> PlainHead | None:
    """What the whole lines at the beginning of an unfinished head say; None if they are not plain.

    For whoever has to answer a request that will never be whole.
    """
    head = bytes(buffer[:limit])
    end = head.find(b"\r\n\r\n")
    try:
        return read_head(head[: end if end >= 0 else max(0, head.rfind(b"\r\n"))])
    except ProtocolError:
        return None


def read_head(head: bytes) -> PlainHead:
    """Raise ProtocolError unless the raw head (up to its empty line) is plain.

    A minor version that is not known here is HTTP/1.1 (RFC 9110, 2.5).
    """
    plain = _HEAD.match(head)
    if plain is None:
        raise _explain(head)
    method, target, major, minor = plain.groups()
    if major != b"1":
        raise unknown_version()
    fields = [(name.lower(), value.rstrip(b" \t")) for name, value in _FIELDS.findall(head)]
    return PlainHead(method, target, b"1.0" if minor == b"0" else b"1.1", fields)


def _explain(head: bytes) -> ProtocolError:
    # Nothing of what was sent is repeated: an answer is no place for it.
    if _BAD_BYTES.search(head):
        why = "The head has a bare CR or LF, a control character, or a folded line."
    elif _REQUEST_LINE.match(head):
        why = "A header field is malformed."
    elif _OTHER_TARGET.match(head):
        why = "The request target has characters other than ASCII. Percent-encode them."
    else:
        why = "The request line is malformed."
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
    if codings and (len(codings) > 1 or codings[0].lower() != b"chunked"):
        raise _refuse_codings(codings)
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


def _refuse_codings(values: list[bytes]) -> ProtocolError:
    """A body whose last coding is not chunked, or that is chunked twice, has no end that everybody
    sees (RFC 9112, 6.3 and 6.1)."""
    names = [name.strip(b" \t").lower() for value in values for name in value.split(b",")]
    if not all(names) or names[-1] != b"chunked" or names.count(b"chunked") > 1:
        return ProtocolError(400, "A Transfer-Encoding has to end in chunked, once.")
    return ProtocolError(501, "The only Transfer-Encoding served here is chunked.")


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


# RFC 9112, 7.1.1. What stands around ";" and "=" is for old senders, and is read by everybody.
_EXTENSION = rb"[ \t]*;[ \t]*%b(?:[ \t]*=[ \t]*(?:%b|%b))?" % (
    _TOKEN,
    _TOKEN,
    rb'"(?:[\t\x20\x21\x23-\x5b\x5d-\x7e\x80-\xff]|\\[\t\x20-\x7e\x80-\xff])*"',
)
_SIZE_LINE = re.compile(rb"([0-9A-Fa-f]{1,16})((?:%b)*)\Z" % _EXTENSION)
_MAX_LINE = 1024
_MAX_EXTENSIONS = 4096
_MAX_TRAILERS = 8192


class ChunkGuard:
    """Follows the framing of one chunked body and raises on what is not plain.

    Sees the bytes before the parser does. Chunk extensions are skipped, as RFC 9112, 7.1.1 demands,
    up to a few kilobytes a request; parsers disagree about them, so the parser never sees one:
    `take` has what it is to be given. `limit` bounds the size of the body; a chunk that would pass
    it is refused before its bytes arrive.
    """

    __slots__ = (
        "_extension_bytes",
        "_left",
        "_limit",
        "_line",
        "_plain",
        "_skip",
        "_state",
        "_trailer_bytes",
    )

    def __init__(self, limit: int) -> None:
        self._limit = self._left = limit
        self._state = "size"
        self._line = b""
        self._plain: list[bytes] = []
        self._skip = 0
        self._extension_bytes = 0
        self._trailer_bytes = 0

    @property
    def at_end(self) -> bool:
        """Whether the whole body has been seen."""
        return self._state == "end"

    def feed(self, data: bytes) -> int:
        """Check the next bytes. Return how many of them belong to the body."""
        position = 0
        while position < len(data) and self._state != "end":
            if self._state == "data":
                taken = min(self._skip, len(data) - position)
                self._plain.append(data[position : position + taken])
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

    def take(self) -> bytes:
        """What was fed since the last time, up to its last whole line, without extensions."""
        plain, self._plain = self._plain, []
        return plain[0] if len(plain) == 1 else b"".join(plain)

    def _check_start(self) -> None:
        """Refuse early what no further byte can mend."""
        if len(self._line) > (_MAX_EXTENSIONS if self._state == "size" else _MAX_LINE):
            raise ProtocolError(400, "A line of the chunked body is too long.")
        if self._state == "data-end" and not b"\r\n".startswith(self._line):
            raise ProtocolError(400, "A chunk is longer than its size says.")

    def _finish(self, line: bytes) -> None:
        if not line.endswith(b"\r\n"):
            raise ProtocolError(400, "A line of the chunked body does not end in CR LF.")
        text = line[:-2]
        if self._state == "size":
            self._begin_chunk(text)
            return
        self._plain.append(line)
        if self._state == "data-end":
            self._state = "size"
        elif not text:
            self._state = "end"
        else:
            self._trailer(text)

    def _begin_chunk(self, text: bytes) -> None:
        found = _SIZE_LINE.match(text)
        if found is None:
            raise ProtocolError(400, "A chunk size or its extension is malformed.")
        self._extension_bytes += len(found[2])
        if self._extension_bytes > _MAX_EXTENSIONS:
            raise ProtocolError(400, "The chunk extensions are too long.")
        self._plain.append(found[1] + b"\r\n")
        self._skip = int(found[1], 16)
        self._left -= self._skip
        if self._left < 0:
            raise too_large(self._limit)
        self._state = "data" if self._skip else "trailers"

    def _trailer(self, text: bytes) -> None:
        self._trailer_bytes += len(text)
        if not _FIELD.match(text) or self._trailer_bytes > _MAX_TRAILERS:
            raise ProtocolError(400, "A trailer field is malformed.")


def unknown_version() -> ProtocolError:
    """What a request line of HTTP/2 and others is answered with."""
    return ProtocolError(505, "Only HTTP/1.1 and HTTP/1.0 are spoken here.")


def too_large(limit: int) -> ProtocolError:
    """What a body larger than `limit` bytes is answered with."""
    return ProtocolError(413, f"The body is larger than {limit} bytes.")


def too_slow() -> ProtocolError:
    """What a request that does not arrive in time is answered with."""
    return ProtocolError(408, "The request took too long to arrive.")
