"""The samples of a report do not repeat each other."""

from dataclasses import replace

from charlm.report.samples import samples
from log_entries import log_entry


def test_a_sample_on_the_way_that_begins_a_finished_one_is_left_out() -> None:
    entries = [replace(log_entry(step), sample=text) for step, text in ((10, "the dog"), (20, "the cat"))]
    html = samples(["the cat sat", "a mat"], entries, note="<b>")
    assert "Sample at step 10" in html
    assert "Sample at step 20" not in html
    assert "<p>&lt;b&gt;</p>" in html
    assert "On the way" not in samples(["the cat sat"], entries[1:])
