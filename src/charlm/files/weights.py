"""Validation of the weights in a model file."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from charlm.models.base import LanguageModel

DTYPES = {"bfloat16", "float16", "float32", "float64"}
"""Those with which a model can compute."""


def check_weights(model: LanguageModel) -> None:
    """Checks that the weights of a model, no mixture, are numbers of one dtype.

    Raises:
        ValueError: They are not.
    """
    dtypes = {str(weight.dtype).removeprefix("torch.") for weight in model.parameters()}
    if len(dtypes) > 1 or not dtypes <= DTYPES:
        raise ValueError(
            f"its weights must be all of one of {', '.join(sorted(DTYPES))}, got {', '.join(sorted(dtypes))}"
        )
    for name, weight in model.named_parameters():
        if weight.amin().isnan():  # a minimum with NaN is NaN, and takes a tenth of the time
            raise ValueError(f"the weight {name!a} contains NaN")
