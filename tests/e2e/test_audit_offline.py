"""What verifies without trusting us: mirrors, fsck, witnesses, offline proofs and key rotation, on running services, and
read by an independent implementation of the specifications (c2sp.py)."""

import base64
import glob
import json
import os
import random
import re
import shutil
import signal
import time
import unittest

import yaml

import c2sp
import feedgen
import suite

ALARM = 10


def flip(path, at, bit=1):
    with open(path, "r+b") as file:
        file.seek(at)
        byte = file.read(1)[0]
        file.seek(at)
        file.write(bytes([byte ^ bit]))


class TextLoader(yaml.SafeLoader):
    """Days and instants stay the texts they are."""
    yaml_implicit_resolvers = {
        first: [each for each in resolvers if each[0] != "tag:yaml.org,2002:timestamp"]
        for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()}


class OfflineTest(suite.SuiteTest):
    """Helpers."""

    def log_keys(self, service):
        directory = yaml.safe_load(suite.read(self.suite.path("directory", "directory.yaml")))
        return [c2sp.Key(c2sp.vkey(log["origin"], c2sp.ED25519, base64.b64decode(key)))
                for log in directory["logs"] if log["service"] == service for key in log["keys"]]

    def fill(self, rows, prefix):
        data, _ = feedgen.distinct_bills(prefix, rows, self.suite.now(), cuts=0.0, prefix=prefix)
        self.suite.import_feed("edf", data, "edf/billing")

    def audit(self, *arguments, **options):
        return self.suite.command("audit", *arguments, **options)

    def mirror(self, folder, service="alerting", codes=(0,)):
        return self.suite.json("audit", "mirror", "--service", service, folder, codes=codes)

    def folder(self, name):
        return os.path.join(self.suite.base, name)

    def change_directory(self, change):
        """Signs and puts in force the next version of the directory."""
        folder = self.suite.path("directory")
        directory = yaml.load(suite.read(os.path.join(folder, "directory.yaml")), Loader=TextLoader)
        change(directory)
        directory["version"] = version = int(directory["version"]) + 1
        path = os.path.join(folder, "next.yaml")
        with open(path, "w", encoding="utf-8") as file:
            yaml.safe_dump(directory, file, allow_unicode=True, sort_keys=False)
        done = self.suite.command("directory", "sign", path, "--key", os.path.join(folder, "root.key"), "--name",
                                  "development-root")
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        os.replace(path + ".sig", os.path.join(folder, "directory.yaml.sig"))
        os.replace(path, os.path.join(folder, "directory.yaml"))
        suite.wait_for("directory version %d" % version, lambda: all(
            "another directory is in force" in self.suite.log(service) and
            re.search(r"version\W+%d\b" % version, self.suite.log(service)) for service in suite.SERVICES))

    def receipt(self, identifier):
        """A receipt of an agreement, as the institution keeps it."""
        person = self.suite.command("person", "register", "--id", identifier, "--surname", "Diallo",
                                    acting="ville-paris/dsol").stdout.strip()
        path = self.folder("receipt-%s.json" % identifier)
        done = self.suite.command("consent", "record", person, "--purpose", "RIGHTS_OPENING", "--category", "IDENTITY",
                                  "--recipient", "caf", "--method", "signed-paper", "--notice", "accord-general/3",
                                  "--receipt", path, acting="ville-paris/dsol")
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        return path


class MirrorTest(OfflineTest):
    def test_copies_grow_and_an_independent_reader_accepts_them(self):
        folder = self.folder("mirror")
        self.fill(700, "M1")
        # A checkpoint is signed within 50 ms of a leaf: the first one asked for may not hold them all.
        suite.wait_for("a checkpoint of all rows", lambda: self.mirror(folder)["leaves"] >= 700)
        first = self.mirror(folder)
        copy = c2sp.TiledLog(folder, self.log_keys("alerting"))
        self.assertEqual(len(copy.entries), first["leaves"])
        self.fill(300, "M2")
        second = self.mirror(folder)
        self.assertEqual(second["before"], first["leaves"])
        self.assertEqual(second["fetched"], second["leaves"] - first["leaves"])
        self.assertEqual(c2sp.TiledLog(folder, self.log_keys("alerting")).entries[:first["leaves"]], copy.entries)
        done = self.audit("fsck", folder)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        # A tiled export is the same thing, once.
        export = self.folder("export")
        done = self.audit("export", "--service", "alerting", "--format", "tiles", export)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        self.assertEqual(c2sp.TiledLog(export, self.log_keys("alerting")).entries[:second["leaves"]],
                         c2sp.TiledLog(folder, self.log_keys("alerting")).entries)
        self.assertNotEqual(self.audit("export", "--service", "alerting", "--format", "tiles", export).returncode, 0)

    def test_killed_at_any_moment_it_resumes(self):
        folder = self.folder("killed")
        self.fill(2000, "K1")
        rng = random.Random(7)
        for _ in range(8):
            copying = self.suite.start("audit", "mirror", "--service", "alerting", folder, acting="auditor/suite")
            time.sleep(rng.uniform(0.01, 0.25))
            copying.send_signal(signal.SIGKILL)
            copying.communicate()
            if os.path.exists(os.path.join(folder, "checkpoint")):
                c2sp.TiledLog(folder, self.log_keys("alerting"))
        report = self.mirror(folder)
        self.assertEqual(len(c2sp.TiledLog(folder, self.log_keys("alerting")).entries), report["leaves"])
        self.assertEqual(self.audit("fsck", folder).returncode, 0)

    def test_follows(self):
        folder = self.folder("follows")
        following = self.suite.start("--json", "audit", "mirror", "--service", "consent", folder, "--follow",
                                     "--interval", "100ms", acting="auditor/suite")
        try:
            before = json.loads(following.stdout.readline())["leaves"]
            self.receipt("F-1")
            suite.wait_for("the copy to grow", lambda: b"\n" in suite.read(os.path.join(folder, "checkpoint")) and
                           c2sp.Checkpoint(suite.read(os.path.join(folder, "checkpoint")),
                                           self.log_keys("consent")).size > before)
        finally:
            following.send_signal(signal.SIGTERM)
            following.communicate(timeout=20)
        self.assertEqual(following.returncode, 0)
        c2sp.TiledLog(folder, self.log_keys("consent"))

    def test_fsck_names_what_was_altered(self):
        folder = self.folder("altered")
        self.fill(300, "A1")
        self.mirror(folder)
        rng = random.Random(11)
        files = [path for path in glob.glob(folder + "/**", recursive=True) if os.path.isfile(path)]
        self.assertGreater(len(files), 4)
        for path in files:
            good = suite.read(path)
            for _ in range(5):
                flip(path, rng.randrange(len(good)), 1 << rng.randrange(8))
                found = self.suite.json("audit", "fsck", folder, codes=(1,))
                self.assertFalse(found["clean"])
                self.assertTrue(any(os.path.relpath(path, folder) in each["where"] for each in found["findings"]),
                                (path, found))
                with self.assertRaises(c2sp.Refused):
                    c2sp.TiledLog(folder, self.log_keys("alerting"))
                with open(path, "wb") as file:
                    file.write(good)
        self.assertTrue(self.suite.json("audit", "fsck", folder)["clean"])

    def test_fsck_of_an_export_in_one_file(self):
        self.receipt("X-1")
        path = self.folder("consent.log")
        self.assertEqual(self.audit("export", "--service", "consent", path).returncode, 0)
        self.assertEqual(self.audit("fsck", path).returncode, 0)
        good = suite.read(path)
        rng = random.Random(5)
        for _ in range(20):
            flip(path, rng.randrange(len(good)), 1 << rng.randrange(8))
            self.assertEqual(self.audit("fsck", path).returncode, 1)
            self.assertIn(self.audit("verify", path).returncode, (1, 2))
            with open(path, "wb") as file:
                file.write(good)
        with open(path, "wb") as file:
            file.write(good[:-10])
        found = self.suite.json("audit", "fsck", path, codes=(1,))
        self.assertIn("ends within this leaf", found["findings"][0]["what"])


class ForkTest(OfflineTest):
    def swap(self, kept):
        """Puts back an older store of alerting with all that stood beside it, as a dishonest operator would."""
        self.suite.down()
        folder = self.suite.path("alerting")
        log = os.path.join(folder, "log")
        shutil.copy(log, kept + ".log")
        shutil.rmtree(folder)
        shutil.copytree(kept, folder)
        self.suite.up()

    def test_a_swapped_store_is_caught(self):
        self.fill(50, "F0")
        self.suite.down()
        kept = self.folder("kept")
        shutil.copytree(self.suite.path("alerting"), kept)
        self.suite.up()
        self.fill(60, "F1")
        folder = self.folder("mirror")
        honest = self.mirror(folder)
        state = self.folder("witness")
        key = self.folder("witness.key")
        self.suite.command("pki", "witness-key", "witness.example/1", "--file", key)
        done = self.audit("witness", "--service", "alerting", "--key", key, "--state", state)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)

        self.swap(kept)  # the log ends where it did before: rolled back
        self.caught(folder, "roll-back")
        done = self.audit("witness", "--service", "alerting", "--key", key, "--state", state)
        self.assertEqual(done.returncode, ALARM, done.stdout + done.stderr)
        self.fill(200, "F2")  # another history, longer than the first
        self.caught(folder, "fork")
        done = self.audit("witness", "--service", "alerting", "--key", key, "--state", state)
        self.assertEqual(done.returncode, ALARM, done.stdout + done.stderr)
        # What it is asked to cosign may still be what it was asked before: shorter than what it cosigned (ADR 9).
        self.assertRegex(done.stdout, "fork|roll-back")
        # The copy still is the honest log.
        copy = c2sp.TiledLog(folder, self.log_keys("alerting"))
        self.assertEqual(len(copy.entries), honest["leaves"])
        self.assertEqual(self.audit("fsck", folder).returncode, 0)

    def caught(self, folder, kind):
        before = set(glob.glob(folder + "/evidence-*"))
        done = self.audit("mirror", "--service", "alerting", folder)
        self.assertEqual(done.returncode, ALARM, done.stdout + done.stderr)
        self.assertIn("ALARM  " + kind, done.stdout)
        (evidence,) = set(glob.glob(folder + "/evidence-*")) - before
        keys = self.log_keys("alerting")
        held = c2sp.Checkpoint(suite.read(evidence + "/checkpoint-held"), keys)
        offered = c2sp.Checkpoint(suite.read(evidence + "/checkpoint-offered"), keys)
        self.assertNotEqual((held.size, held.root), (offered.size, offered.root))
        self.assertIn(kind, suite.read(evidence + "/alarm.txt").decode())


class WitnessTest(OfflineTest):
    def setUp(self):
        self.keys = []
        for i in range(3):
            path = self.folder("witness-%d.key" % i)
            if not os.path.exists(path):
                done = self.suite.command("pki", "witness-key", "witness.example/%d" % i, "--file", path)
                self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
            self.keys.append(suite.read(path + ".pub").decode().strip())

    def witness(self, i, *more, codes=(0,)):
        return self.suite.json("audit", "witness", "--service", "consent", "--key",
                               self.folder("witness-%d.key" % i), "--state", self.folder("witness-%d" % i), "--submit",
                               *more, codes=codes)

    def test_a_quorum(self):
        def add(directory):
            directory["witnesses"] = {"keys": self.keys[:2], "quorum": 2}

        self.change_directory(add)
        receipt = self.receipt("W-1")
        self.receipt("W-2")
        policy = self.folder("policy")
        witnesses = [c2sp.Key(key) for key in self.keys]
        with open(policy, "w", encoding="utf-8") as file:
            file.write("# both\nwitness a %s\nwitness b %s\ngroup both all a b\nquorum both\n" %
                       tuple(self.keys[:2]))
        demand = ("--witness-policy", "directory")
        self.assertEqual(self.audit("verify", "--service", "consent", *demand).returncode, 1)
        first = self.witness(0)
        self.assertFalse(first["quorum"])
        self.assertEqual(self.audit("verify", "--service", "consent", *demand).returncode, 1)
        self.receipt("W-3")  # the log grows between two witnesses: they cosign the same checkpoint all the same
        second = self.witness(1)
        self.assertTrue(second["quorum"], second)
        self.assertEqual(second["size"], first["size"])
        for each in (demand, ("--witness-policy", policy)):
            done = self.audit("verify", "--service", "consent", *each, "--state", self.folder("state"))
            self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
            self.assertIn("witnesses: ", done.stdout)
        # One that the directory does not list.
        done = self.suite.command("audit", "witness", "--service", "consent", "--key", self.folder("witness-2.key"),
                                  "--state", self.folder("witness-2"), "--submit")
        self.assertEqual(done.returncode, 2, done.stdout + done.stderr)
        # The same, read by hand.
        cosigned = self.audit("checkpoint", "--service", "consent", "--cosigned").stdout.encode()
        note = c2sp.Checkpoint(cosigned, self.log_keys("consent")).note
        times = [note.cosigned_by(key) for key in witnesses]
        self.assertTrue(times[0] and times[1])
        self.assertIsNone(times[2])

        # A receipt has no witness; the proof made of it afterwards has.
        self.assertEqual(self.audit("verify", receipt).returncode, 0)
        self.assertEqual(self.audit("verify", receipt, *demand).returncode, 1)
        proof, leaf = self.folder("her.tlog-proof"), self.folder("her.leaf")
        done = self.audit("proof", receipt, "--out", proof, "--leaf", leaf, "--cosigned", acting="ville-paris/dsol")
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        done = self.audit("verify", proof, "--leaf", leaf, "--witness-policy", policy)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        self.assertIn("witnesses: a, b", done.stdout)
        read = c2sp.Proof(suite.read(proof)).verify(suite.read(leaf), self.log_keys("consent"))
        self.assertEqual([bool(read.note.cosigned_by(key)) for key in witnesses], [True, True, False])


class ReceiptTest(OfflineTest):
    def test_whatever_is_altered_in_a_receipt_is_named(self):
        path = self.receipt("O-1")
        good = json.loads(suite.read(path))
        self.assertEqual(set(good), {"format", "fr", "en", "act", "time", "revision", "id", "proof"})
        self.assertEqual(self.audit("verify", path).returncode, 0)
        altered = [dict(good, **{name: good[name] + "x"}) for name in good if name != "proof"]
        altered += [{other: good[other] for other in good if other != name} for name in good if name != "proof"]
        altered += [dict(good, proof=dict(good["proof"], **{name: "AAAA" if isinstance(value, str) else []}))
                    for name, value in good["proof"].items()]
        altered.append(dict(good, person="rh1_x"))
        for each in altered:
            with open(path, "w", encoding="utf-8") as file:
                json.dump(each, file)
            done = self.audit("verify", path)
            self.assertEqual(done.returncode, 1, (each, done.stdout, done.stderr))
            self.assertIn("FAILED  ", done.stdout)


class ProofTest(OfflineTest):
    def test_a_receipt_as_an_offline_proof(self):
        receipt = self.receipt("P-1")
        proof, leaf = self.folder("p.tlog-proof"), self.folder("p.leaf")
        done = self.suite.command("audit", "proof", receipt, "--out", proof, "--leaf", leaf)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        done = self.audit("verify", proof, "--leaf", leaf)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        keys = self.log_keys("consent")
        c2sp.Proof(suite.read(proof)).verify(suite.read(leaf), keys)
        rng = random.Random(3)
        for path in (proof, leaf):
            good = suite.read(path)
            for _ in range(15):
                flip(path, rng.randrange(len(good)), 1 << rng.randrange(8))
                self.assertIn(self.audit("verify", proof, "--leaf", leaf).returncode, (1, 2))
                with self.assertRaises(ValueError):
                    c2sp.Proof(suite.read(proof)).verify(suite.read(leaf), keys)
                with open(path, "wb") as file:
                    file.write(good)
        self.assertEqual(self.audit("verify", proof, "--leaf", leaf).returncode, 0)


class StoreTest(OfflineTest):
    def test_fsck_of_a_stopped_service(self):
        self.fill(400, "S1")
        self.receipt("S-1")
        done = self.audit("fsck", "--service", "consent")
        self.assertNotEqual(done.returncode, 0)
        self.assertIn("stop the service first", done.stderr)
        self.suite.down()
        for service in suite.SERVICES:
            done = self.audit("fsck", "--service-config", self.suite.path(service, "config.yaml"))
            self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        store = self.suite.path("alerting", "store")
        rng = random.Random(17)
        tried = 0
        for path in glob.glob(store + "/*.sst") + glob.glob(store + "/*.log"):
            good = suite.read(path)
            for _ in range(6 if good else 0):
                # What describes a table's blocks stands in its last part, which has no checksum of its own.
                flip(path, rng.randrange(len(good) * 3 // 4))
                found = self.suite.json("audit", "fsck", "--service", "alerting", codes=(1,))
                self.assertFalse(found["clean"], path)
                with open(path, "wb") as file:
                    file.write(good)
                tried += 1
        self.assertGreater(tried, 0)
        published = self.suite.path("alerting", "published")
        good = suite.read(published)
        flip(published, 30)
        found = self.suite.json("audit", "fsck", "--service", "alerting", codes=(1,))
        self.assertTrue(any("published" in each["where"] for each in found["findings"]), found)
        with open(published, "wb") as file:
            file.write(good)
        self.suite.up()
        self.suite.verify_logs()


class RotationTest(OfflineTest):
    def restart_with(self, **keys):
        self.suite.down()
        path = self.suite.path("consent", "config.yaml")
        config = yaml.safe_load(suite.read(path))
        config["audit"].pop("next_signer_key", None)
        config["audit"].update(keys)
        with open(path, "w", encoding="utf-8") as file:
            yaml.safe_dump(config, file)
        self.suite.up()

    def test_old_both_new(self):
        receipts = [self.receipt("R-0")]
        old, new = self.suite.path("consent", "signer.key"), self.suite.path("consent", "new.key")
        with open(new, "w", encoding="ascii") as file:
            file.write(os.urandom(32).hex() + "\n")
        os.chmod(new, 0o600)
        origin = self.log_keys("consent")[0].name
        vkeys = [self.suite.command("pki", "log-key", path, "--origin", origin).stdout.strip() for path in (old, new)]
        known = [c2sp.Key(each) for each in vkeys]
        self.assertEqual(known[0].public, self.log_keys("consent")[0].public)

        def list_both(directory):
            for log in directory["logs"]:
                if log["service"] == "consent":
                    log["keys"] = [base64.b64encode(key.public).decode() for key in known]

        self.change_directory(list_both)
        self.restart_with(next_signer_key=new)
        receipts.append(self.receipt("R-1"))
        note = c2sp.Note(self.audit("checkpoint", "--service", "consent").stdout.encode())
        self.assertTrue(all(note.signed_by(key) for key in known))
        self.restart_with(signer_key=new)
        receipts.append(self.receipt("R-2"))
        note = c2sp.Note(self.audit("checkpoint", "--service", "consent").stdout.encode())
        self.assertEqual([note.signed_by(key) for key in known], [False, True])
        self.suite.verify_logs()
        for receipt, believed in zip(receipts, ((True, False), (True, True), (False, True))):
            self.assertEqual(self.audit("verify", receipt).returncode, 0)
            for vkey, expected in zip(vkeys, believed):
                self.assertEqual(self.audit("verify", receipt, "--key", vkey).returncode == 0, expected)
        tail = self.audit("tail", "--service", "consent").stdout
        self.assertEqual(tail.count("LOG_KEYS_CHANGED"), 2)


if __name__ == "__main__":
    unittest.main()
