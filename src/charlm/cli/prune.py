"""Makes the file of an n-gram model smaller on the command line: ``prune``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from charlm.cli.calibrate import tell_left_out
from charlm.cli.mistakes import UsageError
from charlm.cli.output import print_json, print_line
from charlm.files.run_folder import RunFolder
from charlm.lm import CharLM
from charlm.models.ngram.table import NGramTable

if TYPE_CHECKING:
    from charlm.cli.flags import Prune


def prune(settings: Prune) -> None:
    """Writes a smaller model file."""
    RunFolder(settings.model).refuse_to_replace(settings.out)
    asked = {name: getattr(settings, name) for name in ("min_count", "entropy", "max_bytes")}
    given = {name: value for name, value in asked.items() if value is not None}
    if len(given) > 1 or not (given or settings.compact):
        raise UsageError("give one of --min-count, --entropy and --max-bytes, or --compact alone")
    lm = CharLM.load(settings.model)
    smaller = lm.prune(**given) if given else lm
    tell_left_out(settings.model, is_calibrated=lm.calibration is not smaller.calibration)
    smaller.save(settings.out, compact=settings.compact or settings.max_bytes is not None)
    before, after = (len(each.stored) if isinstance(each.stored, NGramTable) else 0 for each in (lm, smaller))
    size = settings.out.stat().st_size
    if settings.json:
        print_json(out=str(settings.out), n_grams_before=before, n_grams=after, bytes=size)
    else:
        print_line(f"{after:,} of {before:,} n-grams in {size:,} bytes: saved to {settings.out}")
