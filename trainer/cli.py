"""The terminal's entry: parse, do, and turn whatever ends it into an exit status and one clear line."""

import argparse
import contextlib
import os
import sys
import traceback
from collections.abc import Sequence

from trainer import arguments, bags, console
from trainer.errors import Stopped, StorageError, TrainerError

DONE, FAULT, REFUSED, STOPPED = 0, 1, 2, 130


def main(argv: Sequence[str] | None = None) -> int:
    """Run one verb. Exit status: 0 done, 2 the user's world (one line: what, where, remedy), 130 stopped, 1 our fault."""
    options = arguments.parse(argv)
    try:
        return _run(options)
    except TrainerError as error:
        if options.json:
            with contextlib.suppress(StorageError):  # the very place where results go may be full
                console.emit({"error": {"what": error.what, "where": error.where, "remedy": error.remedy}})
        console.note(f"cxr-trainer: {error}")
        return REFUSED
    except (Stopped, KeyboardInterrupt):
        console.note("cxr-trainer: Stopped.")
        return STOPPED
    except BrokenPipeError:  # the reader of our output has gone, for example `| head`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return DONE
    except Exception as error:  # noqa: BLE001 - the border of the process: a fault of ours, told with what a report needs
        traceback.print_exc()
        console.note(
            f"cxr-trainer: A fault of the program ({error!r}). Nothing of yours is lost; please report the lines above."
        )
        return FAULT


def _run(options: argparse.Namespace) -> int:
    # Imported only now: --help, a wrong option, a wrong path and the verbs on data must not wait seconds for torch.
    whole = options.verb == "resume" and bags.is_bag(options.run)  # which refuses to be one of several
    if options.verb in arguments.BY_SEVERAL and os.environ.get("RANK", "0") != "0" and not whole:
        _spin_briefly()
        from trainer import cli_assist

        if (status := cli_assist.run()) is not None:
            return status
    from trainer import cli_data

    if options.verb in arguments.ON_DATA:
        return cli_data.VERBS[options.verb](options)
    if options.verb in arguments.ON_RESULTS:
        from trainer import cli_results

        return cli_results.VERBS[options.verb](options)
    cli_data.check(options)
    _spin_briefly()
    if options.verb == "bag" or (options.verb in arguments.ON_BAGS and bags.meant(options.run)):
        from trainer import cli_bags

        return cli_bags.VERBS[options.verb](options)
    from trainer import cli_learning

    return cli_learning.VERBS[options.verb](options)


def _spin_briefly() -> None:
    """Before torch is imported: its threads wait for each other by spinning.

    Beside another program (our window, say) that costs many times the work. Spinning for about ten microseconds only is as
    fast on an idle computer (docs/decisions.md).
    """
    os.environ.setdefault("GOMP_SPINCOUNT", "10000")
