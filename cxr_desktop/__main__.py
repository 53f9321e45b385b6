"""`python -m cxr_desktop [PROJECT]` = `cxr-desktop [PROJECT]`."""

import multiprocessing
import sys

from cxr_desktop import app


def main() -> int:
    """Entry of the script and of the frozen program."""
    multiprocessing.freeze_support()  # in a frozen program, child processes start here again
    return app.main()


if __name__ == "__main__":
    sys.exit(main())
