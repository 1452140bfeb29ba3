"""The settings of each family, and their defaults."""

from __future__ import annotations

import difflib
from dataclasses import dataclass, field, fields, replace
from typing import TYPE_CHECKING, Any, Literal, TypeAlias, get_args

from charlm.data.limits import TooLong
from charlm.models.smoothing.choices import Smoothing
from charlm.training.config import TrainerConfig
from chartok.arguments import finite_number, flag, number_from_zero, positive_integer, size_in_bytes

if TYPE_CHECKING:
    from collections.abc import Callable

    from charlm.models.classic_gpt.config import ClassicGPTConfig
    from charlm.models.gpt.config import GPTConfig
    from charlm.models.transformer_shape import TransformerShape

Family: TypeAlias = Literal["ngram", "bigram", "trained-bigram", "gpt", "classic-gpt", "mixture"]
Size: TypeAlias = Literal["nano", "small", "base"]

OF_RECORDS = ("max_length", "too_long")
OF_SIZE = ("n_layers", "n_heads", "width")
OF_SHAPE = (*OF_SIZE, "dropout")
BY_GRADIENTS = ("block_size", "batch_size", *OF_RECORDS, "prompt_end", "packing", "device", "config")
TAKES: dict[Family, tuple[str, ...]] = {
    "ngram": ("order", "smoothing", "memory", *OF_RECORDS),
    "bigram": ("smoothing", *OF_RECORDS),
    "trained-bigram": BY_GRADIENTS,
    "gpt": ("order", "prior", "size", *OF_SHAPE, *BY_GRADIENTS),
    "classic-gpt": ("size", *OF_SHAPE, *BY_GRADIENTS),
    "mixture": ("order", "prior", "size", *OF_SHAPE, *BY_GRADIENTS),
}
"""The settings of each family: fields of a ``Recipe``."""
WHY_NOT = {"prompt_end": ": a model that counts counts whole records, and cannot leave their prompts out"}
"""Why some families do not take a setting, where its name does not say it."""

TRANSFORMER = TrainerConfig(
    optimizer="muon",
    learning_rate=0.01,
    muon_learning_rate=0.02,
    beta2=0.95,
    schedule="trapezoid",
    cooldown_fraction=0.7,
    log_interval=50,
    checkpoint_interval=200,
)
CLASSIC = TrainerConfig(
    max_steps=2000,
    learning_rate=0.001,
    beta2=0.99,
    weight_decay=0.1,
    schedule="cosine",
    max_gradient_norm=1.0,
    evaluation_interval=200,
    log_interval=50,
    checkpoint_interval=200,
)
CONFIGS: dict[Family, TrainerConfig] = {
    "trained-bigram": TrainerConfig(learning_rate=0.05),
    "gpt": TRANSFORMER,
    "classic-gpt": CLASSIC,
    "mixture": TRANSFORMER,
}
"""The default training settings of each family that is trained; the others count.

For a Transformer, those that are None are chosen by the size of the text: see ``charlm.recipes.by_size``.
"""

BATCH_SIZE = 32
"""Windows in a batch of a trained bigram."""
BLOCK_SIZE = 64
"""Characters in a window, unless the model determines it."""
SMOOTHING: dict[Family, Smoothing | float] = {"ngram": "tuned", "bigram": 1.0}
"""How counts become probabilities in each family that counts; a bigram adds a number to each."""
CHECKS: dict[str, Callable[[str, Any], Any]] = {
    **dict.fromkeys(("order", "block_size", "batch_size", "max_length"), positive_integer),
    **dict.fromkeys(("n_layers", "n_heads", "width"), positive_integer),
    "dropout": finite_number,
    "memory": size_in_bytes,
}
"""The check of each setting that is a number; a ``GPTConfig`` checks what goes into it further."""


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """How to make a model; None uses the family's default.

    Attributes:
        family: ``ngram`` and ``bigram`` (one character of context) count;
            ``trained-bigram``, ``gpt`` (a Transformer), ``classic-gpt`` (that of GPT-2) and ``mixture`` (of ``gpt`` and
            ``ngram``) are trained by gradient descent.
        order: The order of the n-gram model: its context length plus 1. By default that of a model that only counts is
            chosen on a held-out part of the text, and that of the one from which a ``gpt`` starts, and which a
            ``mixture`` has, is 8, or lower for a text of many millions of characters.
        prior: Whether a ``gpt``, alone or in a mixture, starts from an n-gram model; by default it does, unless the
            text is too short.
        smoothing: How the counts of an n-gram model become probabilities: ``"tuned"``, the default, ``"learned"`` or
            ``"kneser-ney"``, as for ``NGramLanguageModel.fit``. Of a counted bigram, what is added to each count; by
            default 1.
        memory: The most memory that counting n-grams takes besides the text and the counts, in bytes or such as
            ``"2GB"``: what is above it is sorted in temporary files. By default there is no limit.
        size: The size of the Transformer: ``nano``, ``small`` or ``base``; by default what suits the device.
        n_layers: The number of layers of the Transformer; by default that of the size, like the next two.
        n_heads: The number of attention heads in each layer.
        width: The size of the representation of a position; a multiple of ``2 * n_heads``, for
            ``classic-gpt`` of ``n_heads``.
        dropout: The probability of zeroing a value of the Transformer in training; by default 0.
        block_size: The number of characters in a training window and, for a Transformer, of context; by default 64, or
            that of the size, but for records no more than the longest needs. A longer record is cut into windows.
        batch_size: The number of windows or records in a batch; by default 32, or for a Transformer as many as have
            about 2,048 characters.
        max_length: The most characters of a record; by default there is no limit.
        too_long: What to do with a longer record: ``truncate``, ``skip``, ``error``, or, for a family that is trained,
            ``split`` it into windows, which is its default.
        prompt_end: What ends the prompt of each record, such as ``"="``: everything up to its first occurrence, and the
            string itself, counts neither in the training nor in the validation loss. By default all of a record counts.
        packing: Whether to train on windows of records one after the other, instead of on each with padding.
        device: The device to train on; by default the best available.
        config: The training settings; by default ``CONFIGS[family]``. For a Transformer, some that are None suit the
            size of the text: see ``TrainerConfig``.

    Raises:
        ValueError: The family is unknown, or does not take a setting, or a setting is out of range.
        TypeError: A setting has the wrong type.

    Example:
        >>> Recipe(family="gpt", size="nano").config.optimizer
        'muon'
        >>> Recipe(family="ngram", size="nano")
        Traceback (most recent call last):
        ValueError: size is not a setting of ngram, which takes order, ...; gpt or classic-gpt or mixture takes it
    """

    family: Family = "ngram"
    order: int | None = None
    prior: bool | None = None
    smoothing: float | Smoothing | None = None
    memory: int | str | None = None
    size: Size | None = None
    n_layers: int | None = None
    n_heads: int | None = None
    width: int | None = None
    dropout: float | None = None
    block_size: int | None = None
    batch_size: int | None = None
    max_length: int | None = None
    too_long: TooLong | None = None
    prompt_end: str | None = None
    packing: bool | None = None
    device: str | None = None
    config: TrainerConfig | None = field(default=None)

    def __post_init__(self) -> None:
        check_one_of("family", self.family, get_args(Family))
        for setting in fields(self):
            if setting.name != "family" and getattr(self, setting.name) is not None:
                self._check_taken(setting.name)
        for name, check in CHECKS.items():
            self._check(name, check)
        if self.family == "gpt" and self.prior is False and self.order is not None:
            raise ValueError("order is that of the prior, and there is to be none: leave one of them out")
        self._check_smoothing()
        self._check_records()
        if self.size is not None:
            check_one_of("size", self.size, get_args(Size))
        self._check_shape()
        if self.config is not None and not isinstance(self.config, TrainerConfig):
            raise TypeError(f"config must be a TrainerConfig, got {type(self.config).__name__}")
        for name, value in self._defaults().items():
            if getattr(self, name) is None and name in TAKES[self.family]:
                object.__setattr__(self, name, value)

    @property
    def counts(self) -> bool:
        """Whether models of the family are fitted by counting, without PyTorch."""
        return self.family not in CONFIGS

    @property
    def has_transformer(self) -> bool:
        """Whether models of the family are Transformers, or have one."""
        return "size" in TAKES[self.family]

    def shape(self, vocab_size: int, size: Size) -> TransformerShape:
        """Returns the shape of the Transformer.

        Args:
            vocab_size: The number of ids.
            size: What determines the rest of it.

        Raises:
            ValueError: The width does not suit the number of heads, or there are too many layers.
        """
        config = self._shape_class()
        presets = {"nano": config.nano, "small": config.small, "base": config.base}
        return replace(presets[size](vocab_size), **self._own_shape())

    def asked_shape(self) -> dict[str, Any]:
        """Returns the settings of the Transformer that are asked for; a model to start from has the others.

        Example:
            >>> Recipe(family="gpt", size="nano", block_size=32).asked_shape()
            {'block_size': 32, 'n_layers': 4, 'n_heads': 4, 'width': 128}
        """
        if self.size is None or not self.has_transformer:
            return self._own_shape() if self.has_transformer else {}
        preset = self.shape(1, self.size)
        return {name: getattr(preset, name) for name in ("block_size", *OF_SIZE)} | self._own_shape()

    def _own_shape(self) -> dict[str, Any]:
        names = ("block_size", *OF_SHAPE)
        return {name: getattr(self, name) for name in names if getattr(self, name) is not None}

    def _shape_class(self) -> type[GPTConfig | ClassicGPTConfig]:
        if self.family == "classic-gpt":
            from charlm.models.classic_gpt.config import ClassicGPTConfig  # noqa: PLC0415 - needs NumPy, as GPTConfig

            return ClassicGPTConfig
        from charlm.models.gpt.config import GPTConfig  # noqa: PLC0415 - needs NumPy, for which help would wait

        return GPTConfig

    def _check_shape(self) -> None:
        """Refuses a shape that no Transformer can have, before any text is read."""
        if all(getattr(self, name) is None for name in OF_SHAPE):
            return
        if self.size is not None:
            self.shape(1, self.size)
            return
        heads = self.n_heads or 1
        self._shape_class()(
            vocab_size=1,
            block_size=1,
            n_layers=self.n_layers or 1,
            n_heads=heads,
            width=self.width or 2 * heads,
            dropout=self.dropout or 0.0,
        )

    def _check_smoothing(self) -> None:
        if self.smoothing is None:
            return
        if self.family == "bigram":
            if isinstance(self.smoothing, str):
                raise TypeError(f"smoothing of a bigram must be a number to add to each count, got {self.smoothing!a}")
            self._check("smoothing", number_from_zero)
        else:
            check_one_of("smoothing", self.smoothing, get_args(Smoothing))

    def _check_records(self) -> None:
        for name in ("packing", "prior"):
            self._check(name, flag)
        if self.too_long is not None:
            check_one_of("too_long", self.too_long, get_args(TooLong))
            if self.max_length is None:
                raise ValueError("too_long says what to do with a record above max_length: give max_length as well")
        if self.max_length is not None and self.counts and self.too_long in (None, "split"):
            raise ValueError(
                f"a model of the family {self.family} counts records of any length, and has no windows into which to "
                "split them: "
                "give too_long='truncate', 'skip' or 'error', or no max_length"
            )

    def _check(self, name: str, check: Callable[[str, Any], Any]) -> None:
        """Checks a setting, if there is one; numbers of NumPy become those of Python."""
        value = getattr(self, name)
        if value is not None:
            checked = check(name, value)
            object.__setattr__(self, name, value if isinstance(value, str) else checked)

    def _check_taken(self, name: str) -> None:
        taken = TAKES[self.family]
        if name not in taken:
            raise ValueError(
                f"{name} is not a setting of {self.family}, which takes {', '.join(taken)}{WHY_NOT.get(name, '')}; "
                f"{' or '.join(families_with(name))} takes it"
            )

    def _defaults(self) -> dict[str, Any]:
        """Returns the default settings; those that depend on the device or the text are not among them."""
        return {
            "prior": True,
            "smoothing": SMOOTHING.get(self.family),
            "batch_size": None if self.has_transformer else BATCH_SIZE,
            "packing": False,
            "device": "auto",
            "config": CONFIGS.get(self.family),
        }


def families_with(setting: str) -> list[Family]:
    """Returns the families that take a setting: a field of a ``Recipe``, or one of training.

    Example:
        >>> families_with("memory"), families_with("max_steps")
        (['ngram'], ['trained-bigram', 'gpt', 'classic-gpt', 'mixture'])
    """
    return [family for family, taken in TAKES.items() if setting in taken] or [*CONFIGS]


def check_one_of(name: str, value: object, known: tuple[str, ...]) -> None:
    """Checks that a setting has one of its values.

    Raises:
        TypeError: It is no ``str``.
        ValueError: It has another; names the nearest.
    """
    if not isinstance(value, str):
        raise TypeError(f"{name} must be one of {', '.join(known)}, got {type(value).__name__}")
    if value not in known:
        near = difflib.get_close_matches(value, known, n=1)
        hint = f": did you mean {near[0]}?" if near else ""
        raise ValueError(f"{name} must be one of {', '.join(known)}, got {value!a}{hint}")
