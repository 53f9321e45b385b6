"""`python -m cxr_desktop [PROJECT | RUN | FILES...]` = `cxr-desktop ...`."""

import multiprocessing
import sys

multiprocessing.freeze_support()  # first: in a frozen program, child processes start here again and need nothing of the below

from cxr_desktop import app  # noqa: E402


def main() -> int:
    """Entry of the script and of the frozen program."""
    return app.main()


if __name__ == "__main__":
    sys.exit(main())
