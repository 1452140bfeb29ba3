"""The pages of the documentation that are written, not those that a build makes, which may run beside the tests."""

from pathlib import Path

DOCS = Path(__file__).parents[2] / "docs"
MADE = (DOCS / "_build", DOCS / "gallery", DOCS / "reference" / "classes")

WRITTEN_PAGES = [page for page in sorted(DOCS.rglob("*.md")) if not set(MADE) & set(page.parents)]
