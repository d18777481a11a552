"""What can be said to the command."""

from __future__ import annotations

import argparse
from collections.abc import Sequence

from .. import __version__

__all__ = ["parsed"]

FORMATS = ("npz", "csv", "nwb", "sonata")


def parsed(arguments: Sequence[str] | None) -> argparse.Namespace:
    """Return the arguments; what means nothing ends the process with code 2."""
    parser = argparse.ArgumentParser(
        prog="dendrion",
        description="Simulate networks of multi-compartment spiking neurons from model files (TOML or JSON).",
        epilog="Exit codes: 0 done, 1 wrong model, failed run or unreadable file, 2 wrong command, 130 Ctrl-C.",
    )
    parser.add_argument("--version", action="version", version=f"dendrion {__version__}")
    actions = parser.add_subparsers(dest="action", required=True, metavar="run | info | check | schema")
    _run(actions.add_parser("run", help="simulate a model", description="Simulate a model, and keep what it records."))
    about = "Show what a model is: its modules, sizes, parameters and recordings."
    _model(actions.add_parser("info", help="show what a model is", description=about))
    about = "Say whether a model can be simulated; if not, what is wrong, and where, by line and column."
    _model(actions.add_parser("check", help="say whether a model is right", description=about))
    about = "Print the JSON Schema of model files, for editors and other tools."
    actions.add_parser("schema", help="print the JSON Schema of model files", description=about)
    given = parser.parse_args(arguments)
    if given.action == "run" and given.duration is not None and not given.duration >= 0:
        parser.error(f"argument --duration: {given.duration:g}: expected a time >= 0 (ms)")
    return given


def _model(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("model", help="model file, .toml or .json")
    parser.add_argument("--json", action="store_true", help="print one JSON object instead of text")


def _run(parser: argparse.ArgumentParser) -> None:
    _model(parser)
    add = parser.add_argument
    add("--duration", type=float, metavar="MS", help="time to simulate (ms); by default what the file says")
    add("--out", metavar="DIR", help="folder for recordings and summary.json, made if it does not exist")
    add("--overwrite", action="store_true", help="replace files of an earlier run")
    help = "format of recordings in --out, npz by default; may be given more than once"
    add("--format", choices=FORMATS, action="append", metavar="|".join(FORMATS), help=help)
    add("--plot", action="store_true", help="draw the recordings into plot.png, in --out or here")
    add("--set", action="append", default=[], metavar="PARAMETER=VALUE", help="such as cell/soma.I_ext=200")
    add("--dt", type=float, metavar="MS", help="time step (ms) instead of the file's")
    add("--seed", type=int, metavar="N", help="seed instead of the file's")
    add("--dtype", choices=("float64", "float32"), help="type of numbers instead of the file's")
    add("--threads", type=int, metavar="N", help="threads to run on; results do not depend on it")
    add("--load-state", metavar="FILE", help="begin at a state saved before")
    add("--save-state", metavar="FILE", help="save the state reached, also after Ctrl-C")
    add("--quiet", action="store_true", help="no progress bar")
