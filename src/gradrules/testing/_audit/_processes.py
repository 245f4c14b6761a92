"""The process of one framework, which runs scripts; a new one where it died or did not answer."""

import json
import os
import queue
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any, Self

from .._session import COMPILE_FAST, QUIET

RUNNER = Path(__file__).with_name("_runner.py")
SECONDS = 120.0


class Process:
    """Runs scripts in order. Not for several threads."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[str] | None = None
        self._answers: queue.Queue[str] = queue.Queue()
        self._closed = False

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """End the process; from any thread."""
        self._closed = True
        self._end()

    def _end(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def run(self, script: str) -> dict[str, Any]:
        """``{"found": text of a number}`` or ``{"error": what was raised}``."""
        if self._closed:
            raise KeyboardInterrupt
        if self._process is None:
            self._start()
        process = self._process
        assert process is not None
        assert process.stdin is not None
        try:
            process.stdin.write(json.dumps({"script": script}) + "\n")
            process.stdin.flush()
            line = self._answers.get(timeout=SECONDS)
        except queue.Empty:
            self._end()
            return {"error": f"no answer within {SECONDS:g} s"}
        except BrokenPipeError:
            line = ""
        if line:
            answer: dict[str, Any] = json.loads(line)
            return answer
        status = process.wait()
        self._process = None
        if self._closed:
            raise KeyboardInterrupt
        return {"error": f"the process ended with status {status}"}

    def _start(self) -> None:
        answers: queue.Queue[str] = queue.Queue()
        process = subprocess.Popen(
            [sys.executable, "-P", str(RUNNER)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            env={**os.environ, **QUIET, **COMPILE_FAST},
        )
        self._process, self._answers = process, answers

        def listen() -> None:
            assert process.stdout is not None
            for line in process.stdout:
                answers.put(line)
            answers.put("")

        threading.Thread(target=listen, daemon=True).start()
