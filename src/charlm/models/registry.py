"""Every family of models by its name."""

from __future__ import annotations

from typing import TYPE_CHECKING

from charlm.models.mixture import COMPONENTS, MixtureLanguageModel

if TYPE_CHECKING:
    from charlm.models.base import LanguageModel

FAMILIES: dict[str, type[LanguageModel]] = {**COMPONENTS, MixtureLanguageModel.family: MixtureLanguageModel}
"""Every family by its name."""
