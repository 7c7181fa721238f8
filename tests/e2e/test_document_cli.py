"""The command line at the vault: papers through pipes, what is taken and what is not, what is said where nothing is found,
of acts in her journal, of cut archives, of files that must not be lost or joined, and of backups that open no paper."""

import contextlib
import datetime
import hashlib
import json
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import threading
import unittest

import grpc

import suite
from test_vault import CAF, CITY, PIECE, VaultCase, pdf

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

    def test_she_reads_it_in_french_first(self):
        handle, _ = self.person()
        self.put(handle, pdf(1000))
        lines = self.journal(handle, "--all", "--sentences").splitlines()
        self.assertEqual({line for line in lines[2::3]}, {""})
        deposits = [at for at, line in enumerate(lines) if "a déposé un papier" in line]
        self.assertEqual(len(deposits), 1, lines)
        self.assertEqual(deposits[0] % 3, 0, "French first")
        self.assertIn("deposited a paper", lines[deposits[0] + 1])

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


class SealedExportTest(VaultCase):
    """A key is given once: nothing that fails or is killed may take one away."""

    def opens(self, archive):
        return self.code("document", "check-export", archive, "--key-file", archive + ".key") == 0

    def exporting(self, handle, archive, *options):
        """A command that has begun to write an archive."""
        exporting = self.suite.start("document", "export", handle, archive, *options, acting=CITY)
        self.addCleanup(exporting.communicate)
        self.addCleanup(exporting.kill)
        partial = archive + ".partial"
        suite.wait_for("its first bytes", lambda: os.path.exists(partial) and os.path.getsize(partial) > 0, timeout=20,
                       pause=0)
        return exporting

    def test_no_export_takes_the_key_of_an_earlier_one(self):
        handle, _ = self.person()
        self.put(handle, pdf(1000))
        archive = self.suite.path("carried.tar")
        self.relais("document", "export", handle, archive, "--seal")
        self.assertTrue(self.opens(archive))
        key = suite.read(archive + ".key")
        self.suite.kill("vault")
        try:
            for options in (("--seal",), (), ("--proof", archive + ".another")):
                done = self.suite.command("--timeout", "1s", "document", "export", handle, archive, *options, acting=CITY)
                self.assertEqual(done.returncode, 2, "nothing is sent: " + done.stderr)
                self.assertIn(" is there", done.stderr)
                self.assertEqual(suite.read(archive + ".key"), key)
                self.assertTrue(self.opens(archive))
        finally:
            self.suite.up()
        done = self.suite.command("document", "export", handle, archive, "--seal", acting=CITY)
        self.assertEqual(done.returncode, 2, done.stderr)
        self.assertIn("carried.tar.key is there", done.stderr)
        os.rename(archive + ".key", archive + ".elsewhere")
        self.assertEqual(self.code("document", "export", handle, archive, "--seal"), 2, "its key is carried apart")
        self.assertEqual(self.code("document", "export", handle, archive), 2)
        self.assertEqual(suite.read(archive + ".elsewhere"), key)
        os.rename(archive, archive + ".away")
        self.assertEqual(self.code("document", "export", handle, archive), 2, "its proof would be lost")
        self.assertEqual(self.code("document", "check-export", archive + ".away", "--proof", archive + ".proof.json",
                                   "--key-file", archive + ".elsewhere"), 0)

    def test_a_killed_one_leaves_no_key_and_is_made_anew(self):
        handle, _ = self.person()
        self.put(handle, pdf(96 << 20))
        archive = self.suite.path("killed.tar")
        exporting = self.exporting(handle, archive, "--seal")
        exporting.kill()
        exporting.wait(timeout=60)
        self.assertEqual(exporting.returncode, -signal.SIGKILL, "it was over before")
        self.assertFalse(os.path.exists(archive) or os.path.exists(archive + ".key") or
                         os.path.exists(archive + ".proof.json"))
        self.relais("document", "export", handle, archive, "--seal")
        self.assertTrue(self.opens(archive))
        names = sorted(name for name in os.listdir(os.path.dirname(archive)) if name.startswith("killed.tar"))
        self.assertEqual(names, ["killed.tar", "killed.tar.key", "killed.tar.proof.json"])

    def test_two_at_a_time_are_not_written_into_one_file(self):
        handle, _ = self.person()
        self.put(handle, pdf(96 << 20, 7))
        archive = self.suite.path("twice.tar")
        exporting = self.exporting(handle, archive, "--seal")
        exporting.send_signal(signal.SIGSTOP)
        try:
            for options in (("--seal",), ()):
                done = self.suite.command("document", "export", handle, archive, *options, acting=CITY)
                self.assertEqual(done.returncode, 2, done.stderr)
                self.assertIn("another command", done.stderr)
            self.assertFalse(os.path.exists(archive), "it was over before")
        finally:
            exporting.send_signal(signal.SIGCONT)
        _, errors = exporting.communicate(timeout=120)
        self.assertEqual(exporting.returncode, 0, errors)
        self.assertTrue(self.opens(archive))


class RangeTest(VaultCase):
    """A range that is gone on with is of one text, and no more than was asked for."""

    def setUp(self):
        self.handle, _ = self.person()
        self.texts = pdf(5000, 1), pdf(5000, 2)
        self.document = self.put(self.handle, self.texts[0])["document"]["documentId"]
        self.put(self.handle, self.texts[1], "--document", self.document)
        self.path = self.suite.file("range-" + suite.new_id())

    def begun(self, version, data, offset=1000):
        """What an interrupted reading left."""
        path = "%s.%s.%d.%d.partial" % (self.path, self.document, version, offset)
        with open(path, "wb") as file:
            file.write(data)
        return path

    def go_on(self, *options, codes=(0,)):
        return self.relais("document", "get", self.handle, self.document, self.path, "--offset", "1000", "--length", "2000",
                           "--resume", *options, codes=codes)

    def test_one_that_is_all_there_gets_nothing_more(self):
        partial = self.begun(1, self.texts[0][1000:3000])
        told = self.go_on("--text-version", "1")
        self.assertEqual((told["bytes"], told["version"]["version"]), (2000, 1))
        self.assertEqual(suite.read(self.path), self.texts[0][1000:3000])
        self.assertFalse(os.path.exists(partial))

    def test_the_rest_is_read_and_no_more(self):
        self.begun(2, self.texts[1][1000:1700])
        self.go_on("--text-version", "2")
        self.assertEqual(suite.read(self.path), self.texts[1][1000:3000])
        reads = [entry for entry in self.relais("document", "journal", self.handle, "--all")["entries"]
                 if entry["act"] == "ACT_READ"]
        self.assertEqual((len(reads), int(reads[0]["offset"])), (1, 1700))

    def test_two_texts_are_not_joined(self):
        of_the_first = self.begun(1, self.texts[0][1000:1700])
        elsewhere = self.begun(2, self.texts[1][500:1200], 500)
        self.go_on("--text-version", "2")
        self.assertEqual(suite.read(self.path), self.texts[1][1000:3000])
        other = self.put(self.handle, pdf(5000, 3))["document"]["documentId"]
        path = self.path + ".other"
        shutil.copy(of_the_first, "%s.%s.1.1000.partial" % (path, self.document))
        self.relais("document", "get", self.handle, other, path, "--offset", "1000", "--length", "2000", "--resume",
                    "--text-version", "1")
        self.assertEqual(suite.read(path), pdf(5000, 3)[1000:3000])
        self.assertTrue(os.path.exists(of_the_first) and os.path.exists(elsewhere), "what is not its own stays")

    def test_what_is_left_of_a_whole_reading_stays(self):
        left = self.path + ".partial"
        with open(left, "wb") as file:
            file.write(self.texts[1][:1700])
        self.relais("document", "get", self.handle, self.document, self.path, "--offset", "1000", "--length", "2000")
        self.assertEqual(suite.read(self.path), self.texts[1][1000:3000])
        self.assertEqual(suite.read(left), self.texts[1][:1700])
        told = self.relais("document", "get", self.handle, self.document, self.path, "--resume")
        self.assertTrue(told["hashCompared"])
        self.assertEqual(suite.read(self.path), self.texts[1])

    def test_which_version_is_to_be_said(self):
        with open(self.path + ".partial", "wb") as file:
            file.write(self.texts[0][1000:1700])
        done = self.suite.command("document", "get", self.handle, self.document, self.path, "--length", "2000", "--offset",
                                  "1000", "--resume", acting=CITY)
        self.assertEqual(done.returncode, 2, done.stderr)
        self.assertIn("--text-version", done.stderr)
        self.assertFalse(os.path.exists(self.path))


class SentTest(VaultCase):
    def test_an_upload_goes_on_with_its_own_file_alone(self):
        handle, _ = self.person()
        service = suite.pb("vault/v1/document_service")
        document = suite.pb("vault/v1/document")
        person = suite.pb("common/v1/types").PersonRef(handle=handle)
        client = self.suite.client(CITY)
        data = pdf(2 * PIECE, 1)
        upload = client.call("vault", "DocumentService", "BeginUpload", service.BeginUploadRequest(
            request_id=suite.new_id(), person=person, size=len(data), sha256=hashlib.sha256(data).digest(),
            description=document.Description(type=document.DOCUMENT_TYPE_LEASE, title="Bail"))).upload.upload_id
        client.call("vault", "DocumentService", "UploadPiece", service.UploadPieceRequest(
            person=person, upload_id=upload, offset=0, data=data[:PIECE]))

        def go_on(name, text):
            return self.suite.command("document", "put", handle, self.suite.file(name, text), "--type", "lease", "--title",
                                      "Bail", "--resume", upload, acting=CITY)

        done = go_on("another.pdf", pdf(len(data), 2))
        self.assertEqual(done.returncode, 2, done.stderr)
        self.assertIn("of another file of the same size", done.stderr)
        stands = client.call("vault", "DocumentService", "QueryUpload", service.QueryUploadRequest(
            person=person, upload_id=upload)).upload
        self.assertEqual((stands.state, stands.committed), (document.Upload.STATE_OPEN, PIECE), "nothing is lost")
        self.assertEqual(go_on("the-one.pdf", data).returncode, 0)

    def relay(self, before):
        """Where somebody listens who hands everything on to the vault: once connected to, after `before()`."""
        listening = socket.create_server(("127.0.0.1", 0))
        self.addCleanup(listening.close)
        host, _, port = self.suite.target("vault").rpartition(":")

        def hand_on(source, to):
            with contextlib.suppress(OSError), source, to:
                while data := source.recv(PIECE):
                    to.sendall(data)
                to.shutdown(socket.SHUT_WR)

        def serve():
            with contextlib.suppress(OSError):
                while True:
                    near, _ = listening.accept()
                    before()
                    far = socket.create_connection((host, int(port)))
                    for source, to in ((near, far), (far.dup(), near.dup())):
                        threading.Thread(target=hand_on, args=(source, to), daemon=True).start()
        threading.Thread(target=serve, daemon=True).start()
        return "127.0.0.1:%d" % listening.getsockname()[1]

    def test_a_file_that_becomes_shorter_is_said_at_once(self):
        handle, _ = self.person()
        data = pdf(3 * PIECE, 4)
        path = self.suite.file("shrinking.pdf", data)
        shrunk = []

        def shrink():
            # Whoever connects has read its size and hash; nothing of it is sent yet.
            shrunk.append(os.path.getsize(path))
            os.truncate(path, PIECE)
        # Its patience is longer than this test's.
        done = self.suite.command("--timeout", "300s", "document", "put", handle, path, *TYPE, acting=CITY, timeout=60,
                                  env={"RELAIS_VAULT": self.relay(shrink)})
        self.assertEqual(shrunk[:1], [len(data)])
        self.assertEqual(done.returncode, 2, done.stderr)
        self.assertIn("became shorter", done.stderr)
        count = self.relais("document", "count", handle)
        self.assertEqual((count["documents"], count["openUploads"]), (0, 1), "it had begun")

    def test_a_receipt_is_not_written_over_the_paper(self):
        handle, _ = self.person()
        data = pdf(1000, 5)
        paper = self.suite.file("carte.pdf", data)
        done = self.suite.command("document", "put", handle, paper, *TYPE, "--receipt", paper, acting=CITY)
        self.assertEqual(done.returncode, 2, done.stderr)
        self.assertEqual(suite.read(paper), data)
        archive = self.suite.path("alone.tar")
        self.assertEqual(self.code("document", "export", handle, archive, "--proof", archive), 2)
        self.assertFalse(os.path.exists(archive) or os.path.exists(archive + ".partial"))
        count = self.relais("document", "count", handle)
        self.assertEqual((count["documents"], count["openUploads"]), (0, 0))


class PermitTest(VaultCase):
    # With a lease that outlasts it, it is the permit that ends.
    settings = {"permit.seconds": "3", "lease.duration": "20s"}

    def of_her_journal(self, handle, act):
        done = self.suite.command("--json", "document", "journal", handle, "--all", acting=CITY)
        entries = json.loads(done.stdout)["entries"] if done.returncode == 0 else []
        return [entry for entry in entries if entry["act"] == act]

    def test_a_reading_outlasts_its_permit(self):
        handle, _ = self.person()
        data = pdf(96 << 20, 8)
        document = self.put(handle, data)["document"]["documentId"]
        _, _, there = self.share(handle, document)
        service = suite.pb("vault/v1/document_service")
        person = suite.pb("common/v1/types").PersonRef(handle=there)
        stream = suite.stub(self.suite.channel("vault", CAF), "vault/v1/document_service", "DocumentService").Download(
            service.DownloadRequest(person=person, document_id=document), timeout=300,
            metadata=self.suite.client(CAF).metadata)
        ended = datetime.datetime.fromtimestamp(next(stream).start.permit_expires.seconds, datetime.timezone.utc)
        got = bytearray()

        def slowly():
            got.extend(next(stream).data)
            return self.suite.now() > ended + datetime.timedelta(seconds=4)
        suite.wait_for("the end of a second permit", slowly, timeout=60)
        self.assertLess(len(got), len(data), "it was over before")
        for message in stream:
            got.extend(message.data)
        self.assertEqual(hashlib.sha256(got).digest(), hashlib.sha256(data).digest())
        self.assertEqual(len([entry for entry in self.of_her_journal(handle, "ACT_READ") if entry["allowed"]]), 1)
        self.assertEqual(self.of_her_journal(handle, "ACT_READ_CUT"), [])

    def test_a_reading_goes_on_where_its_permit_ended(self):
        handle, _ = self.person()
        data = pdf(96 << 20, 6)
        document = self.put(handle, data)["document"]["documentId"]
        _, _, there = self.share(handle, document)
        path = self.suite.file("slow.pdf")
        partial = path + ".partial"
        getting = self.suite.start("--timeout", "120s", "document", "get", there, document, path, acting=CAF)
        self.addCleanup(getting.communicate)
        self.addCleanup(getting.kill)
        suite.wait_for("its first bytes", lambda: os.path.exists(partial) and os.path.getsize(partial) > 0, timeout=20,
                       pause=0)
        # It takes nothing, and nobody can be asked for another permit: the stream ends.
        getting.send_signal(signal.SIGSTOP)
        self.suite.kill("consent")
        try:
            cut = suite.wait_for("the end of the stream", lambda: self.of_her_journal(handle, "ACT_READ_CUT"))
            self.assertEqual([entry["reason"] for entry in cut], ["PERMIT_ENDED"])
            self.assertFalse(os.path.exists(path), "it was over before")
        finally:
            getting.send_signal(signal.SIGCONT)
            self.suite.up()
        _, errors = getting.communicate(timeout=120)
        self.assertEqual(getting.returncode, 0, errors)
        self.assertEqual(suite.read(path), data)
        self.assertFalse(os.path.exists(partial))
        offsets = [int(entry.get("offset", 0)) for entry in self.of_her_journal(handle, "ACT_READ") if entry["allowed"]]
        self.assertGreater(max(offsets), 0, "what was there was not read again")


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
