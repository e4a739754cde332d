"""The file method: daily files, limits of size and age, and disks that fail."""

from __future__ import annotations

import os
import stat

import pytest

from pode_py.core.errors import PodeError
from pode_py.observability.logs.functions import add_log_type, write_log
from pode_py.observability.logs.methods.functions import new_log_file_method


@pytest.fixture
def log(server):
    """Write text through a file method called "app"."""

    def start(**options):
        add_log_type(new_log_file_method("app", **options), "main", raw=True)
        return lambda text: write_log(text, "main")

    return start


def names(server, folder="logs"):
    assert server.logs.flush()
    return sorted(path.name for path in (server.root / folder).iterdir())


def test_a_file_is_named_after_the_day_and_a_number(server, log):
    log()("hello")
    assert names(server) == ["app_2026-03-14_001.log"]
    assert server.read("app") == "hello\n"


def test_a_new_day_begins_a_new_file(server, log, clock):
    write = log()
    write("one")
    assert server.logs.flush()
    clock.advance(24 * 3600)
    write("two")
    assert names(server) == ["app_2026-03-14_001.log", "app_2026-03-15_001.log"]
    assert (server.root / "logs" / "app_2026-03-15_001.log").read_text() == "two\n"


def test_no_file_grows_beyond_its_maximum_size(server, log):
    write = log(max_size=100)
    for number in range(50):
        write(f"line {number:04}")
    files = names(server)
    assert files == [f"app_2026-03-14_{number:03}.log" for number in range(1, 6)]
    sizes = [(server.root / "logs" / name).stat().st_size for name in files]
    assert sizes == [100] * 5
    assert server.lines("app") == [f"line {number:04}" for number in range(50)]


def test_a_record_larger_than_the_maximum_gets_a_file_of_its_own(server, log):
    write = log(max_size=10)
    write("a")
    write("b" * 50)
    write("c")
    assert server.lines("app") == ["a", "b" * 50, "c"]
    assert len(names(server)) == 3


def test_a_new_day_counts_from_one_again(server, log, clock):
    write = log(max_size=5)
    write("aaaa")
    write("bbbb")
    assert server.logs.flush()
    clock.advance(24 * 3600)
    write("cccc")
    assert names(server)[-1] == "app_2026-03-15_001.log"


def test_a_restart_goes_on_with_the_last_file_of_the_day(server, log):
    folder = server.root / "logs"
    folder.mkdir()
    (folder / "app_2026-03-14_007.log").write_text("before\n")
    log()("after")
    assert names(server) == ["app_2026-03-14_007.log"]
    assert server.lines("app") == ["before", "after"]


def test_files_older_than_the_days_are_deleted_and_no_others(server, log):
    folder = server.root / "logs"
    folder.mkdir()
    old = ["app_2026-03-09_001.log", "app_2025-12-31_012.log"]
    kept = [
        "app_2026-03-10_001.log",
        "app_2026-03-13_001.log",
        "app_other_2020-01-01_001.log",
        "app_2020-01-01_001.log.gz",
        "app_2020-99-99_001.log",
        "notes.txt",
    ]
    for name in old + kept:
        (folder / name).write_text("x")
    log(max_days=4)("now")
    assert names(server) == sorted([*kept, "app_2026-03-14_001.log"])


def test_old_files_are_deleted_again_every_day(server, log, clock):
    write = log(max_days=1)
    write("one")
    assert server.logs.flush()
    for _ in range(2):
        clock.advance(24 * 3600)
        write("next")
        assert server.logs.flush()
    assert names(server) == ["app_2026-03-15_001.log", "app_2026-03-16_001.log"]


def test_without_max_days_nothing_is_deleted(server, log):
    folder = server.root / "logs"
    folder.mkdir()
    (folder / "app_2001-01-01_001.log").write_text("x")
    log()("now")
    assert "app_2001-01-01_001.log" in names(server)


def test_the_folder_is_made_below_the_servers_root(server, log):
    log(path="a/b")("x")
    assert names(server, "a/b") == ["app_2026-03-14_001.log"]


def test_a_folder_that_cannot_be_made_is_told_at_once(server):
    (server.root / "logs").write_text("a file")
    with pytest.raises(PodeError, match="cannot be made"):
        new_log_file_method("app")


@pytest.mark.parametrize("name", ["../app", "a/b", "..", "a\\b", "a\0b"])
def test_a_name_is_no_path(server, name):
    with pytest.raises(ValueError, match="beginning of a file name"):
        new_log_file_method(name)


def test_a_file_that_is_removed_comes_back(server, log):
    write = log()
    write("one")
    assert server.read("app") == "one\n"
    (server.root / "logs" / "app_2026-03-14_001.log").unlink()
    write("two")
    assert server.read("app") == "two\n"


def test_a_folder_that_is_removed_comes_back(server, log):
    write = log()
    write("one")
    assert server.logs.flush()
    (server.root / "logs" / "app_2026-03-14_001.log").unlink()
    (server.root / "logs").rmdir()
    write("two")
    assert server.read("app") == "two\n"


def test_others_cannot_read_a_log(server, log):
    log()("x")
    assert server.logs.flush()
    mode = (server.root / "logs" / "app_2026-03-14_001.log").stat().st_mode
    assert not stat.S_IMODE(mode) & (stat.S_IROTH | stat.S_IWOTH)


def test_text_that_is_no_utf8_is_written_all_the_same(server, log):
    log()("a\ud800b é")
    assert server.read("app") == "a\\ud800b é\n"


def test_a_full_disk_is_told_once_a_minute_and_logging_resumes_by_itself(
    server, log, clock, capsys
):
    write = log()
    path = server.root / "logs" / "app_2026-03-14_001.log"
    path.symlink_to("/dev/full")
    for _ in range(20):
        write("lost")
        assert server.logs.flush()
    told = capsys.readouterr().err
    assert told.count("No space left on device") == 1
    assert "1 line was lost" in told
    clock.advance(61)
    assert server.logs.flush()
    assert "Up to 19 lines were lost" in capsys.readouterr().err
    path.unlink()
    write("back")
    assert server.read("app") == "back\n"
    clock.advance(61)
    assert server.logs.flush()
    assert capsys.readouterr().err == ""


def test_a_full_disk_does_not_stop_other_methods(server):
    methods = [new_log_file_method("full"), new_log_file_method("good")]
    (server.root / "logs" / "full_2026-03-14_001.log").symlink_to("/dev/full")
    add_log_type(methods, "main", raw=True)
    write_log("x", "main")
    assert server.lines("good") == ["x"]


def test_what_was_not_told_yet_is_told_at_the_end(server, log, capsys):
    write = log()
    (server.root / "logs" / "app_2026-03-14_001.log").symlink_to("/dev/full")
    for _ in range(3):
        write("lost")
        assert server.logs.flush()
    capsys.readouterr()
    assert server.logs.stop()
    assert "Up to 2 lines were lost" in capsys.readouterr().err


def test_a_record_that_was_cut_short_does_not_swallow_the_next(server, log, monkeypatch):
    write = log()
    real, calls = os.write, []

    def short(descriptor, data):
        calls.append(descriptor)
        if len(calls) == 1:
            return real(descriptor, bytes(data)[:3])
        if len(calls) == 2:
            raise OSError(28, "No space left on device")
        return real(descriptor, data)

    monkeypatch.setattr(os, "write", short)
    write("torn record")
    assert server.logs.flush()
    write("whole record")
    assert server.lines("app") == ["tor", "whole record"]


def test_a_fifo_without_a_reader_blocks_nothing(server, log, capsys):
    write = log()
    path = server.root / "logs" / "app_2026-03-14_001.log"
    os.mkfifo(path)
    write("lost")
    assert server.logs.flush(5)
    assert "The log method" in capsys.readouterr().err
    path.unlink()
    write("back")
    assert server.logs.flush(5)
    assert path.read_text() == "back\n"


def test_a_file_that_cannot_be_opened_is_told_and_logging_resumes(server, log, capsys):
    write = log()
    path = server.root / "logs" / "app_2026-03-14_001.log"
    path.mkdir()
    write("lost")
    assert server.logs.flush()
    path.rmdir()
    write("back")
    assert server.lines("app") == ["back"]
    assert "Is a directory" in capsys.readouterr().err
