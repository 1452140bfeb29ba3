"""The bigram model: each character depends on the one before it and on nothing else."""
