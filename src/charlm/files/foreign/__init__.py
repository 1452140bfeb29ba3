"""Checkpoints of other programs: those of nanoGPT, minGPT and GPT-2."""
