"""The program: ``charlm`` and ``python -m charlm``."""

from __future__ import annotations

import os


def run() -> int:
    """Runs the command line in a process of its own, and returns the exit code."""
    try:
        from charlm.cli.endings import end_silently  # noqa: PLC0415 - Ctrl-C may come while it loads

        end_silently()
        from charlm.runtime.threads import set_threads  # noqa: PLC0415 - likewise

        set_threads()
    except KeyboardInterrupt:
        return 130
    from charlm.cli.app import main  # noqa: PLC0415 - likewise, and NumPy and PyTorch after the threads are set

    code = main()
    if "TORCHELASTIC_RUN_ID" in os.environ:
        # A thread of torch may outlive its process group, and aborts a process that exits in the usual way.
        os._exit(code)
    return code


if __name__ == "__main__":
    raise SystemExit(run())
