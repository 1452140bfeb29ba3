"""A block that PyTorch computes in one thread, while other threads of the program go on as they are.

``torch.set_num_threads`` does not do for this: it also sets how many threads a Python thread gets that first computes
during the block, and that stays. What it calls, ``omp_set_num_threads`` and, where PyTorch is built with MKL,
``MKL_Set_Num_Threads_Local``, is for the calling thread alone.

Source: OpenMP 5.2, section 18.2.1, and "mkl_set_num_threads_local" in the reference of Intel's oneMKL.
"""

from __future__ import annotations

import ctypes
from contextlib import contextmanager
from functools import cache
from typing import TYPE_CHECKING, Any

import torch

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    Setter = Callable[[int], int]


@contextmanager
def one_thread() -> Iterator[None]:
    """Lets PyTorch compute the block in the calling thread alone; where its build does not offer that, as before."""
    threads = torch.get_num_threads()  # the first call in a Python thread also sets the number
    setters = _setters() if threads > 1 else None
    if setters is None:
        yield
        return
    set_openmp, set_mkl = setters
    of_mkl = set_mkl(1)
    try:
        set_openmp(1)
        yield
    finally:
        set_openmp(threads)
        set_mkl(of_mkl)


@cache
def _setters() -> tuple[Setter, Setter] | None:
    """Returns what sets the number of threads of OpenMP and of MKL, which returns the number before."""
    try:
        # What a library is linked to is found through it.
        library: Any = ctypes.PyDLL(torch._C.__file__)  # noqa: SLF001 - no other name says where PyTorch is
        return library.omp_set_num_threads, getattr(library, "MKL_Set_Num_Threads_Local", lambda threads: threads)
    except (OSError, AttributeError):
        return None
