#!/usr/bin/python
"""Several small files at once: one start of Python on the host, where `copy` needs two for each."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from typing import Any

from ansible.module_utils.basic import AnsibleModule

DOCUMENTATION = """
module: coupon_files
short_description: writes several small files at once
description:
  - A file is replaced as a whole and in one step, or left alone. With C(--check --diff) it tells
    what it would write.
options:
  files:
    description: what is to stand where
    type: list
    elements: dict
    required: true
    suboptions:
      path: {description: where; its folder is there, type: path, required: true}
      content: {description: all of it, type: str, required: true}
      mode: {description: its rights, type: str, default: "0644"}
      group: {description: its group, type: str, default: root}
      validate: {description: a command that must agree first; %s is the new file, type: str}
"""
RETURN = """
written:
  description: paths of the files that were, or would be, changed
  type: list
"""
FILE = {
    "path": {"type": "path", "required": True},
    "content": {"type": "str", "required": True},
    "mode": {"type": "str", "default": "0644"},
    "group": {"type": "str", "default": "root"},
    "validate": {"type": "str"},
}


def main() -> None:
    was = os.umask(0o077)  # new files are readable by root only
    try:
        write_files()
    finally:
        os.umask(was)  # the calling process may outlive this module (Mitogen)


def write_files() -> None:
    module = AnsibleModule(
        {"files": {"type": "list", "elements": "dict", "options": FILE, "required": True}},
        supports_check_mode=True,
    )
    diffs = {file["path"]: _write(module, file) for file in module.params["files"]}
    written = [path for path, diff in diffs.items() if diff]
    diff = [
        one | {"before_header": path, "after_header": path}
        for path in written
        for one in diffs[path]
    ]
    module.exit_json(changed=bool(written), written=written, diff=diff)


def _write(module: AnsibleModule, file: dict[str, Any]) -> list[dict[str, Any]]:
    """The changes of content and permissions that were, or would be, made; empty: none."""
    before, changes = _content(file["path"]), []
    if before != file["content"]:
        changes.append({"before": before or "", "after": file["content"]})
        if not module.check_mode:
            _replace(module, file)
    rights: dict[str, Any] = {}
    wanted = {"path": file["path"], "mode": file["mode"], "owner": "root", "group": file["group"]}
    arguments = module.load_file_common_arguments(module.params | wanted)
    there = before is not None or not module.check_mode
    if there and module.set_fs_attributes_if_different(arguments, False, rights) and not changes:
        changes.append(rights)
    return changes


def _content(path: str) -> str | None:
    """None: there is no such file."""
    try:
        with Path(path).open(encoding="utf-8", newline="") as file:  # without newline translation
            return file.read()
    except FileNotFoundError:
        return None


def _replace(module: AnsibleModule, file: dict[str, Any]) -> None:
    """Write a temporary file with mode 0600 and rename it, so no process reads half a file."""
    handle, new = tempfile.mkstemp(dir=module.tmpdir)
    with os.fdopen(handle, "w", encoding="utf-8") as out:
        out.write(file["content"])
    if file["validate"]:
        code, output, errors = module.run_command(file["validate"].replace("%s", new))
        if code:
            module.fail_json(msg=f"{file['path']}: refused: {errors or output}")
    module.atomic_move(new, file["path"])


if __name__ == "__main__":
    main()
