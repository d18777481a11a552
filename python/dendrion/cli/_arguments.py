"""Command-line arguments."""

from __future__ import annotations

import argparse
from collections.abc import Sequence

from .. import __version__

__all__ = ["parsed"]

FORMATS = ("npz", "csv", "nwb", "sonata")


def parsed(arguments: Sequence[str] | None) -> argparse.Namespace:
    """Return the parsed arguments; invalid arguments end the process with exit code 2."""
    parser = argparse.ArgumentParser(
        prog="dendrion",
        description="Simulate networks of multi-compartment spiking neurons from model files (TOML or JSON).",
        epilog="Exit codes: 0 success, 1 invalid model, failed run or file error, 2 invalid arguments, 130 Ctrl-C.",
    )
    parser.add_argument("--version", action="version", version=f"dendrion {__version__}")
    actions = parser.add_subparsers(dest="action", required=True, metavar="run | info | check | schema")
    _run(actions.add_parser("run", help="simulate a model", description="Simulate a model and save its recordings."))
    about = "Show the modules, sizes, parameters and recordings of a model."
    _model(actions.add_parser("info", help="describe a model", description=about))
    about = "Check whether a model can be simulated, and report errors with line and column."
    _model(actions.add_parser("check", help="check whether a model is valid", description=about))
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
    add("--duration", type=float, metavar="MS", help="time to simulate (ms); default: the duration in the file")
    add("--out", metavar="DIR", help="folder for recordings and summary.json; created if it does not exist")
    add("--overwrite", action="store_true", help="replace files of an earlier run")
    help = "format of the recordings in --out (default: npz); can be repeated"
    add("--format", choices=FORMATS, action="append", metavar="|".join(FORMATS), help=help)
    add("--plot", action="store_true", help="plot the recordings to plot.png, in --out or the current folder")
    add("--set", action="append", default=[], metavar="PARAMETER=VALUE", help="set a parameter: cell/soma.I_ext=200")
    add("--dt", type=float, metavar="MS", help="time step (ms); overrides the file")
    add("--seed", type=int, metavar="N", help="seed; overrides the file")
    add("--dtype", choices=("float64", "float32"), help="floating-point type; overrides the file")
    add("--threads", type=int, metavar="N", help="number of threads; results do not depend on it")
    add("--load-state", metavar="FILE", help="start from a saved state")
    add("--save-state", metavar="FILE", help="save the state at the end of the run, or on Ctrl-C")
    add("--quiet", action="store_true", help="hide the progress bar")
