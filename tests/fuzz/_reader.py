"""Runs the program ``dendrion-fuzz``, which makes inputs for a reader and checks the reader's response.

The program is written in Rust, so that a million inputs take minutes. A case is a chunk of its inputs. From each chunk,
a few inputs are also read in Python, where errors must be of the right kind too.
"""

from __future__ import annotations

import json
import random
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import dendrion as dn

from ._clock import WAIT, Limit
from ._target import FaultError, Step

__all__ = ["reader"]

ROOT = Path(__file__).parents[2]
#: Number of inputs of a case, and of those that are also read in Python.
INPUTS, IN_PYTHON = 2000, 4
#: Limits of the address space (bytes) and of the processor time per input (s), slightly less than the driver's.
MEMORY, LIMIT = 3 << 29, 4.5

#: Starts a program with this memory limit.
LIMITED = ["sh", "-c", f'ulimit -v {MEMORY >> 10} && exec "$@"', "sh"]

Read = Callable[[bytes], object]


def program() -> Path:
    """Return the program, which ``make fuzz`` builds."""
    return ROOT / "target" / "debug" / "dendrion-fuzz"


def reader(target: str, read: Read) -> Callable[[random.Random, Step], list[str]]:
    """Return a target for the driver; ``read`` is the Python function that reads an input."""

    def case(random: random.Random, step: Step) -> list[str]:
        seed = str(random.getrandbits(63))
        outcomes = _checked(target, seed, step)
        for input in random.sample(range(INPUTS), IN_PYTHON):
            outcomes.append(_in_python(target, seed, input, read, step))
        return outcomes

    return case


def _checked(target: str, seed: str, step: Step) -> list[str]:
    """Run the program on a chunk of inputs."""
    place = Path("place")
    place.write_text("0")
    command = [*LIMITED, str(program()), target, seed, "0", str(INPUTS), str(place)]
    with open("said", "w+") as said:
        pipe = subprocess.PIPE
        process = subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=said, text=True)
        told = _followed(process, place, target, seed, step)
        out = process.communicate()[0]
        said.seek(0)
        text = said.read()[-2000:]
    if process.returncode:
        message = f"{_command(target, seed, told)}\n{_shown(target, seed, told)}\n{text}"
        raise FaultError(f"crash: {target}: {text.strip().splitlines()[-1:]}", message)
    found = json.loads(out)
    for fault in found["faults"]:
        what = fault["what"]
        raise FaultError(f"{target}: {what[:200]}", f"{_command(target, seed, fault['input'])}\n{what}")
    slow = found["longest"]
    if slow["seconds"] > WAIT * LIMIT:
        raise FaultError(f"slow: {target}", f"{slow['seconds']:.1f} s: {_command(target, seed, slow['input'])}")
    return [kind for kind, count in found["outcomes"].items() for _ in range(count)]


def _followed(process: subprocess.Popen[str], place: Path, target: str, seed: str, step: Step) -> int:
    """Follow the inputs that the program reports; end it if one takes too long, and return the last input."""
    done, limit = -1, Limit(process.pid, LIMIT)
    while True:
        over = process.poll() is not None
        now = INPUTS - 1 if over and process.returncode == 0 else int(place.read_text() or max(done, 0))
        for input in range(done + 1, now + 1):
            step(f"{target} {seed} {input}")
        if now > done:
            done = now
            limit.restart(LIMIT)
        if over:
            return done
        if limit.is_over():
            process.kill()
            process.wait()
            raise FaultError(f"hang: {target}", f"{_command(target, seed, done)}\n{_shown(target, seed, done)}")
        time.sleep(0.02)


def _command(target: str, seed: str, input: int) -> str:
    return f"input {input}: target/debug/dendrion-fuzz show {target} {seed} {input}"


def _made(target: str, seed: str, input: int) -> bytes:
    return subprocess.run([str(program()), "show", target, seed, str(input)], capture_output=True, check=True).stdout


def _shown(target: str, seed: str, input: int) -> str:
    return repr(_made(target, seed, input)[:1000])


def _in_python(target: str, seed: str, input: int, read: Read, step: Step) -> str:
    """Return the result of reading an input in Python."""
    made = _made(target, seed, input)
    step(f"{target} {seed} {input} in Python")
    try:
        read(made)
    except (dn.DendrionError, OSError) as error:
        return f"in Python: {type(error).__name__}"
    except Exception as error:
        what = f"{type(error).__name__}: {error}"
        raise FaultError(f"{target} in Python: {what[:200]}", f"{_command(target, seed, input)}\n{what}") from error
    return "in Python: accepted"
