"""Run scripts in this process, one after another, and say what each found.

It is run by its path, and imports nothing of this package: the first scripts see their framework
alone. A line of JSON in, a line of JSON out.
"""

import contextlib
import io
import json
import os
import sys
import warnings
from typing import Any


def main() -> None:
    """Read requests from standard input until it ends."""
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # what libraries print is no answer
    warnings.simplefilter("ignore")
    for line in sys.stdin:
        request = json.loads(line)
        namespace: dict[str, Any] = {"__name__": "__main__"}
        printed = io.StringIO()
        try:
            with contextlib.redirect_stdout(printed):
                exec(compile(request["script"], "reproducer.py", "exec"), namespace)
            answer = {"found": repr(float(namespace["found"]))}
        except Exception as error:  # whatever it is, it is what a user would get
            text = str(error).strip().splitlines() or [""]
            answer = {"error": f"{type(error).__name__}: {text[0]}"[:300]}
        answers.write(json.dumps(answer) + "\n")
        answers.flush()


main()
