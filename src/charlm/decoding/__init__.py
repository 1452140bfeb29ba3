"""Finding the most likely text: corrections, transcriptions, completions, guesses."""
