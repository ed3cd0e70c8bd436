"""Perplexity of a language model whose attention reads what a selection keeps, against full attention."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from golden.errors import InputError
from golden.kv.decoded_clusters import spec_of
from golden.kv.decoder import Always, SelectedAttention
from golden.kv.rule_names import IN_FLOAT
from golden.kv.rules import rule_named
from golden.kv.spec import KEY_BITS
from golden.llm.gguf_file import GgufFile
from golden.llm.llama import BLOCK, Attention, Cache, Llama, forward, load_llama, losses, prefill, rotate
from golden.llm.tokenizer import load_tokenizer
from hw.kv.config import Config
from sim.kernel.console import bar
from sim.kernel.report import make_report


@dataclass(frozen=True, kw_only=True)
class Choice:
    """A rule and what it may read."""

    rule: str
    budget: float = 1.0
    planes: int = KEY_BITS
    whole: int = 0  #: first layers that attend to all tokens
    least: int = 0  #: tokens that scan and topk keep, where their share is less

    def __str__(self) -> str:
        cut = f", {self.planes} planes" if self.planes < KEY_BITS else ""
        more = "".join(f", {name} {value}" for name in ("whole", "least") if (value := getattr(self, name)))
        return self.rule if self.rule == "full" else f"{self.rule} {self.budget:g}{cut}{more}"


@dataclass(frozen=True, kw_only=True)
class Context:
    """A text's first tokens, and the cache that full attention leaves of them."""

    model: Llama
    name: str  # of model and text
    tokens: Tensor  # [N + 1]: the last is only foretold
    cache: Cache
    losses: Tensor  # [N] of the token after each, with full attention


@dataclass(frozen=True, kw_only=True)
class Quality:
    """What a choice is worth on the decoded tokens."""

    rule: str
    budget: float
    planes: int
    whole: int
    least: int
    perplexity: float
    ratio: float  #: over full attention's
    kept: float  #: share of the tokens in reach that are attended to
    searched: float  #: share of an INT8 cache's bytes that are read to select
    read: float  #: the same, with the keys and values that are attended to


def read_text(path: Path) -> str:
    """A file's text.

    Raises:
        InputError: no such file, or not UTF-8.
    """
    if not path.is_file():
        raise InputError(f"{path}: no such file")
    try:
        return path.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise InputError(f"{path.name}: a text must be UTF-8, byte {error.start} is not") from error


def load_context(model: Path, text: Path, tokens: int | None, last: int) -> Context:
    """The model on the first `tokens` tokens of the text, with full attention, of which `last` are to be decoded.

    Args:
        tokens: as many as the text has and the model was trained for, if left out.

    Raises:
        InputError: a file that cannot be read, or a text that is too short.
    """
    written, file = read_text(text), GgufFile(model)
    tokenizer, loaded = load_tokenizer(file), load_llama(file)
    numbers = tokenizer.encode(written)
    most = min(len(numbers) - 1, loaded.shape.context)
    if most < 2 or (tokens is not None and not 2 <= tokens <= most):
        raise InputError(f"--tokens must lie in 2..{most}, what text and model have, it is {tokens or 'left out'}")
    count = tokens or most
    if not 1 <= last < count:
        raise InputError(f"--last must lie in 1..{count - 1}, less than the tokens, it is {last}")
    return prefilled(loaded, f"{model.stem} on {text.name}", torch.tensor(numbers[: count + 1]))


@torch.no_grad()
def prefilled(model: Llama, name: str, tokens: Tensor) -> Context:
    """Full attention over all tokens but the last."""
    count = len(tokens) - 1
    cache, parts = Cache.empty(model.shape, count), []
    with bar("full attention", -(-count // BLOCK)) as advance:
        for hidden, following in zip(prefill(model, tokens[:-1], cache), tokens[1:].split(BLOCK), strict=True):
            parts.append(losses(model, hidden, following))
            advance()
    return Context(model=model, name=name, tokens=tokens, cache=cache, losses=torch.cat(parts))


@torch.no_grad()
def measure(context: Context, choice: Choice, *, tokens: int, last: int, always: Always = Always()) -> Quality:
    """Decodes the last of the first `tokens` tokens, those before them in the cache with full attention.

    Raises:
        InputError: a rule or budget that is refused.
    """
    model, first = context.model, tokens - last
    attention = SelectedAttention(
        rule=rule_named(choice.rule, choice.budget, choice.planes),
        scale=model.shape.scale,
        turn=partial(rotate, shape=model.shape),
        exact=choice.rule in IN_FLOAT,
        whole=choice.whole,
        always=replace(always, least=choice.least),
    )
    # A copy of the cache: what is decoded goes into it.
    cache = Cache(context.cache.keys[:, :, :tokens].clone(), context.cache.values[:, :, :tokens].clone(), first)
    with bar(str(choice), model.shape.layers) as advance:
        hidden = forward(model, context.tokens[first:tokens], cache, _followed(attention, advance))
    loss = float(losses(model, hidden, context.tokens[first + 1 : tokens + 1]).double().mean())
    traffic = attention.traffic
    return Quality(
        **asdict(choice),
        perplexity=math.exp(loss),
        ratio=math.exp(loss - mean_loss(context, tokens, last)),
        kept=traffic.kept,
        searched=traffic.search_bytes / traffic.full_bytes,
        read=traffic.read,
    )


def mean_loss(context: Context, tokens: int, last: int) -> float:
    """Of full attention, on the same tokens."""
    return float(context.losses[tokens - last : tokens].double().mean())


def _followed(attention: Attention, advance: Callable[[], None]) -> Attention:
    """The attention; a step of the bar after every layer."""

    def call(layer: int, queries: Tensor, keys: Tensor, values: Tensor) -> Tensor:
        result = attention(layer, queries, keys, values)
        advance()
        return result

    return call


def perplexity_report(
    context: Context, found: list[Quality], *, tokens: int, last: int, always: Always, seconds: float
) -> dict[str, Any]:
    """The common schema; `quality` has full attention's perplexity and every choice's figures."""
    shape = context.model.shape
    return make_report(
        engine="kv",
        config=Config(spec=spec_of(shape.key_heads, shape.head_size)),
        seed=0,
        workload={
            "scene": context.name, "tokens": tokens, "decoded": last, "sink": always.sink, "window": always.window,

            "backend": "model", "seconds": round(seconds, 3),
        },
        quality={
            "full_perplexity": math.exp(mean_loss(context, tokens, last)),
            "choices": [asdict(one) for one in found],
        },
    )  # fmt: skip
