"""Content security policies and permissions policies, as text."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pode_py.security.headers import permissions
from pode_py.security.headers.csp import DIRECTIVES, ContentPolicy, words_of

HOST = r"https://[a-z]{1,8}\.example(:[1-9][0-9]{1,3})?(/[a-z]{0,5})?"
HOSTS = st.from_regex(HOST, fullmatch=True)
KEYWORDS = st.sampled_from(["self", "unsafe-inline", "strict-dynamic", "'self'", "NONCE", "Self"])
SCHEMES = st.sampled_from(["data", "https:", "blob", "WSS"])
HASHES = st.sampled_from(["sha256-AbC+/d=", "'nonce-abc'"])
WORDS = st.lists(st.one_of(HOSTS, KEYWORDS, SCHEMES, HASHES), min_size=1, max_size=6)
SOURCES = st.dictionaries(st.sampled_from(sorted(DIRECTIVES)), WORDS, min_size=1)


def parsed(text: str) -> dict[str, list[str]]:
    """As browsers read a policy (CSP 3, 2.2.1): the first directive of a name counts."""
    found: dict[str, list[str]] = {}
    for part in text.split(";"):
        name, *words = part.split()
        found.setdefault(name.lower(), words)
    return found


def bare(words: list[str]) -> set[str]:
    """Words as a user may have written them, all the same way."""
    return {
        word.strip("'").rstrip(":")
        if word.strip("'").startswith(("sha", "nonce-"))
        else word.strip("'").rstrip(":").lower()
        for word in words
    }


@given(SOURCES)
def test_a_browser_reads_the_policy_that_was_meant(sources):
    read = parsed(ContentPolicy.of(sources).text)
    assert set(read) == {DIRECTIVES[name] for name in sources}
    for name, words in sources.items():
        assert bare(read[DIRECTIVES[name]]) == bare(words)


@given(SOURCES, SOURCES)
def test_what_is_added_takes_nothing_away(first, second):
    policy = (
        ContentPolicy.of(first, report_uri="/csp").with_sandbox("").added(ContentPolicy.of(second))
    )
    read = parsed(policy.text)
    for sources in (first, second):
        for name, words in sources.items():
            assert bare(words) <= bare(read[DIRECTIVES[name]])
    assert read["report-uri"] == ["/csp"]
    assert read["sandbox"] == []


@given(st.text(max_size=20))
def test_no_word_ends_a_directive(word):
    try:
        words = words_of("image", word)
    except ValueError:
        return
    text = " ".join(words)
    assert not set(text) & set(";,\r\n\t")
    assert len(text.split()) <= 1


@pytest.mark.parametrize("word", ["a b", "a;b", "a,b", "a\nb", "ä", "it's"])
def test_a_word_that_would_end_a_directive_is_refused(word):
    with pytest.raises(ValueError, match="image="):
        words_of("image", word)


def test_none_stands_alone():
    with pytest.raises(ValueError, match="stands alone"):
        words_of("image", ["none", "self"])


def test_what_is_added_to_none_takes_its_place():
    policy = ContentPolicy.of({"default": "none"}).added(ContentPolicy.of({"default": "self"}))
    assert policy.text == "default-src 'self'"


@pytest.mark.parametrize("origin", ['a"b', "a b", "a\\b", "ä"])
def test_an_origin_that_breaks_the_permissions_is_refused(origin):
    with pytest.raises(ValueError, match="camera="):
        permissions.policy_of({"camera": origin})


def test_features_have_the_names_that_browsers_know():
    wanted = dict.fromkeys(["public_key_credentials", "speakers", "unoptimised_images"], "self")
    assert permissions.text_of(permissions.policy_of(wanted)) == (
        "publickey-credentials-get=(self), speaker-selection=(self), unoptimized-images=(self)"
    )
