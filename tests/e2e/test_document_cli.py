"""The command line at the vault: papers through pipes, what is taken and what is not, what is said where nothing is found,
of acts in her journal, of cut archives, and of backups that open no paper."""

import json
import os
import shutil
import subprocess
import tempfile
import unittest

import grpc

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


class FilesTest(VaultCase):
    def test_a_receipt_that_cannot_be_written_keeps_the_deposit_from_being_sent(self):
        handle, _ = self.person()
        paper = self.suite.file("kept-back.pdf", pdf(1000))
        done = self.suite.command("document", "put", handle, paper, *TYPE, "--receipt", "/nowhere/recu.json", acting=CITY)
        self.assertEqual(done.returncode, 2, done.stderr)
        self.assertIn("--receipt: cannot write /nowhere/recu.json: there is no such folder", done.stderr)
        count = self.relais("document", "count", handle)
        self.assertEqual((count["documents"], count["openUploads"]), (0, 0))

    def test_dash_is_standard_output(self):
        handle, _ = self.person()
        data = pdf(PIECE + 5)
        document = self.put(handle, data)["document"]["documentId"]
        relais = shutil.which("relais", path=self.suite.env["PATH"])
        with tempfile.TemporaryDirectory() as folder:
            for arguments in (("get", handle, document, "-"), ("export", handle, "-")):
                done = subprocess.run([relais, "--as", CITY, "document", *arguments], cwd=folder, env=self.suite.env,
                                      stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=300)
                self.assertEqual(done.returncode, 0, done.stderr)
                self.assertEqual(os.listdir(folder), [])
                if arguments[0] == "get":
                    self.assertEqual(done.stdout, data)
                    self.assertIn(b"hash compared", done.stderr)
        self.assertEqual(self.code("document", "check-export", self.suite.file("piped.tar", done.stdout)), 0)
        done = self.suite.command("document", "get", handle, "0" * 32, "-", acting=CITY)
        self.assertEqual((done.returncode, done.stdout), (7, ""))


class TakenTest(VaultCase):
    def test_an_empty_paper_is_none(self):
        handle, _ = self.person()
        done = self.suite.command("document", "put", handle, self.suite.file("empty.pdf", b""), *TYPE, acting=CITY)
        self.assertEqual(done.returncode, 2)
        self.assertIn("the paper is empty", done.stderr)
        service = suite.pb("vault/v1/document_service")
        document = suite.pb("vault/v1/document")
        types = suite.pb("common/v1/types")
        error = self.refused(grpc.StatusCode.INVALID_ARGUMENT, "INVALID_FIELDS", self.suite.client(CITY).call, "vault",
                             "DocumentService", "BeginUpload", service.BeginUploadRequest(
                                 request_id=suite.new_id(), person=types.PersonRef(handle=handle), size=0,
                                 description=document.Description(type=document.DOCUMENT_TYPE_LEASE, title="Bail")))
        details = dict(error.trailing_metadata())["grpc-status-details-bin"]
        self.assertIn(b"\x04size", details, "the field is named")
        self.assertEqual(self.relais("document", "count", handle)["openUploads"], 0)

    def test_a_last_day_that_is_past_is_taken_and_said(self):
        handle, _ = self.person()
        paper = self.suite.file("old.pdf", pdf(1000))
        for expires, note in (("2026-11-09", "note: its last day, 2026-11-09, is past"), ("2026-11-10", "")):
            done = self.suite.command("document", "put", handle, paper, *TYPE, "--expires", expires, "--allow-duplicate",
                                      acting=CITY)
            self.assertEqual(done.returncode, 0, done.stderr)
            self.assertTrue(done.stderr.startswith(note) if note else not done.stderr, done.stderr)

    def test_a_title_of_two_lines_is_one_row(self):
        handle, _ = self.person()
        self.relais("document", "put", handle, self.suite.file("two-lines.pdf", pdf(1000)), "--type", "lease", "--title",
                    "Bail\nDESTROYED")
        listed = self.suite.command("document", "list", handle, acting=CITY).stdout.splitlines()
        self.assertEqual(len(listed), 2, listed)
        self.assertIn("Bail\\nDESTROYED", listed[1])


class JournalTest(VaultCase):
    def journal(self, handle, *options):
        return self.suite.command("document", "journal", handle, *options, acting=CITY).stdout

    def test_what_was_refused_is_not_done_and_more_is_said(self):
        handle, _ = self.person()
        script = self.suite.file("script.sh", b"#!/bin/sh\necho\n")
        self.assertEqual(self.code("document", "put", handle, script, *TYPE), 2)
        self.assertEqual(self.code("document", "count", handle), 0)
        lines = [line for line in self.journal(handle, "--all").splitlines() if " UPLOAD " in line]
        self.assertGreaterEqual(len(lines), 2, lines)
        for line in lines[:-1]:
            self.assertIn("refused: it is of no type that the vault takes", line)
        self.assertTrue(lines[-1].endswith("begun"), lines[-1])
        first = self.journal(handle, "--limit", "1").splitlines()
        self.assertEqual(len(first), 3, first)
        self.assertTrue(first[2].startswith("more: --page-token ") and first[2].endswith(", or --all"), first[2])
        page = self.relais("document", "journal", handle, "--limit", "2")
        rest = self.relais("document", "journal", handle, "--all", "--page-token", page["nextPageToken"])
        self.assertEqual(rest["nextPageToken"], "")
        self.assertGreater(min(int(each["leafIndex"]) for each in page["entries"]),
                           max(int(each["leafIndex"]) for each in rest["entries"]))

    def test_an_export_whose_client_went_away_is_there(self):
        handle, _ = self.person()
        self.put(handle, pdf(64 << 20))
        service = suite.pb("vault/v1/export_service")
        types = suite.pb("common/v1/types")
        stub = suite.stub(self.suite.channel("vault", CITY), "vault/v1/export_service", "ExportService")
        stream = stub.Export(service.ExportRequest(person=types.PersonRef(handle=handle)), timeout=120,
                             metadata=self.suite.client(CITY).metadata)
        export = next(stream).start.export_id
        self.assertEqual(len(export), 32)
        stream.cancel()

        def cut():
            entries = self.relais("document", "journal", handle, "--all")["entries"]
            return [entry for entry in entries if entry["act"] == "ACT_EXPORT_CUT"]
        entry, = suite.wait_for("the leaf of the cut", cut)
        self.assertEqual((entry["reason"], entry["who"]["institution"]), ("CONNECTION_LOST", "ville-paris"))
        self.assertRegex(self.journal(handle, "--all"), r"EXPORT_CUT .* cut after [0-9,]+ bytes: the connection ended")


class CheckExportTest(VaultCase):
    def test_a_cut_archive_is_named_and_the_key_is_asked_for(self):
        handle, _ = self.person()
        self.put(handle, pdf(100_000))
        archive = self.suite.path("whole.tar")
        self.relais("document", "export", handle, archive)
        whole = suite.read(archive)
        cut = self.suite.file("cut.tar", whole[:50_000])
        done = self.suite.command("document", "check-export", cut)
        self.assertEqual(done.returncode, 1)
        self.assertRegex(done.stdout, r"cut short within documents/001 .*: [0-9]+ of its 100000 bytes are missing")
        # On a machine that knows nothing of the suite: which key it takes, and with it that it is whole.
        relais = shutil.which("relais", path=self.suite.env["PATH"])
        key = self.suite.command("pki", "log-key", self.suite.path("vault", "signer.key"), "--origin",
                                 "relais.test/vault/1").stdout.strip()
        for options, code in (((), 1), (("--key", key), 0)):
            done = subprocess.run([relais, "document", "check-export", archive, *options], env={"PATH": os.environ["PATH"]},
                                  stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=60)
            self.assertEqual(done.returncode, code, done.stderr)
            self.assertEqual(b"--key ORIGIN+ID+KEY" in done.stderr, code == 1, done.stderr)
        self.assertIn(b"--key KEY", whole, "LISEZMOI.txt says it too")


class SaidTest(VaultCase):
    def test_help_about_what_is_not_there(self):
        done = self.suite.command("help", "document", "nope")
        self.assertEqual(done.returncode, 2)
        self.assertIn("`relais document` knows no 'nope'", done.stderr)
        self.assertEqual(self.suite.command("help", "document", "put").returncode, 0)

    def test_a_motive_that_lacks_is_asked_for_by_its_option(self):
        handle, _ = self.person()
        document = self.put(handle, pdf(1000))["document"]["documentId"]
        done = self.suite.command("document", "destroy", handle, document, acting=CITY)
        self.assertEqual(done.returncode, 2, done.stderr)
        self.assertIn("--reason is required", done.stderr)
        self.relais("--reason", "à sa demande", "document", "destroy", handle, document)
        done = self.suite.command("--reason", "encore", "document", "destroy", handle, document, acting=CITY)
        self.assertIn("the paper is DESTROYED: it cannot be destroyed", done.stderr)

    def test_a_scrub_that_finds_nothing_says_so(self):
        self.suite.json("vault", "scrub", acting="operator/ops")

        def ended():
            said = self.suite.command("vault", "scrub-status", acting="operator/ops").stdout
            return said if "ended" in said else ""
        self.assertTrue(suite.wait_for("the scrub", ended).endswith("\n0 findings\n"))

    def test_no_service_is_the_usual_one_for_backups(self):
        done = self.suite.command("backup", "list", acting="operator/ops")
        self.assertEqual(done.returncode, 2)
        self.assertIn("--service is required", done.stderr)


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
