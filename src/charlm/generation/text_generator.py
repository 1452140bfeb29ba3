"""Generates text."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, overload

from charlm.data.framing import Framing
from charlm.generation.ids import continuation
from charlm.generation.loop import continuations
from charlm.generation.records import sample_records
from charlm.generation.settings import SamplingKeywords, SamplingSettings
from charlm.runtime.seeds import derived_seed
from chartok.arguments import integer, positive_integer

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from typing import Unpack

    from charlm.models.predictor import PredictingModel
    from chartok import Vocabulary
    from chartok.arguments import Errors


class TextKeywords(SamplingKeywords, total=False):
    """The keywords that the overloads of ``CharLM.generate`` share."""

    max_new_tokens: int
    allowed: Iterable[str] | None
    stop: Iterable[str] | None
    errors: Errors
    seed: int
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
    def generate(self, prompt: str = "", *, n_samples: None = None, **keywords: Unpack[TextKeywords]) -> str: ...
    @overload
    def generate(self, prompt: str = "", *, n_samples: int, **keywords: Unpack[TextKeywords]) -> list[str]: ...
    def generate(
        self,
        prompt: str = "",
        *,
        max_new_tokens: int = 500,
        n_samples: int | None = None,
        allowed: Iterable[str] | None = None,
        stop: Iterable[str] | None = None,
        errors: Errors = "strict",
        seed: int = 0,
        settings: SamplingSettings | None = None,
        **sampling: Unpack[SamplingKeywords],
    ) -> str | list[str]:
        """Returns the prompt and the model's continuation of it; a model of records stops at the end of a record.

        Args:
            prompt: The text to continue.
            max_new_tokens: The maximum number of symbols to add.
            n_samples: How many texts to draw in one batch; the first is the one drawn alone. None returns a single
                text, not in a list. ``charlm.generate`` describes how far they are independent.
            allowed: The symbols that may be added, where a ``str`` gives its characters; None allows all.
                The end of a record is always allowed.
            stop: Strings before which the text ends: it is cut off before the first one generated, even
                within a symbol.
            errors: What the model sees of a character of the prompt that it does not know: ``"replace"`` gives it
                ``unk``, ``"ignore"`` nothing. The text has the character in either case.
            seed: Determines every draw.
            settings: How to sample.
            sampling: Fields of ``SamplingSettings`` (``temperature``, ``top_k``, ``top_p``, ``min_p``,
                ``repetition_penalty``), which override ``settings``.

        Raises:
            UnknownCharacterError: A character of the prompt is not in the vocabulary, under ``"strict"``.
            ValueError: A setting is out of range, a stop string is empty, ``allowed`` has no character of the
                vocabulary, or at some point everything allowed has probability zero.
            TypeError: An argument has the wrong type, such as a single ``str`` for ``stop``.

        Example:
            >>> from charlm import CharLM
            >>> lm = CharLM.fit("one, two, three. " * 50, order=5)
            >>> lm.generate("on", stop=[". ", "!"], temperature=0)
            'one, two, three'
            >>> lm.generate("on", max_new_tokens=6, n_samples=2, top_p=0.5)
            ['one, two', 'one, two']
        """
        framing = Framing(self.vocabulary)
        start = framing.prompt(prompt, errors)
        others = [] if n_samples is None else range(1, positive_integer("n_samples", n_samples))
        samples = continuations(
            self.stored,
            start,
            [integer("seed", seed), *(derived_seed(seed, index) for index in others)],
            (settings or SamplingSettings()).with_keywords(**sampling),
            max_new_tokens=max_new_tokens,
            allowed=list(framing.outcomes(allowed)),
            stop=framing.stops(stop),
            seen=self.vocabulary.encode(prompt, errors),
            spelling=framing.spelling(),
        )
        texts = [prompt + "".join(map(chr, sample)) for sample in samples]
        return texts[0] if n_samples is None else texts

    def stream(
        self,
        prompt: str = "",
        *,
        max_new_tokens: int = 500,
        allowed: Iterable[str] | None = None,
        stop: Iterable[str] | None = None,
        errors: Errors = "strict",
        seed: int = 0,
        settings: SamplingSettings | None = None,
        **sampling: Unpack[SamplingKeywords],
    ) -> Iterator[str]:
        """Yields the characters that ``generate`` adds to the prompt, one at a time.

        The arguments are those of ``generate`` and are checked at the call. A character is yielded once it cannot be
        part of a stop string.

        Raises:
            UnknownCharacterError: As for ``generate``.
            ValueError: As for ``generate``.
            TypeError: As for ``generate``.

        Example:
            >>> from charlm import CharLM
            >>> "".join(CharLM.fit("abc" * 100, order=3).stream("ab", max_new_tokens=4))
            'cabc'
        """
        framing = Framing(self.vocabulary)
        new = continuation(
            self.stored,
            framing.prompt(prompt, errors),
            (settings or SamplingSettings()).with_keywords(**sampling),
            max_new_tokens=max_new_tokens,
            allowed=list(framing.outcomes(allowed)),
            stop=framing.stops(stop),
            seed=seed,
            seen=self.vocabulary.encode(prompt, errors),
            spelling=framing.spelling(),
        )
        return map(chr, new)

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
        seed: int = 0,
        settings: SamplingSettings | None = None,
        **sampling: Unpack[SamplingKeywords],
    ) -> list[str]:
        """Returns whole records generated by the model, none of which depends on ``n_samples``.

        Args:
            n_samples: How many records.
            prefix: What each begins with.
            min_length: Their minimum length, including the prefix.
            max_length: Their maximum length.
            unique: Return no record twice.
            exclude: Records not to return; for new names, those in the training data.
            allowed: The symbols that may be added, where a ``str`` gives its characters; None allows all.
            seed: Determines every draw.
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
        return sample_records(
            self.vocabulary,
            self.stored,
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
