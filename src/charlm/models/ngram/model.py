"""The n-gram model: smoothed counts of what follows the last few characters."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, Self

import numpy as np
import torch

from charlm.models.adapter import as_array
from charlm.models.base import LanguageModel, check_prompt
from charlm.models.ngram.packing import names_of_arrays
from charlm.models.ngram.table import NGramTable
from charlm.models.smoothing.fitting import untuned_constants
from charlm.runtime.devices import WITHOUT_FLOAT64
from chartok.ids import as_id_array

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from typing import SupportsIndex

    from numpy.typing import NDArray
    from torch import Tensor

    from charlm.models.counting.counts import NGramCounts
    from charlm.models.counting.texts import Tokens
    from charlm.models.predictor import CountModel
    from charlm.models.smoothing.choices import Smoothing
    from chartok import Vocabulary


class NGramLanguageModel(LanguageModel):
    """Predicts each id from the ``order - 1`` ids before it, with learned back-off or Kneser-Ney smoothing.

    ``charlm.models.smoothing.learned`` has the formula of learned back-off, ``charlm.models.smoothing.kneser_ney`` that
    of interpolated modified Kneser-Ney smoothing (Chen and Goodman, 1998, section 3). Every id has a probability above
    zero in every context. The first ids of a text are predicted from the shorter context available.

    Nothing is trained by gradient descent: ``fit`` counts. This is the PyTorch interface to an ``NGramTable``, for
    mixtures, devices and ``state_dict``: the tables stay in NumPy and are searched on the CPU, and the results are
    moved to the device of the inputs. Probabilities are float64, on Apple's GPUs float32; ``model.float()`` halves
    their memory, and a narrower dtype keeps float32.

    Args:
        vocab_size: The number of ids, V.
        order: The length of the longest n-grams, from 1 to 1024: the context length plus 1.
        context_only: The ids that occur only as context and are never predicted, such as the start of a record.

    Raises:
        TypeError: ``vocab_size`` or ``order`` is not an integer.
        ValueError: One of them is below 1, or ``order`` is above 1024.

    Example:
        >>> model = NGramLanguageModel(3, order=2).fit([0, 1, 2, 0, 1, 2, 0, 1])
        >>> logits, loss = model(torch.tensor([[2, 0]]))
        >>> logits.exp().round(decimals=3)
        tensor([[[0.7830, 0.0970, 0.1200],
                 [0.0910, 0.8320, 0.0770]]], dtype=torch.float64)
    """

    family = "ngram"

    def __init__(self, vocab_size: int, *, order: int, context_only: Iterable[SupportsIndex] = ()) -> None:
        super().__init__(vocab_size, context_only=context_only)
        empty = NGramTable(vocab_size=self.vocab_size, order=order, context_only=self.context_only)
        constants = untuned_constants("learned", empty.order)  # of an order that has been checked
        self.table: NGramTable = replace(empty, constants=constants)
        """The probabilities of all n-grams, in NumPy; empty until ``fit``."""
        self.history: int | None = self.table.history
        self.register_buffer("_where", torch.zeros(0, dtype=torch.float64), persistent=False)
        self._where: Tensor

    @classmethod
    def of(cls, counted: CountModel) -> Self:
        """Returns an ``NGramTable`` as a PyTorch model."""
        if not isinstance(counted, NGramTable):
            return super().of(counted)
        model = cls(counted.vocab_size, order=counted.order, context_only=counted.context_only)
        if counted.log_backoffs.dtype == np.float32:
            model.float()
        return model._hold(counted)

    @property
    def order(self) -> int:
        """The length of the longest n-grams."""
        return self.table.order

    def settings(self) -> dict[str, Any]:
        """Returns the constructor's arguments."""
        return self.table.settings()

    def fit(
        self, tokens: Tokens | NGramCounts, *, smoothing: Smoothing = "learned", memory: int | str | None = None
    ) -> Self:
        """Returns this model fitted to one or more texts, forgetting any earlier fit.

        Args:
            tokens: The ids of one text (an array, a tensor, a ``TextDataset`` or an iterable of integers), an iterable
                of texts, a ``RecordDataset``, or counts made from them. No n-gram spans two texts. Records given as ids
                must include ``bos`` and ``eos``. A text shorter than ``order`` only adds shorter n-grams.
            smoothing: How counts become probabilities: by learned back-off, with the constants that come with the
                library (``"learned"``) or, in four times the time, tuned on a held-out part of the texts (``"tuned"``,
                for texts of about 10,000 ids or more); or by interpolated modified Kneser-Ney smoothing
                (``"kneser-ney"``).
            memory: The most memory that counting takes besides its result, in bytes, or such as ``"2GB"``; see
                ``NGramCounts.from_tokens``.

        Raises:
            TypeError: The ids are not integers.
            TokenIdError: An id is not in the vocabulary.
            ValueError: There are no ids, or a text is not one-dimensional; or the counts have a different vocabulary
                size or order, or are given to be tuned on; or ``memory`` is too small, or given for counts.
            OSError: With a limit of the memory, the folder for temporary files cannot be written to.

        Example:
            >>> model = NGramLanguageModel(3, order=3).fit([[0, 1, 2], [0, 1]])
            >>> model.table.counts.tolist()  # of 0, 1, 2, 01, 12, 012
            [2, 2, 1, 2, 1, 1]
        """
        return self._hold(
            NGramTable.fit(
                tokens,
                vocab_size=self.vocab_size,
                order=self.order,
                context_only=self.context_only,
                smoothing=smoothing,
                memory=memory,
            )
        )

    def update(self, tokens: Tokens | NGramCounts) -> Self:
        """Returns this model updated with more texts: the same as ``fit`` on the old and the new texts together.

        The smoothing stays as it is; tuned constants are not tuned again.

        Args:
            tokens: As for ``fit``. They are separate texts: no n-gram spans an old and a new one.

        Raises:
            ValueError: The model has no counts because it has been pruned; or as for ``fit``.
            TypeError: As for ``fit``.
            TokenIdError: As for ``fit``.

        Example:
            >>> model = NGramLanguageModel(3, order=2).fit([0, 1, 2]).update([0, 1])
            >>> model.table.counts.tolist()  # of 0, 1, 2, 01, 12
            [2, 2, 1, 2, 1]
        """
        return self._hold(self.table.update(tokens))

    def resize(self, vocabulary_before: Vocabulary, vocabulary_after: Vocabulary) -> Self:
        """Returns a model for another vocabulary; what ``NGramTable.resize`` says of new ids holds.

        Raises:
            TypeError: As for ``LanguageModel``.
            ValueError: Likewise; or the model has not been fitted.
        """
        return self.of(self.table.resize(vocabulary_before, vocabulary_after)).train(self.training).to(self.device)

    def prune(
        self, min_count: int | None = None, *, entropy: float | None = None, max_bytes: int | str | None = None
    ) -> Self:
        """Returns this model without some of its n-grams of two or more ids: the rare ones, or those that do little.

        Every distribution still sums to 1: a context redistributes the probability of its removed n-grams among all ids
        that it does not store. The counts are dropped, so ``update`` is no longer possible.

        Args:
            min_count: How often an n-gram must have occurred to be kept; 1 keeps them all. Give one argument alone.
            entropy: An n-gram goes with which the model loses no more, in nats per id, such as 1e-7.
            max_bytes: The least n-grams by that measure go until the tables fit in this size in their compact form, in
                bytes or such as ``"500KB"``.

        Raises:
            TypeError: An argument is not a number of its kind.
            ValueError: Not one is given, or it is out of range; or the model has no counts to compare, or no fit.

        Example:
            >>> model = NGramLanguageModel(3, order=2).fit([0, 1, 2, 0, 1, 0])
            >>> len(model.table), len(model.prune(2).table)
            (7, 4)
        """
        return self._hold(self.table.prune(min_count, entropy=entropy, max_bytes=max_bytes))

    def predictor(self, *, stride: int | None = None) -> NGramTable:
        """Returns the table, which works on NumPy arrays."""
        return self.table.predictor(stride=stride)

    def logits(self, inputs: Tensor) -> Tensor:
        """Returns the normalized natural-log probabilities of all ids at each position.

        Args:
            inputs: Ids, int64 ``(B, T)``; each row starts a text.

        Returns:
            float64, ``(B, T, V)``.

        Raises:
            ValueError: The model has not been fitted.
            TokenIdError: An id is not in the vocabulary.
        """
        rows = self.table.search.rows(self._contexts(inputs))
        return self._found(rows, inputs).view(*inputs.shape, self.vocab_size)

    def context_lengths(self, inputs: Tensor) -> Tensor:
        """Returns the length of the context from which each position is predicted.

        That is the longest context that occurs in the training texts, of at most ``order - 1`` ids.

        Args:
            inputs: Ids, int64 ``(B, T)``; each row starts a text.

        Returns:
            int64, ``(B, T)``.

        Raises:
            ValueError: The model has not been fitted.
            TokenIdError: An id is not in the vocabulary.

        Example:
            >>> NGramLanguageModel(4, order=3).fit([0, 1, 2, 0, 1]).context_lengths(torch.tensor([[0, 1, 2, 2, 3]]))
            tensor([[1, 2, 2, 1, 0]])
        """
        lengths = self.table.search.lengths(self._contexts(inputs))
        return torch.from_numpy(lengths).to(inputs.device).view_as(inputs)

    def step(self, ids: Tensor, state: list[int] | None = None) -> tuple[Tensor, list[int]]:
        """Returns the log-probabilities after one more id, and the contexts reached.

        The tables are searched on the CPU, one sequence after the other, and recent distributions come from a cache of
        64 MiB.

        Args:
            ids: The newest id of each sequence, int64 ``(B,)``.
            state: What the previous call returned, a context for each sequence; None at the start.

        Returns:
            float64 ``(B, V)`` on the device of the ids, and the new state.

        Raises:
            ValueError: The model has not been fitted.
            TokenIdError: An id is not in the vocabulary.
        """
        newest = self._checked(ids)
        rows, contexts = self.table.step(newest, state)
        return self._found(rows, ids), contexts

    def start(self, inputs: Tensor) -> tuple[Tensor, list[int]]:
        """Returns the log-probabilities after these ids, and the contexts reached.

        Args:
            inputs: The ids of a prompt, int64 ``(B, T)``, T at least 1; only the last ``order - 1`` are used.

        Returns:
            float64 ``(B, V)`` on the device of the ids, and the state from which ``step`` continues.

        Raises:
            ValueError: The model has not been fitted, there are no ids, or the inputs are not two-dimensional.
            TokenIdError: An id is not in the vocabulary.
        """
        check_prompt(inputs)
        rows, contexts = self.table.start(self._checked(inputs))
        return self._found(rows, inputs), contexts

    def select(self, states: Sequence[list[int]], rows: Tensor) -> list[int]:
        """Returns the contexts of some rows; see ``LanguageModel.select``."""
        return self.table.select(states, rows.numpy(force=True))

    def log_probabilities(self, inputs: Tensor, targets: Tensor) -> Tensor:
        """Returns the natural logarithm of the probability of each target, without computing the full logits.

        Args:
            inputs: Ids, int64 ``(B, T)``; each row starts a text.
            targets: The ids that follow, int64 ``(B, T)``.

        Returns:
            float64, ``(B, T)``, in nats.

        Raises:
            ValueError: The model has not been fitted.
            TokenIdError: An id is not in the vocabulary.
        """
        rows = self._checked(inputs)
        columns = self._checked(targets)
        search = self.table.search
        if np.array_equal(rows[:, 1:], columns[:, :-1]):  # a stream: each target is the last id of the next context
            stream = np.concatenate([rows[:, :1], columns], axis=1)
            scores: NDArray[Any] = search.of_texts(stream.ravel(), np.full(len(stream), stream.shape[1]))
        else:
            scores = search.of_targets(rows.ravel(), np.full(len(rows), rows.shape[1]), columns.ravel())
        return self._found(scores, inputs).view_as(targets)

    def _contexts(self, inputs: Tensor) -> NDArray[np.int64]:
        """Returns the node of the longest stored context that ends at each position, ``(B * T,)``."""
        rows = self._checked(inputs)
        return self.table.search.contexts(rows.ravel(), np.full(len(rows), rows.shape[1]))

    def _checked(self, ids: Tensor) -> NDArray[np.int64]:
        """Returns ids as an array, checked to be in the vocabulary."""
        checked: NDArray[np.int64] = as_id_array(ids.numpy(force=True), self.vocab_size).astype(np.int64, copy=False)
        return checked

    def _found(self, found: NDArray[np.floating[Any]], inputs: Tensor) -> Tensor:
        """Returns a result as a tensor of the dtype of the table, on the device of the inputs."""
        dtype = torch.float64 if self.table.log_backoffs.dtype == np.float64 else torch.float32
        return torch.tensor(found, dtype=dtype, device=inputs.device)

    def _hold(self, table: NGramTable) -> Self:
        self.table = table.astype(np.dtype(np.float64 if self._where.dtype == torch.float64 else np.float32))
        return self

    def _apply(self, fn: Callable[[Tensor], Tensor], recurse: bool = True) -> Self:  # noqa: FBT001, FBT002 - torch's
        applied = fn(torch.empty(0, dtype=torch.float32))
        if applied.device.type in WITHOUT_FLOAT64 and self._where.dtype == torch.float64:
            self.float()
        super()._apply(fn, recurse)  # type: ignore[no-untyped-call]
        return self._hold(self.table)

    def _save_to_state_dict(self, destination: dict[str, Any], prefix: str, keep_vars: bool) -> None:  # noqa: FBT001
        super()._save_to_state_dict(destination, prefix, keep_vars)
        for name, array in self.table.arrays().items():
            destination[prefix + name] = torch.from_numpy(array if array.flags.writeable else array.copy())

    def _load_from_state_dict(
        self,
        state_dict: dict[str, Any],
        prefix: str,
        local_metadata: dict[str, Any],
        strict: bool,  # noqa: ARG002, FBT001 - torch's
        missing_keys: list[str],
        unexpected_keys: list[str],
        error_msgs: list[str],
    ) -> None:
        """Loads tables of any size, since those of a fitted model are larger than empty ones, after validating them.

        As in any module, they are converted to the dtype of this one, unless ``load_state_dict`` has ``assign=True``.
        """
        names = {prefix + name: name for name in names_of_arrays(name.removeprefix(prefix) for name in state_dict)}
        missing_keys += [name for name in names if name not in state_dict]
        unexpected_keys += [name for name in state_dict if name.startswith(prefix) and name not in names]
        if all(name in state_dict for name in names):
            arrays = {own: as_array(state_dict[name]) for name, own in names.items()}
            try:
                table = NGramTable.from_arrays(self.settings(), arrays)
                if local_metadata.get("assign_to_params_buffers"):
                    self._where = torch.from_numpy(table.log_backoffs[:0].copy())
                self._hold(table)
            except (TypeError, ValueError) as error:
                error_msgs.append(f"{prefix}table is not valid for {self.settings()}: {error}")
