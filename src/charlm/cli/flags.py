"""What each command of the command line takes, as settings that tyro makes flags of; ``commands`` says what it does."""

from __future__ import annotations

from dataclasses import dataclass, field, fields, make_dataclass
from pathlib import Path
from typing import Any, Literal, TypeAlias, get_type_hints

from tyro.conf import OmitArgPrefixes, Positional

from charlm.generation.settings import SamplingSettings
from charlm.recipes.presets import BATCH_SIZE, CONFIGS, ORDER, SMOOTHING, TAKES, Family, Size
from charlm.training.config import TrainerConfig
from chartok.arguments import Errors
from chartok.files.sources import Compression

ExportFormat: TypeAlias = Literal["onnx", "arpa", "tokenizer-json"]


@dataclass(frozen=True, kw_only=True)
class Command:
    """What every command takes.

    Attributes:
        config: A TOML file with flags: NAME = VALUE, at the top or in a table named after the command.
    """

    config: Path | None = None


@dataclass(frozen=True, kw_only=True)
class Demo(Command):
    """Train, evaluate and sample on text that every Python has; takes no file and no network."""


@dataclass(frozen=True, kw_only=True)
class Prepare(Command):
    """Write texts of any size to a token file that train takes, in constant memory.

    Attributes:
        sources: UTF-8 files, patterns in quotes, or URLs; read one after the other.
        out: The token file to write.
        errors: What to do with a character that the given vocabulary does not have.
        vocabulary: A vocabulary in a JSON file, or a token file whose vocabulary to use; by default it is found.
        compression: What the sources are compressed with.
        json: Print one JSON object.
    """

    sources: Positional[tuple[str, ...]]
    out: Path
    errors: Errors = "strict"
    vocabulary: Path | None = None
    compression: Compression | None = None
    json: bool = False


@dataclass(frozen=True, kw_only=True)
class Train(Command):
    """Train a model on a text and write a run that the other commands take.

    Which other flags there are depends on --model: charlm train --model gpt --help shows those of a gpt.

    Attributes:
        config: A TOML file with flags: NAME = VALUE, at the top or in a table named after the command.
        text: The UTF-8 text to learn from, or a token file that prepare wrote.
        model: The family: ngram and bigram count; trained-bigram and gpt are trained by gradient descent, mixture is
            gpt with ngram.
        out: The folder of the run; by default runs/NAME-MODEL after the text and the model.
        records: Each line is an example of its own, with a start and an end.
        train_fraction: Share of the text to train on; the rest is for validation.
        json: Print one JSON object at the end; everything else goes to standard error.
        order: Of the n-gram model: one more than its characters of context.
        smoothing: What is added to each count of the bigram.
        size: Of the Transformer; by default nano on a CPU and base on a GPU.
        block_size: Characters in a training window, 64 by default; the context of a Transformer, by default its size's.
        batch_size: Windows in a batch.
        device: Such as cpu, cuda or mps; auto takes the best there is.
        resume: Go on from the last checkpoint in the folder of the run; begin where there is none.
        tensorboard: Write the log for TensorBoard too.
        training: How to train by gradient descent.
    """

    text: Positional[Path]
    model: Family = "ngram"
    out: Path | None = None
    records: bool = False
    train_fraction: float = 0.9
    json: bool = False
    order: int = ORDER
    smoothing: float = SMOOTHING
    size: Size | None = None
    block_size: int | None = None
    batch_size: int = BATCH_SIZE
    device: str = "auto"
    resume: bool = False
    tensorboard: bool = False
    training: OmitArgPrefixes[TrainerConfig] = CONFIGS["gpt"]


OF_EVERY_FAMILY = ("config", "text", "model", "out", "records", "train_fraction", "json")
OF_TRAINING = ("resume", "tensorboard", "training")
"""Flags of what is trained by gradient descent, beside those that its family takes."""


def train_flags(family: Family) -> type[Train]:
    """Returns what ``train`` takes for a model of a family, with the defaults that hold for it.

    Example:
        >>> [field.name for field in fields(train_flags("ngram")) if field.name not in OF_EVERY_FAMILY]
        ['order']
    """
    names = {*OF_EVERY_FAMILY, *(name for name in TAKES[family] if name != "config")}
    if family in CONFIGS:
        names |= set(OF_TRAINING)
    defaults: dict[str, Any] = {"model": family, "training": CONFIGS.get(family)}
    hints = get_type_hints(Train, include_extras=True)
    made: Any = make_dataclass(
        "Train",
        [
            (own.name, hints[own.name], field(default=defaults.get(own.name, own.default)))
            for own in fields(Train)
            if own.name in names
        ],
        namespace={"__doc__": Train.__doc__},
        frozen=True,
        kw_only=True,
    )
    return made  # type: ignore[no-any-return]  # it has some of the fields of Train


def refusal(name: str, family: Family) -> str:
    """Returns what is wrong with a flag of ``train`` that another family has.

    Example:
        >>> refusal("max_steps", "ngram")
        '--max-steps is not a setting of ngram, which takes --order; see charlm train --model ngram --help'
    """
    taken = ", ".join(as_flag(own) for own in TAKES[family] if own != "config")
    see = f"see charlm train --model {family} --help"
    return f"{as_flag(name)} is not a setting of {family}, which takes {taken}; {see}"


def as_flag(name: str) -> str:
    """Returns the flag for the name of a setting."""
    return "--" + name.replace("_", "-")


@dataclass(frozen=True, kw_only=True)
class Generate(Command):
    """Print text that a model makes up.

    Attributes:
        model: A run folder or a model file.
        prompt: The text to go on from; by default nothing.
        n_samples: How many texts; of records whole ones, no two the same. By default one, shown as it comes.
        exclude: A UTF-8 file of records that are not to come, one a line, such as what the model has learned from.
        max_new_tokens: How many characters to add at most.
        sampling: How characters are chosen.
        allowed: The characters that may be added; by default all.
        stop: Strings before which the text ends.
        seed: Decides every random draw.
        device: Such as cpu, cuda or mps; auto takes the best there is.
        json: Print one JSON object a text.
    """

    model: Positional[Path]
    prompt: str = ""
    n_samples: int | None = None
    exclude: Path | None = None
    max_new_tokens: int = 500
    sampling: OmitArgPrefixes[SamplingSettings] = SamplingSettings()
    allowed: str | None = None
    stop: tuple[str, ...] = ()
    seed: int = 0
    device: str = "auto"
    json: bool = False


@dataclass(frozen=True, kw_only=True)
class Evaluate(Command):
    """Print how well a model predicts a text: every character is scored once, given those before it.

    Attributes:
        model: A run folder or a model file.
        text: A UTF-8 text, or a token file, at best one that the model was not trained on.
        records: Each line is an example of its own, as it always is for a model of records.
        device: Such as cpu, cuda or mps; auto takes the best there is.
        json: Print one JSON object.
    """

    model: Positional[Path]
    text: Positional[Path]
    records: bool = False
    device: str = "auto"
    json: bool = False


@dataclass(frozen=True, kw_only=True)
class Score(Command):
    """Print the log-likelihood of each line, in nats, its bits per character, and the line.

    Attributes:
        model: A run folder or a model file.
        texts: UTF-8 files; standard input where there is none.
        device: Such as cpu, cuda or mps; auto takes the best there is.
        json: Print one JSON object a line instead of values between tabs.
    """

    model: Positional[Path]
    texts: Positional[tuple[Path, ...]] = ()
    device: str = "auto"
    json: bool = False


@dataclass(frozen=True, kw_only=True)
class Info(Command):
    """Print what a model file holds.

    Attributes:
        model: A run folder or a model file.
        json: Print one JSON object.
    """

    model: Positional[Path]
    json: bool = False


@dataclass(frozen=True, kw_only=True)
class Report(Command):
    """Write one HTML file that shows a run: curves, table, surprise, samples.

    Attributes:
        run: A run folder or a model file.
        out: The file to write; by default report.html in the run folder, or beside the model file.
        text: A UTF-8 text to colour by how surprised the model is; by default the beginning of the validation part.
        seed: Decides the samples.
        device: Such as cpu, cuda or mps; auto takes the best there is.
    """

    run: Positional[Path]
    out: Path | None = None
    text: Path | None = None
    seed: int = 0
    device: str = "auto"


@dataclass(frozen=True, kw_only=True)
class Export(Command):
    """Write a model, or its vocabulary, in a form that other programs read.

    Attributes:
        model: A run folder or a model file.
        format: onnx for a bigram or a gpt, arpa for an ngram, tokenizer-json for any vocabulary.
        out: The file to write.
    """

    model: Positional[Path]
    format: ExportFormat
    out: Path


@dataclass(frozen=True, kw_only=True)
class Completion:
    """Print a script that completes commands and flags in a shell: eval "$(charlm completion bash)".

    Attributes:
        shell: For which shell.
    """

    shell: Positional[Literal["bash", "zsh", "fish"]]


COMMANDS: dict[str, type] = {
    "demo": Demo,
    "prepare": Prepare,
    "train": Train,
    "generate": Generate,
    "evaluate": Evaluate,
    "score": Score,
    "info": Info,
    "report": Report,
    "export": Export,
    "completion": Completion,
}
"""The commands by name."""
