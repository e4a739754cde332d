"""Charsets: which of them a client may name, and the text of bytes that say what they are in.

Python knows a hundred codecs. Some are no charsets (``unicode_escape``, ``idna``), ``utf-7`` says
one text in many ways, and ``punycode`` takes quadratic time. So a client chooses from this list:
the charsets that browsers know (encoding.spec.whatwg.org, 4.2).
"""

from __future__ import annotations

import codecs
import re
from typing import Final

from pode_py.core.errors import StatusError

#: Labels in lower case, and Python's codec for each.
CODECS: Final = {
    "utf-8": "utf-8",
    "utf8": "utf-8",
    "us-ascii": "utf-8",
    "ascii": "utf-8",
    "utf-16": "utf-16",
    "utf-16le": "utf-16-le",
    "utf-16be": "utf-16-be",
    "utf-32": "utf-32",
    "utf-32le": "utf-32-le",
    "utf-32be": "utf-32-be",
    "latin1": "latin-1",
    "latin-1": "latin-1",
    **{f"iso-8859-{part}": f"iso8859-{part}" for part in (*range(1, 12), *range(13, 17))},
    **{f"iso8859-{part}": f"iso8859-{part}" for part in (*range(1, 12), *range(13, 17))},
    **{f"windows-{page}": f"cp{page}" for page in (874, *range(1250, 1259))},
    **{f"cp{page}": f"cp{page}" for page in range(1250, 1259)},
    "ibm866": "cp866",
    "macintosh": "mac-roman",
    "koi8-r": "koi8-r",
    "koi8-u": "koi8-u",
    "tis-620": "tis-620",
    "big5": "big5",
    "big5-hkscs": "big5hkscs",
    "euc-jp": "euc-jp",
    "euc-kr": "euc-kr",
    "gb2312": "gb2312",
    "gbk": "gbk",
    "gb18030": "gb18030",
    "iso-2022-jp": "iso2022-jp",
    "shift_jis": "shift-jis",
    "shift-jis": "shift-jis",
    "sjis": "shift-jis",
}

# One parameter of a content type (RFC 9110, 5.6.6): a token, or a quoted text.
_PARAMETER = re.compile(r';[ \t]*([^\s;="]*)=(?:"((?:[^"\\]|\\.)*)"|([^;"]*))')

# The longer marks first: that of UTF-32 begins with the one of UTF-16.
_MARKS: Final = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)


def charset_of(content_type: str) -> str | None:
    """The charset that a content type names, in lower case; None if it names none.

    >>> charset_of('text/plain; boundary="charset=utf-16"; Charset="UTF-8"')
    'utf-8'
    """
    if "charset" not in content_type.lower():
        return None
    for name, quoted, token in _PARAMETER.findall(content_type):
        if name.lower() == "charset":
            return (quoted or token).strip().lower() or None
    return None


def codec_of(charset: str | None) -> str:
    """Python's codec for a charset that a client names. None is UTF-8.

    Raises StatusError 415 for what is not on the list.
    """
    if charset is None:
        return "utf-8"
    codec = CODECS.get(charset)
    if codec is None:
        raise StatusError(415, "The charset of the body is not known here. Send it as UTF-8.")
    return codec


def text_of(data: bytes) -> str:
    """Text of a file, without the mark at its beginning, which says how it was written.

    Windows writes such files in UTF-8 and UTF-16. Without a mark it is UTF-8. Raises
    UnicodeDecodeError for what is no text.

    >>> text_of("é".encode("utf-16"))
    'é'
    """
    for mark, codec in _MARKS:
        if data.startswith(mark):
            return data[len(mark) :].decode(codec)
    return data.decode("utf-8")


def field_text(data: bytes) -> str:
    """The text of a header field: UTF-8, as browsers and most clients send it, else Latin-1.

    >>> field_text("Köln".encode()), field_text("Köln".encode("latin-1"))
    ('Köln', 'Köln')
    """
    try:
        return data.decode()
    except UnicodeDecodeError:
        return data.decode("latin-1")
