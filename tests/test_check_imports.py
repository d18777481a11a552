"""The check of imports in Rust crates finds cycles, forbidden imports and scattered types."""

import importlib.util
from pathlib import Path

import pytest

TOOL = Path(__file__).parent.parent / "tools" / "check_imports.py"


@pytest.fixture(scope="module")
def tool():
    spec = importlib.util.spec_from_file_location("check_imports", TOOL)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def crate(folder, name="dendrion-engine", **files):
    source = folder / name / "src"
    source.mkdir(parents=True)
    (source / "lib.rs").write_text("".join(f"mod {f};\n" for f in files))
    for file, text in files.items():
        (source / f"{file}.rs").write_text(text)
    return folder / name


def test_circles(tool, tmp_path):
    ring = {name: f"use crate::{after}::X;\npub struct X;" for name, after in zip("abcd", "bcda", strict=True)}
    title, *places = tool.check(crate(tmp_path / "1", **ring))
    assert title.startswith("dendrion-engine: 4 files import each other in a circle; at most 3 may.")
    assert places == [f"    {name}.rs imports {after}.rs" for name, after in zip("abcd", "bcda", strict=True)]
    ring["d"] = "// use crate::a::X;\npub struct X;\n#[cfg(test)]\nmod tests {\n    use crate::a::X;\n}"
    assert tool.check(crate(tmp_path / "2", **ring)) == []


def test_reexports_are_followed(tool, tmp_path):
    texts = {
        "a": "pub struct A;\nfn f() -> crate::b::A {}",
        "b": "pub(crate) use crate::a::A;",
        "c": "use crate::b::{A as Other};",
    }
    root = tool.crate(crate(tmp_path, **texts))
    edges = {str(m.path): {str(o.path) for o in others} for m, others in tool.imports(root).items()}
    assert edges == {"lib.rs": set(), "a.rs": set(), "b.rs": set(), "c.rs": {"a.rs"}}


def test_private_modules(tool, tmp_path):
    (wrong,) = tool.check(
        crate(
            tmp_path,
            gradient="pub struct G;",
            shard="fn f(g: crate::gradient::G) {}",
            simulation="use crate::gradient::G;",
        )
    )
    expected = (
        "dendrion-engine: shard.rs imports gradient.rs; only lib.rs, simulation.rs may import the module gradient"
    )
    assert wrong == expected


def test_scattered_types(tool, tmp_path):
    text = "use crate::a::X;\nimpl<T: Copy> X<T> {}\nimpl<T> Clone for X<T> {}"
    (wrong,) = tool.check(crate(tmp_path, a="pub struct X<T>(T);\nimpl<T> X<T> {}", b=text, c=text))
    assert (
        wrong
        == "dendrion-engine: the methods of a type are in 3 files; at most 2 may have them. a.rs: X in a.rs, b.rs, c.rs"
    )


def test_the_crates_are_in_order(tool):
    crates = sorted(TOOL.parent.parent.glob("crates/*/src/lib.rs"))
    assert [wrong for lib in crates for wrong in tool.check(lib.parent.parent)] == []
