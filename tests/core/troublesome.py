"""Rules that crash, hang and interrupt, for tests of what becomes of the others."""

import ctypes
import os
from pathlib import Path

import gradrules as gr


def make(name, harm):
    """A rule whose vjp does harm; all else is right."""

    @gr.rule(name=f"trouble.{name}", dtypes=("float64",))
    def double(x, /):
        return x + x

    @double.def_jvp
    def jvp(primals, outputs, tangents):
        return 2 * tangents[0]

    @double.def_vjp
    def vjp(primals, outputs, cotangents):
        harm()
        return 2 * cotangents[0]


def spin():
    """Never return, in Python."""
    Path(os.environ.get("GRADRULES_SPINNING", os.devnull)).write_text("now")
    while True:
        pass


def sleep():
    """Never return, in C, with the interpreter's lock held: no thread of the process can act."""
    ctypes.PyDLL(None).sleep(10_000)


def interrupt():
    """As if somebody had pressed Ctrl-C in this process alone."""
    raise KeyboardInterrupt


make("good", lambda: None)
make("exits", lambda: os._exit(7))
make("aborts", os.abort)
make("spins", spin)
make("sleeps", sleep)
make("interrupts", interrupt)
