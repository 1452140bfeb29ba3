"""Compilation of the inner loops to machine code, by numba."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar, cast

Function = TypeVar("Function", bound=Callable[..., object])


def left_python(**_: object) -> Callable[[Function], Function]:
    """Stands in for ``numba.njit``, so that all can be imported without numba; ``require_numba`` is for its use."""
    return lambda function: function


try:
    import numba
except ImportError:
    njit: Any = left_python  # the types of numba's do not have all its options
else:
    njit = numba.njit

WITHOUT_COUNTING = {"_nrt": False}
"""No compiled function allocates an array, so that references need no counting, which takes five sixths of the time."""
SOURCES = hashlib.sha256(b"".join(path.read_bytes() for path in sorted(Path(__file__).parent.glob("*.py")))).hexdigest()
"""Of all files of this package, from which every compiled function takes something."""


def require_numba() -> None:
    """Loads numba, or says how to come by it.

    Raises:
        ModuleNotFoundError: It is not installed.
        ImportError: It cannot be loaded, with this version of NumPy for instance.
    """
    try:
        import numba  # noqa: F401, PLC0415 - for its error
    except ModuleNotFoundError as error:
        if error.name != "numba":
            raise
        message = "numba is missing, which a model that keeps learning needs: pip install 'chartok[fast]'"
        raise ModuleNotFoundError(message, name=error.name) from None


def compiled(function: Function) -> Function:
    """Returns a function compiled on first use; the machine code is kept on disk, beside the source or in a cache.

    numba compiles anew after a change to the file of the function, but not to those of what it calls, whose code it
    contains: machine code of another version would make other predictions. The name that it is kept under therefore
    depends on all of them. With ``NUMBA_DISABLE_JIT=1`` in the environment the function stays Python, with the same
    results.
    """
    function.__qualname__ += f"_{SOURCES[:16]}"
    return cast("Function", njit(cache=True, error_model="numpy", **WITHOUT_COUNTING)(function))


def inlined(function: Function) -> Function:
    """Returns a function compiled into each compiled function that calls it."""
    options = {"forceinline": True, "no_cpython_wrapper": True, "no_cfunc_wrapper": True}
    return cast("Function", njit(error_model="numpy", **options, **WITHOUT_COUNTING)(function))
