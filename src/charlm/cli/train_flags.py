"""The settings of the commands that make models: ``train``, ``update``, ``merge`` and ``interpolate``."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Optional

from tyro.conf import OmitArgPrefixes, Positional

from charlm.cli.command import OF_READING, READING, Command, Several
from charlm.cli.docstrings import restore_docstrings
from charlm.cli.values import Text, Texts
from charlm.data.choices import Split
from charlm.data.limits import TooLong
from charlm.models.smoothing.choices import Smoothing, Weights
from charlm.recipes.presets import CONFIGS, Family, Size
from charlm.training.config import TrainerConfig
from chartok.arguments import Unit
from chartok.files.reading import ReadingSettings

OF_TRAIN = {
    "held-out data": ("train_fraction", "split", "split_seed", "validation", "calibrate"),
    "vocabulary": ("min_count", "max_size", "symbols", "unit"),
    "reading files": OF_READING,
    "records": ("max_length", "too_long", "prompt_end", "packing"),
    "model": ("prior", "smoothing", "memory", "n_layers", "n_heads", "width", "dropout", "block_size"),
    "starting from a model": ("init_from", "init_optimizer"),
    "optimization": (
        *("batch_size", "max_epochs", "max_seconds", "seed", "optimizer", "learning_rate", "muon_learning_rate"),
        *("beta1", "beta2", "weight_decay", "table_decay", "schedule", "warmup_steps", "cooldown_fraction"),
        *("min_learning_rate_fraction", "max_gradient_norm", "ema_decay"),
    ),
    "evaluation": ("evaluation_interval", "evaluation_characters", "patience", "min_delta"),
    "log and checkpoints": ("log_interval", "live", "tensorboard", "checkpoint_interval", "kept_checkpoints"),
    "hardware": ("precision", "compile", "accumulation_steps", "halve_on_out_of_memory"),
}
"""The headings under which help has the flags of ``train`` that are seldom needed."""


@dataclass(frozen=True, kw_only=True)
class Train(Command):
    """Train a model on a text.

    It writes a run folder, which the other commands take. Flags depend on --model: charlm train --model gpt --help
    shows those of a gpt.

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
        split_seed: Determines which records or blocks are held out, 0 by default, whatever the model.
        validation: A separate text for validation, or a token file; then all of the other text is trained on.
        calibrate: Also learn from the held-out part what usual lines look like, so that charlm score finds unusual
            ones; records are then drawn one by one, even where others are the same.
        min_count: Characters that occur less often count as unknown.
        max_size: Maximum number of symbols in the vocabulary, special tokens included; the rarest characters count as
            unknown.
        symbols: Symbols of several characters that get an id each, such as Cl Br.
        unit: What gets an id: each character of the text, or each grapheme, such as a letter with its accents.
        json: Print one JSON object at the end; everything else goes to standard error.
        order: Order of the n-gram model: its context length plus 1. By default the lowest, up to 10, that predicts a
            held-out part of the text about as well as any; 7 with kneser-ney and for texts too short to tell; 8 for a
            gpt or a mixture, and lower for many millions of characters.
        prior: Start the gpt, alone or in a mixture, from an n-gram model.
        smoothing: How counts become probabilities: tuned (learned back-off, tuned on a held-out part of the text),
            learned (as it comes with the library) or kneser-ney. For a bigram, a number to add to each count.
        memory: Maximum memory for counting n-grams, besides the text and the counts, such as 2GB; beyond it, they are
            sorted in temporary files. By default there is no limit.
        size: Size of the Transformer; by default nano on a CPU and base on a GPU.
        n_layers: Layers of the Transformer; by default those of its size, like the next two.
        n_heads: Attention heads in each layer.
        width: Size of the representation of a position; a multiple of twice the number of heads or, for a classic-gpt,
            of their number.
        dropout: Probability of zeroing a value of the Transformer in training; by default 0.
        block_size: Characters in a training window, 64 by default; the context of a Transformer, by default its size's.
            Longer records are cut into windows; for records, no window is wider than the longest needs.
        batch_size: Windows or records in a batch; by default 32, or for a Transformer as many as hold about 2,048
            characters.
        max_length: Maximum number of characters in a record; by default there is no limit.
        too_long: What to do with a longer record: truncate, skip, error, or, for a family that is trained, split it
            into windows, which is its default.
        prompt_end: What ends the prompt of each record, such as =; the prompt and it count neither in the training nor
            in the validation loss. By default all of a record counts.
        packing: Train on windows that hold several records in a row, instead of on each record with padding.
        device: Such as cpu, cuda or mps; auto uses the best available.
        resume: Resume from the last checkpoint in the run folder; start from the beginning if there is none.
        init_from: A run folder or a model file to start from: its weights, its shape, and its vocabulary, to which new
            symbols are added. Its family is the default of --model. For an ngram or a bigram see charlm update.
        init_optimizer: Also continue with the state of its optimizer, from the newest checkpoint of the run.
        live: Also write report.html in the run folder, at each entry of the log: a page that reloads itself.
        tensorboard: Also write the log for TensorBoard.
        training: How to train by gradient descent.

    Examples:
        charlm train input.txt
        charlm train names.txt --records --model gpt --out runs/names

    See Also:
        training.md
    """

    runs = "train.train"
    groups = OF_TRAIN

    texts: Positional[Several]
    model: Family = "ngram"
    out: Optional[Path] = None
    records: bool = False
    reading: OmitArgPrefixes[ReadingSettings] = READING
    train_fraction: Optional[float] = None
    split: Optional[Split] = None
    split_seed: Optional[int] = None
    validation: Several = ()
    calibrate: bool = False
    min_count: int = 1
    max_size: Optional[int] = None
    symbols: Texts = ()
    unit: Unit = "character"
    json: bool = False
    order: Optional[int] = None
    prior: bool = True
    smoothing: float | Smoothing | None = None
    memory: Optional[str] = None
    size: Optional[Size] = None
    n_layers: Optional[int] = None
    n_heads: Optional[int] = None
    width: Optional[int] = None
    dropout: Optional[float] = None
    block_size: Optional[int] = None
    batch_size: Optional[int] = None
    max_length: Optional[int] = None
    too_long: Optional[TooLong] = None
    prompt_end: Text = None
    packing: bool = False
    device: str = "auto"
    resume: bool = False
    init_from: Optional[Path] = None
    init_optimizer: bool = False
    live: bool = False
    tensorboard: bool = False
    training: OmitArgPrefixes[TrainerConfig] = CONFIGS["gpt"]


@dataclass(frozen=True, kw_only=True)
class Update(Command):
    """Add texts to a count model.

    The result is as if it had been trained on the old texts and these; new symbols get new ids.

    The order and the constants of the smoothing stay those of the model: they are not tuned again.

    Attributes:
        model: A run folder or a model file of an ngram.
        texts: The texts to add: files, folders, patterns in quotes, URLs, or - for standard input; or a token file.
        out: The run folder to write; the original model stays as it is.
        records: Each line is a record of its own, as it always is for a model of records.
        reading: How to read the files.
        min_count: New characters that occur less often count as unknown.
        symbols: New symbols of several characters that get an id each, such as Cl Br.
        unit: What gets an id: each character of the text, or each grapheme, such as a letter with its accents.
        json: Print one JSON object at the end; everything else goes to standard error.

    Examples:
        charlm update runs/log-ngram today.log --out runs/log
        charlm update names.safetensors more.txt --out runs/names

    See Also:
        howto/start-from-a-model.md
    """

    runs = "update.update"

    model: Positional[Path]
    texts: Positional[Several]
    out: Path
    records: bool = False
    reading: OmitArgPrefixes[ReadingSettings] = READING
    min_count: int = 1
    symbols: Texts = ()
    unit: Unit = "character"
    json: bool = False


@dataclass(frozen=True, kw_only=True)
class Merge(Command):
    """Add up the counts of several n-gram models.

    The result is as if one model had been trained on all of their texts.

    The order is the lowest of theirs, and the constants of the smoothing are those of the first model of that order:
    they are not tuned again.

    Attributes:
        models: Two or more run folders or model files of ngrams, all of records or all of text. The result knows the
            symbols of all.
        out: The model file to write.
        json: Print one JSON object.

    Examples:
        charlm merge runs/2024 runs/2025 --out both.safetensors
        charlm merge part*.safetensors -o whole.safetensors

    See Also:
        howto/combine-models.md
    """

    runs = "combine.merge"

    models: Positional[Several]
    out: Path
    json: bool = False


@dataclass(frozen=True, kw_only=True)
class Interpolate(Command):
    """Mix the probabilities of several n-gram models.

    The result is one model; its weights are found on held-out text.

    Attributes:
        models: Two or more run folders or model files of ngrams, all of records or all of text.
        held_out: Text of the kind that the model is to predict, which none of the models was trained on (required):
            files, folders, patterns in quotes, URLs, or - for standard input; or a token file.
        out: The model file to write.
        weights: by-context lets the weights depend on how long a context each model knows, and on how much it has seen
            after it; static makes them the same everywhere.
        reading: How to read the held-out text: as records for models of records.
        json: Print one JSON object.

    Examples:
        charlm interpolate runs/news runs/mails --held-out new.txt -o mix.safetensors
        charlm interpolate a b --held-out new.txt --weights static -o mix.safetensors

    See Also:
        howto/combine-models.md
    """

    runs = "combine.interpolate"

    models: Positional[Several]
    out: Path
    held_out: Several = ()
    weights: Weights = "by-context"
    reading: OmitArgPrefixes[ReadingSettings] = READING
    json: bool = False


restore_docstrings(__name__, TrainerConfig.__module__)
