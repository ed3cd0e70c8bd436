"""Splitting, merging and the way back."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from golden.errors import InputError
from golden.llm.gguf_file import GgufFile
from golden.llm.tokenizer import Tokenizer, _words, load_tokenizer
from tests.golden.llm.tiny_model import MERGES, VOCABULARY, random_weights, write_model

TINY = Tokenizer(vocabulary=VOCABULARY, merges=MERGES)


def test_merges_go_by_rank() -> None:
    """`hell o` is merged last, `Ġ w` before `o r`, and `l l` in three l from the left."""
    names = [VOCABULARY[token] for token in TINY.encode("hello worlds helll")]
    assert names == ["hello", "Ġwor", "l", "d", "s", "Ġ", "hell", "l"]


@pytest.mark.parametrize(
    ("text", "by_digit", "whole"),
    [
        ("It's 20 cm", "It|'s| |2|0| cm", "It|'s| 20| cm"),
        ("a  b\n\n  c", "a| | b|\n\n | c", "a| | b|\n\n | c"),
        ("x  42 ", "x|  |4|2| ", "x| | 42| "),
        ("f(x)=x**2", "f|(|x|)=|x|**|2", "f|(|x|)=|x|**|2"),
        ("naïve Ünï 二つ ½²", "naïve| Ünï| 二つ| |½|²", "naïve| Ünï| 二つ| ½²"),
        ("can't 'tis", "can|'t| '|tis", "can|'t| '|tis"),
        ("_a1", "_|a|1", "_|a|1"),
    ],
)
def test_words(text: str, by_digit: str, whole: str) -> None:
    assert "|".join(_words(True).findall(text)) == by_digit
    assert "|".join(_words(False).findall(text)) == whole


@given(st.text())
def test_round_trip(text: str) -> None:
    """Surrogates apart, which are no text, every string comes back; words leave nothing out."""
    if re.search("[\ud800-\udfff]", text):
        return
    assert TINY.decode(TINY.encode(text)) == text
    assert "".join(_words(False).findall(text)) == text


def test_refused(tmp_path: Path, seed: int) -> None:
    with pytest.raises(InputError, match="'!' is not in the vocabulary"):
        Tokenizer(vocabulary=["a"], merges=[]).encode("a!")
    for changes, message in (
        ({"tokenizer__ggml__model": "llama"}, "must be gpt2 (byte-level BPE), it is llama"),
        ({"tokenizer__ggml__pre": "qwen35"}, "not as qwen35"),
        ({"tokenizer__ggml__merges": None}, "the field tokenizer.ggml.merges is missing"),
    ):
        with pytest.raises(InputError) as refusal:
            load_tokenizer(GgufFile(write_model(tmp_path / "a.gguf", random_weights(seed), **changes)))
        assert message in str(refusal.value)


@pytest.mark.slow
def test_real_vocabulary(real_model: Path) -> None:
    tokenizer = load_tokenizer(GgufFile(real_model))
    text = "Hello, world! It's 2024; I've 3  apples\n\n    def f(x): return x**2 # naïve"
    names = [tokenizer.decode([token]) for token in tokenizer.encode(text)]
    assert names == [
        "Hello", ",", " world", "!", " It", "'s", " ", "2", "0", "2", "4", ";", " I", "'ve", " ", "3", " ", " apples",
        "\n\n   ", " def", " f", "(", "x", "):", " return", " x", "**", "2", " #", " na", "ïve",
    ]  # fmt: skip
