"""What each command of the command line does; ``flags`` says what it takes."""

from __future__ import annotations

import json
import math
import sys
from contextlib import nullcontext, redirect_stdout
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tqdm import tqdm

from charlm.cli.run import Run
from charlm.data.corpora import python_docs
from charlm.data.text_dataset import TextDataset
from charlm.evaluation.scoring import Evaluation
from charlm.evaluation.scoring import evaluate as evaluate_ids
from charlm.files.arpa.writer import save_arpa
from charlm.files.model_file import load_model
from charlm.files.onnx import save_onnx
from charlm.files.run_folder import RunFolder
from charlm.lm import CharLM
from charlm.recipes.mixture import default_size, shape
from charlm.recipes.presets import BLOCK_SIZE
from charlm.report.page import write_report
from charlm.runtime.devices import resolve_device
from charlm.runtime.distributed import process_group, rank
from chartok import TokenFile, Vocabulary, encode_file, read_text
from chartok.arguments import positive_integer
from chartok.files.text import decoded, iterate_text
from chartok.token_file import is_token_file

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from charlm.cli import flags


def demo(_: flags.Demo) -> None:
    """Trains, evaluates and samples on text that every Python has."""
    print("The text: the help topics that come with Python.")
    text = python_docs()
    vocabulary = Vocabulary.from_text(text, special_tokens=["bos", "unk"])
    run = Run.split(vocabulary, TextDataset(vocabulary.encode(text), block_size=64), 0.9)
    for learned in (run.fit_bigram(), run.fit_ngram(order=7)):
        sample = CharLM(learned.model, vocabulary).generate("The ", max_new_tokens=300, seed=1337)
        print(f"\nA sample after 'The ':\n\n{sample}\n")
    print("Now your own text: charlm train FILE --model ngram")


def prepare(settings: flags.Prepare) -> None:
    """Writes texts of any size to a token file."""
    with tqdm(unit="B", unit_scale=True, disable=None) as bar:

        def show(done: int, total: int | None) -> None:
            bar.total = total
            bar.update(done - bar.n)

        with encode_file(
            settings.sources,
            settings.out,
            None if settings.vocabulary is None else _read_vocabulary(settings.vocabulary),
            errors=settings.errors,
            compression=settings.compression,
            progress=show,
        ) as tokens:
            characters, vocabulary = len(tokens), tokens.vocabulary
    if settings.json:
        _print_json(
            file=str(settings.out),
            characters=characters,
            symbols=vocabulary.size,
            fingerprint=vocabulary.fingerprint,
        )
    else:
        print(f"{characters:,} characters, {vocabulary.size} symbols: saved to {settings.out}")


def _read_vocabulary(path: Path) -> Vocabulary:
    if not is_token_file(path):
        return Vocabulary.load(path)
    with TokenFile(path) as tokens:
        return tokens.vocabulary


def train(settings: flags.Train) -> None:
    """Trains a model and writes a run."""
    for name in ("order", "block_size", "batch_size"):  # whatever the model, though not each takes all of them
        if (value := getattr(settings, name)) is not None:
            positive_integer(name, value)
    folder = Path("runs") / f"{settings.text.stem}-{settings.model}" if settings.out is None else settings.out
    with process_group(settings.device) as device:
        # The first process alone: it may have written its run before another comes here.
        if rank() == 0 and not settings.resume:
            RunFolder(folder).refuse_a_run("go on with it by --resume, or give another --out")
        with redirect_stdout(sys.stderr) if settings.json else nullcontext():
            gpt_shape = shape(settings.size or default_size(resolve_device(device)), vocab_size=1)
            window = gpt_shape.block_size if settings.model in ("gpt", "mixture") else BLOCK_SIZE
            if settings.block_size is not None:
                window = settings.block_size
            if settings.records:
                run = Run.of_records(settings.text, settings.train_fraction, settings.training.seed)
            else:
                run = Run.of_text(settings.text, settings.model, window, settings.train_fraction)
            learned = run.learn(settings, folder, gpt_shape, device)
        if settings.json and rank() == 0:
            nats = learned.validation_nats
            _print_json(
                run=str(folder),
                family=settings.model,
                validation_nats=nats,
                validation_bits=None if nats is None else nats / math.log(2),
            )


def generate(settings: flags.Generate) -> None:
    """Prints text that a model makes up."""
    lm = CharLM.load(settings.model, device=settings.device)
    if settings.exclude is not None and not lm.is_of_records:
        raise ValueError("exclude is for a model of records, and this is one of text")
    if settings.exclude is not None and settings.stop:
        raise ValueError("exclude is for whole records, and stop cuts them short: give one of the two")
    sampling: Any = {
        name: getattr(settings, name)
        for name in ("temperature", "top_k", "top_p", "min_p", "repetition_penalty", "allowed", "seed")
    }
    if settings.n_samples is None and settings.exclude is None and not settings.json:
        _stream(lm, settings, sampling)
        return
    for text in _made_up(lm, settings, sampling):
        if settings.json:
            _print_json(text=text, prompt=settings.prompt, seed=settings.seed)
        else:
            print(text)


def _stream(lm: CharLM, settings: flags.Generate, sampling: Any) -> None:  # noqa: ANN401 - keywords of stream
    """Prints one text, each character as it comes."""
    new = lm.stream(settings.prompt, max_new_tokens=settings.max_new_tokens, stop=settings.stop, **sampling)
    is_watched = sys.stdout is not None and sys.stdout.isatty()
    for character in chain(settings.prompt, new):
        print(character, end="", flush=is_watched)
    print()


def _made_up(lm: CharLM, settings: flags.Generate, sampling: Any) -> list[str]:  # noqa: ANN401 - keywords of generate
    """Returns texts, or whole records where the model is one of records and nothing cuts them short."""
    n_samples = 1 if settings.n_samples is None else settings.n_samples
    if lm.is_of_records and not settings.stop:
        return lm.sample(
            n_samples,
            prefix=settings.prompt,
            max_length=len(settings.prompt) + settings.max_new_tokens,
            exclude=() if settings.exclude is None else set(_lines(read_text(settings.exclude))),
            **sampling,
        )
    return lm.generate(
        settings.prompt,
        n_samples=n_samples,
        max_new_tokens=settings.max_new_tokens,
        stop=settings.stop,
        **sampling,
    )


def evaluate(settings: flags.Evaluate) -> None:
    """Prints how well a model predicts a text."""
    lm = CharLM.load(settings.model, device=settings.device)
    evaluation = _evaluation(lm, settings)
    figures = {
        "characters": evaluation.characters,
        "nats_per_character": evaluation.nats_per_character,
        "bits_per_character": evaluation.bits_per_character,
        "bits_per_byte": None if evaluation.utf8_bytes is None else evaluation.bits_per_byte,
        "perplexity": evaluation.perplexity,
    }
    if settings.json:
        _print_json(**figures)
        return
    for name, value in figures.items():
        if value is not None:
            shown = f"{value:,}" if isinstance(value, int) else f"{value:.4f}"
            print(f"{name.replace('_', ' '):19} {shown}")


def _evaluation(lm: CharLM, settings: flags.Evaluate) -> Evaluation:
    if is_token_file(settings.text):
        with TokenFile(settings.text) as tokens:
            if tokens.vocabulary != lm.vocabulary:
                raise ValueError(f"{str(settings.text)!a} has another vocabulary than the model: prepare it with that")
            tokens.verify()
            return evaluate_ids(lm.model, TextDataset(tokens, block_size=lm.model.block_size or BLOCK_SIZE))
    content = read_text(settings.text)
    if not (settings.records or lm.is_of_records):
        return lm.evaluate(content)
    lines = _lines(content)
    characters = _scored(lm, lines)
    if not characters:
        raise ValueError("text is empty: there is no mean over no characters")
    return Evaluation(
        nats_per_character=-float(lm.score_samples(lines).sum()) / characters,
        characters=characters,
        utf8_bytes=len("".join(lines).encode()) + len(lines) * lm.is_of_records,
    )


def score(settings: flags.Score) -> None:
    """Prints the log-likelihood of each line."""
    lm = CharLM.load(settings.model, device=settings.device)
    for lines in chain.from_iterable(map(_batched_lines, _opened(settings.texts))):
        for line, nats in zip(lines, lm.score_samples(lines).tolist(), strict=True):
            bits = abs(nats) / math.log(2) / max(1, _scored(lm, [line]))  # of nothing 0, where -nats would be -0
            if settings.json:
                _print_json(log_likelihood=nats, bits_per_character=bits, text=line)
            else:
                print(f"{nats:.4f}\t{bits:.4f}\t{line}")
        print(end="", flush=True)  # the next line may be long in coming


def _opened(paths: tuple[Path, ...]) -> Iterable[Iterable[str]]:
    """Returns each text, in pieces."""
    if paths:
        return map(iterate_text, paths)
    if sys.stdin is None:
        raise ValueError("standard input is closed: name a file")
    return [decoded(sys.stdin.buffer, "standard input")]


def _batched_lines(pieces: Iterable[str]) -> Iterator[list[str]]:
    """Yields the lines of a text that comes in pieces, without their ends, those of a piece at a time."""
    rest = ""
    for piece in pieces:
        *lines, rest = (rest + piece).split("\n")
        yield lines
    if rest:
        yield [rest]


def info(settings: flags.Info) -> None:
    """Prints what a model file holds."""
    lm = CharLM.load(settings.model)
    facts = lm.facts()
    if settings.json:
        _print_json(**facts)
        return
    for name, value in facts.items():
        print(f"{name.replace('_', ' '):14} {_shown(value)}")


def _shown(value: Any) -> str:  # noqa: ANN401 - a fact of info
    if isinstance(value, int):
        return f"{value:,}"
    return ", ".join(value) or "none" if isinstance(value, list) else str(value)


def report(settings: flags.Report) -> None:
    """Writes one HTML file that shows a run."""
    out = settings.out
    if out is None:
        out = RunFolder(settings.run).report_path if settings.run.is_dir() else settings.run.with_suffix(".html")
    text = None if settings.text is None else read_text(settings.text)
    write_report(settings.run, out, text=text, seed=settings.seed, device=settings.device)
    print(f"saved to {out}")


def export(settings: flags.Export) -> None:
    """Writes a model, or its vocabulary, in a form that other programs read."""
    model, vocabulary = load_model(settings.model)
    match settings.format:
        case "onnx":
            save_onnx(settings.out, model, vocabulary)
        case "arpa":
            save_arpa(settings.out, model, vocabulary)
        case "tokenizer-json":
            vocabulary.to_tokenizer_json(settings.out)
    print(f"saved to {settings.out}")


def _scored(lm: CharLM, lines: list[str]) -> int:
    return sum(map(len, lines)) + len(lines) * lm.is_of_records


def _lines(text: str) -> list[str]:
    return text.removesuffix("\n").split("\n") if text else []


def _print_json(**values: Any) -> None:  # noqa: ANN401 - JSON values
    print(json.dumps(values))
