"""Content types of files, by the end of their names. Own table: the machine's differ."""

from __future__ import annotations

_TYPES = {
    "7z": "application/x-7z-compressed",
    "aac": "audio/aac",
    "apng": "image/apng",
    "avif": "image/avif",
    "bin": "application/octet-stream",
    "bmp": "image/bmp",
    "bz2": "application/x-bzip2",
    "cjs": "text/javascript",
    "css": "text/css",
    "csv": "text/csv",
    "doc": "application/msword",
    "docx": "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    "eot": "application/vnd.ms-fontobject",
    "epub": "application/epub+zip",
    "flac": "audio/flac",
    "gif": "image/gif",
    "gz": "application/gzip",
    "htm": "text/html",
    "html": "text/html",
    "ico": "image/x-icon",
    "ics": "text/calendar",
    "jpeg": "image/jpeg",
    "jpg": "image/jpeg",
    "js": "text/javascript",
    "json": "application/json",
    "jsonld": "application/ld+json",
    "jxl": "image/jxl",
    "m3u8": "application/vnd.apple.mpegurl",
    "m4a": "audio/mp4",
    "m4v": "video/mp4",
    "map": "application/json",
    "md": "text/markdown",
    "mjs": "text/javascript",
    "mov": "video/quicktime",
    "mp3": "audio/mpeg",
    "mp4": "video/mp4",
    "mpd": "application/dash+xml",
    "mpeg": "video/mpeg",
    "oga": "audio/ogg",
    "ogg": "audio/ogg",
    "ogv": "video/ogg",
    "opus": "audio/ogg",
    "otf": "font/otf",
    "pdf": "application/pdf",
    "png": "image/png",
    "ppt": "application/vnd.ms-powerpoint",
    "pptx": "application/vnd.openxmlformats-officedocument.presentationml.presentation",
    "rtf": "application/rtf",
    "svg": "image/svg+xml",
    "tar": "application/x-tar",
    "tif": "image/tiff",
    "tiff": "image/tiff",
    "toml": "application/toml",
    "ttf": "font/ttf",
    "txt": "text/plain",
    "vtt": "text/vtt",
    "wasm": "application/wasm",
    "wav": "audio/wav",
    "weba": "audio/webm",
    "webm": "video/webm",
    "webmanifest": "application/manifest+json",
    "webp": "image/webp",
    "woff": "font/woff",
    "woff2": "font/woff2",
    "xhtml": "application/xhtml+xml",
    "xls": "application/vnd.ms-excel",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "xml": "application/xml",
    "yaml": "application/yaml",
    "yml": "application/yaml",
    "zip": "application/zip",
}
_TEXTS = ("application/json", "application/ld+json", "application/manifest+json", "image/svg+xml")

UNKNOWN = "application/octet-stream"


def content_type_of(name: str) -> str:
    """The content type of a file of this name, with the charset if it is text.

    >>> content_type_of("page.HTML"), content_type_of("archive.tar.gz"), content_type_of("LICENSE")
    ('text/html; charset=utf-8', 'application/gzip', 'application/octet-stream')
    """
    _, dot, extension = name.rpartition(".")
    found = _TYPES.get(extension.lower(), UNKNOWN) if dot else UNKNOWN
    return text_with_charset(found)


def text_with_charset(content_type: str) -> str:
    """The content type with ``charset=utf-8`` if it is one of text, and names no charset.

    >>> text_with_charset("text/csv"), text_with_charset("image/png")
    ('text/csv; charset=utf-8', 'image/png')
    """
    kind = content_type.partition(";")[0].strip().lower()
    is_text = kind.startswith("text/") or kind in _TEXTS
    return with_charset(content_type) if is_text else content_type


def with_charset(content_type: str) -> str:
    """The content type with ``charset=utf-8``, unless it names a charset itself."""
    return content_type if "charset=" in content_type else f"{content_type}; charset=utf-8"
