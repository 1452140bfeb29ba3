"""The command line: ``charlm demo | prepare | train | generate | evaluate``."""

from __future__ import annotations

import errno
import io
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Literal, NamedTuple

import tyro
from tqdm import tqdm
from tyro.conf import OmitArgPrefixes, Positional

from charlm.batching import BatchSampler
from charlm.corpora import python_docs
from charlm.data import TextDataset
from charlm.generation import generate as generate_ids
from charlm.metrics import ProgressBar
from charlm.modelfile import FILE_NAME, load_model, save_model
from charlm.models import BigramLanguageModel, LanguageModel
from charlm.scoring import Evaluation
from charlm.scoring import evaluate as evaluate_ids
from charlm.streams import StreamLike
from charlm.trainer import Trainer, TrainerConfig
from chartok import TokenFile, Vocabulary, encode_file, read_text
from chartok.arguments import Errors
from chartok.sources import Compression
from chartok.tokenfile import is_token_file

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence


EXIT_ERROR = 1
EXIT_INTERRUPTED = 130
EXIT_BROKEN_PIPE = 141


def demo() -> None:
    """Train, evaluate and sample on text that every Python has; takes no file and no network."""
    print("The text: the help topics that come with Python.")
    text = python_docs()
    vocabulary = Vocabulary.from_text(text)
    ids = vocabulary.encode(text)
    run = _Run.prepare(vocabulary, ids, block_size=64, batch_size=32, train_fraction=0.9, device="auto", seed=1337)
    run.train(TrainerConfig(max_steps=2000))
    prompt = "The "
    sample = generate_ids(run.model, vocabulary.encode(prompt), max_new_tokens=300, seed=1337)
    print(f"\nA sample after {prompt!r}:\n\n{vocabulary.decode(sample.cpu())}\n")
    print("A bigram knows one character of context. Now your own text: charlm train FILE")


def train(
    text: Positional[Path],
    *,
    model: Literal["bigram"] = "bigram",
    out: Path | None = None,
    block_size: int = 64,
    batch_size: int = 32,
    train_fraction: float = 0.9,
    device: str = "auto",
    seed: int = 1337,
    config: OmitArgPrefixes[TrainerConfig] = TrainerConfig(),
) -> None:
    """Train a model on a text and write a run that generate and evaluate take.

    Args:
        text: The UTF-8 text to learn from, or a token file that prepare wrote.
        model: The family of the model.
        out: The folder of the run; by default runs/NAME-MODEL after the text and the model.
        block_size: Characters in a training window.
        batch_size: Windows in a batch.
        train_fraction: Share of the text to train on; the rest is for validation.
        device: Such as cpu, cuda or mps; auto takes the best there is.
        seed: Decides every random draw.
        config: How to train.
    """
    folder = Path("runs") / f"{text.stem}-{model}" if out is None else out
    if (folder / FILE_NAME).exists():
        raise FileExistsError(errno.EEXIST, "a run is here already; give another folder with --out", str(folder))
    vocabulary, ids = _read_ids(text)
    run = _Run.prepare(
        vocabulary,
        ids,
        block_size=block_size,
        batch_size=batch_size,
        train_fraction=train_fraction,
        device=device,
        seed=seed,
    )
    folder.mkdir(parents=True, exist_ok=True)
    try:
        run.train(config)
    except KeyboardInterrupt:
        run.save(folder)
        raise
    run.save(folder)


def generate(
    model: Positional[Path],
    *,
    prompt: str = "\n",
    max_new_tokens: int = 500,
    temperature: float = 1.0,
    seed: int = 0,
    device: str = "auto",
) -> None:
    """Print text that a model makes up.

    Args:
        model: A run folder or a model file.
        prompt: The text to go on from.
        max_new_tokens: How many characters to add.
        temperature: Below 1 the likely become likelier, above 1 less so; 0 takes the likeliest each time.
        seed: Decides every random draw.
        device: Such as cpu, cuda or mps; auto takes the best there is.
    """
    language_model, vocabulary = load_model(model, device)
    ids = generate_ids(
        language_model,
        vocabulary.encode(prompt),
        max_new_tokens=max_new_tokens,
        temperature=temperature,
        seed=seed,
    )
    print(vocabulary.decode(ids.cpu()))


def evaluate(model: Positional[Path], text: Positional[Path], *, device: str = "auto") -> None:
    """Print how well a model predicts a text: every character but the first is scored once.

    Args:
        model: A run folder or a model file.
        text: A UTF-8 text, at best one that the model was not trained on.
        device: Such as cpu, cuda or mps; auto takes the best there is.
    """
    language_model, vocabulary = load_model(model, device)
    dataset = TextDataset(vocabulary.encode(read_text(text)), block_size=1)
    evaluation = evaluate_ids(language_model, dataset)
    print(f"characters          {evaluation.characters:,}")
    print(f"nats per character  {evaluation.nats:.4f}")
    print(f"bits per character  {evaluation.bits_per_character:.4f}")
    print(f"perplexity          {evaluation.perplexity:.4f}")


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


def _read_ids(path: Path) -> tuple[Vocabulary, StreamLike]:
    if is_token_file(path):
        tokens = TokenFile(path)
        return tokens.vocabulary, tokens
    text = read_text(path)
    vocabulary = Vocabulary.from_text(text)
    return vocabulary, vocabulary.encode(text)


class _Run(NamedTuple):
    """A text, cut up and ready to be learned."""

    vocabulary: Vocabulary
    batches: BatchSampler
    validation: TextDataset
    model: LanguageModel

    @classmethod
    def prepare(
        cls,
        vocabulary: Vocabulary,
        ids: StreamLike,
        *,
        block_size: int,
        batch_size: int,
        train_fraction: float,
        device: str,
        seed: int,
    ) -> _Run:
        train, validation = TextDataset(ids, block_size).split(train_fraction)
        batches = BatchSampler(train, batch_size, seed=seed, device=device)
        model = BigramLanguageModel(vocabulary.size).to(batches.device)
        print(
            f"{len(train.stream) + len(validation.stream):,} characters, {vocabulary.size} symbols: "
            f"{len(train.stream):,} to train on, {len(validation.stream):,} for validation"
        )
        return cls(vocabulary, batches, validation, model)

    def train(self, config: TrainerConfig) -> None:
        parameters = sum(parameter.numel() for parameter in self.model.parameters())
        print(
            f"{self.model.kind} model, {parameters:,} parameters, on {self.batches.device}: {config.max_steps:,} "
            f"steps of {self.batches.batch_size} x {self.batches.dataset.block_size} characters"
        )
        with ProgressBar(config.max_steps) as show:
            trainer = Trainer(self.model, self.batches, validation=self.validation, config=config, on_record=show).fit()
        last = trainer.records[-1]
        print(f"trained for {last.elapsed_seconds:.1f} s, {last.tokens_per_second:,.0f} characters a second")
        print(f"train loss       {_in_both_units(last.train_loss)}")
        if last.validation_loss is not None:
            print(f"validation loss  {_in_both_units(last.validation_loss)}")

    def save(self, folder: Path) -> None:
        save_model(folder / FILE_NAME, self.model, self.vocabulary)
        print(f"saved to {folder}")


def _in_both_units(nats: float) -> str:
    loss = Evaluation(nats=nats, characters=1)
    return f"{loss.nats:.4f} nats, {loss.bits_per_character:.4f} bits per character"


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
        "train": train,
        "generate": generate,
        "evaluate": evaluate,
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


def _one_line(error: Exception) -> str:
    if isinstance(error, OSError) and error.filename is not None:
        return f"{error.filename}: {error.strerror}"
    return " ".join(str(error).split()) or type(error).__name__
