"""The part of ``CharLM`` that makes other models of n-gram models: smaller, from several, and one that learns."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Self, get_args

from charlm.models.smoothing.choices import Weights
from charlm.recipes.presets import check_one_of
from charlm.recipes.sources import corpus_of

if TYPE_CHECKING:
    from charlm.evaluation.adaptive_text import AdaptiveCharLM
    from charlm.models.base import LanguageModel
    from charlm.models.predictor import CountModel
    from charlm.recipes.combining import Part
    from charlm.recipes.sources import Texts
    from chartok import Vocabulary


class ModelDeriver(ABC):
    """The part of ``CharLM`` that makes other n-gram models.

    Attributes:
        vocabulary: The vocabulary.
        validation_nats: The mean loss on held-out text, in nats per character, if it is known.
    """

    vocabulary: Vocabulary
    validation_nats: float | None

    @abstractmethod
    def __init__(self, model: LanguageModel | CountModel, vocabulary: Vocabulary) -> None: ...

    @property
    @abstractmethod
    def stored(self) -> LanguageModel | CountModel:
        """The model in the form in which it is stored."""

    def prune(
        self, min_count: int | None = None, *, entropy: float | None = None, max_bytes: int | str | None = None
    ) -> Self:
        """Returns an n-gram model without the n-grams that do least; this one is not changed.

        Args:
            min_count: As for ``NGramLanguageModel.prune``, like other errors.
            entropy: Likewise.
            max_bytes: The most bytes of the file that ``save`` then writes with ``compact=True``, a number or such as
                ``"500KB"``.

        Raises:
            ValueError: The model is not one of n-grams.

        Example:
            >>> from charlm import CharLM
            >>> CharLM.fit("the cat sat. " * 50, order=5).prune(entropy=1e-3)
            CharLM(ngram model of text, 8 symbols)
        """
        from charlm.recipes.pruning import prune  # noqa: PLC0415 - a program that only scores starts without it

        table = prune(self.stored, self.vocabulary, min_count=min_count, entropy=entropy, max_bytes=max_bytes)
        return type(self)(table, self.vocabulary)

    def merge(self, *others: Self) -> Self:
        """Returns an n-gram model of the texts that this one and others have counted.

        It is that of a fit on all of them with the lowest of their orders, and with the smoothing of the first model
        that has this order, whose constants are not tuned again. It has the symbols of all.

        Args:
            others: Other models, all of records or all of text, like this one.

        Raises:
            ValueError: There are none; one is not an n-gram model, has no counts, or is of another kind.
            TypeError: One is not a ``CharLM``.

        Example:
            >>> from charlm import CharLM
            >>> merged = CharLM.fit(["anna", "hanna"], order=3).merge(CharLM.fit(["zoë"], order=4))
            >>> merged.model.order, merged.vocabulary.symbols
            (3, ('a', 'h', 'n', 'o', 'z', 'ë'))
        """
        from charlm.recipes.combining import merge  # noqa: PLC0415 - as in prune

        return type(self)(*merge(self._parts(others)))

    def interpolate(self, *others: Self, held_out: Texts, weights: Weights = "by-context") -> Self:
        """Returns one n-gram model whose probabilities are a weighted mean of those of this one and of others.

        The models may differ in their symbols and orders, and may have been pruned. The result has no counts.

        Args:
            others: Other models, all of records or all of text, like this one.
            held_out: What the weights are found on, text or records as for ``fit``, which no model has counted: of the
                kind that the result is to predict.
            weights: ``"by-context"`` lets them depend on how long a context each model knows, and on how much it has
                seen after it; ``"static"`` makes them the same everywhere.

        Raises:
            ValueError: There are no others; one is not an n-gram model, or of another kind; ``held_out`` is too short,
                or of another kind; or ``weights`` is unknown.
            UnknownCharacterError: No model has a character of ``held_out``, and none has ``unk``.
            TypeError: One of them is not a ``CharLM``.
            OSError: The file of ``held_out`` cannot be read.

        Example:
            >>> from charlm import CharLM
            >>> letters, digits = CharLM.fit("abcab" * 200, order=3), CharLM.fit("12312" * 200, order=2)
            >>> mixed = letters.interpolate(digits, held_out="abcab12312" * 20)
            >>> mixed.bits_per_character("ab12") < min(lm.bits_per_character("ab12") for lm in (letters, digits))
            True
        """
        from charlm.recipes.combining import interpolate, joined_vocabulary  # noqa: PLC0415 - as in prune

        check_one_of("weights", weights, get_args(Weights))
        parts = self._parts(others)
        corpus = corpus_of(held_out, "held_out", vocabulary=joined_vocabulary(parts))
        found = interpolate(parts, corpus, weights)
        lm = type(self)(found.model, found.vocabulary)
        lm.validation_nats = found.nats_together
        return lm

    def adaptive(self) -> AdaptiveCharLM:
        """Returns a model that starts from what this one has counted and learns while it reads.

        It predicts each character and then learns it, so that it takes to the names and habits of a text. This model
        is not changed.

        Raises:
            ValueError: This is no n-gram model, or it has no counts.
            ModuleNotFoundError: numba is missing: ``pip install 'chartok[fast]'``.

        Example:
            >>> from charlm import CharLM
            >>> reader = CharLM.fit("the cat sat on the mat. " * 50, order=5).adaptive()
            >>> first, again = (reader.bits_per_character("the matador sat. ") for _ in range(2))
            >>> bool(again < first)
            True
        """
        from charlm.evaluation.adaptive_text import AdaptiveCharLM  # noqa: PLC0415 - an extra compiles it
        from charlm.models.adaptive.counted import counts_in  # noqa: PLC0415 - likewise

        return AdaptiveCharLM(self.vocabulary, counts_in(self.stored))

    def _parts(self, others: tuple[Self, ...]) -> list[Part]:
        from charlm.recipes.combining import Part  # noqa: PLC0415 - as in prune

        if not others:
            raise ValueError("others is empty: give at least one other model")
        for number, other in enumerate(others):
            if not isinstance(other, ModelDeriver):
                raise TypeError(f"others[{number}] must be a CharLM, got {type(other).__name__}")
        names = ["this model", *(f"others[{number}]" for number in range(len(others)))]
        return [Part(lm.stored, lm.vocabulary, name) for lm, name in zip((self, *others), names, strict=True)]
