"""Whether tests are to do all that they can (``make torture``), or what is quick."""

import os

TORTURE = "CHARTOK_TORTURE" in os.environ
