"""A model that learns while it reads: predictions of many contexts, bit by bit, mixed by a network in integers."""
