"""Imports go one way. The table below is the rule; everything under plugins/ has to keep it.

A row names a package (or a single file without its .py) below plugins/ and what it may import of the collection besides
itself. What no row covers may not exist.
"""

from __future__ import annotations

import ast
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

PREFIX = "ansible_collections.xenfleet.xen.plugins."
PLUGINS = Path(__file__).resolve().parents[2] / "plugins"

PURE = ("module_utils/errors", "module_utils/model")
INNER = (*PURE, "module_utils/xml", "module_utils/xl", "module_utils/plan", "module_utils/ports")
ADAPTER = (*INNER, "module_utils/commands", "module_utils/files")
OPERATIONS = (*INNER, "module_utils/ops")
ADAPTERS = tuple(f"module_utils/{name}" for name in ("commands", "host", "libvirt", "network", "storage"))

# package or file -> what it may import of the collection
ALLOWED: dict[str, tuple[str, ...]] = {
    # the pure core: standard library only
    "module_utils/errors": (),
    "module_utils/model": ("module_utils/errors",),
    "module_utils/xml": PURE,
    "module_utils/xl": PURE,
    "module_utils/plan": PURE,
    "module_utils/placement": PURE,
    "module_utils/ports": (*PURE, "module_utils/plan"),
    "module_utils/ops": (*INNER, "module_utils/placement"),
    # adapters: each knows the core and one thing of the world, none knows another
    "module_utils/commands": (*PURE, "module_utils/ports"),
    "module_utils/files": (),
    "module_utils/libvirt": ADAPTER,
    "module_utils/host": ADAPTER,
    "module_utils/network": ADAPTER,
    "module_utils/storage": ADAPTER,
    # the edge towards Ansible
    "module_utils/argspec": (*PURE, "module_utils/argspec_fields", "module_utils/xml"),
    "module_utils/argspec_fields": PURE,
    "module_utils/edge": ("module_utils/errors",),
    "module_utils/domain_edge": (*OPERATIONS, "module_utils/libvirt"),
    "modules": (*OPERATIONS, *ADAPTERS, "module_utils/argspec", "module_utils/edge", "module_utils/domain_edge"),
    "doc_fragments": (),
    # the controller's side
    "plugin_utils/probe": (),  # sent to the hosts as it is, so it stands alone
    "plugin_utils": (*OPERATIONS, "module_utils/argspec_fields", "module_utils/placement", "module_utils/libvirt"),
    "action": ("plugin_utils", *OPERATIONS, "module_utils/placement", "module_utils/argspec"),
    "callback": ("plugin_utils", *PURE),
    "filter": ("plugin_utils", *INNER, "module_utils/placement"),
    "inventory": ("plugin_utils", *INNER),
    "lookup": ("plugin_utils", *PURE),
}

# What is not of the standard library, and who may import it.
THIRD_PARTY: dict[str, tuple[str, ...]] = {
    "libvirt": ("module_utils/libvirt", "plugin_utils/probe"),
    "ansible": (
        "module_utils/argspec",
        "module_utils/edge",
        "module_utils/domain_edge",
        "modules",
        "plugin_utils",
        "action",
        "callback",
        "filter",
        "inventory",
        "lookup",
    ),
    "yaml": ("plugin_utils", "inventory", "filter"),
}


@dataclass(frozen=True, order=True)
class Violation:
    """One import that breaks the rule."""

    file: str
    line: int
    says: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: {self.says}"


def row_of(path: str) -> str | None:
    """Name the row of ALLOWED that a file or imported name (a/b/c, below plugins/) belongs to."""
    parts = path.split("/")
    for length in range(len(parts), 0, -1):
        row = "/".join(parts[:length])
        if row in ALLOWED:
            return row
    return None


def imports_of(tree: ast.Module, package: str) -> list[tuple[int, str]]:
    """All imports with their lines, dotted and absolute, also those inside functions and TYPE_CHECKING."""
    found: list[tuple[int, str]] = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found += [(node.lineno, alias.name) for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                above = package.split(".")
                kept = above[: len(above) - node.level + 1]
                base = ".".join([*kept, base] if base else kept)
            found += [(node.lineno, f"{base}.{alias.name}") for alias in node.names]
    return found


def check_file(plugins: Path, path: Path) -> list[Violation]:
    """All that one file imports against the rule."""
    relative = path.relative_to(plugins).with_suffix("").as_posix().removesuffix("/__init__")
    name = f"plugins/{path.relative_to(plugins).as_posix()}"
    row = row_of(relative)
    if row is None:
        if path.name == "__init__.py":
            return []
        return [Violation(name, 1, f"no row of ALLOWED covers {relative}: say what it may import")]
    violations: list[Violation] = []
    package = PREFIX + path.relative_to(plugins).parent.as_posix().replace("/", ".")
    for line, imported in imports_of(ast.parse(path.read_text(), name), package):
        if imported.startswith(PREFIX):
            target = imported.removeprefix(PREFIX).replace(".", "/")
            target_row = row_of(target)
            if target_row is None:
                violations.append(Violation(name, line, f"imports {target}, which no row of ALLOWED covers"))
            elif target_row not in (row, *ALLOWED[row]):
                violations.append(Violation(name, line, f"{row} may not import {target_row} ({imported})"))
            continue
        top = imported.split(".")[0]
        if top not in sys.stdlib_module_names and row not in THIRD_PARTY.get(top, ()):
            violations.append(Violation(name, line, f"{row} may not import {imported}"))
    return violations


def check(plugins: Path) -> list[Violation]:
    """All violations of a tree."""
    return sorted(violation for path in plugins.rglob("*.py") for violation in check_file(plugins, path))


def test_imports_go_one_way() -> None:
    violations = check(PLUGINS)
    assert not violations, "imports against the rule:\n" + "\n".join(map(str, violations))


def test_no_row_goes_in_a_circle() -> None:
    above: dict[str, set[str]] = {row: set(allowed) for row, allowed in ALLOWED.items()}
    while free := [row for row, allowed in above.items() if not allowed & above.keys()]:
        for row in free:
            del above[row]
    assert not above, f"these rows allow each other in a circle: {sorted(above)}"


@pytest.mark.parametrize(
    ("file", "source", "says"),
    [
        ("module_utils/model/disk.py", "import libvirt", "module_utils/model may not import libvirt"),
        ("module_utils/ops/move.py", "import libvirt", "module_utils/ops may not import libvirt"),
        ("modules/xen_domain.py", "import libvirt", "modules may not import libvirt"),
        (
            "module_utils/plan/domain.py",
            "from ansible.module_utils.basic import AnsibleModule",
            "module_utils/plan may not import ansible.module_utils.basic.AnsibleModule",
        ),
        (
            "module_utils/model/disk.py",
            f"from {PREFIX}module_utils.xml import domain",
            "module_utils/model may not import module_utils/xml",
        ),
        (
            "module_utils/network/bridge.py",
            f"from {PREFIX}module_utils.storage.lvm import Lvm",
            "module_utils/network may not import module_utils/storage",
        ),
        (
            "module_utils/ops/ensure.py",
            f"from {PREFIX}module_utils.libvirt import connection",
            "module_utils/ops may not import module_utils/libvirt",
        ),
        ("module_utils/model/nic.py", "from ..ops import ensure", "module_utils/model may not import module_utils/ops"),
        ("module_utils/xl/parse.py", "def parse():\n    import yaml\n", "module_utils/xl may not import yaml"),
        ("module_utils/helpers.py", "", "no row of ALLOWED covers module_utils/helpers"),
        (
            "modules/xen_bridge.py",
            f"from {PREFIX}module_utils import helpers",
            "imports module_utils/helpers, which no row",
        ),
    ],
)
def test_a_violation_is_named(tmp_path: Path, file: str, source: str, says: str) -> None:
    path = tmp_path / file
    path.parent.mkdir(parents=True)
    path.write_text("# one line above\n" + source)
    (violation,) = check(tmp_path)
    assert violation.file == f"plugins/{file}"
    assert says in violation.says
    assert violation.line >= 1


@pytest.mark.parametrize(
    ("file", "source"),
    [
        ("module_utils/libvirt/connection.py", "import libvirt"),
        ("module_utils/ops/ensure.py", f"from {PREFIX}module_utils.model.disk import Disk"),
        ("module_utils/model/nic.py", "from ..errors import NotFound\nfrom .names import mac"),
        ("modules/xen_domain.py", f"from {PREFIX}module_utils.edge import run"),
    ],
)
def test_what_is_allowed_passes(tmp_path: Path, file: str, source: str) -> None:
    path = tmp_path / file
    path.parent.mkdir(parents=True)
    path.write_text(source)
    assert check(tmp_path) == []
