"""The vault of a running suite: papers deposited, resumed after kill -9, read, shared, withdrawn, destroyed, exported and checked
offline, also by the independent reader; malware refused by a real clamd where one is installed."""

import contextlib
import hashlib
import io
import json
import os
import random
import shutil
import signal
import subprocess
import tarfile
import tempfile
import threading
import time
import unittest

import grpc

import c2sp
import suite
import vault_format
import vault_receipts

CITY = "ville-paris/dsol"
CAF = "caf/droits"
PIECE = 262144
UNTIL = "2027-02-01T00:00:00+01:00"
EICAR = rb"X5O!P%@AP[4\PZX54(P^)7CC)7}$" + b"EICAR-STANDARD-ANTIVIRUS-TEST-FILE!$H+H*"
EICAR_MD5 = "44d88612fea8a8f36de82e1278abb02f"
# RELAIS_CLAMD: one that is not in the path.
CLAMD = os.environ.get("RELAIS_CLAMD") or shutil.which("clamd") or shutil.which("clamd", path="/usr/sbin")


def pdf(size, seed=0):
    """A text that is recognised as a PDF, another for another seed."""
    return (b"%PDF-1.7\n" + random.Random(seed).randbytes(size))[:size]


class VaultCase(suite.SuiteTest):
    def person(self):
        """(her handle at the city, her agreement to be hosted there): the city is her host."""
        person = suite.pb("consent/v1/person_service")
        city = self.suite.client(CITY)
        city.patience = 20
        request = person.RegisterRequest(request_id=suite.new_id(), own_identifier=suite.new_id())
        handle = city.call("consent", "PersonService", "Register", request).person.handle
        agreement = self.agree(handle, "host", "ville-paris")
        self.relais("document", "link-host", handle, "--consent", agreement, "--purpose", "RIGHTS_OPENING")
        return handle, agreement

    def agree(self, handle, act, recipient, acting=CITY):
        return self.suite.json("consent", "record", handle, "--purpose", "RIGHTS_OPENING", "--category", "DOCUMENTS",
                               "--recipient", recipient, "--act", act, "--method", "signed-paper", "--notice",
                               "accord-partage/3", acting=acting)["consentId"]

    def relais(self, *arguments, acting=CITY, codes=(0,)):
        return self.suite.json(*arguments, acting=acting, codes=codes)

    def code(self, *arguments, acting=CITY):
        return self.suite.command(*arguments, acting=acting).returncode

    def put(self, handle, data, *options, acting=CITY, codes=(0,)):
        path = self.suite.file("paper-" + suite.new_id(), data)
        return self.relais("document", "put", handle, path, "--type", "tax-notice", "--title", "Avis d'imposition",
                           *options, acting=acting, codes=codes)

    def log_keys(self):
        """Public keys of the vault's log, as whoever runs it hands them out."""
        line = self.suite.command("pki", "log-key", self.suite.path("vault", "signer.key"), "--origin",
                                  "relais.test/vault/1").stdout.strip()
        return [c2sp.Key(line)]

    def proved(self, path):
        """What the receipt in a file proves, by the independent reader."""
        return vault_receipts.read_receipt(suite.read(path).decode("utf-8"), self.log_keys())

    def get(self, handle, document, acting=CITY):
        """The bytes, or the exit code."""
        path = self.suite.file("read-" + suite.new_id())
        done = self.suite.command("document", "get", handle, document, path, acting=acting)
        if done.returncode != 0:
            self.assertFalse(os.path.exists(path))
            self.assertFalse(os.path.exists(path + ".partial"), "what was not read whole is on nobody's disk")
            return done.returncode
        self.assertEqual(os.stat(path).st_mode & 0o777, 0o600)
        return suite.read(path)

    def share(self, handle, document, recipient="caf"):
        """(share id, agreement, her handle there)"""
        agreement = self.agree(handle, "share-document", recipient)
        made = self.relais("document", "share", handle, "--document", document, "--with", recipient, "--purpose",
                           "RIGHTS_OPENING", "--until", UNTIL, "--consent", agreement)
        share_id = made["share"]["shareId"]

        def theirs():
            shares = self.relais("document", "shares", acting=CAF)["shares"]
            return [share["person"]["handle"] for share in shares if share["shareId"] == share_id]
        return share_id, agreement, suite.wait_for("the share at the CAF", theirs)[0]


class PapersTest(VaultCase):
    def test_deposit_read_count_and_journal(self):
        handle, _ = self.person()
        for size in (1000, PIECE, 3 * PIECE + 17):
            with self.subTest(size):
                data = pdf(size, size)
                receipt = self.suite.file("receipt-" + suite.new_id())
                made = self.put(handle, data, "--receipt", receipt)
                document = made["document"]["documentId"]
                self.assertEqual(self.code("audit", "verify", receipt), 0)
                self.assertEqual(json.loads(suite.read(receipt))["id"], document + "/1")
                proved = self.proved(receipt)
                self.assertEqual((proved["act"], proved["document_id"], proved["version"], proved["size"]),
                                 ("deposit", document, 1, size))
                self.assertEqual(proved["sha256"], hashlib.sha256(data).digest())
                self.assertEqual(self.get(handle, document), data)
                info = self.relais("document", "info", handle, document)["document"]
                self.assertEqual(info["versions"][0]["mediaType"], "application/pdf")
                self.assertEqual(int(info["versions"][0]["size"]), size)
                self.assertEqual(self.code("document", "verify", handle, document), 0)
        count = self.relais("document", "count", handle)
        self.assertEqual((count["documents"], int(count["bytes"])), (3, 1000 + PIECE + 3 * PIECE + 17))
        self.assertEqual(len(self.relais("document", "list", handle)["documents"]), 3)
        acts = [entry["act"] for entry in self.relais("document", "journal", handle, "--limit", "0")["entries"]]
        self.assertEqual(acts.count("ACT_DEPOSITED"), 3)
        self.assertEqual(acts.count("ACT_READ"), 3)
        self.assertEqual(acts.count("ACT_VERIFIED"), 3)

    def test_a_range(self):
        handle, _ = self.person()
        data = pdf(2 * PIECE)
        document = self.put(handle, data)["document"]["documentId"]
        path = self.suite.file("range")
        self.relais("document", "get", handle, document, path, "--offset", "65530", "--length", "100")
        self.assertEqual(suite.read(path), data[65530:65630])

    def test_the_same_text_twice_is_noticed(self):
        handle, _ = self.person()
        document = self.put(handle, pdf(5000))["document"]["documentId"]
        again = self.suite.command("document", "put", handle, self.suite.file("again", pdf(5000)), "--type",
                                   "tax-notice", "--title", "encore", acting=CITY)
        self.assertEqual(again.returncode, 1)
        self.assertIn("DUPLICATE_DOCUMENT", again.stderr)
        self.assertIn(document, again.stderr)
        self.put(handle, pdf(5000), "--allow-duplicate")

    def test_what_is_no_paper_is_refused_and_leaves_nothing(self):
        handle, _ = self.person()
        for data in (b"MZ\x90\x00" + bytes(1000), b"#!/bin/sh\nrm -rf /\n", b"<html><script></script></html>",
                     b"PK\x03\x04" + bytes(500)):
            done = self.suite.command("document", "put", handle, self.suite.file("bad", data), "--type", "other",
                                      "--title", "x", acting=CITY)
            self.assertEqual(done.returncode, 2, done.stderr)
            self.assertIn("TYPE_NOT_ALLOWED", done.stderr)
        count = self.relais("document", "count", handle)
        self.assertEqual((count["documents"], count["openUploads"], int(count["reservedBytes"])), (0, 0, 0))

    def test_who_is_not_her_host_learns_nothing(self):
        handle, _ = self.person()
        shared, hidden = (self.put(handle, pdf(3000, seed))["document"]["documentId"] for seed in (1, 2))
        _, _, there = self.share(handle, shared)
        self.assertEqual(self.get(there, shared, acting=CAF), pdf(3000, 1), "its name for her is hers")
        self.assertEqual(self.get(there, hidden, acting=CAF), 7)
        self.assertEqual(self.get(there, "0" * 32, acting=CAF), 7, "as of one that is not there")
        for verb in ("count", "journal", "hosts"):
            self.assertEqual(self.code("document", verb, there, acting=CAF), 7, verb)
        self.assertEqual(self.code("document", "export", there, self.suite.file("none.tar"), acting=CAF), 7)

    def test_destroyed_with_a_certificate(self):
        handle, _ = self.person()
        document = self.put(handle, pdf(3000))["document"]["documentId"]
        certificate = self.suite.file("certificate")
        self.assertEqual(self.code("document", "destroy", handle, document), 2)  # why?
        self.relais("--reason", "à sa demande", "document", "destroy", handle, document, "--receipt", certificate)
        self.assertEqual(self.code("audit", "verify", certificate), 0)
        self.assertEqual(json.loads(suite.read(certificate))["act"], "destruction")
        proved = self.proved(certificate)
        self.assertEqual((proved["act"], proved["document_id"], proved["cause"], proved["copies_end_with_epoch"]),
                         ("destruction", document, "HERS", 1))
        self.assertEqual([each["sha256"] for each in proved["versions"]], [hashlib.sha256(pdf(3000)).digest()])
        self.assertEqual(self.get(handle, document), 7)
        self.assertEqual(self.relais("document", "list", handle).get("documents"), [])
        kept = self.relais("document", "list", handle, "--with-destroyed")["documents"]
        self.assertEqual([each["state"] for each in kept], ["STATE_DESTROYED"])

    def test_receipts_after_the_fact(self):
        """Nobody asked for a proof when it was done: each version's receipt, then the certificate, verified offline."""
        handle, _ = self.person()
        texts = [pdf(3000, 1), pdf(4000, 2)]
        document = self.put(handle, texts[0])["document"]["documentId"]
        self.put(handle, texts[1], "--document", document)

        def receipt(*options):
            path = self.suite.file("later-" + suite.new_id())
            said = self.relais("document", "receipt", handle, document, "--out", path, *options)
            self.assertEqual(self.code("audit", "verify", path), 0)
            proved = self.proved(path)
            self.assertEqual((proved["document_id"], proved.get("version", 0)), (document, said["version"]))
            return proved

        for version, data in enumerate(texts, 1):
            proved = receipt("--text-version", str(version))
            self.assertEqual((proved["act"], proved["version"], proved["sha256"]),
                             ("deposit", version, hashlib.sha256(data).digest()))
        self.assertEqual(receipt()["version"], 2)
        self.relais("--reason", "à sa demande", "document", "destroy", handle, document)
        self.assertEqual(receipt()["act"], "destruction")
        self.assertEqual(receipt("--text-version", "1")["sha256"], hashlib.sha256(texts[0]).digest())
        self.assertEqual(self.code("document", "receipt", handle, document, "--text-version", "3", "--out",
                                   self.suite.file("no")), 7)
        looks = [entry["what"] for entry in self.relais("document", "journal", handle, "--limit", "0")["entries"]
                 if entry["act"] == "ACT_LOOKED" and entry["allowed"]]
        self.assertEqual(looks.count("RECEIPT"), 5)

    def test_nothing_of_a_paper_is_readable_on_the_disk(self):
        handle, _ = self.person()
        canary = ("canari" + suite.new_id()).encode()
        self.put(handle, b"%PDF-1.7\n" + canary * 4000, "--allow-duplicate")
        for folder, _, names in os.walk(self.suite.path("vault")):
            for name in names:
                data = suite.read(os.path.join(folder, name))
                self.assertNotIn(canary, data, name)
                self.assertNotIn("Avis d'imposition".encode(), data, name)

    def test_beside_ids_nothing_of_its_rows_is_readable_on_the_disk(self):
        handle, _ = self.person()
        size = 123_457
        why = "motif " + suite.new_id()
        document = self.put(handle, pdf(size, 9), "--expires", "2031-03-14")["document"]["documentId"]
        destroyed = self.put(handle, pdf(5000, 10))["document"]["documentId"]
        self.relais("--reason", why, "document", "destroy", handle, destroyed)
        agreement = self.agree(handle, "share-document", "emmaus")
        self.relais("document", "share", handle, "--document", document, "--with", "emmaus", "--purpose",
                    "RIGHTS_OPENING", "--until", UNTIL, "--consent", agreement)

        def on_disk():
            store = self.suite.path("vault", "store")
            files = []
            for name in os.listdir(store):
                with contextlib.suppress(FileNotFoundError):  # it was compacted away
                    files.append(suite.read(os.path.join(store, name)))
            return files
        # Its rows are seen, the list of the day it expires too.
        for row in (b"v/host/", b"v/share/", b"v/day/"):
            suite.wait_for(row, lambda row=row: any(row in data for data in on_disk()))
        said = [b"application/pdf", why.encode()]
        self.assertEqual(self.relais("document", "info", handle, document)["document"]["versions"][0]["mediaType"],
                         "application/pdf")
        for paper in (pdf(size, 9), pdf(5000, 10)):
            sha256 = hashlib.sha256(paper).digest()
            said += [sha256, sha256.hex().encode()]
        for data in on_disk():
            for each in said:
                self.assertNotIn(each, data)
            self.assertNotIn(b"2031-03-14", data)
            self.assertNotIn(b"\xef\x0f\x10\x03\x18\x0e", data, "the day as a message")
            self.assertNotIn(size.to_bytes(8, "big"), data)
            # Who never acted here is in no header of the log either; the city is, but not as her host.
            self.assertNotIn(b"emmaus", data)
            self.assertNotIn(b"v/host/ville-paris", data)


class SharingTest(VaultCase):
    def test_shared_read_and_withdrawn(self):
        handle, _ = self.person()
        data = pdf(100_000)
        document = self.put(handle, data)["document"]["documentId"]
        _, agreement, there = self.share(handle, document)
        self.assertEqual(self.get(there, document, acting=CAF), data)
        self.assertEqual(self.get(there, "0" * 32, acting=CAF), 7)
        self.relais("consent", "withdraw", handle, "--consent", agreement)
        suite.wait_for("the end of the share", lambda: self.get(there, document, acting=CAF) != data)
        self.assertIn(self.get(there, document, acting=CAF), (6, 7))
        self.assertEqual(self.get(handle, document), data, "hers goes on")
        ended = self.relais("document", "shares", handle, "--with-ended")["shares"]
        self.assertEqual([share["state"] for share in ended], ["STATE_WITHDRAWN"])
        journal = self.relais("document", "journal", handle, "--limit", "0")["entries"]
        self.assertTrue(any(entry["act"] == "ACT_READ" and not entry["allowed"] for entry in journal))

    def test_revoked(self):
        handle, _ = self.person()
        document = self.put(handle, pdf(1000))["document"]["documentId"]
        share_id, _, there = self.share(handle, document)
        self.assertNotIsInstance(self.get(there, document, acting=CAF), int)
        self.relais("document", "unshare", handle, share_id)
        self.assertEqual(self.get(there, document, acting=CAF), 7)

    def test_an_open_download_is_cut_by_her_withdrawal(self):
        handle, _ = self.person()
        data = pdf(64 << 20)
        document = self.put(handle, data)["document"]["documentId"]
        _, agreement, there = self.share(handle, document)
        service = suite.pb("vault/v1/document_service")
        types = suite.pb("common/v1/types")
        channel = self.suite.channel("vault", CAF)
        client = self.suite.client(CAF)
        stream = suite.stub(channel, "vault/v1/document_service", "DocumentService").Download(
            service.DownloadRequest(person=types.PersonRef(handle=there), document_id=document), timeout=120,
            metadata=client.metadata)
        got = 0
        with self.assertRaises(grpc.RpcError) as caught:
            for number, message in enumerate(stream):
                got += len(message.data)
                if number == 8:
                    # Not reading, so that flow control holds the service while she withdraws.
                    self.relais("consent", "withdraw", handle, "--consent", agreement)
                    time.sleep(1)
        self.assertEqual(suite.reason_of(caught.exception), "NOT_PERMITTED")
        self.assertLess(got, len(data))
        cuts = [entry for entry in self.relais("document", "journal", handle, "--limit", "0")["entries"]
                if entry["act"] == "ACT_READ_CUT"]
        self.assertEqual(len(cuts), 1)

    def known_to_the_caf(self):
        """(her handle, a paper, her handle at the CAF, an agreement to share with it): a share there was, and it has ended."""
        handle, _ = self.person()
        document = self.put(handle, pdf(1000))["document"]["documentId"]
        share_id, agreement, there = self.share(handle, document)
        self.relais("document", "unshare", handle, share_id)
        return handle, document, there, agreement

    def ask(self, there, *options):
        return ("document", "request", there, "--type", "tax-notice", "--purpose", "RIGHTS_OPENING", "--why",
                "pour calculer votre aide", "--until", UNTIL, *options)

    def test_asked_for_granted_and_read(self):
        handle, document, there, agreement = self.known_to_the_caf()
        asked = self.relais(*self.ask(there), acting=CAF)["request"]["documentRequestId"]
        again = self.relais(*self.ask(there), acting=CAF)["request"]["documentRequestId"]
        self.assertEqual(again, asked, "she is not asked twice")
        waiting = self.relais("document", "requests", handle)["requests"]
        self.assertEqual([each["documentRequestId"] for each in waiting], [asked])
        self.assertEqual(self.get(there, document, acting=CAF), 7, "asking opens nothing")
        decided = self.relais("document", "decide", handle, asked, "--document", document, "--consent", agreement)
        self.assertEqual(decided["request"]["state"], "STATE_GRANTED")
        share_id = decided["shares"][0]["shareId"]
        self.assertEqual(self.get(there, document, acting=CAF), pdf(1000))
        theirs = self.relais("document", "requests", "--with-ended", acting=CAF)["requests"]
        self.assertIn((asked, "STATE_GRANTED"), [(each["documentRequestId"], each["state"]) for each in theirs])
        done = self.suite.command(*self.ask(there), acting=CAF)
        self.assertNotEqual(done.returncode, 0, "it has that paper")
        self.assertIn("WRONG_STATE", done.stderr)
        self.assertIn(share_id, done.stderr)
        journal = self.relais("document", "journal", handle, "--limit", "0")["entries"]
        told = [(entry["act"], entry["outcome"]) for entry in journal if entry["documentRequestId"] == asked]
        self.assertEqual(sorted(told), [("ACT_REQUEST", "GRANTED"), ("ACT_REQUEST", "PENDING")])
        reads = [entry for entry in journal if entry["act"] == "ACT_READ" and entry["shareId"] == share_id]
        self.assertEqual([entry["who"]["institution"] for entry in reads], ["caf"])

    def test_asked_for_and_refused(self):
        handle, document, there, _ = self.known_to_the_caf()
        asked = self.relais(*self.ask(there), acting=CAF)["request"]["documentRequestId"]
        self.relais("document", "decide", handle, asked, "--refused")
        states = [each["state"] for each in self.relais("document", "requests", handle, "--with-ended")["requests"]]
        self.assertEqual(states, ["STATE_REFUSED"])
        self.assertEqual(self.get(there, document, acting=CAF), 7)

    def test_her_own_reading_needs_no_consent_service(self):
        handle, _ = self.person()
        data = pdf(1000)
        document = self.put(handle, data)["document"]["documentId"]
        _, _, there = self.share(handle, document)
        self.suite.kill("consent")
        try:
            self.assertEqual(self.get(handle, document), data)
            done = self.suite.command("--timeout", "3s", "document", "get", there, document,
                                      self.suite.file("suspended"), acting=CAF)
            self.assertIn(done.returncode, (5, 8), done.stderr)
        finally:
            self.suite.up()
        suite.wait_for("the share again", lambda: self.get(there, document, acting=CAF) == data)

    def test_a_host_is_unlinked_at_any_desk_and_comes_back_on_a_new_agreement_alone(self):
        handle, agreement = self.person()
        data = pdf(1000)
        document = self.put(handle, data)["document"]["documentId"]
        _, _, there = self.share(handle, document)
        self.relais("document", "unlink-host", there, "ville-paris", acting=CAF)
        self.assertEqual(self.get(handle, document), 7)
        link = ("document", "link-host", handle, "--purpose", "RIGHTS_OPENING", "--consent")
        done = self.suite.command(*link, agreement, acting=CITY)
        self.assertNotEqual(done.returncode, 0, "not on what she agreed to before")
        self.assertIn("NOT_PERMITTED", done.stderr)
        self.assertEqual(self.get(handle, document), 7)
        self.relais(*link, self.agree(handle, "host", "ville-paris"))
        self.assertEqual(self.get(handle, document), data)
        hosts = [(entry["recipient"]["institution"], entry["outcome"])
                 for entry in self.relais("document", "journal", handle, "--limit", "0")["entries"]
                 if entry["act"] == "ACT_HOST" and entry["allowed"]]
        self.assertEqual(hosts, [("ville-paris", "ACTIVE"), ("ville-paris", "UNLINKED"), ("ville-paris", "ACTIVE")])

    def test_what_the_service_refuses_before_it_looks_is_in_her_journal(self):
        """The desk's function keeps no papers: that it tried is hers to see, and that others' names were tried is nobody's."""
        handle, _ = self.person()
        document = self.put(handle, pdf(1000))["document"]["documentId"]
        service = suite.pb("vault/v1/document_service")
        types = suite.pb("common/v1/types")
        desk = self.suite.client(CITY, agent="aa-1", function="agent-accueil")
        for person in (handle, "rh1_" + "A" * 40):
            self.refused(grpc.StatusCode.PERMISSION_DENIED, "MISSING_CAPABILITY", desk.call, "vault", "DocumentService",
                         "ReadRange", service.ReadRangeRequest(person=types.PersonRef(handle=person), document_id=document,
                                                               length=100))

        def attempts():
            journal = self.relais("document", "journal", handle, "--limit", "0")["entries"]
            return [entry for entry in journal if entry["reason"] == "MISSING_CAPABILITY"]
        tried = suite.wait_for("the attempt", attempts)
        self.assertEqual([(entry["act"], entry["documentId"], entry["who"]["function"], entry["allowed"]) for entry in tried],
                         [("ACT_READ", document, "agent-accueil", False)])


class KilledTest(VaultCase):
    def committed(self, handle, upload):
        service = suite.pb("vault/v1/document_service")
        types = suite.pb("common/v1/types")
        client = self.suite.client(CITY)
        client.patience = 20
        return client.call("vault", "DocumentService", "QueryUpload", service.QueryUploadRequest(
            person=types.PersonRef(handle=handle), upload_id=upload)).upload.committed

    def test_an_upload_goes_on_after_kill_9_and_sends_nothing_twice(self):
        handle, _ = self.person()
        service = suite.pb("vault/v1/document_service")
        document_pb = suite.pb("vault/v1/document")
        types = suite.pb("common/v1/types")
        data = pdf(40 * PIECE + 5)
        client = self.suite.client(CITY)
        begun = client.call("vault", "DocumentService", "BeginUpload", service.BeginUploadRequest(
            request_id=suite.new_id(), person=types.PersonRef(handle=handle), size=len(data),
            description=document_pb.Description(type=document_pb.DOCUMENT_TYPE_LEASE, title="Bail")))
        upload = begun.upload.upload_id

        killed = threading.Event()  # the call fails before whoever kills knows that it is done

        def messages(offset, killed_after):
            yield service.UploadRequest(open=service.UploadOpen(person=types.PersonRef(handle=handle),
                                                                upload_id=upload, offset=offset))
            for at in range(offset, len(data), PIECE):
                if killed_after is not None and at - offset >= killed_after * PIECE:
                    suite.wait_for("a commit", lambda: self.committed(handle, upload) > offset, timeout=20)
                    self.suite.kill("vault")
                    killed.set()
                    return
                yield service.UploadRequest(data=data[at:at + PIECE])

        offset = 0
        for killed_after in (9, 11, None):  # it commits each eighth
            stub = suite.stub(self.suite.channel("vault", CITY), "vault/v1/document_service", "DocumentService")
            if killed_after is None:
                stub.Upload(messages(offset, None), timeout=60, metadata=client.metadata)
                break
            with self.assertRaises(grpc.RpcError):
                stub.Upload(messages(offset, killed_after), timeout=60, metadata=client.metadata)
            self.assertTrue(killed.wait(20), "it was killed, and not only waited for")
            killed.clear()
            self.suite.up()
            after = self.committed(handle, upload)
            self.assertGreater(after, offset, "what was committed stays")
            self.assertEqual(after % PIECE, 0)
            # Bytes it has are refused, and so is a gap.
            for wrong in (offset, after + PIECE):
                with self.assertRaises(grpc.RpcError) as caught:
                    stub.Upload(messages(wrong, None), timeout=60, metadata=client.metadata)
                self.assertEqual(suite.reason_of(caught.exception), "OFFSET_MISMATCH")
            offset = after
        done = client.call("vault", "DocumentService", "CompleteUpload", service.CompleteUploadRequest(
            request_id=suite.new_id(), person=types.PersonRef(handle=handle), upload_id=upload,
            sha256=hashlib.sha256(data).digest()), timeout=60)
        self.assertEqual(self.get(handle, done.document.document_id), data)

    def test_the_command_goes_on_by_itself(self):
        handle, _ = self.person()
        data = pdf(96 << 20, 4)
        path = self.suite.file("large.pdf", data)
        words = ("document", "put", handle, path, "--type", "lease", "--title", "Bail")
        putting = self.suite.start("--timeout", "60s", *words, acting=CITY)
        suite.wait_for("an upload", lambda: self.relais("document", "count", handle).get("openUploads") == 1, timeout=20)
        self.suite.kill("vault")
        self.suite.up()
        _, errors = putting.communicate(timeout=120)
        self.assertEqual(putting.returncode, 0, errors)
        listed = self.relais("document", "list", handle)["documents"]
        self.assertEqual(self.get(handle, listed[0]["documentId"]), data)

    def test_a_deposit_that_was_given_up_goes_on_with_resume(self):
        handle, _ = self.person()
        data = pdf(96 << 20, 5)
        words = ("document", "put", handle, self.suite.file("given-up.pdf", data), "--type", "lease", "--title", "Bail")
        putting = self.suite.start("--json", "--timeout", "3s", *words, acting=CITY)
        suite.wait_for("an upload", lambda: self.relais("document", "count", handle).get("openUploads") == 1, timeout=20,
                       pause=0.01)
        self.suite.kill("vault")
        output, errors = putting.communicate(timeout=120)
        self.assertEqual(putting.returncode, 5, errors)
        left = json.loads(output)
        self.assertEqual((left["complete"], left["size"]), (False, len(data)))
        upload = left["uploadId"]
        self.suite.up()
        other = self.suite.file("shorter.pdf", data[:-1])
        done = self.suite.command("document", "put", handle, other, *words[4:], "--resume", upload, acting=CITY)
        self.assertEqual(done.returncode, 2, "another file is not that upload's")
        receipt = self.suite.file("given-up-receipt")
        made = self.relais(*words, "--resume", upload, "--receipt", receipt)
        self.assertEqual(self.get(handle, made["document"]["documentId"]), data)
        self.assertEqual(self.code("audit", "verify", receipt), 0)
        # Of whom the last answer was lost.
        again = self.relais(*words, "--resume", upload, "--receipt", receipt)
        self.assertEqual(again["document"]["documentId"], made["document"]["documentId"])
        self.assertEqual(self.relais("document", "count", handle)["documents"], 1)

    def test_a_deposit_that_was_abandoned_does_not_go_on(self):
        handle, _ = self.person()
        service = suite.pb("vault/v1/document_service")
        document_pb = suite.pb("vault/v1/document")
        types = suite.pb("common/v1/types")
        client = self.suite.client(CITY)
        data = pdf(PIECE + 7, 6)
        upload = client.call("vault", "DocumentService", "BeginUpload", service.BeginUploadRequest(
            request_id=suite.new_id(), person=types.PersonRef(handle=handle), size=len(data),
            description=document_pb.Description(type=document_pb.DOCUMENT_TYPE_LEASE, title="Bail"))).upload.upload_id
        client.call("vault", "DocumentService", "AbandonUpload", service.AbandonUploadRequest(
            request_id=suite.new_id(), person=types.PersonRef(handle=handle), upload_id=upload))
        done = self.suite.command("document", "put", handle, self.suite.file("abandoned.pdf", data), "--type", "lease",
                                  "--title", "Bail", "--resume", upload, acting=CITY)
        self.assertEqual(done.returncode, 1, done.stderr)
        self.assertIn("that upload ended: it was given up; deposit the paper anew", done.stderr)

    def test_pieces_whose_answers_are_lost_are_sent_again(self):
        handle, _ = self.person()
        service = suite.pb("vault/v1/document_service")
        document_pb = suite.pb("vault/v1/document")
        types = suite.pb("common/v1/types")
        client = self.suite.client(CITY)
        client.patience = 20
        data = pdf(3 * PIECE + 7, 7)
        upload = client.call("vault", "DocumentService", "BeginUpload", service.BeginUploadRequest(
            request_id=suite.new_id(), person=types.PersonRef(handle=handle), size=len(data),
            description=document_pb.Description(type=document_pb.DOCUMENT_TYPE_LEASE, title="Bail"))).upload.upload_id

        def send(offset, piece):
            return client.call("vault", "DocumentService", "UploadPiece", service.UploadPieceRequest(
                person=types.PersonRef(handle=handle), upload_id=upload, offset=offset, data=piece)).upload.committed

        for offset in range(0, len(data), PIECE):
            piece = data[offset:offset + PIECE]
            committed = send(offset, piece)
            if offset == PIECE:
                self.suite.kill("vault")
                self.suite.up()
            self.assertEqual(send(offset, piece), committed)
        error = self.refused(grpc.StatusCode.FAILED_PRECONDITION, "OFFSET_MISMATCH", send, 0, data[1:PIECE + 1])
        details = dict(error.trailing_metadata())["grpc-status-details-bin"]
        self.assertIn(b"go on from byte %d" % len(data), details)
        done = client.call("vault", "DocumentService", "CompleteUpload", service.CompleteUploadRequest(
            request_id=suite.new_id(), person=types.PersonRef(handle=handle), upload_id=upload,
            sha256=hashlib.sha256(data).digest()), timeout=60)
        self.assertEqual(self.get(handle, done.document.document_id), data)

    def test_a_reading_that_was_interrupted_goes_on_with_resume(self):
        handle, _ = self.person()
        data = pdf(96 << 20, 8)
        document = self.put(handle, data)["document"]["documentId"]
        path = self.suite.file("interrupted.pdf")
        partial = path + ".partial"
        words = ("document", "get", handle, document, path)
        getting = self.suite.start("--json", *words, acting=CITY)
        suite.wait_for("its first bytes", lambda: os.path.exists(partial) and os.path.getsize(partial) > 0, timeout=20,
                       pause=0)
        getting.send_signal(signal.SIGINT)
        output, errors = getting.communicate(timeout=60)
        self.assertEqual(getting.returncode, 5, errors)
        left = json.loads(output)
        self.assertEqual((left["complete"], left["file"], left["size"]), (False, partial, len(data)))
        self.assertEqual(left["done"], os.path.getsize(partial))
        self.assertLess(left["done"], len(data))
        self.assertFalse(os.path.exists(path), "what is not whole has not its name")
        self.assertEqual(suite.read(partial), data[:left["done"]])
        told = self.relais(*words, "--resume")
        self.assertTrue(told["hashCompared"])
        self.assertEqual(suite.read(path), data)
        self.assertFalse(os.path.exists(partial))
        reads = [entry for entry in self.relais("document", "journal", handle, "--limit", "0")["entries"]
                 if entry["act"] == "ACT_READ"]
        self.assertEqual(int(reads[0].get("offset", 0)), left["done"], "only the rest was read again")

    def test_a_beginning_of_something_else_is_not_gone_on_with(self):
        handle, _ = self.person()
        data = pdf(2 * PIECE, 9)
        document = self.put(handle, data)["document"]["documentId"]
        path = self.suite.file("another.pdf")
        with open(path + ".partial", "wb") as file:
            file.write(b"x" * 1000)
        done = self.suite.command("document", "get", handle, document, path, "--resume", acting=CITY)
        self.assertNotEqual(done.returncode, 0)
        self.assertIn("another hash", done.stderr)
        self.assertFalse(os.path.exists(path) or os.path.exists(path + ".partial"))

    def test_a_completed_paper_survives_kill_9(self):
        handle, _ = self.person()
        papers = {}
        stop = threading.Event()

        def deposit():
            number = 0
            while not stop.is_set():
                number += 1
                data = pdf(20_000, number)
                done = self.suite.command("--json", "--timeout", "2s", "document", "put", handle,
                                          self.suite.file("paper-%d" % number, data), "--type", "other", "--title",
                                          "p%d" % number, acting=CITY)
                if done.returncode == 0:
                    papers[json.loads(done.stdout)["document"]["documentId"]] = data
        depositing = threading.Thread(target=deposit)
        depositing.start()
        try:
            for _ in range(3):
                time.sleep(1.5)
                self.suite.kill("vault")
                self.suite.up()
        finally:
            stop.set()
            depositing.join()
        self.assertTrue(papers)
        for document, data in papers.items():
            self.assertEqual(self.get(handle, document), data)
        self.suite.verify_logs()


def without(archive, document):
    """An archive that says nothing of a paper, as whoever hands it on could make it of one."""
    files = {}
    with tarfile.open(fileobj=io.BytesIO(archive)) as tar:
        for entry in tar:
            files[entry.name] = tar.extractfile(entry).read()
    manifest = json.loads(files.pop("manifest.json"))
    for each in manifest["documents"]:
        if each["document_id"] == document:
            del files[each["path"]], files[each["receipt"]]
    manifest["documents"] = [each for each in manifest["documents"] if each["document_id"] != document]
    for name, member, identity in (("journal.json", "entries", "documentId"), ("metadata.json", "documents", "documentId")):
        text = json.loads(files[name])
        text[member] = [each for each in text[member] if each[identity] != document]
        files[name] = json.dumps(text).encode()
    manifest["files"] = [{"path": path, "size": len(data), "sha256": hashlib.sha256(data).hexdigest()}
                         for path, data in files.items()]
    files["manifest.json"] = json.dumps(manifest).encode()
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=tarfile.USTAR_FORMAT) as tar:
        for path, data in files.items():
            entry = tarfile.TarInfo(path)
            entry.size = len(data)
            tar.addfile(entry, io.BytesIO(data))
    # The suite's archives end with two blocks of zeros and nothing after.
    data = out.getvalue().rstrip(b"\0")
    return data + bytes(-len(data) % 512) + bytes(1024)


class ExportTest(VaultCase):
    def test_exported_and_checked_offline_and_by_another_reader(self):
        handle, _ = self.person()
        texts = {pdf(1000, 1), pdf(5 << 20, 2), "Attestation écrite à la main.\n".encode()}
        for data in texts:
            self.put(handle, data)
        earlier = pdf(900, 5)
        renewed = self.put(handle, earlier)["document"]["documentId"]
        texts |= {earlier, pdf(901, 6)}
        self.put(handle, pdf(901, 6), "--document", renewed)
        gone = self.put(handle, pdf(700, 9))["document"]["documentId"]
        self.relais("--reason", "périmé", "document", "destroy", handle, gone)
        for seal in ((), ("--seal",)):
            with self.subTest(seal):
                path = self.suite.file("papers%s.tar" % "-".join(seal))
                told = self.relais("document", "export", handle, path, *seal)
                self.assertEqual((told["documents"], told["certificates"], told["damaged"]), (5, 1, []))
                self.assertEqual(told["proof"], path + ".proof.json")
                self.assertEqual(os.stat(told["proof"]).st_mode & 0o777, 0o600)
                self.assertEqual(os.stat(path).st_mode & 0o777, 0o600)
                key = ("--key-file", path + ".key") if seal else ()
                self.suite.down()
                try:
                    checked = self.relais("document", "check-export", path, *key)
                finally:
                    self.suite.up()
                self.assertTrue(checked["verified"])
                self.assertTrue(checked["provedWhole"])
                got = {}
                with open(path, "rb") as stream:
                    manifest = vault_format.read_export(
                        stream, self.log_keys(), suite.read(path + ".key").decode() if seal else None,
                        lambda name, part: got.update({name: got.get(name, b"") + part}),
                        suite.read(told["proof"]).decode())
                self.assertEqual([each["document_id"] for each in manifest["destroyed"]], [gone])
                self.assertEqual({got[each["path"]] for each in manifest["documents"]}, texts)
                states = [each["state"] for each in json.loads(got["metadata.json"])["documents"]]
                self.assertEqual(sorted(states), ["STATE_ACTIVE"] * 4 + ["STATE_DESTROYED"])
                acts = [each["act"] for each in json.loads(got["journal.json"])["entries"]]
                self.assertEqual(acts.count("ACT_DEPOSITED"), 6)
                self.assertEqual(acts[-1], "ACT_EXPORTED")
                # A receipt of it stands for itself.
                receipt = self.suite.file("one-receipt", got[manifest["documents"][0]["receipt"]])
                self.assertEqual(self.code("audit", "verify", receipt), 0)
                data = bytearray(suite.read(path))
                data[len(data) // 2] ^= 1
                broken = self.suite.file("broken.tar", bytes(data))
                self.assertEqual(self.code("document", "check-export", broken, *key), 1)
                self.assertEqual(self.code("document", "check-export",
                                           self.suite.file("cut.tar", bytes(data[:len(data) // 2])), *key), 1)
        plain = self.suite.file("papers.tar")
        listed = subprocess.run(["tar", "-tf", plain], stdout=subprocess.PIPE, check=True, text=True).stdout
        self.assertIn("manifest.json", listed)
        current = self.relais("document", "export", handle, self.suite.file("current.tar"), "--current-only")
        self.assertEqual((current["documents"], current["currentOnly"], current["damaged"]), (4, True, []))

    def test_a_paper_taken_out_of_it_is_found(self):
        """Whoever hands it on takes a paper out with its receipt, rewrites the manifest and edits the journal."""
        handle, _ = self.person()
        self.put(handle, pdf(1000, 1))
        hidden = self.put(handle, pdf(2000, 2))["document"]["documentId"]
        path = self.suite.file("honest.tar")
        proof = self.relais("document", "export", handle, path)["proof"]
        rewritten = self.suite.file("rewritten.tar", without(suite.read(path), hidden))
        alone = self.relais("document", "check-export", rewritten)
        self.assertEqual((alone["verified"], alone["provedWhole"], alone["documents"]), (True, False, 1))
        done = self.suite.command("document", "check-export", rewritten)
        self.assertEqual(done.returncode, 0)
        self.assertIn("NOT PROVED WHOLE", done.stdout)
        done = self.suite.command("document", "check-export", rewritten, "--proof", proof)
        self.assertEqual(done.returncode, 1)
        self.assertIn("not the one that was sent", done.stdout)
        with open(rewritten, "rb") as stream, self.assertRaises(vault_format.Refused):
            vault_format.read_export(stream, self.log_keys(), proof=suite.read(proof).decode())
        with open(rewritten, "rb") as stream:
            self.assertEqual(len(vault_format.read_export(stream, self.log_keys())["documents"]), 1)


@unittest.skipUnless(CLAMD, "clamd is not installed")
class MalwareTest(VaultCase):
    @classmethod
    def setUpClass(cls):
        cls.clam = tempfile.mkdtemp(prefix="relais-clam-")
        cls.addClassCleanup(shutil.rmtree, cls.clam, True)
        database = os.path.join(cls.clam, "db")
        os.makedirs(database)
        with open(os.path.join(database, "local.hdb"), "w", encoding="ascii") as file:
            file.write("%s:%d:Local.Eicar\n" % (EICAR_MD5, len(EICAR)))
        socket = os.path.join(cls.clam, "clamd.sock")
        config = os.path.join(cls.clam, "clamd.conf")
        with open(config, "w", encoding="ascii") as file:
            file.write("Foreground yes\nLocalSocket %s\nDatabaseDirectory %s\nStreamMaxLength 100M\n" % (socket, database))
        cls.clamd = subprocess.Popen([CLAMD, "-c", config], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        cls.addClassCleanup(cls.end_clamd)
        suite.wait_for("clamd", lambda: os.path.exists(socket), timeout=60)
        cls.settings = {"scan.clamd": "unix:" + socket, "scan.required": "true"}
        super().setUpClass()

    @classmethod
    def end_clamd(cls):
        if cls.clamd.poll() is None:
            cls.clamd.terminate()
            cls.clamd.wait(timeout=30)

    def test_found_refused_and_nothing_left(self):
        self.assertEqual(hashlib.md5(EICAR).hexdigest(), EICAR_MD5)
        handle, _ = self.person()
        self.put(handle, pdf(400_000))
        done = self.suite.command("document", "put", handle, self.suite.file("eicar.txt", EICAR), "--type", "other",
                                  "--title", "x", acting=CITY)
        self.assertEqual(done.returncode, 2, done.stderr)
        self.assertIn("MALWARE_FOUND", done.stderr)
        count = self.relais("document", "count", handle)
        self.assertEqual((count["documents"], count["openUploads"]), (1, 0))
        self.end_clamd()
        done = self.suite.command("--timeout", "3s", "document", "put", handle, self.suite.file("late.pdf", pdf(900, 3)),
                                  "--type", "other", "--title", "x", acting=CITY)
        self.assertIn(done.returncode, (5, 8), done.stderr)


if __name__ == "__main__":
    unittest.main()
