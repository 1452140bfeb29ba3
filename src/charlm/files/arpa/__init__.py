"""N-gram models in the ARPA format."""
