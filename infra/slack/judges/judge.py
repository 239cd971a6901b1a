"""Holds what the agent says to Slack against Slack's SDK for Python, and the sandbox's Slack with it.

    judge.py DIRECTORY SANDBOX

DIRECTORY holds what is sent, as a test of shared/slack writes it, said/<method>/<name>.json, and what people are told, as
one of approval-callback does, told/<number>.json. Requests that are signed here are put into DIRECTORY/signed, for a test of
approval-callback to check. SANDBOX is the sandbox's program.
"""

import json
import sys
import warnings
from pathlib import Path

import models
import signed
import workspace
from sandbox import Sandbox

METHODS = ("chat.postMessage", "chat.update", "views.open")

MOST_SHOWN = 8


def main() -> int:
    """Prints what each judge says, and whether any says no."""
    if len(sys.argv) != 3:
        print(__doc__)
        return 2
    directory, program = Path(sys.argv[1]), sys.argv[2]
    said = [(method, file.stem, json.loads(file.read_text(encoding="utf-8")))
            for method in METHODS for file in sorted((directory / "said" / method).glob("*.json"))]
    if {method for method, _, _ in said} != set(METHODS):
        print(f"✗ there is not something of each method in {directory / 'said'}")
        return 1
    # What the SDK warns of, such as a message that a screen reader has nothing to read of, is a problem.
    warnings.simplefilter("error", UserWarning)
    told = [json.loads(file.read_text(encoding="utf-8")) for file in sorted((directory / "told").glob("*.json"))]
    failed = 0
    for name, judge in judges(said, told, directory, program):
        try:
            problems = list(judge())
        except Exception as error:  # pylint: disable=broad-except
            # The other judges judge other things.
            problems = [f"the judge broke off: {error!r}"]
        failed += bool(problems)
        print(f"{'✗' if problems else '✓'} {name}", flush=True)
        for problem in problems[:MOST_SHOWN]:
            print(f"  {str(problem)[:400]}")
        if len(problems) > MOST_SHOWN:
            print(f"  and {len(problems) - MOST_SHOWN} more")
    return 1 if failed else 0


def judges(said, told, directory, program):
    """Each judge with what it says yes to, in their order."""
    yield f"slack_sdk.models reads {len(said)} requests as they were meant", lambda: models.problems(said)
    yield "slack_sdk.models says no to what Slack refuses", models.faults_that_are_missed
    with Sandbox(program) as sandbox:
        for name, judge in workspace.judges(sandbox, said, told):
            yield name, judge
        yield "slack_sdk signs as Slack's documentation does", signed.unlike_the_documentation
        yield "slack_sdk's signed requests are written", lambda: signed.write(directory / "signed", sandbox.received)


if __name__ == "__main__":
    sys.exit(main())
