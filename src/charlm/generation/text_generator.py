"""Text that a model makes up."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, overload

from charlm.data.framing import Framing
from charlm.generation.ids import stream_ids
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


class TextKeywords(SamplingKeywords, total=False):
    """What the overloads of ``CharLM.generate`` have in common."""

    max_new_tokens: int
    allowed: str | None
    stop: Iterable[str] | None
    seed: int
    settings: SamplingSettings | None


class TextGenerator(ABC):
    """What ``CharLM`` makes up.

    Attributes:
        vocabulary: What the ids of the model mean.
    """

    vocabulary: Vocabulary

    @property
    @abstractmethod
    def stored(self) -> PredictingModel:
        """The model as it is held."""

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
            >>> from charlm import CharLM
            >>> lm = CharLM.fit("one, two, three. " * 50, order=5)
            >>> lm.generate("on", stop=[". ", "!"], temperature=0)
            'one, two, three'
            >>> lm.generate("on", max_new_tokens=6, n_samples=2, top_p=0.5)
            ['one, two', 'one, two']
        """
        framing = Framing(self.vocabulary)
        start = framing.prompt(prompt)
        others = [] if n_samples is None else range(1, positive_integer("n_samples", n_samples))
        samples = continuations(
            self.stored,
            start,
            [integer("seed", seed), *(derived_seed(seed, index) for index in others)],
            (settings or SamplingSettings()).with_keywords(**sampling),
            max_new_tokens=max_new_tokens,
            allowed=list(framing.outcomes(allowed)),
            stop=framing.stops(stop),
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
            >>> from charlm import CharLM
            >>> "".join(CharLM.fit("abc" * 100, order=3).stream("ab", max_new_tokens=4))
            'cabc'
        """
        framing = Framing(self.vocabulary)
        outcomes = framing.outcomes()
        new = stream_ids(
            self.stored,
            framing.prompt(prompt),
            max_new_tokens=max_new_tokens,
            allowed=list(framing.outcomes(allowed)),
            stop=framing.stops(stop),
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
            >>> from charlm import CharLM
            >>> lm = CharLM.fit(["anna", "hanna", "joanna", "johanna"], order=3)
            >>> all(name.startswith("j") for name in lm.sample(2, prefix="j", seed=1))
            True
        """
        if not Framing(self.vocabulary).is_of_records:
            raise ValueError("this is a model of text, which has no ends: fit it to records, or call generate")
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
