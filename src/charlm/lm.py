"""A vocabulary and a model together: text in, text out."""

from __future__ import annotations

import os
from functools import partial
from typing import TYPE_CHECKING, Any, Self

from charlm.data.framing import Framing
from charlm.decisions.calibration import Calibration
from charlm.decisions.text_judge import TextJudge
from charlm.decoding.text_decoder import TextDecoder
from charlm.errors import CheckpointCorruptError
from charlm.evaluation.text_activations import TextActivations
from charlm.evaluation.text_scorer import TextScorer
from charlm.files.model_arrays import sizes, smoothing_of
from charlm.files.model_facts import told_settings, told_sizes
from charlm.files.model_file import load_with_file, save_model
from charlm.files.serializing import check_pair
from charlm.generation.text_generator import TextGenerator
from charlm.models.registry import as_language_model
from charlm.recipes.deriving import ModelDeriver
from charlm.recipes.keywords import UpdateFileKeywords, sorted_settings
from charlm.recipes.showing import ShownProgress
from charlm.recipes.sources import corpus_of, corpus_of_files
from charlm.recipes.starting import Start
from charlm.runtime.pytorch import check_device_name
from chartok.arguments import check_known, flag
from chartok.files.reading import say_nothing
from chartok.notebook import card
from chartok.vocabulary_sources import VocabularyKeywords

if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Unpack

    import torch

    from charlm.models.base import LanguageModel
    from charlm.models.predictor import CountModel, Predictor
    from charlm.recipes.corpus import Corpus
    from charlm.recipes.keywords import FitFileKeywords, FitKeywords
    from charlm.recipes.presets import Family, Recipe
    from charlm.recipes.sources import Texts
    from chartok import Vocabulary
    from chartok.files.reading import Note
    from chartok.files.sources import Source


class CharLM(TextScorer, TextGenerator, TextDecoder, TextActivations, TextJudge, ModelDeriver):
    """A character-level language model that scores and generates text.

    A model of text does not model where a passage begins or ends: its first character is predicted without context.
    A model of records (names, log lines) does: it also scores the end of a record, and generates whole records.
    A character that the vocabulary does not have is scored as the ``unk`` token, which is rare but not impossible.

    Args:
        model: A model of any family.
        vocabulary: Its vocabulary; with an ``eos`` token the model is one of records.

    Raises:
        ValueError: The sizes of the model and the vocabulary differ, or the model predicts a start or padding token.
        TypeError: ``model`` is no model of any family, or ``vocabulary`` is not a ``Vocabulary``.

    Example:
        >>> lm = CharLM.fit("the cat sat on the mat. " * 50, order=5)
        >>> lm.generate("the cat", max_new_tokens=17, seed=1)
        'the cat sat on the mat. '
        >>> known, unknown = lm.score_samples(["the mat", "xqzj kv"])
        >>> bool(known > unknown)
        True
    """

    def __init__(self, model: LanguageModel | CountModel, vocabulary: Vocabulary) -> None:
        check_pair(model, vocabulary)
        check_context_only(model, vocabulary)
        self._model = model
        self.vocabulary = vocabulary
        self.validation_nats: float | None = None
        """The mean loss in nats per character on the validation data that it was fitted with, if any."""
        self.calibration: Calibration | None = None
        """What held-out texts look like, if the model is calibrated."""

    @property
    def model(self) -> LanguageModel:
        """The model in PyTorch; a count model is converted on first use.

        From then on it replaces the count model, so changes to it take effect. A bigram then computes in float32.
        """
        self._model = as_language_model(self._model)
        return self._model

    @property
    def stored(self) -> LanguageModel | CountModel:
        """The model in the form in which it is stored: a count model, or a PyTorch model."""
        return self._model

    @property
    def family(self) -> str:
        """The name of the model's family."""
        return self._model.family

    @property
    def settings(self) -> dict[str, Any]:
        """The shape of the model, as JSON values."""
        return self._model.settings()

    @property
    def predictor(self) -> Predictor:
        """The NumPy interface to the model; for a count model the model itself, without PyTorch."""
        return self._model.predictor()

    @classmethod
    def fit(
        cls,
        source: Texts,
        model: Family | None = None,
        *,
        validation: Texts | None = None,
        init_from: CharLM | str | os.PathLike[str] | None = None,
        init_optimizer: bool = False,
        progress: bool | None = None,
        **settings: Unpack[FitKeywords],
    ) -> Self:
        """Returns a model fitted to a text, a file, or records.

        Args:
            source: A ``str`` is a text, a path a UTF-8 file that contains one, or a token file; any other iterable
                gives records, one text each, and a mapping gives the count of each record.
            model: ``"ngram"`` and ``"bigram"`` count, in two seconds or less per megabyte and without PyTorch;
                ``"trained-bigram"``, ``"gpt"`` (a Transformer) and ``"mixture"`` (of a Transformer and an n-gram model)
                are trained, for a minute or two on two cores. By default ``"ngram"``, or the family of ``init_from``.
            validation: Held-out data of the same kind, for ``validation_nats`` of the result and, for models that are
                trained, to keep the weights that are best on them. They add nothing to the vocabulary.
            init_from: A model to start from, or the file or run folder that has it: its weights, its shape, and its
                vocabulary, to which the new symbols of ``source`` are added; it is not changed itself. Parameters of it
                that are frozen stay frozen. For models that are trained; ``update`` adds texts to the others.
            init_optimizer: Whether to go on with the state of its optimizer too, which the newest checkpoint of a run
                has; its weights are then those of that checkpoint.
            progress: Whether to show on standard error how far training is, as ``Trainer.fit`` does, or that a long
                text is being counted. None shows it on a terminal and in a notebook.
            settings: How to make the model, such as ``order``: the fields of ``charlm.recipes.presets.Recipe``. By
                default, a tenth of the text is held out at first, to choose the order of an n-gram model and to tune
                its smoothing; then all of it is counted. Records of which most are equal, as in a list of frequencies,
                tell nothing about that, and get order 7. ``smoothing="learned"`` keeps the constants that come with the
                library, and ``"kneser-ney"`` is the classic model, of order 7 if none is given. ``memory="2GB"`` bounds
                what counting takes besides the text and the counts, and sorts what is above it on disk. And
                what is asked of the vocabulary, as in ``Vocabulary.from_text``: ``symbols``, ``unit``, ``min_count``
                and ``max_size``.

        Raises:
            ValueError: The source is empty or shorter than a window; a setting is out of range, or the model does not
                take it; a ``str`` is the name of a file; a record is empty, or its count is below 1. Or the model
                cannot start from ``init_from``; says what differs.
            CheckpointMismatchError: The optimizer of ``init_from`` is another one.
            OSError: The file cannot be read.
            FileDecodeError: It is not UTF-8.
            TypeError: ``source`` is none of these, a record is not a ``str``, its count is not an integer, or there is
                no such setting.
        """
        start, shown = _start(init_from, with_optimizer=init_optimizer), ShownProgress(progress=progress)
        recipe, asked, _ = sorted_settings(_family(model, start), settings)
        corpus = corpus_of(source, extends=None if start is None else start.vocabulary, **asked)
        held_out = None if validation is None else corpus_of(validation, "validation", vocabulary=corpus.vocabulary)
        return cls._trained(corpus, recipe, held_out, start, shown)

    @classmethod
    def fit_file(
        cls,
        sources: Source | Iterable[Source],
        model: Family | None = None,
        *,
        records: bool = False,
        validation: Source | Iterable[Source] | None = None,
        init_from: CharLM | str | os.PathLike[str] | None = None,
        init_optimizer: bool = False,
        progress: bool | None = None,
        note: Note = say_nothing,
        **settings: Unpack[FitFileKeywords],
    ) -> Self:
        r"""Returns a model fitted to files.

        Args:
            sources: Files, folders, patterns or URLs; see ``chartok.read_text``.
            model: As for ``fit``.
            records: Whether each line is a separate record, as ``chartok.read_records`` returns them.
            validation: Held-out files that are read in the same way; see ``fit``.
            init_from: As for ``fit``.
            init_optimizer: Likewise.
            progress: Likewise.
            note: Called with what is worth knowing about the files, one line each.
            settings: As for ``fit``, and those of ``chartok.ReadingSettings``: how to read the files.

        Raises:
            OSError: A file cannot be read, like the other errors of ``chartok.read_text``.
            ValueError: As for ``fit``.
            TypeError: As for ``fit``.
        """
        start, shown = _start(init_from, with_optimizer=init_optimizer), ShownProgress(progress=progress)
        recipe, asked, reading = sorted_settings(_family(model, start), settings, reads_files=True)
        read = partial(corpus_of_files, records=records, reading=reading, note=note)
        corpus = read(sources, extends=None if start is None else start.vocabulary, **asked)
        held_out = None if validation is None else read(validation, argument="validation", vocabulary=corpus.vocabulary)
        return cls._trained(corpus, recipe, held_out, start, shown)

    def update(self, source: Texts, **asked: Unpack[VocabularyKeywords]) -> Self:
        """Returns an n-gram model of the texts that this one has counted and of more, with what is new in them.

        It is that of a fit on all of them with the order and the smoothing of this model, whose constants are not tuned
        again. This model is not changed. New symbols get the next ids; what counted as ``unk`` before stays so.

        Args:
            source: As for ``fit``; of the same kind: records for a model of records, and else a text.
            asked: What is asked of the vocabulary: ``symbols``, ``unit`` and ``min_count``, as for ``fit``.

        Raises:
            ValueError: The model has no counts, or is none of n-grams, or of another kind than the source; like the
                other errors of ``fit``.

        Example:
            >>> lm = CharLM.fit(["anna", "hanna"], order=3)
            >>> lm.update(["zoë", "chloë"]).vocabulary.symbols
            ('a', 'h', 'n', 'c', 'l', 'o', 'z', 'ë')
        """
        check_known(asked, VocabularyKeywords.__annotations__)
        return self._updated(corpus_of(source, extends=self.vocabulary, **asked))

    def update_file(
        self,
        sources: Source | Iterable[Source],
        *,
        note: Note = say_nothing,
        **settings: Unpack[UpdateFileKeywords],
    ) -> Self:
        """Returns an n-gram model of the texts that this one has counted and of files; see ``update``.

        Args:
            sources: Files, folders, patterns or URLs, read as records for a model of records; see ``fit_file``.
            note: Called with what is worth knowing about the files, one line each.
            settings: As for ``update``, and those of ``chartok.ReadingSettings``: how to read the files.

        Raises:
            OSError: A file cannot be read, like the other errors of ``chartok.read_text``.
            ValueError: As for ``update``.
        """
        check_known(settings, UpdateFileKeywords.__annotations__)
        _, asked, reading = sorted_settings("ngram", settings, reads_files=True)
        read = partial(corpus_of_files, records=self.is_of_records, reading=reading, note=note)
        return self._updated(read(sources, extends=self.vocabulary, **asked))

    def _updated(self, corpus: Corpus) -> Self:
        from charlm.recipes.updating import update  # noqa: PLC0415 - a program that only scores starts without it

        return type(self)(update(self.stored, self.vocabulary, corpus), corpus.vocabulary)

    @classmethod
    def _trained(
        cls, corpus: Corpus, recipe: Recipe, validation: Corpus | None, start: Start | None, shown: ShownProgress
    ) -> Self:
        from charlm.recipes.train import train  # noqa: PLC0415 - a program that only scores starts without it

        with shown as hook:
            trained = train(corpus, recipe, validation=validation, start=start, hook=hook)
        lm = cls(trained.model, corpus.vocabulary)
        lm.validation_nats = trained.validation_nats
        return lm

    def save(self, path: str | os.PathLike[str], *, compact: bool = False) -> None:
        """Writes vocabulary, model, settings and calibration to one safe file; see ``save_model``."""
        calibration = None if self.calibration is None else self.calibration.to_dict()
        save_model(path, self._model, self.vocabulary, compact=compact, calibration=calibration)

    @classmethod
    def load(cls, path: str | os.PathLike[str], *, device: str | torch.device = "cpu") -> Self:
        """Returns the model in a file or a run folder; see ``load_model``.

        A count model runs on the CPU, without PyTorch, whatever the device.
        """
        check_device_name(device)
        model, file = load_with_file(path, device=device)
        try:
            lm = cls(model, file.vocabulary)
            lm.calibration = None if file.calibration is None else Calibration.from_dict(file.calibration)
            return lm  # noqa: TRY300
        except ValueError as error:
            raise CheckpointCorruptError(f"{os.fspath(path)!a} is not a valid model file: {error}") from error

    def facts(self) -> dict[str, Any]:
        """Returns a summary of the model: its family and settings, its training data and smoothing, and its size."""
        return {
            "family": self.family,
            "settings": self.settings,
            "learned_from": "records" if self.is_of_records else "text",
            "symbols": len(self.vocabulary.symbols),
            "special_tokens": list(self.vocabulary.special_tokens),
            "fingerprint": self.vocabulary.fingerprint,
            "smoothing": smoothing_of(self._model),
            **sizes(self._model),
            "calibrated_on": None if self.calibration is None else self.calibration.n_texts,
        }

    def _repr_html_(self) -> str:
        facts = self.facts()
        shown = {"family": facts["family"], **told_settings(facts["settings"]), "learned from": facts["learned_from"]}
        shown |= {"symbols": facts["symbols"], **told_sizes(facts)}
        return card("CharLM", {name: str(fact) for name, fact in shown.items()})

    def __repr__(self) -> str:
        kind = "records" if self.is_of_records else "text"
        return f"CharLM({self.family} model of {kind}, {len(self.vocabulary.symbols)} symbols)"


def _start(init_from: CharLM | str | os.PathLike[str] | None, *, with_optimizer: bool) -> Start | None:
    """Returns the model from which training starts, if any."""
    if flag("init_optimizer", with_optimizer) and not isinstance(init_from, str | os.PathLike):
        raise ValueError("init_optimizer continues with the optimizer of a run: give its folder as init_from")
    if init_from is None:
        return None
    if isinstance(init_from, CharLM):
        return Start(model=init_from.stored, vocabulary=init_from.vocabulary)
    if not isinstance(init_from, str | os.PathLike):
        raise TypeError(f"init_from must be a CharLM or a path, got {type(init_from).__name__}")
    return Start.of_file(init_from, with_optimizer=with_optimizer)


def _family(model: Family | None, start: Start | None) -> Family:
    if model is None and start is not None:
        return start.family
    return "ngram" if model is None else model


def check_context_only(model: LanguageModel | CountModel, vocabulary: Vocabulary) -> None:
    """Checks that a model never predicts what only ever comes before.

    Raises:
        ValueError: It could.
    """
    never = Framing(vocabulary).context_only
    if not set(never) <= set(model.context_only):
        raise ValueError(
            f"the model could predict special tokens that are contexts alone, {', '.join(map(str, never))}: make it "
            f"with context_only={never}"
        )
