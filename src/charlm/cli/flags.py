"""The settings of each command, from which tyro makes flags.

tyro checks a plain class and an ``Optional`` by itself; for ``X | None`` and ``tuple[X, ...]`` it imports
typeguard, which takes a third as long as NumPy and which each command would wait for.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal, Optional, TypeAlias

from tyro.conf import Fixed, OmitArgPrefixes, Positional, Suppress, arg

from charlm.cli.docstrings import restore_docstrings
from charlm.cli.values import Text, Texts
from charlm.data.choices import Split
from charlm.data.limits import TooLong
from charlm.generation.settings import SamplingSettings
from charlm.recipes.presets import BATCH_SIZE, CONFIGS, ORDER, SMOOTHING, Family, Size
from charlm.training.config import TrainerConfig
from chartok.arguments import Errors, Unit
from chartok.files.reading import ReadingSettings

if TYPE_CHECKING:
    Several: TypeAlias = tuple[str, ...]
else:
    Several = tuple
READING = ReadingSettings(delimiter=r"\n")
"""How the commands read text by default, as it would be typed; see ``charlm.cli.reading``."""
READING_LINES = ReadingSettings(delimiter=READING.delimiter, blank_lines="keep")
"""How those do that answer every line."""
ExportFormat: TypeAlias = Literal["onnx", "arpa", "nanogpt", "mingpt", "gpt2", "tokenizer-json", "vocabulary"]


@dataclass(frozen=True, kw_only=True)
class Command:
    """The settings of every command.

    Attributes:
        config: A TOML file with flags: NAME = VALUE, at the top or in a table named after the command.
        shared: The names of the settings from the top of that file, which are for every command that uses them.
    """

    config: Optional[Path] = None
    shared: Annotated[Several, Fixed, Suppress] = ()


@dataclass(frozen=True, kw_only=True)
class Demo(Command):
    """Train, evaluate and sample on text that ships with Python; needs no file and no network."""


@dataclass(frozen=True, kw_only=True)
class Prepare(Command):
    """Write texts of any size to a token file that train takes, in constant memory.

    Attributes:
        sources: Files, folders, patterns in quotes, URLs, or - for standard input; read one after the other.
        out: The token file to write.
        records: Each line is a record of its own, with a start and an end; lines end in LF or CR LF.
        errors: What to do with a character that is not in the vocabulary; by default replace, if it has unk.
        vocabulary: What has the vocabulary to use: a run folder, a model file, a token file, a tokenizer.json, or a
            vocabulary in JSON; by default that of the text.
        special_tokens: Special tokens to add to the vocabulary, such as unk, bos and pad; eos is for records.
        min_count: Characters that occur less often are unknown.
        max_size: Most ids in the vocabulary, special tokens included; the rarest characters are unknown.
        symbols: Symbols of several characters that get an id each, such as Cl Br.
        unit: What gets an id: each character of the text, or each grapheme, such as a letter with its accents.
        reading: How to read the sources.
        json: Print one JSON object.
    """

    sources: Positional[Several]
    out: Path
    records: bool = False
    errors: Optional[Errors] = None
    vocabulary: Optional[Path] = None
    symbols: Texts = ()
    unit: Unit = "character"
    special_tokens: Several = ()
    min_count: int = 1
    max_size: Optional[int] = None
    reading: OmitArgPrefixes[ReadingSettings] = READING
    json: bool = False


@dataclass(frozen=True, kw_only=True)
class Train(Command):
    """Train a model on a text and write a run that the other commands take.

    The other flags depend on --model: charlm train --model gpt --help shows those of a gpt.

    Attributes:
        config: A TOML file with flags: NAME = VALUE, at the top or in a table named after the command.
        texts: The text to train on: files, folders, patterns in quotes, URLs, or - for standard input; or a token file
            of a text or of records that prepare wrote.
        model: The family: ngram and bigram count; trained-bigram, gpt and classic-gpt (the Transformer of GPT-2) are
            trained by gradient descent, mixture is gpt with ngram.
        out: The run folder; by default runs/NAME-MODEL, named after the text and the model.
        records: Each line is an example of its own, with a start and an end; lines end in LF or CR LF.
        reading: How to read the files.
        train_fraction: Fraction of the text to train on, 0.9 by default; the rest is held out for validation.
        split: What is held out of a text: its tail by default, its head, or blocks of up to 4,096 characters drawn at
            random. Records are always drawn at random, and those that are the same stay together.
        validation: A text of its own for validation, or a token file; then all of the other is trained on.
        min_count: Characters that occur less often count as unknown.
        max_size: Most symbols in the vocabulary, special tokens included; the rarest characters count as unknown.
        symbols: Symbols of several characters that get an id each, such as Cl Br.
        unit: What gets an id: each character of the text, or each grapheme, such as a letter with its accents.
        json: Print one JSON object at the end; everything else goes to standard error.
        order: Order of the n-gram model: its context length plus 1.
        smoothing: What the bigram adds to each count.
        size: Size of the Transformer; by default nano on a CPU and base on a GPU.
        block_size: Characters in a training window, 64 by default; the context of a Transformer, by default its size's.
            Longer records are cut into windows; of records none is wider than the longest needs.
        batch_size: Windows or records in a batch.
        max_length: The most characters of a record; by default there is no limit.
        too_long: What to do with a longer record: truncate, skip, error, or, for a family that is trained, split it
            into windows, which is its default.
        prompt_end: What ends the prompt of each record, such as =; the prompt and it count neither in the training nor
            in the validation loss. By default all of a record counts.
        packing: Train on windows of records one after the other, instead of on each with padding.
        device: Such as cpu, cuda or mps; auto uses the best available.
        resume: Resume from the last checkpoint in the run folder; start from the beginning if there is none.
        init_from: A run folder or a model file to start from: its weights, its shape, and its vocabulary, to which new
            symbols are added. Its family is the default of --model. For an ngram or a bigram see charlm update.
        init_optimizer: Go on with the state of its optimizer too, from the newest checkpoint of the run.
        tensorboard: Also write the log for TensorBoard.
        training: How to train by gradient descent.
    """

    texts: Positional[Several]
    model: Family = "ngram"
    out: Optional[Path] = None
    records: bool = False
    reading: OmitArgPrefixes[ReadingSettings] = READING
    train_fraction: Optional[float] = None
    split: Optional[Split] = None
    validation: Several = ()
    min_count: int = 1
    max_size: Optional[int] = None
    symbols: Texts = ()
    unit: Unit = "character"
    json: bool = False
    order: int = ORDER
    smoothing: float = SMOOTHING
    size: Optional[Size] = None
    block_size: Optional[int] = None
    batch_size: int = BATCH_SIZE
    max_length: Optional[int] = None
    too_long: Optional[TooLong] = None
    prompt_end: Optional[str] = None
    packing: bool = False
    device: str = "auto"
    resume: bool = False
    init_from: Optional[Path] = None
    init_optimizer: bool = False
    tensorboard: bool = False
    training: OmitArgPrefixes[TrainerConfig] = CONFIGS["gpt"]


@dataclass(frozen=True, kw_only=True)
class Generate(Command):
    r"""Print text generated by a model.

    Attributes:
        model: A run folder or a model file.
        prompt: The text to continue, or several; by default an empty one. Escapes such as \n and \u00e9 are understood
            here, in --allowed and in --stop; a backslash itself is \\.
        prompts: Files of prompts, one per line, instead.
        errors: What to do with a character of a prompt that is unknown: strict, replace it by unk, or ignore it.
        n_samples: Number of texts for each prompt, of records distinct whole ones; by default one, printed as it grows.
        exclude: Files of records not to generate, one per line, such as the training data.
        max_new_tokens: Maximum number of symbols to add.
        sampling: How to sample characters.
        allowed: The characters that may be added, as one argument; by default all symbols.
        stop: Strings before which the text ends.
        seed: Seeds every random draw; None draws a new one and says which.
        device: Such as cpu, cuda or mps; auto uses the best available.
        json: Print one JSON object per text.
        scores: Also print the natural-log probability of each symbol that was added; needs --json.
        reading: How to read the files of --prompts and --exclude; blank lines are kept.
    """

    model: Positional[Path]
    prompt: Texts = ()
    prompts: Several = ()
    errors: Errors = "strict"
    n_samples: Optional[int] = None
    exclude: Several = ()
    max_new_tokens: int = 500
    sampling: OmitArgPrefixes[SamplingSettings] = SamplingSettings()
    allowed: Text = None
    stop: Texts = ()
    seed: Optional[int] = 0
    device: str = "auto"
    json: bool = False
    scores: bool = False
    reading: OmitArgPrefixes[ReadingSettings] = READING_LINES


@dataclass(frozen=True, kw_only=True)
class Evaluate(Command):
    """Print how well a model predicts a text: every character is scored once, given those before it.

    Attributes:
        model: A run folder or a model file.
        texts: A text, preferably one that the model was not trained on: files, folders, patterns in quotes, URLs, or -
            for standard input; or a token file.
        records: Each line is an example of its own, as it always is for a model of records.
        reading: How to read the files.
        errors: What to do with a character that the model does not know: strict stops, ignore leaves it out; replace,
            the default if it has unk, counts it as that.
        stride: How far apart the blocks of a limited context begin, by default half a block; see charlm.score.
        device: Such as cpu, cuda or mps; auto uses the best available.
        json: Print one JSON object.
    """

    model: Positional[Path]
    texts: Positional[Several]
    records: bool = False
    errors: Optional[Errors] = None
    reading: OmitArgPrefixes[ReadingSettings] = READING
    stride: Optional[int] = None
    device: str = "auto"
    json: bool = False


@dataclass(frozen=True, kw_only=True)
class Score(Command):
    """Print the log-likelihood of each line, in nats, its bits per character, and the line.

    Attributes:
        model: A run folder or a model file.
        texts: Files, folders, patterns in quotes, or URLs; by default standard input.
        reading: How to read the files; blank lines are kept, since every line is answered.
        errors: What to do with a character that the model does not know: strict stops, ignore leaves it out; replace,
            the default if it has unk, counts it as that.
        stride: How far apart the blocks of a limited context begin, by default half a block; see charlm.score.
        device: Such as cpu, cuda or mps; auto uses the best available.
        json: Print one JSON object per line instead of tab-separated values.
    """

    model: Positional[Path]
    texts: Annotated[Positional[Several], arg(metavar="[PATH ...]")] = ()
    errors: Optional[Errors] = None
    reading: OmitArgPrefixes[ReadingSettings] = READING_LINES
    stride: Optional[int] = None
    device: str = "auto"
    json: bool = False


@dataclass(frozen=True, kw_only=True)
class Info(Command):
    """Print a summary of a model file.

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
        text: A text to color by surprise, in files, read as records for a model of records; by default the beginning
            of the validation part.
        reading: How to read the text.
        errors: What to do with a character that the model does not know: strict stops, ignore leaves it out; replace,
            the default if it has unk, counts it as that.
        stride: How far apart the blocks of a limited context begin, by default half a block; see charlm.score.
        seed: Seeds the samples.
        device: Such as cpu, cuda or mps; auto uses the best available.
    """

    run: Positional[Path]
    out: Optional[Path] = None
    text: Several = ()
    errors: Optional[Errors] = None
    reading: OmitArgPrefixes[ReadingSettings] = READING
    stride: Optional[int] = None
    seed: int = 0
    device: str = "auto"


@dataclass(frozen=True, kw_only=True)
class Export(Command):
    """Write a model, or its vocabulary, in a form that other programs read.

    Attributes:
        model: A run folder or a model file; for a vocabulary, also a token file or the JSON of another one.
        format: onnx for a bigram or a gpt, arpa for an ngram; nanogpt, mingpt and gpt2 for a classic-gpt;
            tokenizer-json and vocabulary (JSON) for any vocabulary.
        out: The file to write; for gpt2 a new folder.
    """

    model: Positional[Path]
    format: ExportFormat
    out: Path


@dataclass(frozen=True, kw_only=True)
class Import(Command):
    """Write a model of another program as a model file: a checkpoint of nanoGPT, minGPT or GPT-2, or an ARPA file.

    Nothing in it is run: a checkpoint that holds more than tensors and plain values is refused.

    Attributes:
        checkpoint: The ckpt.pt, the model.pt, the folder of a GPT-2, or the ARPA file.
        out: The model file to write, which the other commands take.
        vocabulary: What has its characters in the order of their ids: nanoGPT's meta.pkl, a tokenizer.json, a
            vocabulary in JSON, a model or a token file; by default the tokenizer.json in the folder of a GPT-2.
        text: The text that it was trained on, whose characters nanoGPT and minGPT number in the order of their code
            points: files, folders, patterns in quotes, or URLs.
        n_heads: The attention heads of a checkpoint of minGPT, which does not tell them.
    """

    checkpoint: Positional[Path]
    out: Path
    vocabulary: Optional[Path] = None
    text: Several = ()
    n_heads: Optional[int] = None


@dataclass(frozen=True, kw_only=True)
class Completion:
    """Print a script that completes commands and flags in a shell: eval "$(charlm completion bash)".

    Attributes:
        shell: The shell to complete for.
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
    "import": Import,
    "completion": Completion,
}
"""The commands by name."""

restore_docstrings(__name__, ReadingSettings.__module__, SamplingSettings.__module__, TrainerConfig.__module__)
