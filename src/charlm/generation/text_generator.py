"""Generates text."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Any, Literal, overload

from charlm.data.framing import Framing
from charlm.generation.loop import continuation, continuations
from charlm.generation.records import sample_records
from charlm.generation.samples import as_asked
from charlm.generation.settings import SamplingKeywords, sampling_settings
from charlm.runtime.seeds import seeds_of_samples
from chartok.arguments import checked_texts, expected_text, flag

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from typing import TypeAlias, Unpack

    import numpy as np
    from numpy.typing import NDArray

    from charlm.generation.settings import SamplingSettings
    from charlm.models.predictor import PredictingModel
    from chartok import Vocabulary
    from chartok.arguments import Errors

    Scores: TypeAlias = NDArray[np.float64]


class TextKeywords(SamplingKeywords, total=False):
    """The keywords that the overloads of ``CharLM.generate`` share."""

    max_new_tokens: int
    allowed: Iterable[str] | None
    stop: Iterable[str] | None
    errors: Errors
    seed: int | None
    settings: SamplingSettings | None


class RecordKeywords(SamplingKeywords, total=False):
    """The keywords that the overloads of ``CharLM.sample`` share."""

    prefix: str
    min_length: int
    max_length: int
    unique: bool
    exclude: Iterable[str]
    allowed: Iterable[str] | None
    seed: int | None
    settings: SamplingSettings | None


class TextGenerator(ABC):
    """The part of ``CharLM`` that generates text.

    Attributes:
        vocabulary: The vocabulary of the model.
    """

    vocabulary: Vocabulary

    @property
    @abstractmethod
    def stored(self) -> PredictingModel:
        """The model in the form in which it is stored."""

    @overload
    def generate(
        self,
        prompt: str = "",
        *,
        n_samples: None = None,
        return_scores: Literal[False] = False,
        **keywords: Unpack[TextKeywords],
    ) -> str: ...
    @overload
    def generate(
        self,
        prompt: str = "",
        *,
        n_samples: None = None,
        return_scores: Literal[True],
        **keywords: Unpack[TextKeywords],
    ) -> tuple[str, Scores]: ...
    @overload
    def generate(
        self,
        prompt: str = "",
        *,
        n_samples: int,
        return_scores: Literal[False] = False,
        **keywords: Unpack[TextKeywords],
    ) -> list[str]: ...
    @overload
    def generate(
        self,
        prompt: str = "",
        *,
        n_samples: int,
        return_scores: Literal[True],
        **keywords: Unpack[TextKeywords],
    ) -> tuple[list[str], list[Scores]]: ...
    @overload
    def generate(
        self,
        prompt: list[str] | tuple[str, ...],
        *,
        n_samples: None = None,
        return_scores: Literal[False] = False,
        **keywords: Unpack[TextKeywords],
    ) -> list[str]: ...
    @overload
    def generate(
        self,
        prompt: list[str] | tuple[str, ...],
        *,
        n_samples: None = None,
        return_scores: Literal[True],
        **keywords: Unpack[TextKeywords],
    ) -> tuple[list[str], list[Scores]]: ...
    @overload
    def generate(
        self,
        prompt: list[str] | tuple[str, ...],
        *,
        n_samples: int,
        return_scores: Literal[False] = False,
        **keywords: Unpack[TextKeywords],
    ) -> list[list[str]]: ...
    @overload
    def generate(
        self,
        prompt: list[str] | tuple[str, ...],
        *,
        n_samples: int,
        return_scores: Literal[True],
        **keywords: Unpack[TextKeywords],
    ) -> tuple[list[list[str]], list[list[Scores]]]: ...
    def generate(  # noqa: PLR0913 - each is a setting that users name
        self,
        prompt: str | list[str] | tuple[str, ...] = "",
        *,
        max_new_tokens: int = 500,
        n_samples: int | None = None,
        allowed: Iterable[str] | None = None,
        stop: Iterable[str] | None = None,
        errors: Errors = "strict",
        seed: int | None = 0,
        return_scores: bool = False,
        settings: SamplingSettings | None = None,
        **sampling: Unpack[SamplingKeywords],
    ) -> Any:
        """Returns a prompt, or each of several, and the model's continuation of it.

        A model of records stops at the end of a record.

        Args:
            prompt: The text to continue, or a list of several. Each is continued as it would be alone, with the same
                seed; an empty one is a start without context.
            max_new_tokens: The maximum number of symbols to add.
            n_samples: How many texts to draw for each prompt; the first is the one drawn alone. None returns a single
                text, not in a list. ``charlm.generate`` describes how far they are independent.
            allowed: The symbols that may be added, where a ``str`` gives its characters; None allows all.
                The end of a record is always allowed.
            stop: Strings before which the text ends: it is cut off before the first one generated, even
                within a symbol. A string that can never be generated gets a warning.
            errors: What the model sees of a character of the prompt that it does not know: ``"replace"`` gives it
                ``unk``, ``"ignore"`` nothing. The text has the character in either case.
            seed: Determines every draw; None draws a new one, which the logger ``charlm`` tells.
            return_scores: Whether to return, besides the texts, the natural logarithm of the probability of each symbol
                that was added, as ``log_probabilities`` does: that of the model itself, whatever the settings. A symbol
                that a stop string cuts through has none; the end of a record, where the text ends with it, has one.
            settings: How to sample.
            sampling: Fields of ``SamplingSettings`` (``temperature``, ``top_k``, ``top_p``, ``min_p``,
                ``repetition_penalty``), which override ``settings``.

        Returns:
            A text; a list of ``n_samples`` of them if ``n_samples`` is given, and for a list of prompts a list with
            that of each. With ``return_scores``, a pair of that and of as many float64 arrays, in nats.

        Raises:
            UnknownCharacterError: A character of the prompt is not in the vocabulary, under ``"strict"``.
            ValueError: A setting is out of range, a stop string is empty, ``allowed`` has no character of the
                vocabulary, or at some point everything allowed has probability zero.
            TypeError: An argument has the wrong type, such as a single ``str`` for ``stop``.

        Example:
            >>> from charlm import CharLM
            >>> lm = CharLM.fit("one, two, three. " * 50, order=5)
            >>> lm.generate("on", stop=[". "], temperature=0)
            'one, two, three'
            >>> lm.generate("on", max_new_tokens=6, n_samples=2, top_p=0.5)
            ['one, two', 'one, two']
            >>> lm.generate(["on", "one, t", ""], max_new_tokens=3, temperature=0)
            ['one, ', 'one, two,', 'ee.']
        """
        framing = Framing(self.vocabulary)
        prompts, outcomes = _checked_prompts(prompt), framing.outcomes(allowed)
        found = continuations(
            self.stored,
            [framing.prompt(prompt, errors)] if isinstance(prompt, str) else framing.prompts(prompts, errors),
            seeds_of_samples(seed, n_samples),
            sampling_settings(settings, **sampling),
            max_new_tokens=max_new_tokens,
            allowed=list(outcomes),
            stop=framing.stops(stop, outcomes),
            end=framing.eos,
            seen=[self.vocabulary.encode(text, errors).tolist() for text in prompts],
            spelling=framing.spelling(),
            is_scored=flag("return_scores", return_scores),
        )
        several = not isinstance(prompt, str)
        texts = [
            [before + "".join(map(chr, sample.ids)) for sample in samples]
            for before, samples in zip(prompts, found, strict=True)
        ]
        whole = as_asked(texts, several=several, n_samples=n_samples)
        if not return_scores:
            return whole
        scores = [[sample.log_probabilities for sample in samples] for samples in found]
        return whole, as_asked(scores, several=several, n_samples=n_samples)

    def stream(
        self,
        prompt: str = "",
        *,
        max_new_tokens: int = 500,
        allowed: Iterable[str] | None = None,
        stop: Iterable[str] | None = None,
        errors: Errors = "strict",
        seed: int | None = 0,
        settings: SamplingSettings | None = None,
        **sampling: Unpack[SamplingKeywords],
    ) -> Iterator[str]:
        """Yields the characters that ``generate`` adds to the prompt, one at a time.

        The arguments are those of ``generate`` and are checked at the call. A character is yielded once it cannot be
        part of a stop string.

        Raises:
            UnknownCharacterError: As for ``generate``.
            ValueError: As for ``generate``.
            TypeError: As for ``generate``; or there are several prompts, of which ``stream`` takes one.

        Example:
            >>> from charlm import CharLM
            >>> "".join(CharLM.fit("abc" * 100, order=3).stream("ab", max_new_tokens=4))
            'cabc'
        """
        if not isinstance(prompt, str):
            raise TypeError(f"{expected_text('prompt', prompt)}: stream continues one prompt, generate several")
        framing = Framing(self.vocabulary)
        outcomes = framing.outcomes(allowed)
        new = continuation(
            self.stored,
            framing.prompt(prompt, errors),
            sampling_settings(settings, **sampling),
            max_new_tokens=max_new_tokens,
            allowed=list(outcomes),
            stop=framing.stops(stop, outcomes),
            seed=seed,
            seen=self.vocabulary.encode(prompt, errors).tolist(),
            end=framing.eos,
            spelling=framing.spelling(),
        )
        return map(chr, new)

    @overload
    def sample(
        self, n_samples: int, *, return_scores: Literal[False] = False, **keywords: Unpack[RecordKeywords]
    ) -> list[str]: ...
    @overload
    def sample(
        self, n_samples: int, *, return_scores: Literal[True], **keywords: Unpack[RecordKeywords]
    ) -> tuple[list[str], list[Scores]]: ...
    def sample(  # noqa: PLR0913 - what one asks of a name
        self,
        n_samples: int,
        *,
        prefix: str = "",
        min_length: int = 1,
        max_length: int = 100,
        unique: bool = True,
        exclude: Iterable[str] = (),
        allowed: Iterable[str] | None = None,
        seed: int | None = 0,
        return_scores: bool = False,
        settings: SamplingSettings | None = None,
        **sampling: Unpack[SamplingKeywords],
    ) -> Any:
        """Returns whole records generated by the model, none of which depends on ``n_samples``.

        Args:
            n_samples: How many records.
            prefix: What each begins with.
            min_length: Their minimum length, including the prefix.
            max_length: Their maximum length.
            unique: Return no record twice.
            exclude: Records not to return; for new names, those in the training data.
            allowed: The symbols that may be added, where a ``str`` gives its characters; None allows all.
            seed: Determines every draw; None draws a new one, which the logger ``charlm`` tells.
            return_scores: Whether to return a pair: the records, and of each the log-probabilities of the symbols after
                the prefix and of the end, as for ``generate``.
            settings: How to sample.
            sampling: Fields of ``SamplingSettings``, which override ``settings``.

        Raises:
            ValueError: The model is not one of records, a setting is out of range, or too few such records are
                generated.
            UnknownCharacterError: A character of the prefix is not in the vocabulary.
            TypeError: An argument has the wrong type, such as a single ``str`` for ``exclude``.

        Example:
            >>> from charlm import CharLM
            >>> lm = CharLM.fit(["anna", "hanna", "joanna", "johanna"], order=3)
            >>> all(name.startswith("j") for name in lm.sample(2, prefix="j", seed=1))
            True
        """
        if not Framing(self.vocabulary).is_of_records:
            raise ValueError("this model was fitted to text, not records: fit it to records, or call generate")
        found = sample_records(
            self.vocabulary,
            self.stored,
            n_samples,
            sampling_settings(settings, **sampling),
            prefix=prefix,
            min_length=min_length,
            max_length=max_length,
            unique=flag("unique", unique),
            exclude=exclude,
            allowed=allowed,
            seed=seed,
            is_scored=flag("return_scores", return_scores),
        )
        records = [record for record, _ in found]
        return (records, [scores for _, scores in found]) if return_scores else records


def _checked_prompts(prompt: str | list[str] | tuple[str, ...]) -> list[str]:
    """Returns the prompts that were given, a single one too.

    Raises:
        TypeError: They are neither a ``str`` nor a list of them; names the item.
    """
    if not isinstance(prompt, str | list | tuple):
        raise TypeError(f"{expected_text('prompt', prompt)}, or a list of several")
    return list(checked_texts(prompt, "prompt"))
