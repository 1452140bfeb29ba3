"""Ids as training data: texts, records, batches."""
