#!/usr/bin/env python3
"""What kafka.yaml and redis.yaml in compose/ say, as a compose implementation reads them.

usage: compose_files_test.py COMPOSE_FOLDER DOCKER_COMPOSE PROGRAM [BROKER...]    (the brokers that PROGRAM knows)
"""
import os
import pathlib
import subprocess
import sys
import tempfile
import unittest

import yaml

FOLDER, DOCKER_COMPOSE, PROGRAM = (pathlib.Path(argument) for argument in sys.argv[1:4])
BROKERS = sys.argv[4:]
HEALTHY, COMPLETED = "service_healthy", "service_completed_successfully"


def read_compose_file(path):
    command = [DOCKER_COMPOSE, "-f", path, "config"]
    environment = {name: value for name, value in os.environ.items() if name != "REDIS_PASSWORD_FILE"}
    return yaml.safe_load(subprocess.run(command, check=True, stdout=subprocess.PIPE, env=environment).stdout)


def published_address(port):
    """Version 1 prints ADDRESS:PORT:PORT, version 2 a mapping."""
    return port.rsplit(":", 2)[0] if isinstance(port, str) else port.get("host_ip")


def mount(volume):
    """(source, target, read-only) of what version 1 prints as text and version 2 as a mapping."""
    if isinstance(volume, str):
        source, target, mode = volume.split(":")
        return source, target, mode == "ro"
    return volume["source"], volume["target"], volume.get("read_only", False)


class ComposeFile:
    broker = data_folder = None

    @classmethod
    def setUpClass(cls):
        cls.file = read_compose_file(FOLDER / f"{cls.broker}.yaml")
        cls.services = cls.file["services"]
        cls.msp = [cls.services["msp"], cls.services["topics"]]

    def conditions(self, service):
        return {name: on["condition"] for name, on in self.services[service].get("depends_on", {}).items()}

    def each_service(self):
        for name, service in self.services.items():
            with self.subTest(service=name):
                yield name, service

    def test_services(self):
        self.assertEqual(set(self.services), {self.broker, "topics", "msp", "ui"})

    def test_each_starts_when_what_it_needs_is_there(self):
        self.assertEqual(self.conditions("topics"), {self.broker: HEALTHY})
        self.assertEqual(self.conditions("msp"), {"topics": COMPLETED})
        self.assertEqual(self.conditions("ui"), {self.broker: HEALTHY})

    def test_only_topics_ends(self):
        for name, service in self.each_service():
            self.assertEqual(service["restart"], "no" if name == "topics" else "unless-stopped")
            self.assertEqual("healthcheck" in service, name != "topics")

    def test_topics_may_be_there_already(self):
        command = self.services["topics"]["command"]
        self.assertEqual(command[:2], ["topics", "create"])
        self.assertIn("--if-not-exists", command)

    def test_ready_file_is_the_health_of_msp(self):
        msp = self.services["msp"]
        self.assertEqual(msp["command"][:2], ["run", "--ready-file"])
        ready_file = msp["command"][2]
        self.assertEqual(msp["healthcheck"]["test"], ["CMD", "test", "-e", ready_file])
        tmpfs, options = msp["tmpfs"][0].split(":")
        self.assertEqual(os.path.dirname(ready_file), tmpfs)
        self.assertIn("uid=" + msp["user"].split(":")[0], options.split(","))

    def test_ports_are_this_machines_alone(self):
        for _, service in self.each_service():
            for port in service.get("ports", []):
                self.assertEqual(published_address(port), "127.0.0.1")

    def test_images_have_versions(self):
        for _, service in self.each_service():
            if "build" in service:
                self.assertEqual(service["image"], "msp:local")
            else:
                self.assertRegex(service["image"], r"^[^:]+:v?[0-9]+\.[0-9]+\.[0-9]+(-[a-z]+)?$")

    def test_msp_is_built_here(self):
        for service in self.msp:
            build = service["build"]
            self.assertTrue(os.path.isfile(os.path.join(build["context"], build["dockerfile"])))

    def test_nobody_is_root(self):
        for _, service in self.each_service():
            self.assertNotIn(str(service.get("user", "root")).split(":")[0], ("root", "0"))
            self.assertFalse(service.get("privileged", False))

    def test_msp_may_do_nothing_to_its_container(self):
        for service in self.msp:
            self.assertTrue(service["read_only"])
            self.assertEqual(service["cap_drop"], ["ALL"])
            self.assertEqual(service["security_opt"], ["no-new-privileges:true"])

    def test_data_outlives_the_container(self):
        mounts = [mount(volume) for volume in self.services[self.broker]["volumes"]]
        self.assertEqual(mounts, [(f"{self.broker}-data", self.data_folder, False)])
        self.assertIn(f"{self.broker}-data", self.file["volumes"])

    def test_mounted_files_exist(self):
        for service in self.msp:
            mounts = [mount(volume) for volume in service["volumes"]]
            self.assertEqual(len(mounts), 2)
            for source, _, read_only in mounts:
                self.assertTrue(os.path.isfile(source), source)
                self.assertTrue(read_only)

    def test_configuration_is_where_msp_reads_it(self):
        for service in self.msp:
            overlay = f"/etc/msp/msp.{service['environment']['MSP_ENV']}.yaml"
            targets = {target: source for source, target, _ in map(mount, service["volumes"])}
            self.assertEqual(set(targets), {"/etc/msp/msp.yaml", overlay})
            broker = yaml.safe_load(pathlib.Path(targets[overlay]).read_text())["broker"]
            self.assertEqual(broker.partition("://")[0], self.broker)
            self.assertEqual(broker.rpartition("@")[2].rpartition("/")[2].partition(":")[0], self.broker)

    def test_secrets_come_from_files(self):
        secrets = self.file.get("secrets", {})
        for _, service in self.each_service():
            for secret in service.get("secrets", []):
                self.assertIn(secret["source"], secrets)
        for name, secret in secrets.items():
            self.assertEqual(os.path.basename(secret["file"]), f"{name}.example")
            content = pathlib.Path(secret["file"]).read_text().strip()
            self.assertNotIn(content, yaml.safe_dump(self.services))

    def test_msp_takes_its_configuration(self):
        if self.broker not in BROKERS:
            self.skipTest(f"this build knows no {self.broker}")
        with tempfile.TemporaryDirectory() as folder:
            for source in FOLDER.glob("msp*.yaml"):
                content = source.read_text()
                for name, secret in self.file.get("secrets", {}).items():
                    content = content.replace(f"/run/secrets/{name}", secret["file"])
                pathlib.Path(folder, source.name).write_text(content)
            subprocess.run([PROGRAM, "config", "check", "--env", self.broker], check=True, cwd=folder,
                           env={"HOSTNAME": "0123456789ab"})


class KafkaFile(ComposeFile, unittest.TestCase):
    broker, data_folder = "kafka", "/var/lib/kafka/data"

    def test_host_and_containers_reach_the_broker(self):
        environment = self.services["kafka"]["environment"]
        self.assertEqual(environment["KAFKA_LOG_DIRS"], self.data_folder)
        self.assertEqual(environment["KAFKA_ADVERTISED_LISTENERS"],
                         "INTERNAL://kafka:9092,HOST://localhost:9092")


class RedisFile(ComposeFile, unittest.TestCase):
    broker, data_folder = "redis", "/data"

    def test_entries_are_durable_when_acknowledged(self):
        settings = self.services["redis"]["command"][-1].splitlines()
        self.assertIn("appendonly yes", settings)
        self.assertIn("appendfsync always", settings)
        self.assertIn("maxmemory-policy noeviction", settings)
        self.assertIn(f"dir {self.data_folder}", settings)


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
