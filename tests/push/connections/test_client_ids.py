"""Client ids: whose stream it is, who may claim it, and what the X-PODE-SSE-* headers do."""

from __future__ import annotations

import re
import uuid

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pode_py import (
    add_endware,
    add_middleware,
    add_route,
    convert_to_sse_connection,
    disable_sse_signing,
    enable_sse_signing,
    get_server_default_secret,
    new_sse_client_id,
    send_sse_event,
    set_response_status,
    test_sse_client_id_signed,
    test_sse_client_id_valid,
    web_event,
)
from pode_py.core.signing import sign
from pode_py.http.headers import checked_field
from pode_py.push.connections.client_ids import random_id, to_header
from tests.push.house import SOON, eventually

UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}")


def named(client_id, name=None, group=None):
    headers = {"X-Pode-Sse-Client-Id": client_id}
    headers |= {} if name is None else {"X-Pode-Sse-Name": name}
    return headers | ({} if group is None else {"X-Pode-Sse-Group": group})


def test_without_an_id_a_client_gets_a_random_uuid(house):
    ids = {house.open().headers["X-Pode-Sse-Client-Id"] for _ in range(3)}
    assert len(ids) == 3
    assert all(UUID.fullmatch(one) for one in ids)


@given(st.text())
def test_whatever_an_id_is_a_header_can_carry_it_as_it_is(text: str):
    made = to_header(text)
    assert checked_field("X-Pode-Sse-Client-Id", made) == ("X-Pode-Sse-Client-Id", made)


def test_the_same_name_and_id_take_over(house):
    with house.open(id="me") as older, house.open(id="me") as newer:
        assert [event.type for event in older.until_closed()] == ["pode.close"]
        assert older.ended_cleanly
        assert house.send("for the newer one").matched == 1
        assert newer.next().data == "for the newer one"


def test_the_same_id_under_another_name_is_another_client(house):
    with house.open("A", id="me") as a, house.open("B", id="me") as b:
        house.send("both", name=["A", "B"])
        assert a.next().data == b.next().data == "both"


def test_the_end_of_a_replaced_stream_does_not_throw_out_its_successor(house):
    with house.open(id="me") as older, house.open(id="me") as newer:
        older.until_closed()
        older.close()
        eventually(lambda: house.connections == 1, "the older connection is gone")
        assert house.client_ids() == ["me"]
        house.send("still there")
        assert newer.next().data == "still there"


def test_signed_ids_have_podes_form(house):
    house.call(enable_sse_signing, "secret")
    with house.open(id="42") as events:
        assert events.headers["X-Pode-Sse-Client-Id"] == sign("42", "secret")
        assert house.client_ids() == [sign("42", "secret")]
    with house.open() as events:
        assert events.headers["X-Pode-Sse-Client-Id"].startswith("s:")


def test_a_signed_id_is_recognised_when_it_comes_back(house):
    house.call(enable_sse_signing, "secret")
    with house.open(id="42") as events:
        mine = events.headers["X-Pode-Sse-Client-Id"]
        assert house.live.get("/who", headers=named(mine, "Events")).json()["client_id"] == mine


@pytest.mark.parametrize(
    "forged",
    ["s:42.", "s:42.xxxx", "42", sign("42", "other"), sign("42", "secret").swapcase()],
)
def test_a_wrong_signature_is_400_before_anybody_looks_for_the_client(house, forged):
    house.call(enable_sse_signing, "secret")
    with house.open(id="42"):
        for name in ("Events", "Unknown", None):
            answer = house.live.get("/who", headers=named(forged, name))
            assert answer.status_code == 400


def test_a_signed_id_is_400_while_signing_is_off(house):
    assert house.live.get("/who", headers=named(sign("42", "secret"))).status_code == 400
    house.call(enable_sse_signing, "secret")
    assert house.live.get("/who", headers=named(sign("42", "secret"))).status_code == 200
    house.call(disable_sse_signing)
    assert house.live.get("/who", headers=named(sign("42", "secret"))).status_code == 400


def test_strict_signing_ties_an_id_to_user_agent_and_address(house):
    house.call(enable_sse_signing, "secret", strict=True)
    agent = {"User-Agent": "browser/1"}
    with house.open(id="42", headers=agent) as events:
        mine = events.headers["X-Pode-Sse-Client-Id"]
        assert mine == sign("42", "secret;browser/1;127.0.0.1")
        assert house.live.get("/who", headers=agent | named(mine)).status_code == 200
        other = {"User-Agent": "browser/2"}
        assert house.live.get("/who", headers=other | named(mine)).status_code == 400


def test_the_servers_own_secret_can_sign(house):
    secret = house.call(get_server_default_secret)
    house.call(enable_sse_signing, secret)
    assert house.open(id="42").headers["X-Pode-Sse-Client-Id"] == sign("42", secret)


def test_an_id_can_be_made_ahead_and_is_not_signed_twice(house):
    house.call(enable_sse_signing, "secret")
    made = house.call(new_sse_client_id, 42)
    assert made == sign("42", "secret")
    assert house.call(new_sse_client_id, made) == made
    with house.open(id=made) as events:
        assert events.headers["X-Pode-Sse-Client-Id"] == made
    house.call(disable_sse_signing)
    assert UUID.fullmatch(house.call(new_sse_client_id))


def test_a_guessed_signature_opens_no_stream(house):
    house.call(enable_sse_signing, "secret")
    with house.open(id="s:42.guess", wait=False) as events:
        assert events.status == 400
    assert house.errors() == []


@pytest.mark.parametrize("other", ["s:42.", "s:42.xxxx", "s:a.b", "42", "", sign("42", "other")])
def test_only_an_id_with_the_right_signature_is_signed(house, other):
    house.call(enable_sse_signing, "secret")
    assert house.call(test_sse_client_id_signed, sign("42", "secret"))
    assert not house.call(test_sse_client_id_signed, other)


def test_no_id_is_signed_while_signing_is_off(house):
    assert not house.call(test_sse_client_id_signed, "s:a.b")
    assert not house.call(test_sse_client_id_signed, sign("42", "secret"))


def test_ids_can_be_looked_at(house):
    assert house.call(test_sse_client_id_valid, "42")
    assert not house.call(test_sse_client_id_valid, "s:a.b")
    house.call(enable_sse_signing, "secret")
    assert house.call(test_sse_client_id_valid, sign("42", "secret"))
    assert not house.call(test_sse_client_id_valid, "42")


def test_secrets_must_be_something(house):
    with pytest.raises(ValueError, match="secret"):
        house.call(enable_sse_signing, "")


def test_without_a_client_id_the_headers_are_ignored(house):
    assert house.live.get("/who").text == "nobody"
    headers = {"X-Pode-Sse-Name": "Unknown", "X-Pode-Sse-Group": "x"}
    assert house.live.get("/who", headers=headers).text == "nobody"
    assert house.live.get("/who", headers=named("")).text == "nobody"


def test_a_client_id_alone_has_no_name(house):
    assert house.live.get("/who", headers=named("anyone")).json() == {
        "name": None,
        "group": None,
        "client_id": "anyone",
        "last_event_id": None,
        "is_local": False,
    }


def test_a_named_client_must_be_connected(house):
    with house.open(id="1", group="Red"):
        assert house.live.get("/who", headers=named("1", "Events")).status_code == 200
        assert house.live.get("/who", headers=named("1", "events")).status_code == 404
        assert house.live.get("/who", headers=named("2", "Events")).status_code == 404
        assert house.live.get("/who", headers=named("1", "Other")).status_code == 404
    eventually(lambda: not house.client_ids(), "the client is out")
    assert house.live.get("/who", headers=named("1", "Events")).status_code == 404
    assert house.errors() == []


def test_groups_are_split_at_commas_and_trimmed(house):
    with house.open(id="1", group="Red"):
        good = house.live.get("/who", headers=named("1", "Events", "blue ,  RED"))
        assert good.status_code == 200
        assert good.json()["client_id"] == "1"
        wrong = house.live.get("/who", headers=named("1", "Events", "blue, green"))
        assert wrong.status_code == 404
        empty = house.live.get("/who", headers=named("1", "Events", ""))
        assert empty.status_code == 200


@pytest.mark.parametrize("asked", [None, "blue, RED", "green"])
def test_the_group_of_a_request_is_that_of_its_stream(make_house, asked):
    def more():
        add_route(
            "get", "/many", lambda: convert_to_sse_connection("Events", group=["Red", "Green"])
        )
        add_route("get", "/groups", lambda: [web_event.sse.group, *web_event.sse.groups])

    house = make_house(more)
    with house.live.sse("/many") as events:
        events.next()
        mine = named(house.client_ids()[0], "Events", asked)
        assert house.live.get("/groups", headers=mine).json() == ["Red", "Red", "Green"]


def test_an_answer_reaches_the_stream_whatever_groups_it_has(make_house):
    house = make_house(lambda: add_route("get", "/answer", answer))
    with house.open(id="1", group="Red") as one, house.open(id="2") as two:
        for client, group in ((one, "RED"), (one, None), (two, None)):
            client_id = client.headers["X-Pode-Sse-Client-Id"]
            house.live.get("/answer", headers=named(client_id, "Events", group))
            assert client.next().data == client_id


def answer() -> None:
    send_sse_event(web_event.sse.client_id, from_event=True)


def test_middleware_comes_before_the_look_at_the_headers(make_house):
    """Who may not call the route learns nothing of which clients there are."""

    def more():
        def guard():
            set_response_status(401)
            return False

        add_middleware("guard", guard, route="/guarded")
        add_route("get", "/guarded", lambda: "in")

    house = make_house(more)
    with house.open(id="1"):
        for client_id in ("1", "unknown", "s:forged.x"):
            answer = house.live.get("/guarded", headers=named(client_id, "Events"))
            assert answer.status_code == 401


def test_the_answers_to_unknown_and_forged_ids_go_through_endware_like_others(make_house):
    seen = []

    def more():
        add_endware(lambda: seen.append(1))

    house = make_house(more)
    house.live.get("/who", headers=named("x", "Nowhere"))
    eventually(lambda: seen, "endware has run", SOON)


def test_a_random_id_is_a_uuid_of_version_four():
    made = [random_id() for _ in range(500)]
    assert len(set(made)) == 500
    for text in made:
        parsed = uuid.UUID(text)
        assert (str(parsed), parsed.version, parsed.variant) == (text, 4, uuid.RFC_4122)
    assert len({text[19] for text in made}) == 4
