import csv
import os
import warnings

import pytest

from chartok.files.long_cells import LongCells


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system does not fork")
def test_a_process_that_is_forked_meanwhile_has_the_limit_of_the_program() -> None:
    limit = csv.field_size_limit()
    with LongCells(), warnings.catch_warnings(action="ignore", category=DeprecationWarning):  # of threads of others
        child = os.fork()
        if not child:
            os._exit(0 if csv.field_size_limit() == limit else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert csv.field_size_limit() == limit
