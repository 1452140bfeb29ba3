"""What a Transformer makes of a text: its hidden states, and what it attends to."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Any

from charlm.data.framing import Framing
from charlm.models.modes import evaluation_mode
from charlm.models.registry import FAMILIES
from chartok.arguments import expected_text

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from torch import Tensor

    from charlm.models.activations import Activations
    from charlm.models.predictor import StoredModel
    from chartok import Vocabulary


class TextActivations(ABC):
    """The part of ``CharLM`` that shows what the layers of a Transformer compute.

    Attributes:
        vocabulary: The vocabulary of the model.
    """

    vocabulary: Vocabulary

    @property
    @abstractmethod
    def stored(self) -> StoredModel:
        """The model in the form in which it is stored."""

    def hidden_states(self, text: str) -> NDArray[np.float32]:
        """Returns how each layer of a Transformer represents each position of a text.

        Args:
            text: Any string that fits into a block. Where the vocabulary has ``bos``, that comes first, as a position
                of its own; an unknown character counts as ``unk``.

        Returns:
            float32 ``(layers + 1, T, width)``: before the first layer, and after each. The head of the model gives the
            logits from the last. T is the number of symbols, and one more for ``bos``.

        Raises:
            TypeError: ``text`` is not a ``str``, or the model is no Transformer.
            ValueError: The text is longer than a block, or is empty and has no ``bos``.
            UnknownCharacterError: The vocabulary has neither a character nor an ``unk`` token.

        Example:
            >>> from charlm import GPT, CharLM, GPTConfig
            >>> from chartok import Vocabulary
            >>> config = GPTConfig(vocab_size=3, block_size=8, n_layers=2, n_heads=4, width=16)
            >>> CharLM(GPT(config), Vocabulary("abc")).hidden_states("abca").shape
            (3, 4, 16)
        """
        return _array(self._activations(text).hidden_states)

    def attention(self, text: str) -> NDArray[np.float32]:
        """Returns how much each position of a text attends to itself and to each one before it.

        Args:
            text: As for ``hidden_states``.

        Returns:
            float32 ``(layers, heads, T, T)``: the row of a position sums to 1, and is 0 for the positions after it.

        Raises:
            TypeError: As for ``hidden_states``.
            ValueError: Likewise.
            UnknownCharacterError: Likewise.

        Example:
            >>> from charlm import GPT, CharLM, GPTConfig
            >>> from chartok import Vocabulary
            >>> config = GPTConfig(vocab_size=3, block_size=8, n_layers=1, n_heads=1, width=16)
            >>> CharLM(GPT(config), Vocabulary("abc")).attention("ab")[0, 0, 0]
            array([1., 0.], dtype=float32)
        """
        return _array(self._activations(text).attention)

    def _activations(self, text: str) -> Activations:
        if not isinstance(text, str):
            raise TypeError(expected_text("text", text))
        model: Any = self.stored
        _check_layers(model.family)
        import torch  # noqa: PLC0415 - a program that only scores starts without it

        framing = Framing(self.vocabulary)
        if not text and framing.bos is None:
            raise ValueError("text is empty: there is no position to look at")
        ids = framing.prompt(text, framing.errors, name="text")
        if model.block_size is not None and len(ids) > model.block_size:
            most = model.block_size - (framing.bos is not None)
            raise ValueError(
                f"text must have at most {most} symbols, which is what the model sees at once, got "
                f"{len(ids) - (framing.bos is not None)}: give a part of it"
            )
        with torch.inference_mode(), evaluation_mode(model):
            activations: Activations = model.activations(model.as_ids(ids)[None])
        return activations


def _check_layers(name: str) -> None:
    """Checks that a family has layers; one that is not registered says so itself.

    Raises:
        TypeError: It has none.
    """
    if name in FAMILIES and not FAMILIES[name].has_layers:
        others = " and ".join(family.name for family in FAMILIES.values() if family.has_layers)
        hint = "; make a CharLM of its component, one of lm.model.models" if name == "mixture" else ""
        raise TypeError(f"a model of the family {name} has no layers of attention, as {others} have{hint}")


def _array(activations: Tensor) -> NDArray[np.float32]:
    """Returns what was recorded for the only text of a batch, which is the second dimension."""
    array: NDArray[np.float32] = activations[:, 0].float().numpy(force=True)
    return array
