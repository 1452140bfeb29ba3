"""Classes of texts: one model for each, calibrated together, in one folder."""
