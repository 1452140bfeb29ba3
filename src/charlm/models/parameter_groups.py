"""Which parameters of a model are trained in which way."""

from __future__ import annotations

from dataclasses import dataclass, fields

from torch import nn


@dataclass(frozen=True, kw_only=True)
class ParameterGroups:
    """The names of a model's parameters by how they are to be moved; a parameter in no group is moved and nothing else.

    Attributes:
        hidden_matrices: Matrices that values inside the model are multiplied with: what Muon is made for. They decay.
        decayed: The other parameters that weight decay makes smaller, such as the matrix that gives the logits.
        hashed_tables: Tables whose rows several n-grams share. They decay at a rate of their own, ``table_decay``.

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

    def __post_init__(self) -> None:
        names = [name for field in fields(self) for name in getattr(self, field.name)]
        twice = {name for name in names if names.count(name) > 1}
        if twice:
            raise ValueError(f"{min(twice)!a} is in two groups")


def groups_by_shape(model: nn.Module, vocab_size: int) -> ParameterGroups:
    """Returns the groups of a model that does not say them: a guess by the order and the shape of its linear layers.

    Their weights decay. All are hidden matrices but the last, where that has a row for each id and so gives the logits.
    Tables of embeddings, biases and gains are in no group.

    Args:
        model: Any model.
        vocab_size: The number of its ids.

    Example:
        >>> layers = nn.Sequential(nn.Embedding(9, 4), nn.Linear(4, 4), nn.Linear(4, 9))
        >>> groups_by_shape(layers, vocab_size=9)
        ParameterGroups(hidden_matrices=frozenset({'1.weight'}), decayed=frozenset({'2.weight'}),
                        hashed_tables=frozenset())
    """
    linear = [
        (f"{name}.weight" if name else "weight", module.weight)
        for name, module in model.named_modules()
        if isinstance(module, nn.Linear)
    ]
    output = {name for name, weight in linear[-1:] if weight.shape[0] == vocab_size}
    own = dict(model.named_parameters())  # a weight that two modules share has the name of the first
    weights = {name for name, _ in linear if name in own}
    return ParameterGroups(hidden_matrices=frozenset(weights - output), decayed=frozenset(weights & output))
