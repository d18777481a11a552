"""Check how the source files of the Rust crates import each other.

Usage: python3 tools/check_imports.py [FOLDER]    FOLDER holds the crates; by default, crates/ of this repository

1. Circles: files that import each other, directly or through others, form a circle; `CIRCLE` limits its length.
2. Private modules: a module in `PRIVATE` may be imported only by itself and by the files listed there.
3. Scattered types: `IMPL_FILES` limits the number of files with `impl` blocks of a type, not counting those of traits.

An import is a `use` declaration or a path in the code. It leads to the file that defines the item: re-exports are
followed, and a re-export alone is not an import. Tests are not checked.
"""

from __future__ import annotations

import re
import sys
from collections import defaultdict
from pathlib import Path

# Maximum number of files in a circle. `CIRCLES` lists older, larger circles: lower a number when its circle shrinks.
CIRCLE = 3
CIRCLES = {"dendrion-equations": 4, "dendrion-fuzz": 6, "dendrion-kernels": 11}
# Modules that only some files may import, by crate: the files, relative to src/.
PRIVATE = {"dendrion-engine": {"gradient": {"lib.rs", "simulation.rs"}}}
# Maximum number of files that implement methods of one type, for the crates that have such a limit.
IMPL_FILES = {"dendrion-engine": 2}

COMMENT = re.compile(r"//[^\n]*|/\*.*?\*/", re.S)
STRING = re.compile(r'b?r(#+)".*?"\1|b?"(?:\\.|[^"\\])*"|' + r"b?'(?:\\.|[^'\\])'", re.S)
VISIBILITY = re.compile(r"\bpub\(in [^)]*\)")
TEST = re.compile(
    r"#\[cfg\((?:test\)|all\(test\b)[^\]]*\]\s*(?:#\[[^\]]*\]\s*)*(?:pub(?:\([^)]*\))?\s+)?(?:mod|fn|use|impl|struct|const)\b"
)
USE = re.compile(r"(?P<public>\bpub(?:\([^)]*\))?\s+)?\buse\s+(?P<tree>[^;]+);")
PATH = re.compile(r"(?<![:\w$])((?:crate|super|self)(?:::[A-Za-z_]\w*)+|[a-z_]\w*(?:::[A-Za-z_]\w*)+)")
IMPL = re.compile(r"^impl\b(?P<head>[^{;]*)\{", re.M)


class Module:
    """A module that is a file."""

    def __init__(self, path: Path, text: str) -> None:
        self.path = path
        self.children: dict[str, Module] = {}
        self.parent: Module | None = None
        text = VISIBILITY.sub("pub ", STRING.sub('""', COMMENT.sub("", text)))
        self.text = without_tests(text)
        self.uses: list[list[str]] = []
        self.exports: dict[str, list[str]] = {}
        self.globs: list[list[str]] = []
        self.body = USE.sub(self._use, self.text)

    def _use(self, found: re.Match[str]) -> str:
        for names, alias in leaves(found["tree"]):
            if found["public"] is None:
                self.uses.append(names)
            elif names[-1] == "*":
                self.globs.append(names[:-1])
            else:
                self.exports[alias] = names
        return ""


def without_tests(text: str) -> str:
    """Remove the items that exist only for tests."""
    while found := TEST.search(text):
        at, depth = found.end(), 0
        while at < len(text):
            depth += (text[at] == "{") - (text[at] == "}")
            at += 1
            if depth == 0 and text[at - 1] in ";}":
                break
        text = text[: found.start()] + text[at:]
    return text


def leaves(tree: str) -> list[tuple[list[str], str]]:
    """Return the paths of a `use` tree, each with the name it is known by."""
    tree = tree.strip()
    if (brace := tree.find("{")) < 0:
        path, _, alias = tree.partition(" as ")
        names = [name.strip() for name in path.strip().split("::") if name.strip()]
        if names and names[-1] == "self":
            names.pop()
        return [(names, alias.strip() or names[-1])] if names else []
    head = [name for name in tree[:brace].split("::") if name.strip()]
    parts, depth, part = [], 0, ""
    for c in tree[brace + 1 : tree.rindex("}")]:
        depth += (c == "{") - (c == "}")
        if c == "," and depth == 0:
            parts.append(part)
            part = ""
        else:
            part += c
    found = [leaf for part in (*parts, part) if part.strip() for leaf in leaves(part)]
    return [([name.strip() for name in head] + names, alias) for names, alias in found]


def crate(folder: Path) -> Module:
    """Read the modules of a crate."""
    source = folder / "src"

    def read(path: Path, inside: Path) -> Module:
        module = Module(path.relative_to(source), path.read_text(encoding="utf-8"))
        for name in re.findall(r"\bmod\s+(\w+)\s*;", module.text):
            for child, folder in ((inside / f"{name}.rs", inside / name), (inside / name / "mod.rs", inside / name)):
                if child.exists():
                    module.children[name] = read(child, folder)
                    module.children[name].parent = module
        return module

    return read(source / "lib.rs", source)


def everything(root: Module) -> list[Module]:
    """Return a module and all modules below it."""
    return [root, *(m for child in root.children.values() for m in everything(child))]


def resolve(names: list[str], here: Module, root: Module, depth: int = 0) -> Module | None:
    """Return the module that defines the item at a path, or None if it is outside the crate."""
    at, rest = here, list(names)
    if rest and rest[0] == "crate":
        at, rest = root, rest[1:]
    elif rest and rest[0] in ("self", "super"):
        while rest and rest[0] in ("self", "super"):
            if rest.pop(0) == "super":
                if at.parent is None:
                    return None
                at = at.parent
    elif not rest or (rest[0] not in here.children and rest[0] not in here.exports):
        return None
    while rest:
        name = rest[0]
        if name in at.children:
            at, rest = at.children[name], rest[1:]
        elif name in at.exports and depth < 16:
            return resolve(at.exports[name] + rest[1:], at, root, depth + 1)
        else:
            break
    if rest and depth < 16:
        for glob in at.globs:
            found = resolve([*glob, *rest], at, root, depth + 1)
            if found is not None and re.search(rf"\b{rest[0]}\b", found.text):
                return found
    return at


def imports(root: Module) -> dict[Module, set[Module]]:
    """Return which modules each module imports."""
    edges: dict[Module, set[Module]] = {}
    for module in everything(root):
        paths = module.uses + [found.split("::") for found in PATH.findall(module.body)]
        found = {resolve(path, module, root) for path in paths}
        edges[module] = {m for m in found if m is not None and m is not module}
    return edges


def circles(edges: dict[Module, set[Module]]) -> list[list[Module]]:
    """Return the groups of modules that reach each other (Tarjan 1972, without recursion)."""
    number: dict[Module, int] = {}
    low: dict[Module, int] = {}
    stack: list[Module] = []
    waiting: set[Module] = set()
    groups = []
    for start in edges:
        if start in number:
            continue
        todo = [(start, iter(edges[start]))]
        number[start] = low[start] = len(number)
        stack.append(start)
        waiting.add(start)
        while todo:
            node, following = todo[-1]
            for other in following:
                if other not in number:
                    number[other] = low[other] = len(number)
                    stack.append(other)
                    waiting.add(other)
                    todo.append((other, iter(edges[other])))
                    break
                if other in waiting:
                    low[node] = min(low[node], number[other])
            else:
                todo.pop()
                if todo:
                    low[todo[-1][0]] = min(low[todo[-1][0]], low[node])
                if low[node] == number[node]:
                    group = []
                    while not group or group[-1] is not node:
                        group.append(stack.pop())
                        waiting.discard(group[-1])
                    groups.append(group)
    return [group for group in groups if len(group) > 1]


def scattered(root: Module) -> dict[str, set[Module]]:
    """Return the files that implement methods of each type of the crate, keyed by the file and name of the type."""
    files: dict[str, set[Module]] = defaultdict(set)
    for module in everything(root):
        names = {leaf[-1]: leaf for leaf in module.uses}
        for found in IMPL.finditer(module.text):
            head = re.sub(r"\bwhere\b.*", "", found["head"], flags=re.S)
            while (shorter := re.sub(r"<[^<>]*>", "", head.replace("->", ""))) != head:
                head = shorter
            if " for " in head:
                continue
            name = head.strip().split("::")[-1]
            home = resolve(names[name], module, root) if name in names else module
            if home is not None:
                files[f"{home.path}: {name}"].add(module)
    return files


def check(folder: Path) -> list[str]:
    """Return the violations in a crate."""
    root, wrong, name = crate(folder), [], folder.name
    most = CIRCLES.get(name, CIRCLE)
    edges = imports(root)
    for group in circles(edges):
        if len(group) > most:
            wrong.append(
                f"{name}: {len(group)} files import each other in a circle; at most {most} may. Move what they share "
                "into a file of its own, or pass it as an argument:"
            )
            inside = {m: sorted(str(o.path) for o in edges[m] if o in group) for m in group}
            wrong += sorted(f"    {module.path} imports {', '.join(others)}" for module, others in inside.items())
    for private, allowed in PRIVATE.get(name, {}).items():
        own = {private, f"{private}.rs"}
        for module, others in edges.items():
            if module.path.parts[0] in own or str(module.path) in allowed:
                continue
            for path in sorted(str(o.path) for o in others if o.path.parts[0] in own):
                may = f"only {', '.join(sorted(allowed))} may import the module {private}"
                wrong.append(f"{name}: {module.path} imports {path}; {may}")
    if (limit := IMPL_FILES.get(name)) is not None:
        for what, modules in sorted(scattered(root).items()):
            if len(modules) > limit:
                places = ", ".join(sorted(str(m.path) for m in modules))
                found = f"the methods of a type are in {len(modules)} files; at most {limit} may have them"
                wrong.append(f"{name}: {found}. {what} in {places}")
    return wrong


def main() -> None:
    """Check all crates."""
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).resolve().parent.parent / "crates"
    wrong = [line for lib in sorted(folder.glob("*/src/lib.rs")) for line in check(lib.parent.parent)]
    print("\n".join(wrong) or "imports are in order")
    sys.exit(bool(wrong))


if __name__ == "__main__":
    main()
