"""Loading a damaged, foreign or malicious file raises an error with the reason, and needs little memory."""

import io
import os
import re
import tracemalloc
import zipfile

import dendrion as dn
import numpy as np
import pytest

from .runs import made

#: Number of inputs of the fuzz test; the environment variable sets a larger one.
INPUTS = int(os.environ.get("DENDRION_FUZZ", "3000"))

#: Integers at which counts and sizes overflow.
EXTREMES = (0, 1, 2**31, 2**32 - 1, 2**63 - 1, 2**64 - 1)


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """Return the bytes of an undamaged file of each kind."""
    path = tmp_path_factory.mktemp("whole") / "x.npz"
    found = []
    for run in (made(duration=0.0), made(), made(batch=2, dtype="float32")):
        for recording in (run.some, run.calcium, run.inhibitory, run.generated, *run.samples[6:]):
            recording.save(path, overwrite=True)
            found.append(path.read_bytes())
    return found


def arrays_of(data):
    with np.load(io.BytesIO(data), allow_pickle=False) as arrays:
        return dict(arrays)


def packed(arrays):
    made = io.BytesIO()
    np.savez(made, **arrays)
    return made.getvalue()


def load(path, data):
    path.write_bytes(data)
    return dn.load_recording(path)


def touch(recording):
    """Read all attributes of a recording."""
    shapes = [len(recording), recording.t.shape, recording.dt, recording.name, repr(recording)]
    if isinstance(recording, dn.Recording):
        return [*shapes, recording.values.shape, recording.unit, recording.index.shape, recording.gid]
    return [*shapes, recording.i.shape, recording.sample.shape, recording.size]


def mutated(data, rng):
    """Return a file with some of its bytes changed, removed, duplicated or cut off."""
    data = bytearray(data)
    for _ in range(rng.integers(1, 5)):
        at, to = sorted(rng.integers(0, len(data) + 1, size=2))
        kind = rng.integers(6)
        if kind == 0:
            data[at : at + 1] = bytes([rng.integers(256)])
        elif kind == 1:
            data[at : at + 1] = bytes([data[at] ^ (1 << rng.integers(8))]) if at < len(data) else b""
        elif kind == 2:
            del data[at : min(to, at + 40)]
        elif kind == 3:
            data[at:at] = data[at : min(to, at + 200)]
        elif kind == 4:
            data[at : at + 8] = EXTREMES[rng.integers(len(EXTREMES))].to_bytes(8, "little")
        elif rng.random() < 0.3:
            del data[at:]
        if not data:
            break
    return bytes(data)


def mended(data, rng):
    """Return a file whose arrays were changed and whose checksums were corrected."""
    made = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as old, zipfile.ZipFile(made, "w") as new:
        names = old.namelist()
        victims = set(rng.choice(names, size=rng.integers(1, 3)))
        for name in names:
            part = old.read(name)
            new.writestr(name, mutated(part, rng) if name in victims else part)
    return made.getvalue()


def test_random_damage(whole, tmp_path):
    reasons = []
    for seed in range(INPUTS):
        rng = np.random.default_rng(seed)
        data = whole[rng.integers(len(whole))]
        data = mended(data, rng) if rng.random() < 0.5 else mutated(data, rng)
        try:
            touch(load(tmp_path / "x.npz", data))
        except dn.ParameterError as error:
            reasons.append(str(error))
    form = re.compile(r"load_recording: '.*x\.npz': .*expected .*", re.S)
    assert all(form.fullmatch(reason) for reason in reasons)
    # The other files have damage in bytes that are never read, such as dates, or in values with a right checksum.
    assert 0.5 * INPUTS < len(reasons) < INPUTS


def hostile(whole):
    """Return files that request excessive sizes, each with the expected message."""
    data = next(d for d in whole if "every" in arrays_of(d) and len(arrays_of(d)["t"]))
    arrays = arrays_of(data)

    def with_header(name, header):
        made = io.BytesIO()
        with zipfile.ZipFile(io.BytesIO(data)) as old, zipfile.ZipFile(made, "w") as new:
            for part in old.namelist():
                content = old.read(part)
                if part == f"{name}.npy":
                    head = header.ljust(117) + "\n"
                    content = content[:8] + len(head).to_bytes(2, "little") + head.encode() + content[128:]
                new.writestr(part, content)
        return made.getvalue()

    def header(shape):
        return f"{{'descr': '<f8', 'fortran_order': False, 'shape': {shape}, }}"

    bomb = io.BytesIO()
    np.savez_compressed(bomb, **{**arrays, "values": np.zeros((4000, 4000))})
    return {
        "a shape of 8 TB": (with_header("values", header("(1000000000000, 1)")), "bytes cannot hold"),
        "a shape beyond 64 bits": (with_header("values", header(f"({10**19 - 1}, {10**19 - 1})")), "bytes cannot hold"),
        "no columns, 2^62 rows": (with_header("values", header(f"({2**62}, 0)")), "bytes cannot hold|times"),
        "compressed": (bomb.getvalue(), "is compressed"),
        "columns without an end": (packed({**arrays, "values": np.zeros((2**40, 0))}), "values have shape .* times"),
        "steps without an end": (packed({**arrays, "every": np.array(2**62)}), "fewer than 2\\^51 steps"),
        "code in a header": (with_header("t", header("(__import__('os').abort(),)")), "t: is not an array"),
        "deep brackets in a header": (with_header("t", "(" * 5000), "t: is not an array"),
        "pickled": (packed({**arrays, "unit": np.array("mV")}).replace(b"'<f8'", b"'|O' "), "is not an array|damaged"),
    }


def test_hostile_files(whole, tmp_path):
    for name, (data, message) in hostile(whole).items():
        path = tmp_path / "x.npz"
        path.write_bytes(data)
        tracemalloc.start()
        with pytest.raises(dn.ParameterError, match=message):
            dn.load_recording(path)
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert peak < 200_000 + 10 * len(data), name


def test_foreign_files(single, tmp_path):
    (tmp_path / "text.npz").write_text("t,i\n0.1,3\n")
    (tmp_path / "empty.npz").write_bytes(b"")
    np.savez(tmp_path / "own.npz", V=np.zeros(3))
    np.save(tmp_path / "one.npy", np.zeros(3))
    for name, message in [
        ("text.npz", "is not an archive of arrays, or is damaged"),
        ("empty.npz", "is not an archive of arrays, or is damaged"),
        ("own.npz", "contains an unexpected entry 'V.npy'"),
        ("one.npy", "is not an archive of arrays, or is damaged"),
    ]:
        with pytest.raises(dn.ParameterError, match=rf"load_recording: '.*{name}': {message}"):
            dn.load_recording(tmp_path / name)
    with pytest.raises(FileNotFoundError):
        dn.load_recording(tmp_path / "none.npz")


SAMPLES = [
    ({"version": np.array(2)}, r"format 'dendrion\.recording', version 2; expected .*, version 1"),
    ({"format": np.array("other")}, r"format 'other', version 1; expected 'dendrion\.recording' or 'dendrion\.spikes'"),
    ({"step": np.array(0.0)}, r"step = 0\.0: expected a finite number > 0"),
    ({"step": np.array(np.nan)}, "step = nan: expected a finite number > 0"),
    ({"unit": np.array("furlong")}, "unit = 'furlong'"),
    ({"every": np.array(0)}, "every = 0: expected an integer from 1"),
    ({"first": np.array(1)}, "t: expected multiples of the time step"),
    ({"index": np.array([0])}, r"values have shape \(120, 2\), but there are 120 times and 1 recorded member"),
    ({"gid": np.array([1, 2, 3])}, "gid: has data type int64 and shape .*; expected 2 integers"),
    ({"values": np.zeros((120, 2), dtype=int)}, "t has data type float64, and values have data type int64"),
    ({"values": None}, "lacks the array 'values'"),
    ({"steps": np.array(3)}, "contains an unexpected array 'steps'"),
]


@pytest.mark.parametrize(("change", "message"), SAMPLES)
def test_samples_that_contradict_themselves(single, tmp_path, change, message):
    single.some.save(tmp_path / "x.npz")
    arrays = arrays_of((tmp_path / "x.npz").read_bytes()) | change
    with pytest.raises(dn.ParameterError, match=message):
        load(tmp_path / "x.npz", packed({k: v for k, v in arrays.items() if v is not None}))


SPIKES = [
    (lambda a: {"i": a["i"] + 4}, "i and index: expected indices of neurons below 4"),
    (lambda a: {"t": a["t"] + 0.01}, "t: expected multiples of the time step, not before step 0 and before step 600"),
    (lambda a: {"t": a["t"][::-1]}, "t and i: expected spikes sorted by time and then by neuron"),
    (lambda a: {"steps": np.array(5)}, "t: expected multiples of the time step, not before step 0 and before step 5"),
    (lambda a: {"begin": np.array(601)}, "begin = 601: expected an integer from 0 to 600"),
    (
        lambda a: {"spikes_per_sample": np.array([len(a["t"]), 1])},
        "spikes_per_sample: expected counts with a sum of 16",
    ),
    (lambda a: {"i": a["i"][1:]}, "i: has data type int64 and shape .*; expected 16 integers"),
    (lambda a: {"i": None}, "lacks the array 'i'"),
]


@pytest.mark.parametrize(("change", "message"), SPIKES)
def test_spikes_that_contradict_themselves(single, tmp_path, change, message):
    single.inhibitory.save(tmp_path / "x.npz")
    arrays = arrays_of((tmp_path / "x.npz").read_bytes())
    arrays |= change(arrays)
    with pytest.raises(dn.ParameterError, match=message):
        load(tmp_path / "x.npz", packed({k: v for k, v in arrays.items() if v is not None}))
