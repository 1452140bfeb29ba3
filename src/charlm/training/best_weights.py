"""The weights with the lowest validation loss of a run."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any

from charlm.files.model_file import parse_model_file
from charlm.training.checkpoint import read_model
from charlm.training.model_state import Weights
from charlm.training.state import check_alike
from chartok.arguments import natural_number

if TYPE_CHECKING:
    from pathlib import Path

    from charlm.models.base import LanguageModel


class BestWeights:
    """Keeps the best weights in main memory where no checkpoint does, and puts them into a copy of the model.

    Args:
        model: The model that is trained.

    Attributes:
        step: The step of the weights in memory; 0 if there are none.
    """

    def __init__(self, model: LanguageModel) -> None:
        self.step: int = 0
        self._model = model
        self._weights: dict[str, Any] = {}

    def keep(self, step: int) -> None:
        """Keeps a copy of the current weights."""
        self.step = step
        self._weights = {
            name: tensor.detach().to("cpu", copy=True) for name, tensor in Weights(self._model).state_dict().items()
        }

    def model(self, step: int, checkpoint: Path | None) -> LanguageModel:
        """Returns a copy of the model in evaluation mode, with the weights of a step.

        Args:
            step: The step of the best evaluation; 0 takes the current weights.
            checkpoint: The checkpoint of that step; None if the weights are to be in memory.

        Raises:
            OSError: The checkpoint cannot be read.
            CheckpointCorruptError: It is damaged.
            ValueError: The weights are in neither.
        """
        if step in (0, self.step):
            weights = self._weights if step else Weights(self._model).state_dict()
        elif checkpoint is not None:
            weights = parse_model_file(read_model(checkpoint), checkpoint).tensors
        else:
            raise ValueError(f"the best weights, of step {step}, are in the folder of the run: use load_model(folder)")
        best = copy.deepcopy(self._model)
        Weights(best).load_state_dict(weights)
        return best.eval()

    def state_dict(self) -> dict[str, Any]:
        """Returns the weights in memory by name, and their step."""
        return {"step": self.step} | {f"weights.{name}": tensor for name, tensor in self._weights.items()}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Restores them.

        Raises:
            ValueError: They are not those of this model.
        """
        self.step = natural_number("the step of the best weights", state["step"])
        self._weights = {name.removeprefix("weights."): tensor for name, tensor in state.items() if name != "step"}
        for name, weight in Weights(self._model).state_dict().items() if self.step else ():
            if name not in self._weights:
                raise ValueError(f"the best weight {name!a} is missing")
            check_alike(name, self._weights[name], weight)
