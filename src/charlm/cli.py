"""The command line: ``charlm demo | prepare | train | generate | evaluate | score | info``."""

from __future__ import annotations

import errno
import io
import json
import math
import os
import sys
from functools import partial
from itertools import chain, pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import tyro
from tqdm import tqdm
from tyro.conf import OmitArgPrefixes, Positional

from charlm.checkpoint import checkpoint_paths
from charlm.corpora import python_docs
from charlm.data import TextDataset
from charlm.devices import resolve_device
from charlm.distributed import process_group
from charlm.modelfile import FILE_NAME
from charlm.recipes import BATCH_SIZE, BLOCK_SIZE, RECIPES, Family, Size, default_size, shape
from charlm.runs import Run
from charlm.scoring import Evaluation
from charlm.text import CharLM
from charlm.trainerconfig import TrainerConfig
from chartok import TokenFile, Vocabulary, encode_file, read_text
from chartok.arguments import Errors
from chartok.sources import Compression
from chartok.textfile import decoded, iterate_text
from chartok.tokenfile import is_token_file

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence


EXIT_ERROR = 1
EXIT_INTERRUPTED = 130
EXIT_BROKEN_PIPE = 141


def demo() -> None:
    """Train, evaluate and sample on text that every Python has; takes no file and no network."""
    print("The text: the help topics that come with Python.")
    text = python_docs()
    vocabulary = Vocabulary.from_text(text, special_tokens=["bos", "unk"])
    run = Run.split(vocabulary, TextDataset(vocabulary.encode(text), block_size=64), 0.9)
    for model in (run.fit_bigram(), run.fit_ngram(order=7)):
        sample = CharLM(vocabulary, model).generate("The ", max_new_tokens=300, seed=1337)
        print(f"\nA sample after 'The ':\n\n{sample}\n")
    print("Now your own text: charlm train FILE --model ngram")


def train(
    text: Positional[Path],
    *,
    model: Family = "bigram",
    out: Path | None = None,
    records: bool = False,
    order: int = 7,
    size: Size | None = None,
    block_size: int | None = None,
    batch_size: int = BATCH_SIZE,
    train_fraction: float = 0.9,
    device: str = "auto",
    resume: bool = False,
    tensorboard: bool = False,
    config: OmitArgPrefixes[TrainerConfig] = TrainerConfig(),
) -> None:
    """Train a model on a text and write a run that generate, evaluate and score take.

    Args:
        text: The UTF-8 text to learn from, or a token file that prepare wrote.
        model: The family: bigram and gpt are trained by gradient descent, ngram counts, mixture is gpt with ngram.
        out: The folder of the run; by default runs/NAME-MODEL after the text and the model.
        records: Each line is an example of its own, with a start and an end.
        order: Of the n-gram model: one more than its characters of context.
        size: Of the Transformer; by default nano on a CPU and base on a GPU.
        block_size: Characters in a training window, 64 by default; the context of a Transformer, by default its size's.
        batch_size: Windows in a batch.
        train_fraction: Share of the text to train on; the rest is for validation.
        device: Such as cpu, cuda or mps; auto takes the best there is.
        resume: Go on from the last checkpoint in the folder of the run; begin where there is none.
        tensorboard: Write the records for TensorBoard too.
        config: How to train by gradient descent.
    """
    folder = Path("runs") / f"{text.stem}-{model}" if out is None else out
    with process_group(device) as own_device:
        if not resume and ((folder / FILE_NAME).exists() or checkpoint_paths(folder)):
            raise FileExistsError(
                errno.EEXIST, "a run is here already; go on with it by --resume, or give another --out", str(folder)
            )
        gpt_shape = shape(size or default_size(resolve_device(own_device)), vocab_size=1)
        window = gpt_shape.block_size if model in ("gpt", "mixture") else BLOCK_SIZE
        if block_size is not None:
            window = block_size
        if records:
            run = Run.of_records(text, train_fraction, config.seed)
        else:
            run = Run.of_text(text, model, window, train_fraction)
        run.learn(
            model,
            folder,
            order=order,
            gpt_shape=gpt_shape,
            batch_size=batch_size,
            device=own_device,
            config=config,
            resume=resume,
            tensorboard=tensorboard,
        )


def generate(
    model: Positional[Path],
    *,
    prompt: str = "",
    max_new_tokens: int = 500,
    temperature: float = 1.0,
    top_k: int | None = None,
    top_p: float | None = None,
    min_p: float | None = None,
    repetition_penalty: float | None = None,
    stop: tuple[str, ...] = (),
    seed: int = 0,
    device: str = "auto",
) -> None:
    """Print text that a model makes up.

    Args:
        model: A run folder or a model file.
        prompt: The text to go on from; by default nothing.
        max_new_tokens: How many characters to add.
        temperature: Below 1 the likely become likelier, above 1 less so; 0 takes the likeliest each time.
        top_k: Draw from so many likeliest characters alone.
        top_p: Draw from the fewest likeliest characters whose probabilities sum to this.
        min_p: Draw from the characters at least this many times as likely as the likeliest.
        repetition_penalty: Above 1, characters that have come before are less likely.
        stop: Strings before which the text ends.
        seed: Decides every random draw.
        device: Such as cpu, cuda or mps; auto takes the best there is.
    """
    lm = CharLM.load(model, device)
    new = lm.stream(
        prompt,
        max_new_tokens=max_new_tokens,
        temperature=temperature,
        top_k=top_k,
        top_p=top_p,
        min_p=min_p,
        repetition_penalty=repetition_penalty,
        stop=stop,
        seed=seed,
    )
    for character in chain(prompt, new):
        print(character, end="")
    print()


def evaluate(model: Positional[Path], text: Positional[Path], *, records: bool = False, device: str = "auto") -> None:
    """Print how well a model predicts a text: every character is scored once, given those before it.

    Args:
        model: A run folder or a model file.
        text: A UTF-8 text, at best one that the model was not trained on.
        records: Each line is an example of its own.
        device: Such as cpu, cuda or mps; auto takes the best there is.
    """
    lm = CharLM.load(model, device)
    content = read_text(text)
    lines = content.removesuffix("\n").split("\n") if records else [content]
    scores = lm.score_samples(lines)
    evaluation = Evaluation(
        nats=-float(scores.sum()) / _scored(lm, lines),
        characters=_scored(lm, lines),
        utf8_bytes=len(content.encode()),
    )
    print(f"characters          {evaluation.characters:,}")
    print(f"nats per character  {evaluation.nats:.4f}")
    print(f"bits per character  {evaluation.bits_per_character:.4f}")
    print(f"bits per byte       {evaluation.bits_per_byte:.4f}")
    print(f"perplexity          {evaluation.perplexity:.4f}")


def score(
    model: Positional[Path],
    texts: Positional[tuple[Path, ...]] = (),
    *,
    format: Literal["tsv", "jsonl"] = "tsv",  # noqa: A002 - the name of the flag
    device: str = "cpu",
) -> None:
    """Print the log-likelihood of each line, in nats, its bits per character, and the line.

    Args:
        model: A run folder or a model file.
        texts: UTF-8 files; standard input where there is none.
        format: Values between tabs, or one JSON object a line.
        device: Such as cpu, cuda or mps; auto takes the best there is.
    """
    lm = CharLM.load(model, device)
    pieces = chain.from_iterable(map(iterate_text, texts)) if texts else decoded(sys.stdin.buffer, "standard input")
    for lines in _batched_lines(pieces):
        for line, nats in zip(lines, lm.score_samples(lines).tolist(), strict=True):
            bits = -nats / math.log(2) / max(1, _scored(lm, [line]))
            if format == "jsonl":
                print(json.dumps({"log_likelihood": nats, "bits_per_character": bits, "text": line}))
            else:
                print(f"{nats:.4f}\t{bits:.4f}\t{line}")


def info(model: Positional[Path]) -> None:
    """Print what a model file holds.

    Args:
        model: A run folder or a model file.
    """
    lm = CharLM.load(model)
    tensors = lm.model.state_dict().values()
    print(f"model          {lm.model.kind}, {lm.model.settings()}")
    print(f"learned from   {'records' if lm.is_of_records else 'text'}")
    print(f"characters     {len(lm.vocabulary.characters):,}")
    print(f"special tokens {', '.join(lm.vocabulary.special_tokens) or 'none'}")
    print(f"fingerprint    {lm.vocabulary.fingerprint}")
    print(f"values         {sum(tensor.numel() for tensor in tensors):,}")
    print(f"bytes          {sum(tensor.nbytes for tensor in tensors):,}")


def _scored(lm: CharLM, lines: list[str]) -> int:
    return sum(map(len, lines)) + len(lines) * lm.is_of_records


def _batched_lines(pieces: Iterable[str]) -> Iterator[list[str]]:
    """Yields the lines of a text that comes in pieces, without their ends, those of a piece at a time."""
    rest = ""
    for piece in pieces:
        *lines, rest = (rest + piece).split("\n")
        yield lines
    if rest:
        yield [rest]


def prepare(
    sources: Positional[tuple[str, ...]],
    *,
    out: Path,
    errors: Errors = "strict",
    vocabulary: Path | None = None,
    compression: Compression | None = None,
) -> None:
    """Write texts of any size to a token file that train takes, in constant memory.

    Args:
        sources: UTF-8 files, patterns in quotes, or URLs; read one after the other.
        out: The token file to write.
        errors: What to do with a character that the given vocabulary does not have.
        vocabulary: A vocabulary in a JSON file, or a token file whose vocabulary to use; by default it is found.
        compression: What the sources are compressed with.
    """
    with tqdm(unit="B", unit_scale=True, disable=None) as bar:

        def show(done: int, total: int | None) -> None:
            bar.total = total
            bar.update(done - bar.n)

        with encode_file(
            sources,
            out,
            None if vocabulary is None else _read_vocabulary(vocabulary),
            errors=errors,
            compression=compression,
            progress=show,
        ) as tokens:
            print(f"{len(tokens):,} characters, {tokens.vocabulary.size} symbols: saved to {out}")


def _read_vocabulary(path: Path) -> Vocabulary:
    if not is_token_file(path):
        return Vocabulary.load(path)
    with TokenFile(path) as tokens:
        return tokens.vocabulary


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the command line and returns its exit code.

    Args:
        arguments: What follows the program's name; those of the process by default.

    Returns:
        0, or 1 after an error, 130 after Ctrl-C, 141 when the reader of the output has gone. A usage error
        exits with 2 at once.
    """
    commands: dict[str, Callable[..., None]] = {
        "demo": demo,
        "prepare": prepare,
        "train": partial(train, config=RECIPES[_family_in(sys.argv[1:] if arguments is None else arguments)]),
        "generate": generate,
        "evaluate": evaluate,
        "score": score,
        "info": info,
    }
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(encoding="utf-8", errors="backslashreplace")
    try:
        tyro.extras.subcommand_cli_from_dict(commands, prog="charlm", args=arguments)
        sys.stdout.flush()
    except BrokenPipeError:
        # Python flushes standard output once more as it exits; nobody is there to read it.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return EXIT_BROKEN_PIPE
    except KeyboardInterrupt:
        return EXIT_INTERRUPTED
    except Exception as error:  # noqa: BLE001 - the contract of the command line: one line, no traceback
        print(f"charlm: {_one_line(error)}", file=sys.stderr)
        return EXIT_ERROR
    return 0


def _family_in(arguments: Sequence[str]) -> Family:
    """Returns the family that a command line asks for: the defaults of its other flags are those of the family."""
    for flag, value in pairwise([*(part for argument in arguments for part in argument.split("=", 1)), ""]):
        if flag == "--model" and value in RECIPES:
            return value
    return "bigram"


def _one_line(error: Exception) -> str:
    if isinstance(error, OSError) and error.filename is not None:
        return f"{error.filename}: {error.strerror}"
    return " ".join(str(error).split()) or type(error).__name__
