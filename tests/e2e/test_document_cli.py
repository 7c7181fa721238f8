"""The command line at the vault: a paper on standard input, what is said where nothing is found, and of backups that open no
paper."""

import json
import os
import shutil
import subprocess
import tempfile
import unittest

import suite
from test_vault import CITY, PIECE, VaultCase, pdf

TYPE = ("--type", "tax-notice", "--title", "Avis d'imposition")


class StandardInputTest(VaultCase):
    def pipe(self, handle, data, *options, env=None):
        """`document put HANDLE -` of these bytes; the CompletedProcess."""
        relais = shutil.which("relais", path=self.suite.env["PATH"])
        return subprocess.run([relais, "--as", CITY, "--json", "document", "put", handle, "-", *TYPE, *options],
                              input=data, stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=300,
                              env={**self.suite.env, **(env or {})})

    def test_what_is_piped_in_is_deposited(self):
        handle, _ = self.person()
        data = pdf(3 * PIECE + 17)
        with tempfile.TemporaryDirectory() as folder:
            done = self.pipe(handle, data, env={"TMPDIR": folder})
            self.assertEqual(done.returncode, 0, done.stderr)
            self.assertEqual(os.listdir(folder), [], "nothing of it stays")
        document = json.loads(done.stdout)["document"]["documentId"]
        self.assertEqual(self.get(handle, document), data)

    def test_where_it_cannot_be_kept_nothing_begins(self):
        handle, _ = self.person()
        done = self.pipe(handle, pdf(1000), env={"TMPDIR": "/nowhere"})
        self.assertEqual(done.returncode, 2)
        self.assertIn(b"/nowhere", done.stderr)
        self.assertEqual(self.relais("document", "count", handle)["openUploads"], 0)


class WayInTest(VaultCase):
    def test_it_is_said_of_whatever_is_not_found(self):
        handle, _ = self.person()
        document = self.put(handle, pdf(1000))["document"]["documentId"]
        person = suite.pb("consent/v1/person_service")
        request = person.RegisterRequest(request_id=suite.new_id(), own_identifier=suite.new_id())
        unhosted = self.suite.client(CITY).call("consent", "PersonService", "Register", request).person.handle
        said = set()
        for arguments in (("info", handle, "0" * 32), ("info", unhosted, document), ("count", unhosted),
                          ("destroy", unhosted, document)):
            done = self.suite.command("--reason", "à sa demande", "document", *arguments, acting=CITY)
            self.assertEqual(done.returncode, 7, done.stderr)
            self.assertIn("NO_SUCH_OR_NOT_YOURS", done.stderr)
            self.assertIn("document link-host", done.stderr)
            said.add(done.stderr)
        self.assertEqual(len(said), 1, "it tells nothing")


class WordsTest(VaultCase):
    def test_what_cannot_be_sent_is_named(self):
        for option, value in (("--agent", "Éloïse"), ("--agent", "as\n1"), ("--function", "référent")):
            done = self.suite.command(option, value, "document", "list", "0" * 32, acting=CITY)
            self.assertEqual(done.returncode, 2, done.stderr)
            self.assertIn(option, done.stderr)
        relais = shutil.which("relais", path=self.suite.env["PATH"])
        done = subprocess.run([relais, "--as", CITY, b"document", b"list", b"caf\xe9"], stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE, timeout=60, env=self.suite.env)
        self.assertEqual(done.returncode, 2)
        self.assertIn(b"argument 5 is not UTF-8", done.stderr)


class BackupTest(VaultCase):
    def operate(self, *arguments, codes=(0,)):
        return self.suite.json("--reason", "rotation annuelle", *arguments, acting="operator/ops", codes=codes)

    def test_a_backup_from_before_a_rotation_opens_no_paper(self):
        handle, _ = self.person()
        document = self.put(handle, pdf(1000))["document"]["documentId"]
        made = self.operate("backup", "create", "--service", "vault")["backup"]
        self.assertEqual((made["usable"], made["papersEpoch"]), (True, 1))
        self.operate("vault", "rotate", "--level", "epoch")
        suite.wait_for("the end of the old epoch", lambda: self.operate("vault", "keys")["epochsHeld"] == [2])
        listed = self.operate("backup", "list", "--service", "vault")["backups"]
        self.assertEqual([backup["usable"] for backup in listed], [False])
        said = self.suite.command("backup", "list", "--service", "vault", acting="operator/ops").stdout
        self.assertIn("it opens no paper any more", said)
        self.assertEqual(self.get(handle, document), pdf(1000), "the store's own opens")
        config = self.suite.path("vault", "config.yaml")
        refused = self.suite.command("backup", "restore", str(made["id"]), "--service-config", config)
        self.assertEqual(refused.returncode, 1)
        self.assertIn("--without-papers", refused.stderr)
        # The next one takes its place.
        self.assertTrue(self.operate("backup", "create", "--service", "vault")["backup"]["usable"])
        listed = self.operate("backup", "list", "--service", "vault")["backups"]
        self.assertEqual([backup["usable"] for backup in listed], [True])


if __name__ == "__main__":
    unittest.main()
