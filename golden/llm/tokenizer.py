"""Text to tokens and back: byte-level byte-pair encoding, as GGUF files describe it (`gpt2`).

A text is split into words by the rule that the file names. A word's UTF-8 bytes, each written as one printable
character, are then joined pair by pair: always the pair that stands first in the list of merges, from the left.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cache
from itertools import pairwise

from golden.errors import InputError
from golden.llm.gguf_file import GgufFile

#: Rules of splitting whose numbers are words digit by digit; the others in RULES keep them whole.
BY_DIGIT = ("smollm", "starcoder", "refact", "command-r", "codeshell")
RULES = (*BY_DIGIT, "gpt-2")


@cache
def byte_characters() -> tuple[str, ...]:
    """The character that stands for each byte: itself if it is printable in Latin-1, else one from U+0100 on."""
    printable = {*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)}
    others = iter(range(0x100, 0x200))
    return tuple(chr(byte if byte in printable else next(others)) for byte in range(256))


@cache
def _classes(letter: str) -> str:
    """The characters whose Unicode category begins with `letter`, as the inside of a regular expression's set."""
    member = [unicodedata.category(chr(code))[0] == letter for code in range(0x110000)]
    edges = [code for code in range(0x110000) if member[code] != (code > 0 and member[code - 1])]
    edges += [0x110000] * (len(edges) % 2)
    pairs = zip(edges[::2], edges[1::2], strict=True)
    return "".join(f"\\U{first:08x}-\\U{last - 1:08x}" for first, last in pairs)


@cache
def _words(by_digit: bool) -> re.Pattern[str]:
    """GPT-2's rule: a suffix, letters, digits or other signs with a space before them, or spaces.

    The last of several spaces goes to the word that follows. Digits that are words of their own take no space.
    """
    letters, digits = _classes("L"), _classes("N")
    numbers = f"[{digits}]" if by_digit else f" ?[{digits}]+"
    spaces = rf"\s+(?![^\s{digits}])|\s+" if by_digit else r"\s+(?!\S)|\s+"
    return re.compile(rf"'s|'t|'re|'ve|'m|'ll|'d| ?[{letters}]+|{numbers}| ?[^\s{letters}{digits}]+|{spaces}")


@dataclass(frozen=True, kw_only=True)
class Tokenizer:
    """Vocabulary, ranks of merges, and how a text is split. Special tokens are not looked for in a text."""

    vocabulary: Sequence[str]
    merges: Sequence[str]
    by_digit: bool = True
    _numbers: dict[str, int] = field(init=False, repr=False)
    _ranks: dict[tuple[str, ...], int] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_numbers", {text: number for number, text in enumerate(self.vocabulary)})
        object.__setattr__(self, "_ranks", {tuple(pair.split(" ")): rank for rank, pair in enumerate(self.merges)})

    def encode(self, text: str) -> list[int]:
        """Tokens of the text.

        Raises:
            InputError: a piece of it is not in the vocabulary, which lacks single bytes then.
        """
        known: dict[str, list[int]] = {}
        result: list[int] = []
        for word in _words(self.by_digit).findall(text):
            if word not in known:
                known[word] = [self._number(piece) for piece in self._pieces(word)]
            result += known[word]
        return result

    def decode(self, tokens: Sequence[int]) -> str:
        """The text of the tokens; bytes that are no UTF-8 become U+FFFD."""
        table = {character: byte for byte, character in enumerate(byte_characters())}
        raw = bytes(table[c] for token in tokens for c in self.vocabulary[token])
        return raw.decode("utf-8", errors="replace")

    def _number(self, piece: str) -> int:
        if piece not in self._numbers:
            raise InputError(f"tokenizer: '{piece}' is not in the vocabulary")
        return self._numbers[piece]

    def _pieces(self, word: str) -> list[str]:
        """The word's bytes, joined by the merges."""
        parts = [byte_characters()[byte] for byte in word.encode("utf-8")]
        while len(parts) > 1:
            first = min(pairwise(parts), key=lambda pair: self._ranks.get(pair, len(self._ranks)))
            if first not in self._ranks:
                break
            parts = list(_joined(parts, first))
        return parts


def _joined(parts: list[str], pair: tuple[str, str]) -> Iterator[str]:
    """The parts with every `pair` in them as one, from the left."""
    place = 0
    while place < len(parts):
        length = 2 if tuple(parts[place : place + 2]) == pair else 1
        yield "".join(parts[place : place + length])
        place += length


def load_tokenizer(file: GgufFile) -> Tokenizer:
    """The tokenizer of a model file.

    Raises:
        InputError: it is of another kind, or splits words by a rule that is not known.
    """
    kind, rule = file.text("tokenizer.ggml.model"), file.get("tokenizer.ggml.pre", "gpt-2")
    if kind != "gpt2":
        raise InputError(f"{file.name}: the tokenizer must be gpt2 (byte-level BPE), it is {kind}")
    if rule not in RULES:
        raise InputError(f"{file.name}: the tokenizer must split words as one of {', '.join(RULES)}, not as {rule}")
    return Tokenizer(
        vocabulary=file.texts("tokenizer.ggml.tokens"),
        merges=file.texts("tokenizer.ggml.merges"),
        by_digit=rule in BY_DIGIT,
    )
