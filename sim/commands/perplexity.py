"""`tessera perplexity`: what a selection of the cache costs a language model."""

from __future__ import annotations

from pathlib import Path
from time import perf_counter

import click

from golden.errors import InputError
from golden.kv.rule_names import RULES
from sim.commands.options import OutputFile, json_option
from sim.kernel.console import out, show_json, show_table, step
from sim.kernel.files import write_json


@click.command()
@click.argument("model", type=click.Path(path_type=Path))
@click.argument("text", type=click.Path(path_type=Path))
@click.option("--select", "rules", multiple=True, default=["scan"], show_default=True, type=click.Choice(RULES),
              help="What attention reads; may be repeated.")  # fmt: skip
@click.option(
    "--budget", "budgets", multiple=True, type=float, default=[0.1], show_default=True,
    help="Share of the tokens to keep; of resv the share of the weighted sum (Th_r-wics). May be repeated.",
)  # fmt: skip
@click.option("--planes", "cuts", multiple=True, type=int, default=[8], show_default=True,
              help="Bit planes of the keys that a scan reads, 8 for all that may matter; may be repeated.")  # fmt: skip
@click.option("--tokens", type=int, help="Length of the context. [default: all of TEXT that MODEL was trained for]")
@click.option("--last", default=256, show_default=True, help="Tokens at its end that are decoded with the selection.")
@click.option("--sink", default=16, show_default=True, help="First tokens, which are always attended to.")
@click.option("--window", default=64, show_default=True, help="Latest tokens, which are always attended to.")
@click.option("--least", default=0, show_default=True,
              help="Tokens that scan and topk keep where their share is less.")  # fmt: skip
@click.option("--whole", default=0, show_default=True,
              help="First layers that attend to all tokens: their attention tells few of them apart.")  # fmt: skip
@click.option("--report", type=OutputFile(), help="Write the report to FILE as JSON.")
@json_option
def perplexity(
    model: Path, text: Path, rules: tuple[str, ...], budgets: tuple[float, ...], cuts: tuple[int, ...],
    tokens: int | None, last: int, sink: int, window: int, least: int, whole: int, report: Path | None, as_json: bool,
) -> None:  # fmt: skip
    """Measure what a selection of the cache costs a language model.

    That is: its perplexity beside that of full attention, and the share of the bytes that attention reads. MODEL is a
    GGUF file (`make model` fetches one), TEXT a file of UTF-8. The context's first tokens go through the model with
    full attention, its last ones with every layer's attention over what is selected, of keys and values as the engine
    stores them. The loss is that of the tokens that follow the last ones.
    """
    for name, value, low in (
        ("--sink", sink, 0),
        ("--window", window, 1),
        ("--least", least, 0),
        ("--whole", whole, 0),
    ):
        if not low <= value <= 65536:
            raise InputError(f"{name} must lie in {low}..65536, it is {value}")
    from golden.kv.decoder import Always  # torch is slow to import
    from golden.kv.rules import rule_named
    from sim.kv.perplexity import Choice, load_context, measure, perplexity_report

    choices = [
        Choice(rule=rule, budget=budget, planes=planes, whole=whole, least=least)
        for rule in rules
        for budget in (budgets if rule != "full" else (1.0,))
        for planes in (cuts if rule == "scan" else (8,))
    ]
    for choice in choices:
        rule_named(choice.rule, choice.budget, choice.planes)
    begin = perf_counter()
    with step("reading model and text"):
        context = load_context(model, text, tokens, last)
    length, always = len(context.losses), Always(sink=sink, window=window)
    found = [measure(context, choice, tokens=length, last=last, always=always) for choice in choices]
    outcome = perplexity_report(
        context, found, tokens=length, last=last, always=always, seconds=perf_counter() - begin
    )  # fmt: skip
    show_table(
        f"{context.name}: last {last} of {length} tokens, full attention {outcome['quality']['full_perplexity']:.4f}",
        ("selection", "perplexity", "against full", "tokens kept", "bytes to select", "bytes read"),
        (
            (
                choice,
                f"{q.perplexity:.4f}",
                f"{q.ratio - 1:+.2%}",
                f"{q.kept:.1%}",
                f"{q.searched:.1%}",
                f"{q.read:.1%}",
            )
            for choice, q in zip(choices, found, strict=True)
        ),
    )
    if report:
        write_json(report, outcome)
        out.print(str(report), markup=False)
    if as_json:
        show_json(outcome)
