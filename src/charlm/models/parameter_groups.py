"""Parameter groups: which parameters of a model are optimized in which way."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING

from torch import nn

if TYPE_CHECKING:
    from charlm.models.base import LanguageModel


@dataclass(frozen=True, kw_only=True)
class ParameterGroups:
    """The names of a model's parameters by how they are optimized; a parameter in no group has no weight decay.

    Attributes:
        hidden_matrices: Matrices that multiply hidden activations, which Muon is made for. They decay.
        decayed: The other parameters with weight decay, such as the matrix that gives the logits.
        hashed_tables: Tables whose rows are shared by several n-grams. They decay at their own rate, ``table_decay``.
        slow: Parameters that begin where they should nearly stay: they learn at a tenth of the rate, and do not decay.

    Raises:
        ValueError: A parameter is in two groups.

    Example:
        >>> groups = ParameterGroups(hidden_matrices=frozenset({"hidden.weight"}), decayed=frozenset({"head.weight"}))
        >>> groups.hashed_tables
        frozenset()
    """

    hidden_matrices: frozenset[str] = frozenset()
    decayed: frozenset[str] = frozenset()
    hashed_tables: frozenset[str] = frozenset()
    slow: frozenset[str] = frozenset()

    def __post_init__(self) -> None:
        names = [name for field in fields(self) for name in getattr(self, field.name)]
        twice = {name for name in names if names.count(name) > 1}
        if twice:
            raise ValueError(f"parameter {min(twice)!a} is in two groups: put it in one")


def declared_groups(model: LanguageModel) -> ParameterGroups:
    """Returns the groups that a model declares, with a weight that is shared by two modules under its first name.

    Raises:
        ValueError: A shared weight is in two groups.
    """
    groups, names = model.parameter_groups(), dict[str, str]()
    first_names: dict[nn.Parameter, str] = {}
    for name, parameter in model.named_parameters(remove_duplicate=False):
        names[name] = first_names.setdefault(parameter, name)
    return ParameterGroups(
        **{
            field.name: frozenset(names.get(name, name) for name in getattr(groups, field.name))
            for field in fields(groups)
        }
    )


def groups_by_shape(model: nn.Module, vocab_size: int) -> ParameterGroups:
    """Returns default groups for a model, guessed from the order and the shapes of its linear layers.

    Their weights decay. All are hidden matrices, except the last if it has a row for each id and so gives the logits.
    Embeddings, biases, gains and weights with a parametrization are in no group.

    Args:
        model: Any model.
        vocab_size: The number of ids.

    Example:
        >>> layers = nn.Sequential(nn.Embedding(9, 4), nn.Linear(4, 4), nn.Linear(4, 9))
        >>> groups_by_shape(layers, vocab_size=9)
        ParameterGroups(hidden_matrices=frozenset({'1.weight'}), decayed=frozenset({'2.weight'}),
                        hashed_tables=frozenset(), slow=frozenset())
    """
    linear = [
        (f"{name}.weight" if name else "weight", module.weight)
        for name, module in model.named_modules()
        if isinstance(module, nn.Linear)
    ]
    output = {name for name, weight in linear[-1:] if weight.shape[0] == vocab_size}
    own = dict(model.named_parameters())  # lists a weight shared by two modules under its first name
    weights = {name for name, _ in linear if name in own}
    return ParameterGroups(hidden_matrices=frozenset(weights - output), decayed=frozenset(weights & output))
