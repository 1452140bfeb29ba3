"""Files of ``torch.save``, which are pickles: the only place where the library opens one.

A pickle is a program. ``torch.load`` with ``weights_only=True`` runs it on a machine of its own, which makes tensors
and plain values and calls nothing else: a file that asks for more is refused before it has done anything. Whatever else
the library reads is safetensors, strict JSON or plain arrays; a test searches its source for exceptions to that.
"""

from __future__ import annotations

import errno
import io
import re
import warnings
from typing import IO, TYPE_CHECKING, Any

import torch

from charlm.files.kinds import SAMPLE
from chartok.files.opening import open_file

if TYPE_CHECKING:
    from pathlib import Path


def read_torch_file(path: Path) -> Any:  # noqa: ANN401 - whatever was saved
    """Returns what ``torch.save`` wrote: tensors, on the CPU, and plain values.

    Tensors of files as they are written since PyTorch 1.6 are read from the disk when they are used: what is not used
    takes no memory.

    Args:
        path: The file.

    Raises:
        OSError: It cannot be read, or is not a regular file.
        ValueError: It is damaged, or holds more than tensors and plain values, of which nothing has been run.
    """
    with open_file(path) as file:
        is_archive = file.read(SAMPLE).startswith(b"PK")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)  # about protocols that PyTorch itself does not write
            return torch.load(path, map_location="cpu", weights_only=True, mmap=is_archive)
    except Exception as error:  # a damaged pickle may raise anything
        if isinstance(error, OSError) and error.errno != errno.EINVAL:  # which is how PyTorch says that it is damaged
            raise
        if refused := re.search(r"GLOBAL ([\w.]+)", str(error)):
            raise ValueError(
                f"it holds {refused[1]!a} beside tensors and plain values, which could run code: nothing of it has "
                "been run; where you trust it, save the state_dict of its model alone"
            ) from None
        raise ValueError("it is damaged, or was not written by torch.save") from None


def write_torch_file(file: IO[bytes], content: Any) -> None:  # noqa: ANN401 - tensors and plain values
    """Writes tensors and plain values as ``torch.save`` does.

    Args:
        file: A binary file, open for writing.
        content: Dictionaries, lists, strings, numbers and tensors.

    Raises:
        OSError: The file cannot be written.
    """
    buffer = io.BytesIO()  # torch.save makes a RuntimeError of whatever writing raises
    torch.save(content, buffer)
    file.write(buffer.getbuffer())
