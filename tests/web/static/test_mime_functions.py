"""Content types of files that users set."""

from __future__ import annotations

import pytest

from pode_py import set_mime_type
from pode_py.http.mime import MimeTypes, content_type_of
from tests.web.conftest import Web


def test_files_of_public_have_the_type_that_was_set(live_server, tmp_path):
    (tmp_path / "public").mkdir()
    for name in ("a.foo", "b.FOO", "c.md", "d.unknown"):
        (tmp_path / "public" / name).write_text("x")

    def set_up() -> None:
        set_mime_type(".foo", "Application/X-Foo")
        set_mime_type("MD", "text/plain")

    live = live_server(set_up, root_path=tmp_path)
    kinds = {name: live.get(f"/{name}").headers["content-type"] for name in ("a.foo", "b.FOO")}
    assert set(kinds.values()) == {"application/x-foo"}
    assert live.get("/c.md").headers["content-type"] == "text/plain; charset=utf-8"
    assert live.get("/d.unknown").headers["content-type"] == "application/octet-stream"


@pytest.mark.parametrize("extension", ["", ".", "tar.gz", "a/b", "..foo"])
def test_what_is_no_extension_is_refused(web: Web, extension: str):
    with pytest.raises(ValueError, match="write 'gz'"):
        set_mime_type(extension, "text/plain")


def test_what_is_no_content_type_is_refused(web: Web):
    with pytest.raises(ValueError, match="is not a content type"):
        set_mime_type("foo", "plain")


def test_the_types_of_one_server_are_not_those_of_another():
    MimeTypes().set("foo", "text/plain")
    assert MimeTypes().of("a.foo") == content_type_of("a.foo") == "application/octet-stream"


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("a.mkv", "video/matroska"),
        ("a.odt", "application/vnd.oasis.opendocument.text"),
        ("a.tsv", "text/tab-separated-values; charset=utf-8"),
        ("a.geojson", "application/geo+json; charset=utf-8"),
        ("a.HEIC", "image/heic"),
        (".mkv", "video/matroska"),
        ("mkv", "application/octet-stream"),
    ],
)
def test_the_table_knows_common_types(name: str, kind: str):
    assert content_type_of(name) == MimeTypes().of(name) == kind
