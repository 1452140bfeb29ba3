import os
import signal
import threading
from contextlib import ExitStack

import pytest
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from charlm.models.modes import _holds, evaluation_mode, training_mode


def model() -> nn.Sequential:
    """Three modules and one in them, of which one is in evaluation mode for good."""
    return nn.Sequential(nn.Dropout(), nn.Sequential(nn.Dropout()), nn.Dropout().eval())


def modes(module: nn.Module) -> list[bool]:
    return [part.training for part in module.modules()]


@given(moves=st.lists(st.tuples(st.integers(0, 3), st.booleans())))
def test_blocks_that_overlap_in_any_order_leave_no_module_in_training_mode_until_all_have_ended(
    moves: list[tuple[int, bool]],
) -> None:
    whole = model()
    before = modes(whole)
    blocks: dict[int, ExitStack] = {}
    for place, holds_all in moves:
        if place in blocks:
            blocks.pop(place).close()
        else:
            blocks[place] = ExitStack()
            blocks[place].enter_context(evaluation_mode(whole if holds_all else whole[1]))
            assert not any(modes(whole if holds_all else whole[1]))
        if not blocks:
            assert modes(whole) == before
    for block in blocks.values():
        block.close()
    assert modes(whole) == before


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system cannot fork")
def test_a_forked_process_neither_waits_for_blocks_of_other_threads_nor_stays_in_their_mode() -> None:
    whole = model()
    before = modes(whole)
    inside, done = threading.Barrier(2), threading.Event()

    def score() -> None:
        with evaluation_mode(whole), _holds.lock:
            inside.wait()
            done.wait()

    thread = threading.Thread(target=score)
    thread.start()
    inside.wait()
    child = os.fork()
    if not child:
        signal.alarm(10)
        with evaluation_mode(whole):
            was_right = not any(modes(whole))
        os._exit(0 if was_right and modes(whole) == before else 1)
    _, status = os.waitpid(child, 0)
    done.set()
    thread.join()
    assert os.waitstatus_to_exitcode(status) == 0


def test_training_mode_ends_in_evaluation_mode_even_by_an_error() -> None:
    whole = model()
    with training_mode(whole):
        assert all(modes(whole))
    assert not any(modes(whole))
    with pytest.raises(KeyboardInterrupt), training_mode(whole):
        raise KeyboardInterrupt
    assert not any(modes(whole))
