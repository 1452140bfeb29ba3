"""How each family is trained where nothing else is said."""

from __future__ import annotations

from typing import Literal, TypeAlias

from charlm.training.config import TrainerConfig

Family: TypeAlias = Literal["ngram", "bigram", "gpt", "mixture"]
Size: TypeAlias = Literal["nano", "small", "base"]

RECIPES: dict[Family, TrainerConfig] = {
    "ngram": TrainerConfig(),
    "bigram": TrainerConfig(learning_rate=0.05),
    "gpt": TrainerConfig(
        max_steps=400,
        optimizer="muon",
        learning_rate=0.01,
        muon_learning_rate=0.02,
        beta2=0.95,
        table_decay=1.0,
        schedule="trapezoid",
        cooldown_fraction=0.7,
        evaluation_interval=200,
        log_interval=50,
        checkpoint_interval=200,
    ),
}
"""What a family is trained with where nothing else is said; those that count are not trained."""
RECIPES["mixture"] = RECIPES["gpt"]

BATCH_SIZE = 32
"""Windows in a batch."""
BLOCK_SIZE = 64
"""Characters in a window, where the model does not decide."""
ORDER = 7
"""Of an n-gram model: one more than its characters of context."""
