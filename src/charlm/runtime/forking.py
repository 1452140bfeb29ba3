"""What is renewed in a forked process, which has none of the other threads, and where what they locked stays locked."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any, TypeVar
from weakref import WeakKeyDictionary

if TYPE_CHECKING:
    from collections.abc import Callable

_Holder = TypeVar("_Holder")

_renewals = WeakKeyDictionary[object, "Callable[[Any], None]"]()


def renew_in_children(holder: _Holder, renew: Callable[[_Holder], None]) -> None:
    """Lets every process that is forked while an object exists begin by renewing it.

    Args:
        holder: An object with locks or threads.
        renew: Called with it; replaces them.
    """
    _renewals[holder] = renew


def _renew_all() -> None:
    for holder, renew in list(_renewals.items()):
        renew(holder)


if hasattr(os, "register_at_fork"):  # Windows does not fork
    os.register_at_fork(after_in_child=_renew_all)
