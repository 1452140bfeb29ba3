"""A vocabulary and a model together: text in, text out."""

from __future__ import annotations

import math
import os
from typing import TYPE_CHECKING, Any, Self, get_args, overload

import numpy as np

from charlm.evaluation.markup import escaped
from charlm.evaluation.scored_text import ScoredText
from charlm.evaluation.scoring import Evaluation
from charlm.files.model_file import check_sizes, load_count_model, load_model, model_arrays, save_model
from charlm.generation.framing import Framing
from charlm.generation.ids import stream_ids
from charlm.generation.loop import continuations
from charlm.generation.records import sample_records
from charlm.generation.sampling import SamplingKeywords, SamplingSettings, log_softmax
from charlm.models.registry import as_language_model
from charlm.recipes.presets import ORDER, Family
from charlm.recipes.train import check_taken, count, special_tokens, train
from charlm.runtime.seeds import derived_seed
from chartok import Vocabulary, read_text
from chartok.arguments import check_several, checked_texts, expected_text, integer, positive_integer

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from typing import Unpack

    import torch
    from numpy.typing import NDArray

    from charlm.evaluation.scored_text import Alternatives
    from charlm.models.base import LanguageModel
    from charlm.models.predictor import CountModel, Predictor
    from charlm.recipes.presets import Size
    from charlm.training.config import TrainerConfig


class TextKeywords(SamplingKeywords, total=False):
    """What the overloads of ``CharLM.generate`` have in common."""

    max_new_tokens: int
    allowed: str | None
    stop: Iterable[str] | None
    seed: int
    settings: SamplingSettings | None


class CharLM:
    """A language model of characters: it scores text and makes text up.

    A model of text knows neither where a passage begins nor where it ends: its first character is predicted from
    nothing. A model of records (names, log lines) does: it scores the end of a record too, and makes up whole ones.
    A character that the vocabulary does not have is scored as the ``unk`` token, which is rare, not impossible.

    Args:
        model: A model of any family.
        vocabulary: What its ids mean; with an ``eos`` token the model is one of records.

    Raises:
        ValueError: The vocabulary is not of the size that the model has.
        TypeError: ``model`` is not a ``LanguageModel``.

    Example:
        >>> lm = CharLM.fit("the cat sat on the mat. " * 50, order=5)
        >>> lm.generate("the cat", max_new_tokens=17, seed=1)
        'the cat sat on the mat. '
        >>> known, unknown = lm.score_samples(["the mat", "xqzj kv"])
        >>> bool(known > unknown)
        True
    """

    def __init__(self, model: LanguageModel | CountModel, vocabulary: Vocabulary) -> None:
        if not hasattr(model, "predictor"):
            raise TypeError(f"model must be a LanguageModel, got {type(model).__name__}")
        check_sizes(model, vocabulary)
        self._model = model
        self._framing = Framing(vocabulary)
        self.vocabulary = vocabulary

    @property
    def model(self) -> LanguageModel:
        """The model in PyTorch; that of a count model is made when it is first asked for."""
        self._model = as_language_model(self._model)
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
        """What answers for the model on NumPy arrays; of a count model the model itself, without PyTorch."""
        return self._model.predictor()

    @classmethod
    def fit(
        cls,
        source: str | os.PathLike[str] | Iterable[str],
        model: Family = "ngram",
        *,
        order: int | None = None,
        smoothing: float | None = None,
        size: Size | None = None,
        config: TrainerConfig | None = None,
        device: str | torch.device | None = None,
    ) -> Self:
        """Returns a model that has learned from a text, a file, or records.

        Args:
            source: A ``str`` is a text, a path a UTF-8 file that holds one; any other iterable gives records, one
                text each.
            model: ``"ngram"`` (interpolated modified Kneser-Ney) and ``"bigram"`` (one character of context) count,
                in less than a second a megabyte; ``"gpt"`` (a Transformer) and ``"mixture"`` (of a Transformer and an
                n-gram model) are trained, for a minute or two on two cores.
            order: Of the n-gram model, alone or in a mixture: one more than the characters of context; None takes 7.
            smoothing: Of the bigram: what is added to each count; None takes 1.
            size: Of the Transformer: ``"nano"``, ``"small"`` or ``"base"``; None takes what suits the device.
            config: How to train the Transformer; None takes ``charlm.recipes.presets.RECIPES[model]``.
            device: Where to train the Transformer; the model stays there. None and ``"auto"`` take the best there is.

        Raises:
            ValueError: There is nothing to learn from, or less than a window, or a setting is out of range, or the
                model does not take it.
            OSError: The file cannot be read.
            FileDecodeError: It is not UTF-8.
            TypeError: ``source`` is nothing of these, or a record is not a ``str``.
        """
        if model not in get_args(Family):
            raise ValueError(f"model must be one of {', '.join(get_args(Family))}, got {model!a}")
        settings = {"order": order, "smoothing": smoothing, "size": size, "config": config, "device": device}
        check_taken(model, [name for name, value in settings.items() if value is not None])
        if isinstance(source, os.PathLike):
            source = read_text(source)
        texts = list(checked_texts(source, "source"))
        if not texts or not all(texts):
            raise ValueError("there is nothing to learn from: the text or a record is empty, or there is no record")
        roles = special_tokens(model, is_text=isinstance(source, str))
        vocabulary = Vocabulary.from_text(texts, special_tokens=roles)
        order = ORDER if order is None else order
        if model == "ngram" or model == "bigram":  # noqa: PLR1714 - as a type checker understands it
            smoothing = 1.0 if smoothing is None else smoothing
            return cls(count(vocabulary, texts, model, order=order, smoothing=smoothing), vocabulary)
        learned = train(vocabulary, texts, model, order=order, size=size, config=config, device=device or "auto")
        return cls(learned, vocabulary)

    @property
    def is_of_records(self) -> bool:
        """Whether the model knows where its texts begin and end."""
        return self._framing.is_of_records

    def log_probabilities(self, text: str) -> NDArray[np.float64]:
        """Returns the natural logarithm of the probability of each character, given those before it.

        Args:
            text: Any string; the empty one too.

        Returns:
            float64 ``(len(text),)`` in nats; of a model of records one more, that of the end.

        Raises:
            UnknownCharacterError: The vocabulary has neither the character nor an ``unk`` token.
            TypeError: ``text`` is not a ``str``.
        """
        if not isinstance(text, str):
            raise TypeError(expected_text("text", text))
        return self._scores([text])[0]

    def score_samples(self, texts: Iterable[str]) -> NDArray[np.float64]:
        """Returns the natural log-likelihood of each text, float64 ``(N,)``, in nats; 0 for an empty passage.

        Args:
            texts: Strings of any lengths.

        Raises:
            UnknownCharacterError: The vocabulary has neither a character nor an ``unk`` token.
            TypeError: ``texts`` is one ``str`` or no iterable.

        Example:
            >>> CharLM.fit(["ada", "ava", "eva"]).score_samples(["ava", "vvv"]).round(2)
            array([-2.68, -8.67])
        """
        check_several(texts, "texts")
        scores, lengths = self._scores(list(texts))
        starts = np.cumsum(lengths) - lengths
        totals = np.zeros(len(lengths))
        totals[lengths > 0] = np.add.reduceat(scores, starts[lengths > 0])
        return totals

    def evaluate(self, text: str) -> Evaluation:
        """Returns the mean loss over a text, in nats, bits per character, bits per UTF-8 byte and perplexity.

        The end of a record counts as one character of one byte, that of its line end.

        Raises:
            ValueError: There is nothing to score.
            TypeError: ``text`` is not a ``str``.
            UnknownCharacterError: The vocabulary has neither a character nor an ``unk`` token.
        """
        scores = self.log_probabilities(text)
        if not len(scores):
            raise ValueError("text is empty: there is no mean over no characters")
        utf8_bytes = len(text.encode("utf-8", "surrogatepass")) + self.is_of_records
        return Evaluation(nats_per_character=-float(scores.mean()), characters=len(scores), utf8_bytes=utf8_bytes)

    def bits_per_character(self, text: str) -> float:
        """Returns the mean loss in bits, over the characters of a text (and the end of a record)."""
        return self.evaluate(text).bits_per_character

    def perplexity(self, text: str) -> float:
        """Returns the perplexity of a text: ``exp`` of the mean loss in nats."""
        return self.evaluate(text).perplexity

    def next_characters(self, context: str, *, k: int = 10) -> Alternatives:
        """Returns the ``k`` likeliest next characters with their probabilities, the likeliest first.

        They are what ``generate`` draws from after the same prompt, where no setting changes that: all that may come,
        of records the end too, which is the empty string. Their probabilities sum to 1. An unknown character cannot be
        written, so it has none of them.

        Args:
            context: What stands before; of records, from their start.
            k: How many, at most.

        Raises:
            UnknownCharacterError: The vocabulary has neither a character nor an ``unk`` token.
            ValueError: ``k`` is below 1.

        Example:
            >>> CharLM.fit("abcabcabd" * 20).next_characters("cab", k=1)[0][0]
            'c'
        """
        positive_integer("k", k)
        start = self._framing.prompt(context, self._framing.errors)
        logits, _ = self.predictor.start(np.array([start], dtype=np.int64))
        return self._likeliest(logits[0].astype(np.float64), k)

    def _likeliest(self, logits: NDArray[np.float64], k: int) -> Alternatives:
        """Returns the likeliest of what may come, with its probability among all that may."""
        named = self._framing.outcomes()
        probabilities = np.exp(log_softmax(logits[list(named)]))
        ranked = np.argsort(-probabilities, kind="stable")[:k]
        names = list(named.values())
        return [(names[place], float(probabilities[place])) for place in ranked.tolist()]

    def inspect(self, text: str, *, k: int = 5) -> ScoredText:
        """Returns the text with the log-probability of each character and the likeliest alternatives to it.

        Args:
            text: Any string. All distributions are made at once: a text of some thousand characters is meant.
            k: How many alternatives, at most.

        Raises:
            UnknownCharacterError: The vocabulary has neither the character nor an ``unk`` token.
            ValueError: ``k`` is below 1.

        Example:
            >>> CharLM.fit("abcabcabd" * 20).inspect("ab", k=1).alternatives[1][0][0]
            'b'
        """
        positive_integer("k", k)
        log_probabilities = self.log_probabilities(text)
        ids = self._framing.to_score([text])[0]
        rows = self.predictor.distributions(ids[:-1]) if len(ids) > 1 else []
        alternatives = [self._likeliest(row.astype(np.float64), k) for block in rows for row in block]
        nothing_before = len(log_probabilities) - len(alternatives)
        return ScoredText(
            text=text,
            log_probabilities=log_probabilities,
            alternatives=[list[tuple[str, float]]() for _ in range(nothing_before)] + alternatives,
        )

    @overload
    def generate(self, prompt: str = "", *, n_samples: None = None, **keywords: Unpack[TextKeywords]) -> str: ...
    @overload
    def generate(self, prompt: str = "", *, n_samples: int, **keywords: Unpack[TextKeywords]) -> list[str]: ...
    def generate(
        self,
        prompt: str = "",
        *,
        max_new_tokens: int = 500,
        n_samples: int | None = None,
        allowed: str | None = None,
        stop: Iterable[str] | None = None,
        seed: int = 0,
        settings: SamplingSettings | None = None,
        **sampling: Unpack[SamplingKeywords],
    ) -> str | list[str]:
        """Returns a prompt and what the model goes on with; a model of records stops at the end of one.

        Args:
            prompt: Where to begin.
            max_new_tokens: The most characters to add.
            n_samples: How many texts, drawn side by side; the first is what is drawn alone. None gives one, not in a
                list. ``charlm.generate`` says how far they depend on each other.
            allowed: The characters that may be added; None allows all. Records may end in any case.
            stop: Strings before which the text ends: it is cut off before the first that comes after the prompt.
            seed: Decides every draw.
            settings: How characters are chosen.
            sampling: Fields of ``SamplingSettings`` (``temperature``, ``top_k``, ``top_p``, ``min_p``,
                ``repetition_penalty``), which count more than ``settings``.

        Raises:
            UnknownCharacterError: A character of the prompt is not in the vocabulary.
            ValueError: A setting is out of range, a stop string is empty, ``allowed`` holds no character of the
                vocabulary, or at some point all that may come has probability zero.
            TypeError: An argument is of the wrong type; one ``str`` as ``stop``.

        Example:
            >>> lm = CharLM.fit("one, two, three. " * 50, order=5)
            >>> lm.generate("on", stop=[". ", "!"], temperature=0)
            'one, two, three'
            >>> lm.generate("on", max_new_tokens=6, n_samples=2, top_p=0.5)
            ['one, two', 'one, two']
        """
        start = self._framing.prompt(prompt)
        others = [] if n_samples is None else range(1, positive_integer("n_samples", n_samples))
        samples = continuations(
            self._model,
            start,
            [integer("seed", seed), *(derived_seed(seed, index) for index in others)],
            (settings or SamplingSettings()).with_keywords(**sampling),
            max_new_tokens=max_new_tokens,
            allowed=list(self._framing.outcomes(allowed)),
            stop=self._framing.stops(stop),
            seen=self.vocabulary.encode(prompt),
        )
        texts = [prompt + self.vocabulary.decode(sample) for sample in samples]
        return texts[0] if n_samples is None else texts

    def stream(
        self,
        prompt: str = "",
        *,
        max_new_tokens: int = 500,
        allowed: str | None = None,
        stop: Iterable[str] | None = None,
        seed: int = 0,
        settings: SamplingSettings | None = None,
        **sampling: Unpack[SamplingKeywords],
    ) -> Iterator[str]:
        """Yields the characters that ``generate`` adds to the prompt, one at a time.

        Arguments are those of ``generate``, and checked at the call. A character comes as soon as it is clear that no
        stop string includes it.

        Raises:
            UnknownCharacterError: As for ``generate``.
            ValueError: As for ``generate``.
            TypeError: As for ``generate``.

        Example:
            >>> "".join(CharLM.fit("abc" * 100, order=3).stream("ab", max_new_tokens=4))
            'cabc'
        """
        outcomes = self._framing.outcomes()
        new = stream_ids(
            self._model,
            self._framing.prompt(prompt),
            max_new_tokens=max_new_tokens,
            allowed=list(self._framing.outcomes(allowed)),
            stop=self._framing.stops(stop),
            seed=seed,
            seen=self.vocabulary.encode(prompt),
            settings=settings,
            **sampling,
        )
        return (outcomes[token_id] for token_id in new)

    def sample(  # noqa: PLR0913 - what one asks of a name
        self,
        n_samples: int,
        *,
        prefix: str = "",
        min_length: int = 1,
        max_length: int = 100,
        unique: bool = True,
        exclude: Iterable[str] = (),
        allowed: str | None = None,
        seed: int = 0,
        settings: SamplingSettings | None = None,
        **sampling: Unpack[SamplingKeywords],
    ) -> list[str]:
        """Returns whole records that the model makes up, none of which depends on how many are asked for.

        Args:
            n_samples: How many.
            prefix: What each begins with.
            min_length: Their least length, the prefix included.
            max_length: Their greatest length.
            unique: None comes twice.
            exclude: None of these comes; for new names, the names that the model has learned from.
            allowed: The characters that may be added; None allows all.
            seed: Decides every draw.
            settings: How characters are chosen.
            sampling: Fields of ``SamplingSettings``, which count more than ``settings``.

        Raises:
            ValueError: The model is not one of records, or a setting is out of range, or too few such records come up.
            UnknownCharacterError: A character of the prefix is not in the vocabulary.
            TypeError: An argument is of the wrong type; one ``str`` as ``exclude``.

        Example:
            >>> lm = CharLM.fit(["anna", "hanna", "joanna", "johanna"], order=3)
            >>> all(name.startswith("j") for name in lm.sample(2, prefix="j", seed=1))
            True
        """
        if not self.is_of_records:
            raise ValueError("this is a model of text, which has no ends: fit it to records, or call generate")
        return sample_records(
            self.vocabulary,
            self._model,
            n_samples,
            (settings or SamplingSettings()).with_keywords(**sampling),
            prefix=prefix,
            min_length=min_length,
            max_length=max_length,
            unique=unique,
            exclude=exclude,
            allowed=allowed,
            seed=seed,
        )

    def save(self, path: str | os.PathLike[str]) -> None:
        """Writes vocabulary, model and settings to one safe file; see ``save_model``."""
        save_model(path, self._model, self.vocabulary)

    @classmethod
    def load(cls, path: str | os.PathLike[str], *, device: str | torch.device = "cpu") -> Self:
        """Returns the model that a file or a run folder holds; see ``load_model``.

        A count model computes on the CPU, without PyTorch, whatever the device.
        """
        return cls(*(load_count_model(path) or load_model(path, device=device)))

    def facts(self) -> dict[str, Any]:
        """Returns what there is to say of the model: its family and settings, what it has learned from, its size."""
        tables = model_arrays(self._model)
        return {
            "family": self.family,
            "settings": self.settings,
            "learned_from": "records" if self.is_of_records else "text",
            "characters": len(self.vocabulary.characters),
            "special_tokens": list(self.vocabulary.special_tokens),
            "fingerprint": self.vocabulary.fingerprint,
            "parameters": sum(math.prod(table.shape) for table in tables.values()),
            "bytes": sum(table.nbytes for table in tables.values()),
        }

    def _repr_html_(self) -> str:
        facts = self.facts()
        shown = {"family": facts["family"], **facts["settings"], "learned from": facts["learned_from"]}
        shown |= {"characters": facts["characters"], "parameters": f"{facts['parameters']:,}"}
        left = 'style="text-align:left"'
        rows = "".join(
            f"<tr><th {left}>{escaped(name)}</th><td {left}>{escaped(str(fact))}</td></tr>"
            for name, fact in shown.items()
        )
        return f"<table><caption>CharLM</caption>{rows}</table>"

    def __repr__(self) -> str:
        kind = "records" if self.is_of_records else "text"
        return f"CharLM({self.family} model of {kind}, {len(self.vocabulary.characters)} characters)"

    def _scores(self, texts: list[str]) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
        """Returns the scores of all texts, one text after the other, and how many each has."""
        framing = self._framing
        ids, lengths = framing.to_score(texts)
        is_first = np.zeros(len(ids), dtype=bool)
        is_first[(np.cumsum(lengths) - lengths)[lengths > 0]] = True
        scores = np.full(len(ids), -math.log(self.vocabulary.size - len(framing.context_only)))
        scores[~is_first] = self.predictor.scores(ids, lengths)
        if framing.unk is not None:
            scores[ids == framing.unk] += framing.log_share_of_unknown
        return (scores, lengths) if framing.bos is None else (scores[~is_first], lengths - 1)


def classify(models: Mapping[str, CharLM], texts: Iterable[str]) -> list[str]:
    """Returns for each text the name of the model that gives it the highest likelihood.

    Args:
        models: The models by name.
        texts: Strings.

    Raises:
        ValueError: There is no model.
        TypeError: ``texts`` is one ``str``, or holds something else.
        UnknownCharacterError: A model's vocabulary has neither a character nor an ``unk`` token.

    Example:
        >>> models = {"abc": CharLM.fit("abcabc" * 9), "xyz": CharLM.fit("xyzxyz" * 9)}
        >>> classify(models, ["cab", "zxy"])
        ['abc', 'xyz']
    """
    if not models:
        raise ValueError("models is empty: give at least one")
    check_several(texts, "texts")
    texts = list(texts)
    scores = np.stack([model.score_samples(texts) for model in models.values()])
    names = list(models)
    return [names[best] for best in scores.argmax(axis=0)]
