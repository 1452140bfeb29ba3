"""Checks what a network says of the labels of frames, and the labels."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from chartok.arguments import checked_texts, integer

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

TOLERANCE = 1e-2
"""By how much the probabilities of a frame may miss 1: those of half precision are off by less."""
DIMENSIONS, OF_BATCH = 2, 3


def checked_log_probs(name: str, log_probs: Any, n_labels: int) -> NDArray[np.float64]:  # noqa: ANN401
    """Returns log-probabilities of labels in frames, float64 ``(T, C)``.

    Args:
        name: What messages call them.
        log_probs: An array or a tensor on any device.
        n_labels: The number of labels, C.

    Raises:
        TypeError: They are not floating point.
        ValueError: They are not ``(T, C)``, have NaN, or the probabilities of a frame do not add up to 1.
    """
    array = as_floats(name, log_probs)
    if array.ndim != DIMENSIONS:
        hint = ": ctc_decode_batch takes several recordings" if array.ndim == OF_BATCH else ""
        raise ValueError(f"{name} must be (T, C), frames by labels, got shape {array.shape}{hint}")
    if array.shape[1] != n_labels:
        turned = f"; {name}.T has" * (array.shape[0] == n_labels)
        raise ValueError(
            f"{name} must have a column for each of the {n_labels} labels of the alphabet, got shape "
            f"{array.shape}{turned}"
        )
    if np.isnan(array).any():
        frame, label = np.argwhere(np.isnan(array))[0].tolist()
        raise ValueError(f"{name}[{frame}, {label}] is NaN: log-probabilities must be numbers, or -inf for none")
    with np.errstate(over="ignore"):
        sums = np.exp(array).sum(axis=1)
    off = np.flatnonzero(~(np.abs(sums - 1) <= TOLERANCE))
    if len(off):
        frame = int(off[0])
        is_plain = bool((array >= 0).all()) and abs(float(array[frame].sum()) - 1) <= TOLERANCE
        advice = "take their logarithms" if is_plain else "apply log_softmax over the labels"
        raise ValueError(
            f"{name} must be natural log-probabilities: in frame {frame} the probabilities add up to "
            f"{sums[frame]:.4g}, not 1: {advice}"
        )
    return array


def checked_batch(log_probs: Any, lengths: Sequence[int] | None, n_labels: int) -> list[NDArray[np.float64]]:  # noqa: ANN401
    """Returns the log-probabilities of each of several recordings.

    Args:
        log_probs: ``(B, T, C)``, or a list of ``(T, C)``.
        lengths: How many frames count; None counts all.
        n_labels: The number of labels, C.

    Raises:
        TypeError: As for ``checked_log_probs``, of which it names the recording.
        ValueError: Likewise; or there is not one length for each, or it is out of range.
    """
    several = log_probs if isinstance(log_probs, list | tuple) else as_floats("log_probs", log_probs)
    if not isinstance(several, list | tuple) and several.ndim != OF_BATCH:
        raise ValueError(f"log_probs must be (B, T, C) or a list of (T, C), got shape {several.shape}")
    if lengths is not None and np.ndim(lengths) == 0:
        raise TypeError(f"lengths must be a list of integers, one for each recording, got {type(lengths).__name__}")
    if lengths is not None and len(lengths) != len(several):
        raise ValueError(f"lengths must be one for each of {len(several)} recordings, got {len(lengths)}")
    found = list[Any]()
    for place, frames in enumerate(several):
        name = f"log_probs[{place}]"
        array = as_floats(name, frames)
        if lengths is not None:
            if isinstance(lengths[place], float | np.floating):
                raise TypeError(
                    f"lengths must be numbers of frames, got {lengths[place]:g} in lengths[{place}]: multiply shares "
                    "of the longest recording by its frames, and round"
                )
            length = integer(f"lengths[{place}]", lengths[place])
            if not 0 <= length <= len(array):
                raise ValueError(
                    f"lengths[{place}] must be from 0 to the {len(array)} frames that there are, got {length}"
                )
            array = array[:length]
        found.append(checked_log_probs(name, array, n_labels))
    return found


def as_floats(name: str, values: Any) -> NDArray[np.float64]:  # noqa: ANN401 - an array, a tensor or lists
    """Returns an array or a tensor as float64.

    Raises:
        TypeError: It is not floating point.
    """
    if hasattr(values, "detach"):  # a tensor, on any device and of half precision too
        values = values.detach().cpu().double().numpy() if values.is_floating_point() else values.cpu().numpy()
    array = np.asarray(values)
    if array.dtype.kind != "f":
        raise TypeError(f"{name} must be floating point, got {array.dtype} values")
    return array.astype(np.float64)


def checked_alphabet(alphabet: str | Sequence[str], blank: int | None) -> tuple[list[str], int]:
    """Returns the labels, and which of them is the blank.

    Args:
        alphabet: The labels; a ``str`` gives its characters.
        blank: The column of the blank; None for the empty label.

    Raises:
        TypeError: A label is not a ``str``, or ``blank`` not an integer.
        ValueError: There is no blank, a label is empty or repeated.
    """
    labels = list(checked_texts([*alphabet], "alphabet"))
    if blank is None:
        if "" not in labels:
            raise ValueError(
                f"alphabet lacks the blank: none of its {len(labels)} labels is empty; say in which column it is, such "
                "as blank=0"
            )
        blank = labels.index("")
    elif not 0 <= integer("blank", blank) < len(labels):
        raise ValueError(f"blank must be a column from 0 to {len(labels) - 1}, got {blank}")
    seen = set[str]()
    for place, label in enumerate(labels):
        if place == blank:
            continue
        if not label:
            raise ValueError(f"alphabet[{place}] is empty, and so is the blank, which is column {blank}")
        if label in seen:
            raise ValueError(f"alphabet[{place}] is {label!a} again: each label must have one column")
        seen.add(label)
    return labels, int(blank)
