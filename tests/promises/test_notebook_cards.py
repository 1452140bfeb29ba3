"""What objects show in a notebook reads well on a phone and on a screen, on a light and on a dark page."""

from pathlib import Path
from typing import Any

from charlm import (
    BatchSampler,
    BigramLanguageModel,
    CharLM,
    Evaluation,
    RecordDataset,
    TextDataset,
    Trainer,
)
from chartok import Vocabulary
from log_entries import log_entry
from page_checks import chromium, troubles_at_every_size

HOSTILE = "</style><script>document.title='taken'</script><img src=x onerror=alert(1)>\"'&\u202e\x07\u5b57"
PAGE = (
    '<!doctype html><html lang="en"><meta charset="utf-8"><style>:root { color-scheme: light dark }</style>'
    '<meta name="viewport" content="width=device-width"><title>A notebook</title><h1>A notebook</h1>'
)


def cards() -> list[str]:
    vocabulary = Vocabulary([*dict.fromkeys(HOSTILE + "abc"), HOSTILE], special_tokens=["bos", "eos", "unk"])
    dataset = TextDataset([0, 1, 2] * 50, block_size=32)
    batches = BatchSampler(dataset, batch_size=4)
    trainer = Trainer(BigramLanguageModel(3), batches)
    trainer.log = [log_entry(step, train_loss=12 / step, validation_loss=10 / step) for step in range(1, 100)]
    lm = CharLM.fit(f"{HOSTILE} the cat sat on the mat. " * 20, order=4)
    shown: list[Any] = [
        vocabulary,
        dataset,
        RecordDataset([HOSTILE, "anna"]),
        batches,
        trainer,
        Evaluation(nats_per_character=1.5, characters=1_000_000, utf8_bytes=1_100_000, symbols=900_000),
        lm,
        lm.inspect(f"the dog satt {HOSTILE}"),
    ]
    return [each._repr_html_() for each in shown]


def test_what_objects_show_is_whole_and_legible_everywhere_and_runs_nothing(tmp_path: Path) -> None:
    page = tmp_path / "notebook.html"
    page.write_text(PAGE + "".join(cards()), encoding="utf-8")
    with chromium() as browser:
        assert troubles_at_every_size(browser, page.as_uri()) == []
        tab = browser.new_page()
        tab.goto(page.as_uri())
        assert tab.title() == "A notebook"
        assert tab.locator("img, script").count() == 0
