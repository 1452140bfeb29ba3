"""What datasets and batches display: a few facts, and in a notebook the ids of an example or two."""

from __future__ import annotations

from typing import TYPE_CHECKING

from chartok.markup import visible
from chartok.notebook import Shown, quiet, table_of_ids

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from typing import Protocol

    from torch import Tensor

    from charlm.data.records import Records
    from charlm.data.streams import Stream
    from chartok import Vocabulary

    class HasExamples(Protocol):
        """Examples that can be read one by one."""

        def __getitem__(self, index: int, /) -> tuple[Tensor, Tensor]:
            """Returns the inputs and the targets of an example."""


MOST_IDS = 12
"""How many ids of an example are shown."""


def table_of_examples(dataset: HasExamples, numbers: Iterable[int]) -> str:
    """Returns the ids of some examples as HTML, and their text where the dataset has a vocabulary.

    If a file can no longer be read, the object still shows the rest, and says what is wrong.

    Args:
        dataset: The examples.
        numbers: Which of them.
    """
    vocabulary: Vocabulary | None = getattr(dataset, "vocabulary", None)
    rows = []
    try:
        for number in numbers:
            inputs, targets = (ids.tolist() for ids in dataset[number])
            text = [] if vocabulary is None else [_text(vocabulary, inputs)]
            rows.append([f"{number:,}", *text, _ids(inputs), _ids(targets)])
    except (OSError, ValueError) as error:
        return quiet(f"no example can be read: {error}")
    return table_of_ids(["example", *([] if vocabulary is None else ["text"]), "inputs", "targets"], rows)


def _ids(ids: Sequence[int]) -> str:
    return " ".join(map(str, ids[:MOST_IDS])) + (" \u2026" if len(ids) > MOST_IDS else "")


def _text(vocabulary: Vocabulary, ids: Sequence[int]) -> str:
    """Returns the text of ids, with signs for what would not be seen; special tokens have none."""
    text = "".join(map(visible, vocabulary.decode(ids[:MOST_IDS])))
    return text + ("\u2026" if len(ids) > MOST_IDS else "")


class ShownText(Shown):
    """The part of ``TextDataset`` that shows it."""

    stream: Stream
    block_size: int
    stride: int

    def __len__(self) -> int:
        raise NotImplementedError

    def __getitem__(self, index: int) -> tuple[Tensor, Tensor]:
        raise NotImplementedError

    def _facts(self) -> dict[str, str]:
        facts = {"ids": f"{len(self.stream):,}", "block size": f"{self.block_size:,}", "windows": f"{len(self):,}"}
        return facts if self.stride == 1 else facts | {"stride": f"{self.stride:,}"}

    def _content(self) -> str:
        return table_of_examples(self, [0])


class ShownRecords(Shown):
    """The part of ``RecordDataset`` that shows it."""

    records: Records
    vocabulary: Vocabulary
    block_size: int

    def __len__(self) -> int:
        raise NotImplementedError

    def __getitem__(self, index: int) -> tuple[Tensor, Tensor]:
        raise NotImplementedError

    def _facts(self) -> dict[str, str]:
        facts = {"records": f"{len(self.records):,}", "block size": f"{self.block_size:,}"}
        if len(self) != len(self.records):
            facts["examples"] = f"{len(self):,}"
        return facts | {"symbols": f"{len(self.vocabulary.symbols):,}"}

    def _content(self) -> str:
        return table_of_examples(self, range(min(3, len(self))))
