"""A folder of Terraform, and the stock AWS provider that works on it."""

import os
import shutil
import warnings
from pathlib import Path

import pytest

from region import ROOT, run

# Where Terraform itself looks for a mirror, then what package managers and images use.
MIRRORS = [
    os.environ.get("HANEUL_TERRAFORM_MIRROR", ""),
    "~/.terraform.d/plugins",
    "~/.local/share/terraform/plugins",
    "/usr/local/share/terraform/plugins",
    "/usr/share/terraform/plugins",
    *map(str, Path("/opt").glob("*")),
]
PROVIDER = "registry.terraform.io/hashicorp/aws"


def found_mirror():
    for place in filter(None, MIRRORS):
        mirror = Path(place).expanduser()
        if (mirror / PROVIDER).is_dir():
            return mirror
    return None


def missing():
    """What keeps Terraform from being tried here, or nothing."""
    if not shutil.which("terraform"):
        return "`terraform` is not in PATH"
    if not found_mirror():
        return f"no folder with {PROVIDER}: name one in HANEUL_TERRAFORM_MIRROR"
    return None


class Stack:
    """A copy of a stack's folder, with the terraform that works on it."""

    def __init__(self, name, folder, principal):
        shutil.copytree(ROOT / "tests/terraform" / name, folder / "stack")
        self.folder = folder / "stack"
        settings = folder / "terraform.rc"
        settings.write_text(
            'provider_installation {\n  filesystem_mirror {\n    path = "%s"\n  }\n}\n' % found_mirror()
        )
        self.env = principal.env() | {
            "TF_CLI_CONFIG_FILE": str(settings),
            "TF_IN_AUTOMATION": "1",
            "CHECKPOINT_DISABLE": "1",
            "TF_INPUT": "0",
            "HOME": str(folder),
        }

    def check(self, *words, expected=0):
        done = run(
            ["terraform", *words, "-no-color"], env=self.env, cwd=self.folder, seconds=300
        )
        assert done.returncode == expected, done.stdout[-5000:] + done.stderr[-5000:]
        return done.stdout


def stack_of(name, folder, principal):
    """The stack of a name; skips where Terraform cannot be tried."""
    if missing():
        warnings.warn(f"TERRAFORM IS NOT TRIED: {missing()}", stacklevel=1)
        pytest.skip(missing())
    return Stack(name, folder, principal)
