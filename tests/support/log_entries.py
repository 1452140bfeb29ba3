"""Entries of a log, made up."""

from typing import Any

from charlm import LogEntry


def log_entry(step: int, **values: Any) -> LogEntry:
    """Returns an entry with these values and some others."""
    return LogEntry(
        **{
            "step": step,
            "train_loss": 1.0,
            "validation_loss": 2.0,
            "learning_rate": 0.1,
            "gradient_norm": 0.5,
            "characters_per_second": 3000.0,
            "elapsed_seconds": 1.0,
            "peak_memory_bytes": 5,
            "sample": None,
        }
        | values
    )
