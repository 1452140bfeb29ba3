"""A vocabulary and a model together: text in, text out."""

from __future__ import annotations

import math
import os
from typing import TYPE_CHECKING, Self, get_args, overload

import numpy as np
import torch

from charlm.evaluation.markup import escaped
from charlm.evaluation.scored_text import ScoredText
from charlm.evaluation.scoring import Evaluation, distributions, score_joined
from charlm.files.model_file import check_sizes, load_model, save_model
from charlm.generation.ids import generate, stream_ids
from charlm.generation.loop import started
from charlm.generation.records import allowed_ids, character_ids, sample_records, start_ids, stop_ids
from charlm.generation.sampling import SamplingSettings
from charlm.models.base import LanguageModel, evaluation_mode
from charlm.recipes.presets import ORDER, Family
from charlm.recipes.train import check_taken, count, encoded, special_tokens, train
from chartok import Vocabulary, read_text
from chartok.arguments import check_several, checked_texts, expected_text, positive_integer

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from typing import Unpack

    from numpy.typing import NDArray

    from charlm.generation.records import TextKeywords
    from charlm.recipes.presets import Size
    from charlm.training.config import TrainerConfig


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
        >>> lm.generate("the cat", max_new_tokens=17)
        'the cat sat on the mat. '
        >>> known, unknown = lm.score_samples(["the mat", "xqzj kv"])
        >>> bool(known > unknown)
        True
    """

    def __init__(self, model: LanguageModel, vocabulary: Vocabulary) -> None:
        if not isinstance(model, LanguageModel):
            raise TypeError(f"model must be a LanguageModel, got {type(model).__name__}")
        check_sizes(model, vocabulary)
        self.model = model
        self.vocabulary = vocabulary

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
        return "eos" in self.vocabulary.special_tokens

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
            array([-2.93, -9.69])
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

    def next_characters(self, context: str, *, k: int = 10) -> list[tuple[str, float]]:
        """Returns the ``k`` likeliest next characters with their probabilities, the likeliest first.

        They are what ``generate`` draws from after the same prompt, where no setting changes that.

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
        start = start_ids(self.vocabulary, context, "replace" if "unk" in self.vocabulary.special_tokens else "strict")
        with torch.inference_mode(), evaluation_mode(self.model):
            logits, _ = started(self.model, start, 1)
        probabilities = logits[0].softmax(-1).cpu()
        ids = character_ids(self.vocabulary)
        characters = zip(self.vocabulary.characters, probabilities[ids].tolist(), strict=True)
        return sorted(characters, key=lambda pair: -pair[1])[:k]

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
        ids = encoded(self.vocabulary, text, bos=True)[0]
        first = [] if "bos" in self.vocabulary.special_tokens else [list[tuple[str, float]]()]
        named = dict(zip(character_ids(self.vocabulary), self.vocabulary.characters, strict=True))
        if self.is_of_records:
            named[self.vocabulary.special_tokens["eos"]] = ""
        columns = list(named)
        alternatives = first[: len(ids)]
        for probabilities in distributions(self.model, ids):
            shares, places = probabilities[:, columns].topk(min(k, len(columns)))
            for row in zip(shares.tolist(), places.tolist(), strict=True):
                alternatives.append([(named[columns[place]], share) for share, place in zip(*row, strict=True)])
        return ScoredText(text=text, log_probabilities=self.log_probabilities(text), alternatives=alternatives)

    @overload
    def generate(self, prompt: str = "", *, n_samples: None = None, **settings: Unpack[TextKeywords]) -> str: ...
    @overload
    def generate(self, prompt: str = "", *, n_samples: int, **settings: Unpack[TextKeywords]) -> list[str]: ...
    def generate(  # noqa: PLR0913 - each is a setting that users name
        self,
        prompt: str = "",
        *,
        max_new_tokens: int = 500,
        n_samples: int | None = None,
        temperature: float = 1.0,
        top_k: int | None = None,
        top_p: float | None = None,
        min_p: float | None = None,
        repetition_penalty: float | None = None,
        allowed: str | None = None,
        stop: Iterable[str] | None = None,
        seed: int = 0,
    ) -> str | list[str]:
        """Returns a prompt and what the model goes on with; a model of records stops at the end of one.

        Args:
            prompt: Where to begin.
            max_new_tokens: The most characters to add.
            n_samples: How many texts, drawn side by side; the first is what is drawn alone. None gives one, not in a
                list. ``charlm.generate`` says how far they depend on each other.
            temperature: Below 1 the likely become likelier, above 1 less so; 0 takes the likeliest each time.
            top_k: Draw from the ``top_k`` likeliest characters alone; more than there are takes all.
            top_p: Draw from the fewest likeliest characters whose probabilities sum to ``top_p``; above 0, at most 1.
            min_p: Draw from the characters at least ``min_p`` times as likely as the likeliest, from 0 to 1.
            repetition_penalty: The power to which the probability of a character is raised that is already there;
                above 1 the text repeats its characters less.
            allowed: The characters that may be added; None allows all. Records may end in any case.
            stop: Strings before which the text ends: it is cut off before the first that comes after the prompt.
            seed: Decides every draw.

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
        samples = generate(
            self.model,
            start := start_ids(self.vocabulary, prompt),
            max_new_tokens=max_new_tokens,
            n_samples=1 if n_samples is None else n_samples,
            temperature=temperature,
            top_k=top_k,
            top_p=top_p,
            min_p=min_p,
            repetition_penalty=repetition_penalty,
            allowed=allowed_ids(self.vocabulary, allowed),
            stop=stop_ids(self.vocabulary, stop),
            seed=seed,
            seen=self.vocabulary.encode(prompt),
        )
        texts = [prompt + self.vocabulary.decode(sample[len(start) :].cpu()) for sample in samples]
        return texts[0] if n_samples is None else texts

    def stream(  # noqa: PLR0913 - each is a setting that users name
        self,
        prompt: str = "",
        *,
        max_new_tokens: int = 500,
        temperature: float = 1.0,
        top_k: int | None = None,
        top_p: float | None = None,
        min_p: float | None = None,
        repetition_penalty: float | None = None,
        allowed: str | None = None,
        stop: Iterable[str] | None = None,
        seed: int = 0,
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
        new = stream_ids(
            self.model,
            start_ids(self.vocabulary, prompt),
            max_new_tokens=max_new_tokens,
            temperature=temperature,
            top_k=top_k,
            top_p=top_p,
            min_p=min_p,
            repetition_penalty=repetition_penalty,
            allowed=allowed_ids(self.vocabulary, allowed),
            stop=stop_ids(self.vocabulary, stop),
            seed=seed,
            seen=self.vocabulary.encode(prompt),
        )
        character_of = dict(zip(character_ids(self.vocabulary), self.vocabulary.characters, strict=True))
        return (character_of[token_id] for token_id in new)

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
        temperature: float = 1.0,
        top_k: int | None = None,
        top_p: float | None = None,
        min_p: float | None = None,
        repetition_penalty: float | None = None,
        seed: int = 0,
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
            temperature: As for ``generate``.
            top_k: As for ``generate``.
            top_p: As for ``generate``.
            min_p: As for ``generate``.
            repetition_penalty: As for ``generate``.
            seed: Decides every draw.

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
        settings = SamplingSettings(
            temperature=temperature, top_k=top_k, top_p=top_p, min_p=min_p, repetition_penalty=repetition_penalty
        )
        return sample_records(
            self.vocabulary,
            self.model,
            n_samples,
            settings,
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
        save_model(path, self.model, self.vocabulary)

    @classmethod
    def load(cls, path: str | os.PathLike[str], *, device: str | torch.device = "cpu") -> Self:
        """Returns the model that a file or a run folder holds; see ``load_model``."""
        return cls(*load_model(path, device=device))

    def _repr_html_(self) -> str:
        facts = {
            "family": self.model.family,
            **self.model.settings(),
            "learned from": "records" if self.is_of_records else "text",
            "characters": len(self.vocabulary.characters),
            "values": f"{sum(tensor.numel() for tensor in self.model.state_dict().values()):,}",
        }
        left = 'style="text-align:left"'
        rows = "".join(
            f"<tr><th {left}>{escaped(name)}</th><td {left}>{escaped(str(fact))}</td></tr>"
            for name, fact in facts.items()
        )
        return f"<table><caption>CharLM</caption>{rows}</table>"

    def __repr__(self) -> str:
        kind = "records" if self.is_of_records else "text"
        return f"CharLM({type(self.model).__name__} of {kind}, {len(self.vocabulary.characters)} characters)"

    def _scores(self, texts: list[str]) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
        """Returns the scores of all texts, one text after the other, and how many each has."""
        ids, lengths = encoded(self.vocabulary, texts, bos=True)
        scores = score_joined(self.model, ids, lengths)
        if "bos" in self.vocabulary.special_tokens:
            return scores, lengths - 1
        is_first = np.zeros(len(ids), dtype=bool)
        is_first[(np.cumsum(lengths) - lengths)[lengths > 0]] = True
        whole = np.full(len(ids), -math.log(self.vocabulary.size))
        whole[~is_first] = scores
        return whole, lengths


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
