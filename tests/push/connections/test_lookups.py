"""Who is there: the lists and questions of the SSE area."""

from __future__ import annotations

from pode_py import (
    get_sse_client_id_list,
    get_sse_group_list,
    get_sse_name_list,
    test_sse_client_id,
    test_sse_name,
)
from tests.push.house import eventually


def test_nobody_is_there_at_first(house):
    assert house.call(get_sse_name_list) == []
    assert house.call(get_sse_group_list, "Events") == []
    assert house.call(get_sse_client_id_list, "Events") == []
    assert not house.call(test_sse_name, "Events")
    assert not house.call(test_sse_client_id, "Events", "1")


def test_lists_and_questions_know_who_is_connected(house):
    with (
        house.open("A", id="1", group="Red"),
        house.open("A", id="2", group="red"),
        house.open("A", id="3"),
        house.open("B", id="1"),
    ):
        assert sorted(house.call(get_sse_name_list)) == ["A", "B"]
        assert house.call(get_sse_group_list, "A") == ["Red"]
        assert house.call(get_sse_group_list, "B") == []
        assert sorted(house.call(get_sse_client_id_list, "A")) == ["1", "2", "3"]
        assert sorted(house.call(get_sse_client_id_list, "A", group="RED")) == ["1", "2"]
        assert house.call(test_sse_name, "A")
        assert not house.call(test_sse_name, "a")
        assert house.call(test_sse_client_id, "A", 1)
        assert house.call(test_sse_client_id, "A", "1", group="red")
        assert not house.call(test_sse_client_id, "A", "3", group="red")
        assert not house.call(test_sse_client_id, "B", "2")


def test_a_name_and_a_group_go_with_their_last_connection(house):
    first, second = house.open("A", group="g"), house.open("A", group="g")
    first.close()
    eventually(lambda: len(house.client_ids("A")) == 1, "one has left")
    assert house.call(test_sse_name, "A")
    assert house.call(get_sse_group_list, "A") == ["g"]
    second.close()
    eventually(lambda: not house.call(test_sse_name, "A"), "the name is gone")
    assert house.call(get_sse_name_list) == []
    assert house.call(get_sse_group_list, "A") == []


def test_whoever_saw_pode_open_is_in_the_lists(house):
    for number in range(50):
        with house.open(f"Name {number}", id="me"):
            assert house.call(test_sse_client_id, f"Name {number}", "me")
