#!/usr/bin/env python3
"""The walk "In containers" of README.md on Kafka, without containers: a broker with the settings of compose/kafka.yaml,
msp with the configuration that the containers mount, and what `docker compose exec` would run there, run here.

usage: kafka_walk_test.py SOURCE_FOLDER PROGRAM BROKER_SCRIPT
"""
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import time
import unittest

import yaml

SOURCE, PROGRAM, BROKER_SCRIPT = (pathlib.Path(argument).resolve() for argument in sys.argv[1:4])
DEADLINE_S = 30
# Where the broker is and keeps its data is this machine's affair; which of its listeners is whose, too.
OF_THE_CONTAINER = re.compile(r"^(node\.id|process\.roles|log\.dirs|.*listener.*|controller\..*)$")


def broker_settings(environment):
    """KAFKA_LOG_DIRS is log.dirs, as in the image."""
    names = {name: name[len("KAFKA_"):].lower().replace("_", ".") for name in environment if name.startswith("KAFKA_")}
    return {names[name]: value for name, value in environment.items()
            if name in names and name != "KAFKA_HEAP_OPTS" and not OF_THE_CONTAINER.match(names[name])}


def read_walk():
    """The commands of the section's console block, each with what is shown below it."""
    section = (SOURCE / "README.md").read_text().split("\n## In containers\n")[1].split("\n## ")[0]
    walk = []
    for line in section.split("```console\n")[1].split("```")[0].splitlines():
        if line.startswith("$ "):
            walk.append([line[2:], ""])
        elif walk[-1][0].endswith("|"):
            walk[-1][0] += " " + line.strip()
        else:
            walk[-1][1] += line + "\n"
    return walk


class Walk(unittest.TestCase):
    def setUp(self):
        self.folder = pathlib.Path(tempfile.mkdtemp())
        self.addCleanup(shutil.rmtree, self.folder)
        self.services = yaml.safe_load((SOURCE / "compose/kafka.yaml").read_text())["services"]
        settings = broker_settings(self.services["kafka"]["environment"])
        self.assertIn("group.initial.rebalance.delay.ms", settings)
        (self.folder / "extra.properties").write_text("".join(f"{name}={value}\n" for name, value in settings.items()))
        self.addCleanup(subprocess.run, [BROKER_SCRIPT, "kill", self.folder], check=True)
        started = subprocess.run([BROKER_SCRIPT, "start", self.folder], check=True, text=True, stdout=subprocess.PIPE)
        for file in ("msp.yaml", "msp.kafka.yaml"):
            shutil.copy(SOURCE / "compose" / file, self.folder)
        self.environment = {**os.environ, **self.services["msp"]["environment"], "HOSTNAME": "0123456789ab",
                            "MSP_BROKER": f"kafka://{started.stdout.strip()}",
                            "PATH": f"{PROGRAM.parent}:{os.environ['PATH']}"}

    def run_line(self, command):
        done = subprocess.run(command, shell=isinstance(command, str), cwd=self.folder, env=self.environment, text=True,
                              stdout=subprocess.PIPE, timeout=DEADLINE_S)
        self.assertEqual(done.returncode, 0, command)
        return done.stdout

    def serve(self):
        ready = self.folder / "ready"
        command = [ready if word == "/run/msp/ready" else word for word in self.services["msp"]["command"]]
        server = subprocess.Popen([PROGRAM, *command], cwd=self.folder, env=self.environment)
        self.addCleanup(server.wait, DEADLINE_S)
        self.addCleanup(server.terminate)
        deadline = time.monotonic() + DEADLINE_S
        while not ready.exists():
            self.assertIsNone(server.poll())
            self.assertLess(time.monotonic(), deadline)
            time.sleep(0.01)

    def test_walk(self):
        self.run_line([PROGRAM, *self.services["topics"]["command"]])
        self.serve()
        shown = 0
        for command, expected in read_walk():
            if "docker compose exec -T msp " in command:
                self.assertEqual(self.run_line(command.replace("docker compose exec -T msp ", "")), expected)
                shown += expected != ""
        self.assertEqual(shown, 2)


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
