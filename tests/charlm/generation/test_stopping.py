from itertools import chain

from hypothesis import example, given
from hypothesis import strategies as st

from charlm.generation.stopping import StopAutomaton, StopFilter

ids = st.lists(st.integers(0, 2), max_size=30)
stop_lists = st.lists(st.lists(st.integers(0, 2), min_size=1, max_size=5), max_size=3)
"""Few ids, so that the sequences overlap each other and themselves."""


def before_stop(sequence: list[int], stops: list[list[int]]) -> list[int]:
    """Returns what stands before the sequence that is complete first, by looking at every place."""
    for end in range(len(sequence) + 1):
        complete = [stop for stop in stops if sequence[:end][-len(stop) :] == stop]
        if complete:
            return sequence[: end - max(map(len, complete))]
    return sequence


@given(sequence=ids, stops=stop_lists)
def test_what_comes_out_is_what_stands_before_the_first_stop(sequence: list[int], stops: list[list[int]]) -> None:
    stop_filter, out = StopFilter(StopAutomaton(stops)), list[int]()
    for token_id in sequence:
        if not stop_filter.is_finished:
            out += stop_filter.take(token_id)
    out += stop_filter.rest()
    assert out == before_stop(sequence, stops)
    assert stop_filter.is_finished == (len(out) < len(sequence))
    assert stop_filter.rest() == []


@given(sequence=ids, stops=stop_lists)
def test_an_id_is_held_back_only_while_it_may_be_part_of_a_stop(sequence: list[int], stops: list[list[int]]) -> None:
    stops = [stop for stop in stops if before_stop(stop[:-1], stops) == stop[:-1]]  # another would always come first
    stop_filter, out = StopFilter(StopAutomaton(stops)), list[int]()
    for place, token_id in enumerate(sequence, start=1):
        out += stop_filter.take(token_id)
        if stop_filter.is_finished:
            return
        futures = chain.from_iterable((stop[length:] for length in range(len(stop) + 1)) for stop in stops)
        shortest = min((before_stop(sequence[:place] + future, stops) for future in futures), key=len, default=sequence)
        assert out == sequence[:place][: len(shortest)]


class CountedId(int):
    """An id that counts how often it is compared with another."""

    compared = 0

    def __eq__(self, other: object) -> bool:
        CountedId.compared += 1
        return super().__eq__(other)

    __hash__ = int.__hash__


@given(text=st.text("ab", max_size=200), stops=st.lists(st.text("ab", min_size=1, max_size=200), min_size=1))
@example(text="a" * 200, stops=["a" * 100 + "b"])
def test_an_id_is_compared_a_few_times_however_long_the_stops(text: str, stops: list[str]) -> None:
    stop_filter = StopFilter(StopAutomaton([list(map(CountedId, stop.encode())) for stop in stops]))
    CountedId.compared = 0
    for token_id in map(CountedId, text.encode()):
        if not stop_filter.is_finished:
            stop_filter.take(token_id)
    assert CountedId.compared <= 4 * len(text)


def test_of_two_stops_complete_at_once_the_longer_is_cut_off() -> None:
    stop_filter = StopFilter(StopAutomaton([[2], [1, 2]]))
    assert [stop_filter.take(token_id) for token_id in (0, 1, 2)] == [[0], [], []]
    assert stop_filter.rest() == []


def test_what_a_longer_stop_held_back_comes_when_a_shorter_one_ends_it() -> None:
    stop_filter = StopFilter(StopAutomaton([[0, 1, 2, 3], [1, 2]]))
    assert [stop_filter.take(token_id) for token_id in (0, 1, 2)] == [[], [], [0]]
    assert stop_filter.is_finished
