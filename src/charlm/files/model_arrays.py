"""The contents of a model as a file holds them: arrays or tensors by name."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, cast

import numpy as np

from charlm.files.tensor_file import StoredTensor
from charlm.models.ngram.table import table_of
from charlm.models.registry import FAMILIES

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from numpy.typing import NDArray
    from torch import Tensor
    from typing_extensions import Buffer  # in collections.abc from Python 3.12 on

    from charlm.models.base import LanguageModel
    from charlm.models.ngram.table import NGramTable
    from charlm.models.predictor import CountModel
    from charlm.models.smoothing.choices import Smoothing


def model_arrays(model: LanguageModel | CountModel, *, compact: bool = False) -> dict[str, Any]:
    """Returns the contents of a model by name: the arrays of a count model, or tensors on the CPU, tied ones once.

    Args:
        model: A model of any family.
        compact: Whether an n-gram model takes a byte for each logarithm.

    Raises:
        ValueError: It is to be compact, and is not an n-gram model, or has not been fitted.
    """
    if compact:
        table = table_of(model)
        if table is None:
            raise ValueError(f"compact is for n-gram models, got one of the family {model.family}")
        return table.arrays(compact=True)
    if not hasattr(model, "state_dict"):
        return dict(model.arrays())
    from charlm.models.quantization import tensors_of  # noqa: PLC0415 - needs PyTorch
    from charlm.models.shared_tensors import each_once  # noqa: PLC0415 - likewise

    tensors = each_once(tensors_of(cast("LanguageModel", model)))
    return {name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}


def check_storable(model: LanguageModel | CountModel) -> None:
    """Checks that a file can hold a model, and that the model of a family of charlm can be loaded from it.

    Raises:
        ValueError: It cannot; says why.
    """
    if not hasattr(model, "state_dict"):
        return
    import torch  # noqa: PLC0415 - count models do without

    from charlm.models.quantization import check_not_quantized  # noqa: PLC0415 - likewise

    model = cast("LanguageModel", model)
    check_not_quantized(model, "saved")
    for name, value in model.state_dict().items():
        if not isinstance(value, torch.Tensor):
            raise ValueError(f"the model has extra state, {name!a}, which no file can hold: make it a buffer")  # noqa: TRY004 - the model is wrong
    if model.family not in FAMILIES:
        return
    with torch.device("meta"):
        fresh = FAMILIES[model.family].language_model().from_settings(model.settings())
    different = model_arrays(model).keys() ^ fresh.state_dict().keys()
    if different:
        raise ValueError(
            f"the model has other tensors than a model of the family {model.family} with its settings, such as "
            f"{min(different)!a}, and could not be loaded: give its class a family of its own"
        )


def hashed_parts(tensors: Mapping[str, Tensor | NDArray[Any] | StoredTensor]) -> Iterator[Buffer]:
    """Yields what the seal of a model file covers besides its metadata."""
    for name, tensor in sorted(tensors.items()):
        dtype = str(tensor.dtype).removeprefix("torch.")
        yield f"\n{name} {dtype} {tuple(tensor.shape)}\n".encode()
        yield _bytes_of(tensor)


def sizes(model: LanguageModel | CountModel) -> dict[str, int | None]:
    """Returns how large a model is: its ``parameters``, its ``n_grams`` (None without any), and its ``bytes``.

    The parameters of a model that is trained are the weights that training changes; of one that counts, they are the
    logarithms that it has of its counts.
    """
    tables = model_arrays(model)
    weights = cast("Any", model).parameters() if hasattr(model, "parameters") else tables.values()
    n_grams = [len(table) for table in _tables(model)]
    return {
        "parameters": sum(math.prod(table.shape) for table in weights if "float" in str(table.dtype)),
        "n_grams": sum(n_grams) if n_grams else None,
        "bytes": sum(table.nbytes for table in tables.values()),
    }


def smoothing_of(model: LanguageModel | CountModel) -> Smoothing | None:
    """Returns how the counts of a model became probabilities; None if it has none, or they came from elsewhere.

    A model that was interpolated, or read from an ARPA file, has probabilities alone.
    """
    known = [table.smoothing for table in _tables(model) if len(table.constants) or len(table.packed_counts.small)]
    return known[0] if known else None


def _tables(model: LanguageModel | CountModel) -> list[NGramTable]:
    modules = cast("Any", model).modules() if hasattr(model, "modules") else [model]
    return [*{id(table): table for table in map(table_of, modules) if table is not None}.values()]


def _bytes_of(tensor: Tensor | NDArray[Any] | StoredTensor) -> Buffer:
    if isinstance(tensor, StoredTensor):
        return tensor.data
    if not isinstance(tensor, np.ndarray):
        import torch  # noqa: PLC0415 - there is a tensor

        if not tensor.numel():  # it may have a stride of 0, which no view can change
            return b""
        tensor = tensor.reshape(-1).view(torch.uint8).numpy()
    return np.ascontiguousarray(tensor).data
