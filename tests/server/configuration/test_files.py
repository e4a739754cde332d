"""Configuration files: which one is taken, in which formats, and what is wrong with it where."""

from __future__ import annotations

import builtins
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import yaml

from pode_py import StartError
from pode_py.server.configuration.files import find_file, read_file

FORMATS = {
    "toml": 'Port = 8080\n[Database]\nTags = ["a", "b"]\n',
    "json": '{"Port": 8080, "Database": {"Tags": ["a", "b"]}}',
    "yaml": "Port: 8080\nDatabase:\n  Tags: [a, b]\n",
    "yml": "Port: 8080\nDatabase: {Tags: [a, b]}\n",
    "psd1": "@{ Port = 8080; Database = @{ Tags = 'a', 'b' } }",
    "py": "config = {'Port': 4040 * 2, 'Database': {'Tags': ('a', 'b')}}\n",
}


@pytest.mark.parametrize(("ending", "text"), FORMATS.items())
def test_every_format_says_the_same(tmp_path: Path, ending: str, text: str):
    path = tmp_path / f"server.{ending}"
    path.write_text(text, "utf-8")
    assert read_file(path).values == {"Port": 8080, "Database": {"Tags": ["a", "b"]}}


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-be-bom"])
@pytest.mark.parametrize("ending", ["toml", "json", "yaml", "psd1"])
def test_encodings_are_told_by_their_mark(tmp_path: Path, ending: str, encoding: str):
    text = FORMATS[ending].replace('"b"', '"ü"').replace("b]", "ü]").replace("'b'", "'ü'")
    path = tmp_path / f"server.{ending}"
    if encoding == "utf-16-be-bom":
        path.write_bytes(b"\xfe\xff" + text.encode("utf-16-be"))
    else:
        path.write_bytes(text.encode(encoding))
    assert read_file(path).values["Database"]["Tags"][1] == "ü"


BROKEN = {
    "server.toml": ("a = 1\nb = [", r"server\.toml:2: Invalid value"),
    "other.toml": ("a = 1\nb = = 2\n", r"other\.toml:2:5: Invalid value"),
    "server.json": ('{\n"a": 1,\n}', r"server\.json:[23]:\d+: this is no JSON"),
    "server.yaml": ("a: 1\nb: [\n", r"server\.yaml:3:1: this is no YAML"),
    "tags.yaml": ("a: !!python/object/apply:os.system ['false']", r"tags\.yaml:1:4: .*no YAML"),
    "server.psd1": (
        "@{\n    Name = 'plain'\n    Port = 8000 + 80\n}",
        r"server\.psd1:3:12: .*comp",
    ),
    "list.json": ("[1, 2]", "must hold keys and values, and holds a list"),
    "twice.json": ('{"a": 1, "a": 2}', "'a' stands twice"),
    "case.toml": ("a = 1\nA = 2", "'a' and 'A' are the same"),
    "inner.toml": ("[x]\na = 1\nA = 2", "x in inner.toml: the keys"),
    "on.yaml": ("on: 1", "the key True is no text. Put quotes around it"),
    "a.py": ("config = 1", "must define a dict called config"),
    "b.py": ("x = 1\nconfig = {'a': y}", r"b\.py:2: NameError: name 'y'"),
    "c.py": ("config = {\n", r"c\.py:1: SyntaxError"),
    "server.ini": ("[x]\na=1", "ends in .toml, .json, .yaml, .yml, .psd1 or .py"),
    "deep.json": ('{"a":' + "[" * 90 + "]" * 90 + "}", "nested too deeply"),
    "deeper.json": ("[" * 100_000, "nested too deeply|no JSON"),
}


@pytest.mark.parametrize(("name", "wrong"), BROKEN.items())
def test_what_can_t_be_read_is_an_error_with_its_place(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, wrong: tuple[str, str]
):
    monkeypatch.chdir(tmp_path)
    path = tmp_path / name
    path.write_text(wrong[0], "utf-8")
    with pytest.raises(StartError, match=wrong[1]):
        read_file(path)


def test_what_is_no_text_is_an_error_with_its_line(tmp_path: Path):
    path = tmp_path / "server.toml"
    path.write_bytes(b"a = 1\nb = '\xff'\n")
    with pytest.raises(StartError, match=r"server\.toml:2: this is no UTF-8 text"):
        read_file(path)


def test_yaml_without_its_package_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    path = tmp_path / "server.yaml"
    path.write_text("a: 1")
    load = builtins.__import__

    def without_yaml(name: str, *rest: Any) -> Any:
        if name == yaml.__name__:
            raise ImportError(name)
        return load(name, *rest)

    monkeypatch.setattr(builtins, "__import__", without_yaml)
    with pytest.raises(StartError, match=r"pip install 'pode-py\[yaml\]'"):
        read_file(path)


def test_numbers_of_a_data_file_keep_their_kind(tmp_path: Path):
    path = tmp_path / "server.psd1"
    path.write_text("@{ Whole = 5L; Exact = 1.5d; Real = 1e3 }")
    assert read_file(path).values == {"Whole": 5, "Exact": Decimal("1.5"), "Real": 1000.0}


# --- which one


def touch(folder: Path, *names: str) -> None:
    for name in names:
        (folder / name).write_text("a = 1")


def test_without_a_file_there_is_none(tmp_path: Path):
    assert find_file(tmp_path, None, "") is None


def test_a_script_called_server_is_no_configuration(tmp_path: Path):
    touch(tmp_path, "server.py")
    assert find_file(tmp_path, None, "") is None


def test_the_environment_s_file_is_taken_alone_if_it_is_there(tmp_path: Path):
    touch(tmp_path, "server.toml", "server.dev.json")
    assert find_file(tmp_path, None, "dev") == tmp_path / "server.dev.json"
    assert find_file(tmp_path, None, "test") == tmp_path / "server.toml"
    assert find_file(tmp_path, None, "") == tmp_path / "server.toml"


def test_two_files_of_one_stem_are_an_error_that_names_both(tmp_path: Path):
    touch(tmp_path, "server.toml", "server.psd1", "server.dev.toml", "server.dev.yaml")
    with pytest.raises(StartError, match=r"server\.toml and server\.psd1 in .*config_file="):
        find_file(tmp_path, None, "")
    with pytest.raises(StartError, match=r"server\.dev\.toml and server\.dev\.yaml"):
        find_file(tmp_path, None, "dev")


def test_the_caller_names_a_file_or_a_folder(tmp_path: Path):
    (tmp_path / "settings").mkdir()
    touch(tmp_path, "server.toml", "settings/other.py", "settings/server.json")
    assert find_file(tmp_path, "settings/other.py", "") == tmp_path / "settings/other.py"
    assert find_file(tmp_path, "settings", "") == tmp_path / "settings/server.json"
    assert find_file(tmp_path, tmp_path / "server.toml", "dev") == tmp_path / "server.toml"


def test_a_link_is_called_as_it_is_called(tmp_path: Path):
    (tmp_path / "..data").mkdir()
    (tmp_path / "..data" / "3f2a").write_text("a = 1")
    (tmp_path / "server.toml").symlink_to("..data/3f2a")
    for wanted in (None, "server.toml"):
        found = find_file(tmp_path, wanted, "")
        assert found == tmp_path / "server.toml"
        assert read_file(found).values == {"a": 1}


def test_what_the_caller_names_must_be_there(tmp_path: Path):
    with pytest.raises(StartError, match=r"no file or folder .*nope\.psd1"):
        find_file(tmp_path, "nope.psd1", "")
    with pytest.raises(StartError, match=r"has no configuration.*server\.toml"):
        find_file(tmp_path, ".", "")


def test_an_environment_is_a_part_of_a_name(tmp_path: Path):
    with pytest.raises(StartError, match=r"PODE_ENVIRONMENT='\.\./x'"):
        find_file(tmp_path, None, "../x")
