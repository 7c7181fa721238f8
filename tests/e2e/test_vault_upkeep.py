"""The vault as it is kept going: a flipped byte that a scrub names, a closure, papers dropped in, persons' keys rotated, quotas, and
transfers whose command or service was killed."""

import datetime
import json
import os
import signal
import unittest

import suite
from test_vault import CAF, CITY, PIECE, UNTIL, VaultCase, pdf

LEASE = ("--type", "lease", "--title", "Bail")


class UpkeepCase(VaultCase):
    def operate(self, *arguments, codes=(0,)):
        return self.suite.json("--reason", "entretien annuel", *arguments, acting="operator/ops", codes=codes)

    def document(self, handle, data, *options):
        return self.put(handle, data, *options)["document"]["documentId"]

    def refusal(self, *arguments, acting=CITY):
        """What a command that is refused says."""
        done = self.suite.command(*arguments, acting=acting)
        self.assertNotEqual(done.returncode, 0, done.stdout)
        return done.stderr

    def refused_put(self, handle, data):
        return self.refusal("document", "put", handle, self.suite.file("refused-" + suite.new_id(), data), *LEASE)

    def entries(self, handle, act):
        entries = self.relais("document", "journal", handle, "--limit", "0")["entries"]
        return [entry for entry in entries if entry["act"] == act]

    def tried(self, handle):
        """Why uploads were refused, by her journal."""
        return suite.wait_for("the attempt in her journal", lambda: {
            entry["reason"] for entry in self.entries(handle, "ACT_UPLOAD") if not entry["allowed"]})


class ScrubTest(UpkeepCase):
    def flip_in_the_largest_file_of_texts(self):
        store = self.suite.path("vault", "store")
        texts = [os.path.join(store, name) for name in os.listdir(store) if name.endswith(".blob")]
        largest = max(texts, key=os.path.getsize)
        at = os.path.getsize(largest) // 2 + PIECE // 2  # within a piece, not between two
        with open(largest, "r+b") as file:
            file.seek(at)
            before = file.read(1)
            file.seek(at)
            file.write(bytes([before[0] ^ 4]))

    def scrub(self):
        begun = self.operate("vault", "scrub")["scrub"]["scrubId"]
        report = suite.wait_for("the end of the scrub", lambda: self.ended(begun), timeout=120)
        done = self.suite.command("vault", "scrub-status", begun, acting="operator/ops")
        return report, done

    def ended(self, scrub):
        report = self.operate("vault", "scrub-status", scrub, codes=(0, 3))["scrub"]
        return report if report.get("ended") else None

    def test_a_flipped_byte_is_found_and_named(self):
        handle, _ = self.person()
        other, _ = self.person()
        document = self.document(handle, pdf(8 << 20, 1))
        whole = self.document(other, pdf(1000, 2))
        report, done = self.scrub()
        self.assertEqual((int(report["damaged"]), int(report["versions"]), done.returncode), (0, 2, 0), done.stdout)
        self.operate("backup", "create", "--service", "vault")  # out of the write-ahead log
        self.suite.kill("vault")
        self.flip_in_the_largest_file_of_texts()
        self.suite.up()
        report, done = self.scrub()
        self.assertEqual((int(report["damaged"]), done.returncode), (1, 3), done.stdout)
        self.assertIn("1 finding: ", done.stdout)
        self.assertNotIn(document, done.stdout, "whose it is stands in her journal alone")
        found = [entry for entry in self.entries(handle, "ACT_VERIFIED") if entry["outcome"] != "INTACT"]
        self.assertEqual([entry["documentId"] for entry in found], [document])
        self.assertEqual([entry for entry in self.entries(other, "ACT_VERIFIED") if entry["outcome"] != "INTACT"], [])
        info = self.relais("document", "info", handle, document)["document"]
        self.assertTrue(info["versions"][0]["damaged"])
        self.assertIsInstance(self.get(handle, document), int)
        self.assertEqual(self.code("document", "verify", handle, document), 3)
        self.assertEqual(self.get(other, whole), pdf(1000, 2))


class ClosureTest(UpkeepCase):
    def day(self, days=0):
        return str(self.suite.now().date() + datetime.timedelta(days=days))

    def test_announced_then_nothing_is_taken_and_she_has_her_papers(self):
        handle, _ = self.person()
        data = pdf(50_000, 1)
        document = self.document(handle, data)
        agreement = self.agree(handle, "share-document", "caf")
        said = self.refusal("--reason", "fin", "vault", "close", self.day(30), acting="operator/ops")
        self.assertIn("the first day on which this vault may close is 2027-02-10", said)
        self.assertNotIn("closure", self.relais("vault", "closure"))
        closure = self.operate("vault", "close", self.day(), "--without-notice")["closure"]
        self.assertEqual((closure["retrievalUntil"]["year"], closure["retrievalUntil"]["month"]), (2027, 11))
        entry, = suite.wait_for("the closure in her journal", lambda: [
            each for each in self.entries(handle, "ACT_MAINTAINED") if each["what"] == "CLOSURE"])
        self.assertEqual((entry["outcome"], entry["closure"]["retrievalUntil"]["year"]), ("ANNOUNCED", 2027))
        table = self.suite.command("document", "journal", handle, "--all", acting=CITY).stdout
        self.assertRegex(table, r"MAINTAINED .*closure; last day 2026-11-10, papers can be had until 2027-11-10 +announced")
        self.document(handle, pdf(1000, 2))  # its last day is a day of service
        self.suite.advance(days=1)
        self.assertIn("VAULT_CLOSED", self.refused_put(handle, pdf(1000, 3)))
        self.assertIn("VAULT_CLOSED", self.refusal(
            "document", "share", handle, "--document", document, "--with", "caf", "--purpose", "RIGHTS_OPENING", "--until",
            UNTIL, "--consent", agreement))
        self.assertEqual(self.relais("document", "count", handle)["openUploads"], 0)
        self.assertEqual(self.get(handle, document), data)
        archive = self.suite.file("closing.tar")
        self.assertEqual(self.relais("document", "export", handle, archive)["documents"], 2)
        self.assertEqual(self.code("document", "check-export", archive), 0)
        self.assertEqual(self.tried(handle), {"VAULT_CLOSED"})


class DropTest(UpkeepCase):
    def test_a_paper_is_dropped_in_on_her_agreement_and_not_read_by_who_dropped_it(self):
        handle, _ = self.person()
        shared = self.document(handle, pdf(1000, 1))
        _, _, there = self.share(handle, shared)
        data = pdf(PIECE + 9, 2)
        drop = ("document", "put", there, self.suite.file("attestation.pdf", data), "--type", "benefit-attestation", "--title",
                "Attestation", "--drop-to", "ville-paris", "--purpose", "RIGHTS_OPENING")
        self.assertIn("NOT_PERMITTED", self.refusal(*drop, acting=CAF))
        self.assertEqual(self.relais("document", "count", handle)["documents"], 1)
        self.agree(handle, "store", "ville-paris")
        receipt = self.suite.file("dropped")
        dropped = self.relais(*drop, "--receipt", receipt, acting=CAF)["document"]["documentId"]
        self.assertEqual(self.proved(receipt)["document_id"], dropped)
        self.assertEqual(self.get(there, dropped, acting=CAF), 7)
        listed = self.relais("document", "list", there, acting=CAF)["documents"]
        self.assertEqual([paper["documentId"] for paper in listed], [shared])
        self.assertEqual(self.get(handle, dropped), data)
        info = self.relais("document", "info", handle, dropped)["document"]
        self.assertEqual((info["state"], info["versions"][0]["depositor"]["institution"]), ("STATE_ACTIVE", "caf"))
        deposits = {entry["documentId"]: entry["who"]["institution"] for entry in self.entries(handle, "ACT_DEPOSITED")}
        self.assertEqual(deposits[dropped], "caf")


class PersonKeysTest(UpkeepCase):
    def test_every_persons_key_is_renewed_and_every_paper_still_read(self):
        papers = {}
        for seed in range(1, 4):
            handle, _ = self.person()
            papers[handle] = [(self.document(handle, pdf(size, seed)), pdf(size, seed)) for size in (1000, 2 * PIECE + 3)]
        self.operate("vault", "rotate", "--level", "person")

        def ended():
            rotation = self.operate("vault", "keys")["rotation"]
            return rotation if rotation.get("ended") else None
        rotation = suite.wait_for("the end of the rotation", ended, timeout=60)
        self.assertEqual((rotation["level"], int(rotation["personsDone"]), int(rotation["persons"])),
                         ("KEY_LEVEL_PERSON", 3, 3))
        self.assertGreaterEqual(int(rotation["keys"]), 6, "of every version")
        self.suite.kill("vault")
        self.suite.up()
        for handle, kept in papers.items():
            for document, data in kept:
                self.assertEqual(self.get(handle, document), data)
                self.assertEqual(self.code("document", "verify", handle, document), 0)
            told = [entry["outcome"] for entry in self.entries(handle, "ACT_MAINTAINED") if entry["what"] == "KEYS_PERSON"]
            self.assertIn("ENDED", told)
            # Marks of duplicates are under the key too.
            self.assertIn("DUPLICATE_DOCUMENT", self.refused_put(handle, kept[0][1]))
        self.assertEqual(self.operate("vault", "keys")["epochsHeld"], [1], "no epoch ended")


class PersonQuotaTest(UpkeepCase):
    settings = {"limits.person_bytes": "5000", "limits.person_documents": "3", "limits.document_bytes": "4000"}

    def test_her_vault_takes_so_much_and_no_more(self):
        handle, _ = self.person()
        document = self.document(handle, pdf(3000, 1))
        said = self.refused_put(handle, pdf(2001, 2))
        self.assertIn("QUOTA_EXCEEDED", said)
        self.assertIn("limits.person_bytes: 5000 bytes of her vault, 2000 free", said)
        count = self.relais("document", "count", handle)
        self.assertEqual((int(count["bytes"]), int(count["bytesLeft"]), count["openUploads"]), (3000, 2000, 0))
        self.document(handle, pdf(2000, 3))
        self.assertIn("QUOTA_EXCEEDED", self.refused_put(handle, pdf(1, 4)))
        self.relais("--reason", "à sa demande", "document", "destroy", handle, document)
        self.document(handle, pdf(1000, 5))
        self.document(handle, pdf(1000, 6))
        said = self.refused_put(handle, pdf(500, 7))
        self.assertIn("QUOTA_EXCEEDED", said, "three papers, though there is room")
        self.assertIn("limits.person_documents: 3 ", said)
        another, _ = self.person()
        self.document(another, pdf(3000, 8))
        self.assertEqual(self.tried(handle), {"QUOTA_EXCEEDED"})

    def test_one_paper_is_so_large_and_no_larger(self):
        handle, _ = self.person()
        said = self.refused_put(handle, pdf(4001, 1))
        self.assertIn("TOO_LARGE", said)
        self.assertNotIn("QUOTA_EXCEEDED", said)
        count = self.relais("document", "count", handle)
        self.assertEqual((count["documents"], int(count["bytesLeft"]), count["openUploads"]), (0, 5000, 0), "there was room")
        self.document(handle, pdf(4000, 2))
        self.assertEqual(self.tried(handle), {"TOO_LARGE"})


class InstitutionQuotaTest(UpkeepCase):
    settings = {"limits.institution_bytes": "8000"}

    def test_an_institution_deposits_so_much_over_all_vaults(self):
        first, _ = self.person()
        second, _ = self.person()
        kept = self.document(first, pdf(6000, 1))
        seeds = iter(range(2, 1000))

        def refused():
            # What was deposited counts once it was followed; each that is taken meanwhile counts likewise.
            path = self.suite.file("more", pdf(2500, next(seeds)))
            done = self.suite.command("document", "put", second, path, *LEASE, acting=CITY)
            return done.stderr if done.returncode != 0 else ""
        said = suite.wait_for("the institution's quota", refused)
        self.assertIn("QUOTA_EXCEEDED", said)
        self.assertIn("limits.institution_bytes", said)
        self.assertNotIn("limits.person", said)
        count = self.relais("document", "count", second)
        self.assertGreater(int(count["bytesLeft"]), 2500, "her own vault has room")
        self.assertEqual(count["openUploads"], 0)
        self.relais("--reason", "à sa demande", "document", "destroy", first, kept)
        for paper in self.relais("document", "list", second)["documents"]:
            self.relais("--reason", "à sa demande", "document", "destroy", second, paper["documentId"])
        suite.wait_for("room again", lambda: self.suite.command(
            "document", "put", second, self.suite.file("room", pdf(2500, 0)), *LEASE, acting=CITY).returncode == 0)


class KilledTransfersTest(UpkeepCase):
    SIZE = 96 << 20

    def getting(self, handle, document, path, *options):
        """A command that has begun to write the paper."""
        getting = self.suite.start("--json", *options, "document", "get", handle, document, path, acting=CITY)
        suite.wait_for("its first bytes", lambda: os.path.exists(path + ".partial") and
                       os.path.getsize(path + ".partial") > 0, timeout=20, pause=0)
        return getting

    def goes_on(self, handle, document, path, data, done):
        """The rest is read, and no more of it."""
        self.assertLess(done, len(data))
        self.assertFalse(os.path.exists(path), "what is not whole has not its name")
        self.assertEqual(suite.read(path + ".partial"), data[:done])
        told = self.relais("document", "get", handle, document, path, "--resume")
        self.assertTrue(told["hashCompared"])
        self.assertEqual(suite.read(path), data)
        self.assertFalse(os.path.exists(path + ".partial"))
        self.assertEqual(int(self.entries(handle, "ACT_READ")[0]["offset"]), done)

    def test_a_reading_goes_on_after_the_vault_was_killed(self):
        handle, _ = self.person()
        data = pdf(self.SIZE, 1)
        document = self.document(handle, data)
        path = self.suite.file("vault-killed.pdf")
        getting = self.getting(handle, document, path, "--timeout", "2s")
        self.suite.kill("vault")
        output, errors = getting.communicate(timeout=60)
        self.assertEqual(getting.returncode, 5, errors)
        self.suite.up()
        self.goes_on(handle, document, path, data, json.loads(output)["done"])

    def test_a_reading_goes_on_after_the_command_was_killed(self):
        handle, _ = self.person()
        data = pdf(self.SIZE, 2)
        document = self.document(handle, data)
        path = self.suite.file("command-killed.pdf")
        getting = self.getting(handle, document, path)
        getting.kill()
        getting.communicate(timeout=60)
        self.assertEqual(getting.returncode, -signal.SIGKILL, "it was over before")
        self.goes_on(handle, document, path, data, os.path.getsize(path + ".partial"))

    def test_a_deposit_goes_on_under_its_request_after_the_command_was_killed(self):
        handle, _ = self.person()
        data = pdf(self.SIZE, 3)
        words = ("document", "put", handle, self.suite.file("killed.pdf", data), *LEASE, "--request-id", suite.new_id())
        putting = self.suite.start("--json", *words, acting=CITY)
        suite.wait_for("an upload", lambda: self.relais("document", "count", handle)["openUploads"] == 1, timeout=20,
                       pause=0.01)
        putting.kill()
        putting.communicate(timeout=60)
        self.assertEqual(putting.returncode, -signal.SIGKILL, "it was over before")
        made = self.relais(*words)["document"]["documentId"]
        self.assertEqual(self.get(handle, made), data)
        count = self.relais("document", "count", handle)
        self.assertEqual((count["documents"], count["openUploads"], int(count["reservedBytes"])), (1, 0, 0))
        begun = [entry for entry in self.entries(handle, "ACT_UPLOAD") if entry["outcome"] == "OPEN"]
        self.assertEqual(len(begun), 1, "one upload, not two")


if __name__ == "__main__":
    unittest.main()
