"""Every way in which the library reads a file, and damaged files for each."""

from pathlib import Path

from command_readers import readers_of_command_lines
from fuzzing import Reader
from model_readers import readers_of_models
from run_readers import readers_of_runs
from text_readers import readers_of_texts


def all_readers(folder: Path) -> dict[str, Reader]:
    """Returns the readers by name; sound files that they need are made in a folder."""
    return {
        **readers_of_texts(folder),
        **readers_of_models(folder),
        **readers_of_runs(folder),
        **readers_of_command_lines(folder),
    }
