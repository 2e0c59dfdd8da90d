#!/usr/bin/env python3
"""Does what compose/Dockerfile does, without containers: its build stage into a temporary folder, on this machine.

The packages of the build are here already. What the runtime stage would copy is put into a folder of its own, and the
program is run from there.
usage: image_test.py SOURCE_FOLDER
"""
import json
import pathlib
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
import unittest

SOURCE = pathlib.Path(sys.argv[1])
PREFIX = "/usr/local"
INSTALLS_PACKAGES = re.compile(r"\b(install_packages|apt-get)\b")
FLOWER = '{"sepal_length": 5.1, "sepal_width": 3.5, "petal_length": 1.4, "petal_width": 0.2}\n'


def parse_dockerfile(text):
    """The stages, each a list of (instruction, rest); what stands before the first FROM is stage 0."""
    text = re.sub(r"^#.*\n", "", text, flags=re.MULTILINE).replace("\\\n", " ")
    stages = [[]]
    for line in filter(None, map(str.strip, text.splitlines())):
        instruction, _, rest = line.partition(" ")
        if instruction == "FROM":
            stages.append([])
        stages[-1].append((instruction, rest.strip()))
    return stages


def copy_context(target):
    """What the build sees: the checkout without what .dockerignore names, paths from its top."""
    lines = (SOURCE / ".dockerignore").read_text().splitlines()
    ignored = {SOURCE / line for line in lines if line and not line.startswith("#")}
    shutil.copytree(SOURCE, target, symlinks=True,
                    ignore=lambda folder, names: [name for name in names if pathlib.Path(folder, name) in ignored])


def copy(source, target):
    if source.is_dir():
        shutil.copytree(source, target, symlinks=True, dirs_exist_ok=True)
    else:
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(source, target)


class BuildStage:
    """Runs the instructions, with the context, the working directory and the prefix in `folder`."""

    def __init__(self, folder):
        self.context, self.work, self.prefix = folder / "context", folder / "src", folder / "prefix"
        self.shell = ["/bin/sh", "-c"]
        copy_context(self.context)
        self.work.mkdir()

    def run(self, instructions):
        for instruction, rest in instructions:
            getattr(self, "do_" + instruction.lower())(rest)

    def do_from(self, rest):
        pass

    def do_arg(self, rest):
        if rest != f"PREFIX={PREFIX}":
            raise ValueError(f"unexpected ARG {rest}")

    def do_workdir(self, rest):
        if rest != "/src":
            raise ValueError(f"unexpected WORKDIR {rest}")

    def do_shell(self, rest):
        self.shell = json.loads(rest)

    def do_copy(self, rest):
        *sources, target = shlex.split(rest)
        for source in sources:
            copy(self.context / source, self.work / target)

    def do_run(self, rest):
        if INSTALLS_PACKAGES.search(rest):
            return
        environment = {"PATH": "/usr/local/bin:/usr/bin:/bin", "HOME": str(self.work), "PREFIX": str(self.prefix)}
        done = subprocess.run([*self.shell, rest], cwd=self.work, env=environment, text=True,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        if done.returncode:
            raise RuntimeError(f"RUN {rest}\n{done.stdout}")


def values(stage, instruction):
    return [rest for name, rest in stage if name == instruction]


def needed_libraries(file):
    listing = subprocess.run(["readelf", "-d", file], check=True, text=True, stdout=subprocess.PIPE).stdout
    return re.findall(r"\(NEEDED\).*\[(.*)\]", listing)


def files_of_package(package):
    listing = subprocess.run(["dpkg-query", "-L", package], check=True, text=True, stdout=subprocess.PIPE).stdout
    return {pathlib.Path(line).name for line in listing.splitlines()}


class Image(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        folder = tempfile.TemporaryDirectory()
        cls.addClassCleanup(folder.cleanup)
        cls.folder = pathlib.Path(folder.name)
        cls.arguments, cls.build, cls.runtime = parse_dockerfile((SOURCE / "compose/Dockerfile").read_text())
        stage = BuildStage(cls.folder)
        stage.run(cls.build)
        cls.root = cls.folder / "root"
        for rest in values(cls.runtime, "COPY"):
            option, source, target = rest.split()
            assert option == "--from=build" and source.startswith(PREFIX + "/"), rest
            copy(stage.prefix / source[len(PREFIX) + 1:], cls.root / target[1:])
        cls.packages = (cls.root / "usr/local/share/msp/packages").read_text().split()

    def test_program_answers(self):
        command = [self.root / "usr/local/bin/msp", "predict", "-m", "iris"]
        done = subprocess.run(command, input=FLOWER, env={}, cwd="/", text=True, check=True, stdout=subprocess.PIPE)
        self.assertEqual(json.loads(done.stdout), {"species": "setosa"})

    def test_packages_have_every_library(self):
        provided = set().union(*map(files_of_package, self.packages))
        loaded = [self.root / "usr/local/bin/msp", *self.root.glob("usr/local/lib/msp/models/*.so")]
        self.assertGreaterEqual(len(loaded), 3)
        for file in loaded:
            for library in needed_libraries(file):
                with self.subTest(file=file.name, library=library):
                    self.assertIn(library, provided)

    def test_nothing_to_build_with_remains(self):
        for package in self.packages:
            self.assertFalse(package.endswith("-dev"), package)
        unwanted = [path for path in self.root.rglob("*") if path.suffix in (".h", ".a", ".c", ".cmake")]
        self.assertEqual(unwanted, [])

    def test_runtime_installs_these_packages(self):
        command = " ".join(values(self.runtime, "RUN"))
        self.assertIn(f"xargs apt-get install -y --no-install-recommends ca-certificates <{PREFIX}/share/msp/packages",
                      command)
        self.assertIn("rm -rf /var/lib/apt/lists/*", command)

    def test_both_stages_are_the_same_debian(self):
        self.assertEqual(values(self.arguments, "ARG"), ["DEBIAN=bookworm-slim"])
        self.assertEqual(values(self.build, "FROM"), ["debian:${DEBIAN} AS build"])
        self.assertEqual(values(self.runtime, "FROM"), ["debian:${DEBIAN}"])

    def test_program_runs_and_not_as_root(self):
        users = values(self.runtime, "USER")
        self.assertEqual(len(users), 1)
        self.assertRegex(users[0], r"^[1-9][0-9]*:[1-9][0-9]*$")
        self.assertIn("useradd --uid {} --gid {} ".format(*users[0].split(":")), " ".join(values(self.runtime, "RUN")))
        self.assertIn(f'user: "{users[0]}"', (SOURCE / "compose/service.yaml").read_text())
        order = [name for name, _ in self.runtime]
        self.assertLess(max(i for i, name in enumerate(order) if name in ("RUN", "COPY")), order.index("USER"))
        self.assertEqual(values(self.runtime, "ENTRYPOINT"), ['["msp"]'])

    def test_secrets_stay_here(self):
        self.assertFalse((self.folder / "context/compose/secrets").exists())


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
