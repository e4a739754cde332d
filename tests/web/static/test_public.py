"""The files below public/, and nothing else."""

from __future__ import annotations

import os
import time
from email.utils import formatdate
from pathlib import Path

import pytest

from pode_py.http.response import FileBody
from pode_py.web.routing.functions import add_route
from pode_py.web.static.files import SMALL
from pode_py.web.views.views import Views
from tests.web.conftest import Web


@pytest.fixture
def site(tmp_path: Path):
    """A web whose public folder has files, beside a secret."""
    public = tmp_path / "public"
    for path, text in {
        "page.html": "<p>page",
        "app.js": "let x",
        "LICENSE": "free",
        "a b.txt": "spaced",
        "ümlaut.txt": "u",
        "digits.txt": "0123456789",
        "docs/index.html": "docs",
        "old/default.htm": "old",
        ".env": "SECRET=1",
        ".git/config": "secret",
        "con.txt": "device",
        "data:stream.txt": "stream",
    }.items():
        file = public / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
    (tmp_path / "secret.txt").write_text("secret")
    (tmp_path / "public2").mkdir()
    (tmp_path / "public2" / "secret.txt").write_text("secret")
    made = Web(tmp_path)
    yield made
    made.loop.stop(2)


def test_a_file_is_sent_with_its_type(site: Web):
    answer = site.get("/app.js")
    assert (answer.status, answer.text) == (200, "let x")
    assert answer.headers["content-type"] == "text/javascript; charset=utf-8"
    assert answer.headers["x-content-type-options"] == "nosniff"


@pytest.mark.parametrize(
    ("path", "text"),
    [("/a%20b.txt", "spaced"), ("/%C3%BCmlaut.txt", "u"), ("/LICENSE", "free"), ("/docs/", "docs")],
)
def test_encoded_names_names_without_a_dot_and_folders_are_found(site: Web, path: str, text: str):
    assert site.get(path).text == text


def test_a_folder_without_its_slash_is_redirected_to_it(site: Web):
    answer = site.get("/docs?x=1")
    assert (answer.status, answer.headers["location"]) == (301, "/docs/?x=1")
    assert site.get("/old/").text == "old"


def test_a_redirect_to_a_folder_never_leads_to_another_host(site: Web):
    assert site.get("//docs").status == 404


@pytest.mark.parametrize(
    "path",
    [
        "/../secret.txt",
        "/docs/../../secret.txt",
        "/%2e%2e/secret.txt",
        "/%2e%2e%2fsecret.txt",
        "/..%2fsecret.txt",
        "/..%5csecret.txt",
        "/..\\secret.txt",
        "/docs/..\\..\\..\\secret.txt",
        "/....//secret.txt",
        "/../public2/secret.txt",
        "/%2e%2e/public2/secret.txt",
        "//etc/passwd",
        "/%2fetc/passwd",
        "/./page.html",
        "/docs/../page.html",
        "//page.html",
        "/page.html/",
        "/page.html%20",
        "/page.html.",
        "/page.html::$DATA",
        "/data:stream.txt",
        "/C:/secret.txt",
        "/con.txt",
        "/.env",
        "/.git/config",
        "/docs/.",
        "/~root/secret.txt",
        "/%252e%252e/secret.txt",
        "/secret.txt",
        "/" + "a" * 5000 + ".txt",
        "/" + "a/" * 2000 + "x.txt",
        "/%EF%BC%8E%EF%BC%8E/secret.txt",
        "/page.html%0d",
    ],
)
def test_nothing_outside_and_nothing_hidden_is_sent(site: Web, path: str):
    answer = site.get(path)
    assert answer.status == 404
    assert b"secret" not in answer.body.lower()
    assert site.logs.errors == []


def test_a_nul_in_a_path_is_harmless_if_it_gets_that_far(site: Web):
    request = site.get("/").request
    request.path = "/page.html\0.txt"
    assert site.rooms.public.find(request.path) is None


def test_symbolic_links_may_stay_inside_and_not_lead_out(site: Web):
    public = site.root / "public"
    os.symlink(public / "page.html", public / "inner.html")
    os.symlink(site.root / "secret.txt", public / "outer.txt")
    os.symlink(site.root, public / "up")
    os.symlink(public / ".env", public / "env.txt")
    os.symlink("loop.txt", public / "loop.txt")
    assert site.get("/inner.html").status == 200
    for path in ("/outer.txt", "/up/secret.txt", "/env.txt", "/loop.txt"):
        assert site.get(path).status == 404


def test_a_public_folder_that_is_a_link_itself_is_fine(tmp_path: Path):
    (tmp_path / "real").mkdir()
    (tmp_path / "real" / "x.txt").write_text("x")
    os.symlink(tmp_path / "real", tmp_path / "public")
    assert Web(tmp_path).get("/x.txt").text == "x"


def test_what_is_no_file_is_not_opened(site: Web):
    os.mkfifo(site.root / "public" / "pipe.txt")
    assert site.get("/pipe.txt").status == 404


def test_a_file_goes_before_a_route_and_a_folder_after(site: Web, web: Web):
    add_route("get", "/*", lambda: "route")
    site.rooms.router.add(web.rooms.router.select(None, None), "error")
    assert site.get("/page.html").text == "<p>page"
    assert site.get("/docs/").text == "route"


def test_other_methods_are_405_and_options_says_which_there_are(site: Web):
    answer = site.send("POST", "/page.html")
    assert (answer.status, answer.headers["allow"]) == (405, "GET, HEAD, OPTIONS")
    assert site.send("OPTIONS", "/page.html").status == 204


def test_head_has_the_length_and_no_body(site: Web):
    answer = site.send("HEAD", "/digits.txt")
    assert (answer.status, answer.body, answer.headers["content-length"]) == (200, b"", "10")


def test_an_unchanged_file_is_304_without_a_body(site: Web):
    first = site.get("/page.html")
    for condition in (
        {"If-None-Match": first.headers["etag"]},
        {"If-None-Match": f'"other", W/{first.headers["etag"]}'},
        {"If-None-Match": "*"},
        {"If-Modified-Since": first.headers["last-modified"]},
    ):
        answer = site.get("/page.html", headers=condition)
        assert (answer.status, answer.body) == (304, b"")
        assert answer.headers["etag"] == first.headers["etag"]


@pytest.mark.parametrize(
    "condition",
    [
        {"If-None-Match": '"other"'},
        {"If-None-Match": '"other"', "If-Modified-Since": formatdate(usegmt=True)},
        {"If-Modified-Since": formatdate(0, usegmt=True)},
        {"If-Modified-Since": "yesterday"},
    ],
)
def test_a_changed_file_is_sent(site: Web, condition: dict[str, str]):
    assert site.get("/page.html", headers=condition).status == 200


def test_changing_a_file_changes_its_etag(site: Web):
    before = site.get("/page.html").headers["etag"]
    (site.root / "public" / "page.html").write_text("other")
    assert site.get("/page.html").headers["etag"] != before


@pytest.mark.parametrize(
    ("asked", "body", "content_range"),
    [
        ("bytes=0-3", b"0123", "bytes 0-3/10"),
        ("bytes=7-", b"789", "bytes 7-9/10"),
        ("bytes=-2", b"89", "bytes 8-9/10"),
        ("bytes=-99", b"0123456789", "bytes 0-9/10"),
        ("bytes=5-99", b"56789", "bytes 5-9/10"),
        ("BYTES=9-9", b"9", "bytes 9-9/10"),
    ],
)
def test_one_range_is_sent_as_206(site: Web, asked: str, body: bytes, content_range: str):
    answer = site.get("/digits.txt", headers={"Range": asked})
    assert (answer.status, answer.body) == (206, body)
    assert answer.headers["content-range"] == content_range


@pytest.mark.parametrize("asked", ["bytes=10-", "bytes=99-100", "bytes=-0"])
def test_a_range_beyond_the_file_is_416(site: Web, asked: str):
    answer = site.get("/digits.txt", headers={"Range": asked})
    assert (answer.status, answer.body) == (416, b"")
    assert answer.headers["content-range"] == "bytes */10"


@pytest.mark.parametrize(
    "asked",
    ["bytes=3-1", "bytes=a-b", "items=0-1", "bytes=", "bytes=0-1,3-4", "bytes=" + "0-1," * 20],
)
def test_other_ranges_get_the_whole_file(site: Web, asked: str):
    answer = site.get("/digits.txt", headers={"Range": asked})
    assert (answer.status, answer.body) == (200, b"0123456789")


def test_a_range_of_a_changed_file_gets_the_whole_file(site: Web):
    settle(site)
    first = site.get("/digits.txt")
    for condition, status in (
        (first.headers["etag"], 206),
        (first.headers["last-modified"], 206),
        ('"other"', 200),
        (formatdate(0, usegmt=True), 200),
    ):
        headers = {"Range": "bytes=0-1", "If-Range": condition}
        assert site.get("/digits.txt", headers=headers).status == status


def settle(site: Web) -> None:
    """Make it a minute since the file was changed."""
    before = time.time() - 60
    os.utime(site.root / "public" / "digits.txt", (before, before))


def test_a_date_within_the_second_of_the_change_allows_no_range(site: Web):
    now = time.time()  # and a second more, so that a slow machine is still within it
    os.utime(site.root / "public" / "digits.txt", (now + 60, now + 60))
    date = site.get("/digits.txt").headers["last-modified"]
    assert site.get("/digits.txt", headers={"Range": "bytes=0-1", "If-Range": date}).status == 200


@pytest.mark.parametrize("part", [{}, {"Range": "bytes=5-"}])
def test_a_client_that_goes_on_with_another_state_is_412(site: Web, part: dict[str, str]):
    settle(site)
    first = site.get("/digits.txt").headers
    etag, date = first["etag"], first["last-modified"]
    (site.root / "public" / "digits.txt").write_text("other digit")
    for condition in (
        {"If-Match": etag},
        {"If-Match": f'"x", {etag}'},
        {"If-Unmodified-Since": date},
        {"If-Match": etag, "If-Unmodified-Since": formatdate(usegmt=True)},
        {"If-Match": etag, "If-None-Match": '"x"'},
    ):
        answer = site.get("/digits.txt", headers={**part, **condition})
        assert answer.status == 412
        assert "etag" not in answer.headers


def test_a_client_that_goes_on_with_this_state_gets_it(site: Web):
    settle(site)
    first = site.get("/digits.txt").headers
    etag, date = first["etag"], first["last-modified"]
    for condition in (
        {"If-Match": etag},
        {"If-Match": f'"x,y", {etag}'},
        {"If-Match": "*"},
        {"If-Unmodified-Since": date},
        {"If-Unmodified-Since": "yesterday"},
        # RFC 9110, 13.1.4: the date is ignored beside a tag.
        {"If-Match": etag, "If-Unmodified-Since": formatdate(0, usegmt=True)},
    ):
        answer = site.get("/digits.txt", headers={"Range": "bytes=5-", **condition})
        assert (answer.status, answer.body) == (206, b"56789")


def test_if_match_compares_strongly(site: Web):
    etag = site.get("/digits.txt").headers["etag"]
    assert site.get("/digits.txt", headers={"If-Match": f"W/{etag}"}).status == 412


def test_an_unmet_condition_leaves_no_file_open(site: Web):
    before = len(os.listdir("/proc/self/fd"))
    for _ in range(20):
        assert site.get("/digits.txt", headers={"If-Match": '"x"'}).status == 412
    assert len(os.listdir("/proc/self/fd")) == before


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/.well-known/security.txt", 200),
        ("/.well-known/acme-challenge/token", 200),
        ("/.well-known/.hidden", 404),
        ("/docs/.well-known/x.txt", 404),
        ("/.well-known/../.env", 404),
        ("/.well-known/%2e%2e/.env", 404),
        ("/.well-known/.well-known/x.txt", 404),
    ],
)
def test_well_known_files_of_the_site_are_served(site: Web, path: str, status: int):
    for name in (
        ".well-known/security.txt",
        ".well-known/acme-challenge/token",
        ".well-known/.hidden",
        ".well-known/.well-known/x.txt",
        "docs/.well-known/x.txt",
    ):
        file = site.root / "public" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text("found")
    answer = site.get(path)
    assert answer.status == status
    assert ("found" in answer.text) == (status == 200)


@pytest.mark.parametrize("name", ["x.pode", "x.css.pode", "x.POSH.Pode", "pode/x.pode"])
def test_the_source_of_a_template_is_not_sent(site: Web, name: str):
    file = site.root / "public" / name
    file.parent.mkdir(exist_ok=True)
    file.write_text("$(secret)")
    (site.root / "public" / "link.txt").symlink_to(file)
    assert site.get(f"/{name}").status == 404
    assert site.get("/link.txt").status == 404


def mount(folder: Path, version: str, text: str) -> None:
    """Lay files into a folder as Kubernetes mounts them, or update them."""
    folder.mkdir(exist_ok=True)
    (folder / version).mkdir()
    for name in ("config.json", "index.html"):
        (folder / version / name).write_text(text)
        if not (folder / name).is_symlink():
            (folder / name).symlink_to(f"..data/{name}")
    (folder / "..data_tmp").symlink_to(version)
    os.rename(folder / "..data_tmp", folder / "..data")


def test_files_of_a_mounted_volume_are_served_and_their_updates_seen(site: Web):
    public = site.root / "public"
    for folder in (public, public / "config"):
        mount(folder, "..2026_11_26_08_00_00.100", "one")
    for path in ("/config.json", "/", "/config/config.json", "/config/"):
        assert site.get(path).text == "one"
    mount(public, "..2026_11_26_09_00_00.200", "two")
    assert site.get("/config.json").text == "two"
    for path in ("/..data/config.json", "/..2026_11_26_09_00_00.200/config.json"):
        assert site.get(path).status == 404


def test_a_public_folder_whose_link_is_swapped_shows_its_new_files(tmp_path: Path):
    for version in ("one", "two"):
        (tmp_path / version).mkdir()
        (tmp_path / version / "page.html").write_text(version)
    (tmp_path / "public").symlink_to("one")
    web = Web(tmp_path)
    assert web.get("/page.html").text == "one"
    (tmp_path / "next").symlink_to("two")
    os.rename(tmp_path / "next", tmp_path / "public")
    assert web.get("/page.html").text == "two"
    web.loop.stop(2)


def test_a_big_file_is_sent_piece_by_piece_and_closed(site: Web):
    (site.root / "public" / "big.bin").write_bytes(b"x" * (SMALL + 1))
    bodies: list[object] = []
    site.rooms.places.fill("access", lambda event: event.on_end.append(look))

    def look(web_event) -> None:
        bodies.append(web_event.response.body)

    answer = site.get("/big.bin")
    assert len(answer.body) == SMALL + 1
    assert isinstance(bodies[0], FileBody)
    assert bodies[0].file.closed


def test_many_requests_leave_no_file_open(site: Web):
    before = len(os.listdir("/proc/self/fd"))
    for path in ("/page.html", "/pipe", "/nowhere.txt") * 20:
        site.get(path)
        site.send("HEAD", path)
        site.get(path, headers={"If-None-Match": "*"})
        site.get(path, headers={"Range": "bytes=0-1"})
    assert len(os.listdir("/proc/self/fd")) == before


def test_without_a_public_folder_nothing_is_looked_up(web: Web):
    assert not web.rooms.public.active
    assert web.get("/page.html").status == 404


# --- templates ---


def test_a_template_of_the_engine_is_rendered_with_the_type_of_its_inner_name(site: Web):
    site.room(Views).use("pode")
    public = site.root / "public"
    (public / "site.css.pode").write_text("b { width: $(2 + 3)px; }")
    (public / "live.pode").write_text("<p>$(web_event)")
    answer = site.get("/site.css.pode")
    assert (answer.status, answer.text) == (200, "b { width: 5px; }")
    assert answer.headers["content-type"] == "text/css; charset=utf-8"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["cache-control"] == "no-cache"
    answer = site.get("/live.pode")
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert "GET /live.pode" in answer.text


def test_a_template_of_another_engine_is_not_there(site: Web):
    (site.root / "public" / "site.css.pode").write_text("$(secret)")
    for kind in ("jinja2", "html", "markdown"):
        site.room(Views).use(kind)
        assert site.get("/site.css.pode").status == 404
        assert site.send("POST", "/site.css.pode").status == 404


def test_pages_and_markdown_are_sent_as_they_are(site: Web):
    (site.root / "public" / "page.html").write_text("{{ 1 }}")
    (site.root / "public" / "note.md").write_text("# Note")
    assert site.get("/page.html").text == "{{ 1 }}"
    site.room(Views).use("markdown")
    assert site.get("/note.md").text == "# Note"


def test_a_changed_template_is_seen_at_once(site: Web):
    site.room(Views).use("jinja2", "j2")
    path = site.root / "public" / "site.css.j2"
    path.write_text("a {{ 1 }}")
    assert site.get("/site.css.j2").text == "a 1"
    path.write_text("b {{ 2 }}!")
    assert site.get("/site.css.j2").text == "b 2!"


def test_a_template_that_fails_is_500_and_names_itself(site: Web):
    site.room(Views).use("pode")
    (site.root / "public" / "bad.css.pode").write_text("\n$(1 / 0)")
    assert site.get("/bad.css.pode").status == 500
    [error] = site.logs.errors
    assert "bad.css.pode, line 2" in error.__notes__[0]


def test_head_of_a_template_has_its_status(site: Web):
    site.room(Views).use("pode")
    (site.root / "public" / "a.css.pode").write_text("x")
    assert site.send("HEAD", "/a.css.pode").status == 200
