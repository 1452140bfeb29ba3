import signal
import threading

import pytest

from charlm.training.signals import ENDING, StopSignals, stop_for


def test_the_first_signal_is_noted_and_the_handlers_come_back() -> None:
    before = [signal.getsignal(number) for number in ENDING]
    for number in set(ENDING) - {signal.SIGINT}:
        with StopSignals() as signals:
            assert signals.received == 0
            signal.raise_signal(number)
            signal.raise_signal(signal.SIGTERM)
            assert signals.received == number
        assert [signal.getsignal(number) for number in ENDING] == before


@pytest.mark.parametrize("first", ENDING)
def test_a_later_sigint_stops_at_once(first: signal.Signals) -> None:
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        with StopSignals() as signals:
            signal.raise_signal(first)
            with pytest.raises(KeyboardInterrupt):
                signal.raise_signal(signal.SIGINT)
            assert signals.received == first
    finally:
        signal.signal(signal.SIGINT, before)


@pytest.mark.parametrize("number", ENDING)
def test_an_ignored_signal_stays_ignored(number: signal.Signals) -> None:
    before = signal.signal(number, signal.SIG_IGN)
    try:
        with StopSignals() as signals:
            signal.raise_signal(number)
            assert signals.received == 0
    finally:
        signal.signal(number, before)


def test_in_another_thread_nothing_changes() -> None:
    before = signal.getsignal(signal.SIGINT)
    seen = []

    def work() -> None:
        with StopSignals():
            seen.append(signal.getsignal(signal.SIGINT))

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert seen == [before]


def test_a_process_stops_as_the_signal_would_have_stopped_it() -> None:
    with pytest.raises(KeyboardInterrupt):
        stop_for(signal.SIGINT)
    for number in set(ENDING) - {signal.SIGINT}:
        with pytest.raises(SystemExit, match=str(128 + number)):
            stop_for(number)
