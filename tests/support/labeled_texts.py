"""Clauses in six languages, as texts with labels."""

from languages import LEARNED

SENTENCES = {language: [*filter(None, text.split("\n"))] for language, text in LEARNED.items() if language != "zh"}
TEXTS = [clause for lines in SENTENCES.values() for line in lines for clause in line.split(", ") if clause]
LABELS = [language for language, lines in SENTENCES.items() for line in lines for each in line.split(", ") if each]
