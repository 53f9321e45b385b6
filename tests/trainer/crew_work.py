"""What the processes of the crew tests do, and the programs that start them; run as `python -c "...; crew_work.NAME()"`."""

import json
import os
import signal
import sys
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

from trainer import survey
from trainer.crew import Crew


def square(number: int) -> tuple[int, int]:
    """The square and who found it; 13 breaks the process, 1,000 takes for ever."""
    if number == 13:
        os.kill(os.getpid(), signal.SIGKILL)
    if number == 1_000:
        signal.pause()
    return number * number, os.getpid()


def share_out() -> None:
    """Print what a crew of two says to 60 tasks of which one breaks its process, and to some of them one by one."""
    with closing(Crew(square, 2)) as crew:
        answers = list(crew.answers(iter(range(60))))
        alone = crew.one_by_one([12, 13, 14])
    values = [answer and answer[0] for answer in answers]
    print(json.dumps([values, len({a[1] for a in answers if a}), [answer and answer[0] for answer in alone], os.getpid()]))


def wait() -> None:
    """Print the numbers of two processes that are at work, and wait for them for ever."""
    with closing(Crew(square, 2)) as crew:
        answers = crew.answers(iter([1, 2, 3, 4, 1_000, 1_000, 1_000, 1_000]))
        pids = {answer[1] for answer in (next(answers) for _ in range(4)) if answer}
        print(json.dumps(sorted(pids)), flush=True)
        next(answers)


def fragile(chunk: Sequence[survey.Wanted]) -> list[survey.Seen | str]:
    """Look at files as an import does, with a decoder that breaks the process over one of them."""
    if any(path.endswith("breaks.png") for path, _, _ in chunk):
        os.kill(os.getpid(), signal.SIGKILL)
    return survey.seen(chunk)


def look() -> None:
    """Print what is seen of the files of a folder (first argument), the broken one among them."""
    wanted = [(str(path), 0, "") for path in sorted(Path(sys.argv[1]).iterdir())]
    survey.FEW, survey.seen = 20, fragile
    print(json.dumps([seen if isinstance(seen, str) else seen[0] for seen in survey.run(wanted, processes=2)]))


def bring_in() -> None:
    """Import a folder (second argument) into a project (first) with two processes; killed at the count of the third, or 0."""
    from trainer import importer

    project, source, count = Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3])
    survey.FEW = 20

    def progress(done: int, _: int) -> None:
        if done == count:
            os.kill(os.getpid(), signal.SIGKILL)

    made = importer.run(project, [source], progress=progress, processes=2)
    print(json.dumps({"taken": made.taken, "refused": len(made.refused)}))
