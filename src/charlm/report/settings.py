"""The section of settings: of the model, of the run, and of the machine."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from charlm.files.model_facts import told_settings
from charlm.report.elements import section, table
from chartok.markup import shown_name

if TYPE_CHECKING:
    from charlm.files.run_description import RunDescription
    from charlm.lm import CharLM


def settings(lm: CharLM | None, description: RunDescription | None) -> str:
    """Returns the section.

    Args:
        lm: The model, if there is one yet.
        description: That of the run, if it is known.
    """
    model, run, machine = "", "", ""
    if lm is not None:
        facts: dict[str, Any] = {"family": lm.family, **told_settings(lm.settings)}
        facts |= {"symbols": f"{len(lm.vocabulary.symbols):,}", "fingerprint": lm.vocabulary.fingerprint}
        model = table("Model", _rows(facts))
    if description is not None:
        about = {
            "text": description.text,
            "characters": f"{description.characters:,}",
            "started": in_utc(description.began),
        }
        run = table("Run", _rows(about | description.settings))
        machine = table("Machine", _rows(description.machine))
    tables = f'<div class="tables"><div>{model}{machine}</div><div>{run}</div></div>'
    return section("settings", "Settings and machine", tables)


def in_utc(moment: str) -> str:
    """Returns a moment of a run as people write it.

    Example:
        >>> in_utc("2026-03-01T22:22:26+00:00")
        '2026-03-01 22:22:26 UTC'
    """
    return moment.replace("T", " ").replace("+00:00", " UTC")


def _rows(facts: dict[str, Any]) -> list[tuple[str, str]]:
    return [(shown_name(name), shown_name(str(value))) for name, value in facts.items()]
