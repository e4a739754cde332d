"""What the docstrings of the samples about routes, timers and schedules promise."""

from __future__ import annotations

import json

from pode_py.testing import FakeClock, running
from tests.samples.running import RunningSample, imported


def test_the_shelf_takes_and_gives_books():
    with RunningSample("rest_api") as sample:
        assert [book["id"] for book in sample.get("/api/books").json()] == [1, 2, 3]
        assert [book["id"] for book in sample.get("/api/books?author=lem").json()] == [1]
        assert sample.get("/api/books/1").json()["title"] == "Solaris"

        fiasco = {"title": "Fiasco", "author": "Stanislaw Lem"}
        made = sample.post("/api/books", json=fiasco)
        assert (made.status_code, made.headers["Location"]) == (201, "/api/books/4")
        assert sample.get("/api/books/4").json() == {"id": 4, **fiasco}

        other = {"title": "The Invincible", "author": "Stanislaw Lem"}
        assert sample.request("PUT", "/api/books/1", json=other).json() == {"id": 1, **other}
        gone = sample.request("DELETE", "/api/books/1")
        assert (gone.status_code, gone.body) == (204, b"")
        sample.wait_for_output("DELETE /api/books/1")


def test_the_shelf_refuses_in_json():
    with RunningSample("rest_api") as sample:
        missing = sample.get("/api/books/99")
        assert missing.status_code == 404
        assert missing.json()["status"]["description"] == "There is no book 99."
        for body in ({"title": "No author"}, {"title": 1, "author": 2}, ["a list"]):
            assert sample.post("/api/books", json=body).status_code == 400


def test_timers_run_are_told_added_and_removed():
    with RunningSample("timers") as sample:
        stream = sample.sse("/events")
        timers = {timer["name"]: timer for timer in json.loads(stream.next("state").data)["timers"]}
        assert {"forever", "polite", "pause-first-3", "run-3-times", "run-once"} <= set(timers)
        sample.wait_for_output("forever: Here I am.")

        sample.post("/api/timers/forever")
        assert json.loads(stream.next("ran").data)["timer"] == "forever"

        made = sample.post("/api/timers", data={"name": "mine", "seconds": "1"})
        assert made.status_code == 200
        sample.wait_for_output("mine: Here I am.")
        assert sample.post("/api/timers", data={"name": "mine", "seconds": "1"}).status_code == 409
        assert sample.post("/api/timers", data={"name": "x", "seconds": "no"}).status_code == 400

        left = sample.request("DELETE", "/api/timers/mine").json()
        assert "mine" not in [timer["name"] for timer in left]
        assert sample.post("/api/timers/mine").status_code == 404


def test_timers_keep_their_limits_and_pauses():
    clock = FakeClock()
    with running(imported("timers").server, clock=clock) as live:
        stream = live.sse("/events")
        stream.next("state")
        runs = []
        clock.advance(9)
        while runs.count("run-3-times") < 3:
            runs.append(json.loads(stream.next("ran").data)["timer"])
        timers = {timer["name"]: timer for timer in live.get("/api/timers").json()}
        assert timers["run-3-times"]["completed"]
        assert timers["run-3-times"]["next"] is None
        # Nine seconds, every other one, and the first three passed without a run.
        assert runs.count("pause-first-3") == 1


def test_schedules_say_when_and_run_on_demand():
    with RunningSample("schedules") as sample:
        stream = sample.sse("/events")
        known = {one["name"]: one for one in json.loads(stream.next("state").data)["schedules"]}
        assert known["every-other-minute"]["cron"] == ["*/2 * * * *"]
        assert known["tuesdays"]["cron"] == ["0 0 * * 2"]
        assert known["breakfast-in-berlin"]["next"][11:19] == "07:30:00"
        assert all(one["next"] for one in known.values())

        assert sample.post("/api/schedules/tuesdays").status_code == 202
        assert json.loads(stream.next("ran").data)["schedule"] == "tuesdays"
        assert sample.post("/api/schedules/never").status_code == 404


def test_the_cron_helper_answers():
    with RunningSample("schedules") as sample:
        built = sample.get("/api/cron?every=day&hour=7&minute=30").json()
        assert built == {"cron": "30 7 * * *"}
        assert sample.get("/api/cron?every=minute&interval=15").json() == {"cron": "*/15 * * * *"}
        for wrong in ("every=never", "every=day&hour=25", "every=day&hour=x", "interval=3"):
            assert sample.get(f"/api/cron?{wrong}").status_code == 400, wrong


def test_the_configuration_is_read_and_can_be_overridden():
    with RunningSample("configuration", PODE_PY__COLOR="tomato") as sample:
        facts = sample.get("/config").json()
        assert facts["path"].endswith("samples/settings/server.toml")
        assert facts["name"] == "Settings"
        assert "background: tomato" in sample.get("/").text
        assert sample.post("/size", data="x" * 1000).json() == {"bytes": 1000}
        assert sample.post("/size", data="x" * 1001).status_code == 413


def test_the_configuration_may_be_pode_s_file():
    with RunningSample("configuration", SETTINGS="settings/powershell") as sample:
        assert sample.get("/config").json()["values"]["Cards"] == {"Numbers": [4, 5, 6]}


def test_the_guide_shows_finds_and_takes_notes():
    with RunningSample("pages") as sample:
        assert sample.get("/").text.count('class="card"') == 6
        found = sample.get("/?find=QUERCUS").text
        assert "1 tree like" in found
        assert found.count('class="card"') == 1

        note = {"name": "Ann", "text": "<b>old</b>"}
        answer = sample.post("/trees/oak/notes", data=note)
        assert (answer.status_code, answer.headers["Location"]) == (302, "/trees/oak#notes")
        page = sample.get("/trees/oak").text
        assert "&lt;b&gt;old&lt;/b&gt;<cite>Ann</cite>" in page
        assert "<h1>Oak <em" in page
        assert sample.post("/trees/oak/notes", data={"name": "Ann"}).status_code == 400
        assert sample.get("/trees/palm").status_code == 404


def test_the_station_shows_its_departures_from_pode_templates():
    with RunningSample("pode_pages") as sample:
        board = sample.get("/").text
        assert board.count("<tr>") == 6
        assert "Lakes &amp; Hills" in board
        assert "${minutes}, $x. With a backtick before it, $(this) does." in board
        assert sample.get("/platforms/2").text.count("<tr>") == 3
        assert sample.get("/platforms/9").status_code == 404
        style = sample.get("/station.css.pode")
        assert style.headers["Content-Type"] == "text/css; charset=utf-8"
        assert ":root { --sky: #" in style.text


def test_visits_are_counted_by_a_cookie_that_nobody_can_forge():
    with RunningSample("cookies") as sample:

        def visit(cookie: str) -> tuple[int, str]:
            answer = sample.get("/api/visit", headers={"Cookie": cookie})
            return answer.json()["visits"], answer.headers["Set-Cookie"].partition(";")[0]

        first, cookie = visit("theme=dark")
        second, cookie = visit(cookie)
        assert (first, second) == (1, 2)
        assert visit("visits=1000")[0] == visit(cookie.replace("s:2", "s:9"))[0] == 1
        assert sample.get("/api/cookies", headers={"Cookie": cookie}).json()["visits"] == 2

        theme = sample.post("/api/theme", data={"theme": "dark"}).headers["Set-Cookie"]
        assert theme.startswith("theme=dark; Max-Age=2592000;")
        assert "HttpOnly" not in theme
        assert sample.post("/api/theme", data={"theme": "pink"}).status_code == 400
        gone = sample.post("/api/forget", headers={"Cookie": f"theme=dark; {cookie}"})
        assert [line.partition(" P")[0] for line in gone.headers.get_all("Set-Cookie")] == [
            "theme=; Max-Age=0;",
            "visits=; Max-Age=0;",
        ]


def test_the_books_come_and_go_in_every_format():
    with RunningSample("formats") as sample:

        def add(kind: str, body: str) -> int:
            answer = sample.post("/books", data=body.encode(), headers={"Content-Type": kind})
            return answer.status_code

        assert add("application/xml", "<book><title>Fiasco</title><year>1986</year></book>") == 201
        assert add("text/csv", "title,year\nEden,1959\n") == 201
        assert add("text/csv", "title\nEden\n") == 400
        assert add("application/json", '{"title": "Roadside Picnic", "year": 1972}') == 201

        def books(kind: str) -> str:
            return sample.get("/books", headers={"Accept": kind}).text

        assert '"title":"Roadside Picnic","year":1972' in books("application/json")
        assert books("text/csv").splitlines()[1:3] == ['"Solaris","1961"', '"Fiasco","1986"']
        assert "<books>\n  <item>\n    <title>Solaris</title>" in books("application/xml")
        assert books("application/yaml").startswith("- title: Solaris\n  year: 1961\n")
        assert sample.get("/books", headers={"Accept": "image/png"}).status_code == 406
        assert sample.get("/greeting", headers={"Accept-Language": "de-AT"}).text == "Hallo"
