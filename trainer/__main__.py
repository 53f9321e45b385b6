"""`python -m trainer VERB` = `cxr-trainer VERB`."""

import multiprocessing
import sys

multiprocessing.freeze_support()  # first: in a frozen program, child processes start here again and need nothing of the below

if multiprocessing.parent_process() is None:  # a child process that is not frozen imports this file and needs nothing of it
    from trainer import cli


def main() -> int:
    """Entry of the console script and of the frozen program."""
    return cli.main()


if __name__ == "__main__":
    sys.exit(main())
