"""Recorded conversations: an unexpected difference fails the run, and so does a needless line."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tools.replay_conversations import EXCEPTIONS, main, read_exemptions, read_report

REPORT = """\
ok   routing/basics
FAIL sse/send (3 points differ in 62 steps)
  arrived: date: body: 'data: a: b', expected 'data: c'
  a send: status: 500, expected 200
  a read: KeyError: 'c'
FAIL routing/case: the server ended at its start:
Traceback (most recent call last):
  File "server.py", line 3, in <module>
NameError: name 'x' is not defined

none sse/later: nothing recorded
1 passed, 2 failed
"""


@pytest.fixture
def conversations(tmp_path: Path):
    """Writes a folder of conversations whose talk.py prints a text; replays it with exceptions."""

    def run(report: str, *exceptions: str) -> int:
        talk = f"import json, sys\nprint(json.loads({json.dumps(report)!r}), end='')\nsys.exit(1)\n"
        (tmp_path / "talk.py").write_text(talk, "utf-8")
        listed = tmp_path / "exceptions.txt"
        listed.write_text("# why\n\n" + "\n".join(exceptions), "utf-8")
        return main([str(tmp_path), "--exceptions", str(listed), "sse", "routing"])

    return run


ALL = (
    "sse/send/arrived: date\tfor good",
    "sse/send/a send: for now",
    "sse/send/a read\tfor now",
    "routing/case/start: does not start yet",
)


def test_a_report_is_taken_apart():
    report = read_report(REPORT)
    assert report.labels == ("routing/basics", "sse/send", "routing/case", "sse/later")
    assert [one.step for one in report.differences] == [
        "arrived: date",
        "a send",
        "a read",
        "start",
    ]
    assert "NameError: name 'x' is not defined" in report.differences[-1].text
    assert report.counts == "1 passed, 2 failed"


def test_what_differs_as_expected_is_no_failure(conversations, capsys):
    assert conversations(REPORT, *ALL) == 0
    assert "as expected" in capsys.readouterr().out


@pytest.mark.parametrize("missing", range(len(ALL)))
def test_an_unexpected_difference_fails_the_run(conversations, capsys, missing):
    assert conversations(REPORT, *ALL[:missing], *ALL[missing + 1 :]) == 1
    label_and_step = ALL[missing].partition("\t")[0].partition(": for")[0].partition(": does")[0]
    assert f"differs: {label_and_step}: " in capsys.readouterr().out


@pytest.mark.parametrize("needless", ["sse/send/another: why", "routing/basics/a send: why"])
def test_a_line_that_no_longer_differs_fails_the_run(conversations, capsys, needless):
    assert conversations(REPORT, *ALL, needless) == 1
    assert f":7: {needless.partition(':')[0]} agrees now" in capsys.readouterr().out


def test_a_line_of_a_conversation_that_did_not_take_place_is_left_alone(conversations):
    assert conversations(REPORT, *ALL, "security/cors/a preflight: why") == 0


def test_a_replay_that_breaks_off_fails_the_run(conversations, capsys):
    assert conversations("ok   routing/basics\n") == 1
    assert "did not say how many passed" in capsys.readouterr().out


def test_a_line_of_another_form_is_named(tmp_path):
    path = tmp_path / "exceptions.txt"
    path.write_text("sse/send/a step without a reason\n", "utf-8")
    with pytest.raises(ValueError, match=r"exceptions\.txt:1: Write AREA/NAME/step: reason"):
        read_exemptions(path)


def test_without_conversations_the_run_says_so_and_goes_on(tmp_path, capsys):
    assert main([str(tmp_path / "nowhere")]) == 0
    assert "No recorded conversations" in capsys.readouterr().out


def test_the_lines_of_this_tree_can_be_read():
    assert read_exemptions(EXCEPTIONS)
