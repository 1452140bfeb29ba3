"""Goes on with the optimizer of another run, where training starts from its model."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from charlm.errors import CheckpointMismatchError
from charlm.training import state as states

if TYPE_CHECKING:
    from torch import Tensor

    from charlm.training.checkpoint import Checkpoint
    from charlm.training.trainer import Trainer
    from chartok import Vocabulary


def go_on_with_optimizer(trainer: Trainer, checkpoint: Checkpoint, vocabulary: Vocabulary) -> None:
    """Gives a new trainer the state that the optimizer of another run has for each weight, such as running means.

    Learning rates and their schedule are those of the trainer. Of what the vocabulary has in addition, the optimizer
    knows nothing yet: the state of new rows is zero.

    Args:
        trainer: The trainer, whose model has the weights of the checkpoint.
        checkpoint: A checkpoint of the other run.
        vocabulary: The vocabulary of the trainer.

    Raises:
        CheckpointMismatchError: Ids have another meaning than in the checkpoint, or its optimizer is another one.
    """
    before = checkpoint.model.vocabulary
    if not np.array_equal(vocabulary.remap(before), np.arange(before.size)):
        raise CheckpointMismatchError(
            f"{str(checkpoint.path)!a} has the optimizer of a model whose ids mean something else: the vocabulary must "
            "extend its; start without the optimizer"
        )
    weights = dict(trainer.model.named_parameters())
    state = {
        name: _grown(tensor, weights[name.rpartition(".")[0]])
        for name, tensor in states.part(checkpoint.state(), "optimizer").items()
        if name.rpartition(".")[0] in weights
    }
    try:
        trainer._optimizers.load_state_dict(state)  # noqa: SLF001 - of no use to others
    except ValueError as error:
        raise CheckpointMismatchError(
            f"{str(checkpoint.path)!a} has the state of another optimizer: {error}; start without it"
        ) from None


def _grown(tensor: Tensor, weight: Tensor) -> Tensor:
    """Returns the state of a weight that has grown, with zeros where it is new; a number stays as it is."""
    if not tensor.ndim or tensor.shape == weight.shape:
        return tensor
    grown = tensor.new_zeros(weight.shape)
    grown[tuple(slice(length) for length in tensor.shape)] = tensor
    return grown
