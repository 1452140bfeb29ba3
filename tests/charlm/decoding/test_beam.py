from charlm import Channel, CharLM
from charlm.decoding.beam import BeamSearch
from charlm.decoding.branches import Asked
from charlm.decoding.edit_table import EditTable


def test_texts_that_end_leave_the_beams_of_the_others_as_they_are() -> None:
    lm = CharLM.fit("abcabcabc" * 20, order=3)
    table = EditTable(Channel(substitutions={"a": {"x": 0.1}, "b": {"x": 0.1}}), lm.vocabulary)
    (rows,) = table.rows_of([["a", "x", "c"]])
    asked = Asked(lm.vocabulary, lm.predictor)
    alone, beside = (BeamSearch(asked, table, n_texts, beam_width=5) for n_texts in (1, 2))
    for place, row in enumerate(rows.tolist()):
        if place == 1:
            assert beside.finished(1)[1] == [lm.vocabulary.id_of("c")]
        alone.see(rows[place : place + 1], rows[:1])
        beside.see(rows[[place, 2]], rows[[0, 0]])
        assert row == rows[place]
    assert beside.finished(0) == alone.finished(0)
    assert lm.correct("axc", channel=Channel(substitutions={"b": {"x": 0.1}})) == "abc"
