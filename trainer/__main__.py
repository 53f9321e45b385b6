"""`python -m trainer VERB` = `cxr-trainer VERB`."""

import multiprocessing
import sys

from trainer import cli


def main() -> int:
    """Entry of the console script and of the frozen program."""
    multiprocessing.freeze_support()  # in a frozen program, child processes start here again
    return cli.main()


if __name__ == "__main__":
    sys.exit(main())
