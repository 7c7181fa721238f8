"""The master of the vault's key ring and of its copy is rotated: with the vault stopped, and nothing of a paper is lost."""

import json
import os
import signal
import unittest

import suite
from test_vault import CITY, VaultCase, pdf


class MasterTest(VaultCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.config = cls.suite.path("vault", "config.yaml")
        cls.master = cls.suite.path("vault", "master")
        cls.ring = cls.suite.path("vault", "ring")
        cls.copy = cls.suite.file("ring.copy")
        cls.suite.down()
        settings = suite.read(cls.config).decode()
        with open(cls.config, "w", encoding="utf-8") as out:
            out.write(settings.replace("\naudit:\n", '\naudit:\n  ring_copy: "%s"\n' % cls.copy))
        cls.suite.up()

    def rewrap(self, new_master, *which):
        return self.suite.command("--json", "pki", "rewrap-ring", *which, "--new-master", new_master)

    def stop_the_vault(self):
        os.kill(self.suite.pid("vault"), signal.SIGTERM)
        suite.wait_for("the vault's end", lambda: not self.suite.running("vault"))

    def test_a_paper_is_read_with_the_new_master_and_the_old_opens_nothing(self):
        handle, _ = self.person()
        data = pdf(400_000)
        receipt = self.suite.file("receipt")
        document = self.put(handle, data, "--receipt", receipt)["document"]["documentId"]
        new_master = self.suite.file("master.new")

        running = self.rewrap(new_master, "--service-config", self.config)
        self.assertEqual(running.returncode, 1, running.stdout)
        self.assertIn("stop the service first", running.stderr)
        self.assertFalse(os.path.exists(new_master))

        self.stop_the_vault()
        old_master = self.suite.file("master.old", suite.read(self.master))
        os.chmod(old_master, 0o600)
        before = suite.read(self.ring)
        # As after a kill between the two files: the ring is done, its copy is not.
        first = self.rewrap(new_master, "--ring", self.ring, "--master", self.master)
        self.assertEqual(first.returncode, 0, first.stderr)
        both = self.rewrap(new_master, "--service-config", self.config)
        self.assertEqual(both.returncode, 0, both.stderr)
        files = {each["file"]: each for each in json.loads(both.stdout)["files"]}
        self.assertEqual({path: each["rewrapped"] for path, each in files.items()}, {self.ring: False, self.copy: True})
        self.assertGreater(files[self.ring]["keys"], 3)
        self.assertEqual(files[self.ring]["keys"], files[self.copy]["keys"])
        self.assertNotEqual(suite.read(self.ring), before)
        self.assertNotIn(suite.read(new_master).strip().decode(), both.stdout + both.stderr)

        with self.assertRaisesRegex(AssertionError, "wrong master key"):
            self.suite.up()
        for path in (self.ring, self.copy):
            third = self.suite.file("master.third")
            refused = self.rewrap(third, "--ring", path, "--master", old_master)
            self.assertEqual(refused.returncode, 1, refused.stdout)
            self.assertIn("wrong master key", refused.stderr)
            self.assertFalse(os.path.exists(third))

        os.replace(new_master, self.master)
        self.suite.up()
        self.assertEqual(self.get(handle, document), data)
        self.assertEqual(self.code("document", "verify", handle, document), 0)
        self.assertEqual(self.code("audit", "verify", receipt), 0)
        acts = [entry["act"] for entry in self.relais("document", "journal", handle, "--limit", "0")["entries"]]
        self.assertIn("ACT_DEPOSITED", acts)
        # The ring is changed under the new master, and its copy with it.
        self.suite.json("--reason", "rotation annuelle", "vault", "rotate", "--level", "epoch", acting="operator/ops")
        suite.wait_for("the end of the old epoch", lambda: self.suite.json(
            "vault", "keys", acting="operator/ops")["epochsHeld"] == [2])
        self.assertEqual(suite.read(self.ring), suite.read(self.copy))
        self.assertEqual(self.get(handle, document, acting=CITY), data)


if __name__ == "__main__":
    unittest.main()
