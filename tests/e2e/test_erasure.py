"""A person is erased, everywhere and for good: no canary of hers is left, and everything else still proves.

The canaries come in by both feeds, by a desk's agreement and by the humans who act. What is searched for in raw files
is their text, and the wrapped keys of her subjects as they stood before: these are found at first, so the search can
fail.
"""

import base64
import contextlib
import hashlib
import json
import os
import re
import unittest

import grpc

import suite
import vault_format
from restoring import Restoring
from test_story import BSPP, CITY, EDF, StoryCase
from test_vault import CAF, PIECE, VaultCase, pdf

STEWARD, OPERATOR, AUDITOR = "ville-paris/steward", "operator/ops", "auditor/suite"
SURNAME, FIRST, STREET = "Canarisque", "Sereine", "7 rue du Serin Perdu"
FACTS, AGENT, REFERENCE = "plumes-jaunes-au-seuil", "agent-canari-77", "REF-CANARI-0001"
CANARIES = [SURNAME, SURNAME.upper(), STREET, "SERIN PERDU", FACTS, AGENT, REFERENCE]
WRAPPED = re.compile(rb"\x01\x00\x00\x00\x01.{104}", re.DOTALL)
# Wherever one may begin, under either of two epochs.
PAPERS_KEY = re.compile(rb"(?=(\x01\x00\x00\x00[\x01\x02].{104}))", re.DOTALL)


class ErasureCase(StoryCase):
    def setUp(self):
        super().setUp()
        self.persons = suite.pb("consent/v1/person_service")
        self.maintenance = suite.pb("audit/v1/maintenance_service")
        self.steward = self.suite.client(STEWARD, agent="stew-1")
        self.steward.metadata.append(("relais-reason", "sa demande"))

    # --- looking at raw files

    def files(self, *roots):
        for root in roots:
            if os.path.isfile(root):
                yield root
            for folder, _, names in os.walk(root):
                for name in names:
                    yield os.path.join(folder, name)

    def folders(self, *names):
        return [self.suite.path(service, name) for service in suite.SERVICES for name in names]

    def found(self, needles, roots):
        hits = []
        for path in self.files(*roots):
            data = suite.read(path)
            hits += [(path, needle) for needle in needles if needle in data]
        return hits

    def wrapped_keys(self, subjects):
        """The wrapped keys of these subjects (17 bytes each), as they stand in stores and write-ahead logs."""
        keys = set()
        for path in self.files(*self.folders("store")):
            data = suite.read(path)
            for subject in subjects:
                for match in re.finditer(re.escape(subject) + b"\x6d", data):
                    wrapped = WRAPPED.match(data, match.end())
                    if wrapped:
                        keys.add(wrapped.group())
        return keys

    # --- what the logs say

    def leaves(self, service):
        lines = self.suite.command("--json", "--reason", "essai", "audit", "tail", "--service", service, "--view",
                                   "opened", acting=AUDITOR)
        self.assertEqual(lines.returncode, 0, lines.stderr)
        return [json.loads(line) for line in lines.stdout.splitlines()]

    def subjects(self):
        """Everybody who is a subject of a leaf that opens, in any log: 17 bytes each."""
        found = set()
        for service in suite.SERVICES:
            for leaf in self.leaves(service):
                subject = (leaf.get("details") or {}).get("subject") or {}
                if subject.get("id"):
                    found.add((b"P" if "PERSON" in subject["kind"] else b"R") + base64.b64decode(subject["id"]))
        return found

    def certificate(self, erasure_id):
        return self.steward_call("GetErasure", self.maintenance.GetErasureRequest(erasure_id=erasure_id))

    def steward_call(self, method, request):
        channel = self.suite.channel("consent", STEWARD)
        ask = getattr(suite.stub(channel, "audit/v1/maintenance_service", "MaintenanceService"), method)
        return ask(request, timeout=30, metadata=self.steward.metadata)

    def erase(self, handle):
        done = self.suite.command("--reason", "sa demande", "person", "erase", handle, "--cause", "request",
                                  acting=STEWARD)
        self.assertEqual(done.returncode, 0, done.stderr)
        erasure_id = done.stdout.strip()
        suite.wait_for("the end of an erasure", lambda: self.certificate(erasure_id).HasField("destroyed") and
                       self.certificate(erasure_id).erased.leaf_index, timeout=180)
        return erasure_id

    def operate(self, *arguments):
        done = self.suite.command(*arguments, acting=OPERATOR)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        return done.stdout

    # --- planting

    def plant(self):
        """Two persons of one human, as the two feeds make them; their handles at the city."""
        who = {"nom": SURNAME, "prenoms": FIRST, "adresse": STREET, "code_postal": "75013"}
        self.row = self.bill(who, reference=REFERENCE)
        self.assertEqual(self.send_bills(self.row), ["ACCEPTED"])
        self.assertEqual(self.send_reports(self.report(
            facts=FACTS, place={"kind": "DOMICILE", "adresse": STREET, "code_postal": "75013"},
            person={"nom": SURNAME, "prenoms": FIRST, "naissance": "1950-02-01"})), ["ACCEPTED"])
        desk, handles = "dsol-75113", set()

        def both():
            for message in self.pull(self.city, desk):
                self.ack(self.city, message)
                handles.add(message.person.handle)
            return len(handles) >= 2

        suite.wait_for("both messages", both)
        agent = self.suite.client(CITY, agent=AGENT)
        for handle in handles:
            person = self.types.PersonRef(handle=handle)
            line = self.values.ConsentLine(
                purposes=["RIGHTS_OPENING"], categories=["IDENTITY"],
                recipients=[self.values.Recipient(institution="caf")], acts=[self.types.ACT_TRANSMIT])
            request = self.consent.RecordConsentRequest(
                request_id=suite.new_id(), person=person, lines=[line], method=self.values.METHOD_SIGNED_PAPER,
                legal_basis=self.values.LEGAL_BASIS_PUBLIC_TASK, notice=self.values.Notice(id="accord", version="1"))
            agent.call("consent", "ConsentService", "RecordConsent", request)
        return sorted(handles)


class ErasureTest(ErasureCase):
    def test_nothing_is_left_and_everything_still_proves(self):
        other = self.bill({"nom": "Témoin", "prenoms": "Paul", "adresse": "1 rue Saint-Maur", "code_postal": "75011"})
        self.assertEqual(self.send_bills(other), ["ACCEPTED"])
        self.received(self.city, "dsol-75111")
        before = self.subjects()
        handles = self.plant()
        hers = self.subjects() - before
        self.assertGreaterEqual(len(hers), 4, "two persons, two sender records")
        keys = self.wrapped_keys(hers)
        self.assertTrue(keys, "that the search can fail")

        receipt = self.suite.file("receipt.json")
        done = self.suite.command("consent", "record", handles[0], "--purpose", "RIGHTS_OPENING", "--category",
                                  "IDENTITY", "--recipient", "cpam", "--act", "transmit", "--method", "signed-paper",
                                  "--notice", "accord/1", "--receipt", receipt, acting=CITY)
        self.assertEqual(done.returncode, 0, done.stderr)
        exports = {}
        for service in suite.SERVICES:
            exports[service] = self.suite.file(service + ".export")
            self.operate_audit("export", "--service", service, exports[service])
            self.operate_audit("verify", "--service", service, "--state", self.suite.file(service + ".state"))
            self.operate("backup", "create", "--service", service)
            self.operate("backup", "verify", "1", "--service", service)
        old_backups = {path for path in self.files(*self.folders("backups"))}
        self.assertTrue(any(key in suite.read(path) for key in keys for path in old_backups))

        erasures = [self.erase(handle) for handle in handles]
        for handle in handles:
            self.refused(grpc.StatusCode.NOT_FOUND, "NO_SUCH_OR_NOT_YOURS", self.withdraw,
                         self.types.PersonRef(handle=handle), lines=[self.values.ConsentLine()])
        for service in suite.SERVICES:
            rotated = self.operate("maintenance", "rotate-epoch", "--service", service)
            self.assertIn("epoch 1 ended, epoch 2 wraps", rotated)
            self.operate("backup", "create", "--service", service)
        for erasure_id in erasures:
            certificate = self.certificate(erasure_id)
            self.assertTrue(certificate.HasField("epoch_ended"))
            self.assertLessEqual(certificate.requested.ToJsonString(), certificate.destroyed.ToJsonString())

        # Raw files: all that a service has (stores with their write-ahead logs, rings, journals,
        # the service's log, the backups made since), while it serves and once it was stopped.
        roots = [self.suite.path(service) for service in suite.SERVICES] + [self.suite.path("keys")]
        needles = list(keys) + [canary.encode() for canary in CANARIES]
        kinds = {os.path.basename(path) for path in self.files(*roots)}
        self.assertTrue({"CURRENT", "ring", "erasures", "log"} <= kinds, kinds)
        self.assertTrue(any(name.endswith(".log") for name in kinds), "a write-ahead log")
        self.assertEqual(self.found(needles, roots), [])
        self.suite.down()
        self.assertEqual(self.found(needles, roots), [])
        self.suite.up()

        # Old evidence.
        self.assertEqual(self.suite.command("audit", "verify", receipt).returncode, 0)
        for service in suite.SERVICES:
            self.assertEqual(self.suite.command("audit", "verify", exports[service]).returncode, 0)
            self.operate_audit("verify", "--service", service, "--state", self.suite.file(service + ".state"))
        # A replay from 0 passes over her, and over nobody else.
        openings = [leaf["opening"] for leaf in self.leaves("consent")]
        self.assertIn("ERASED", openings)
        left = self.subjects()
        self.assertEqual(left & hers, set())
        self.assertTrue(before <= left)
        # References stay known by their hashes; what comes after is somebody new.
        self.assertEqual(self.send_bills(self.row), ["DUPLICATE"])
        again = dict(self.row, reference="REF-APRES")
        self.assertEqual(self.send_bills(again), ["ACCEPTED"])
        self.assertNotIn(self.received(self.city, "dsol-75113").person.handle, handles)
        self.suite.advance(minutes=1)
        self.suite.verify_logs()

    def operate_audit(self, *arguments):
        done = self.suite.command("audit", *arguments, acting=AUDITOR)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)


class PapersErasureTest(VaultCase, ErasureCase):
    """She had papers, and one was shared: host and reader find none, and what is left on the vault's disk opens nothing."""

    def epoch_keys(self):
        """By number: the epochs' keys that the vault's ring holds."""
        master = bytes.fromhex(suite.read(self.suite.path("vault", "master")).decode().strip())
        keys = {}
        for line in suite.read(self.suite.path("vault", "ring")).decode().splitlines():
            if line.startswith("vault-epoch ") and not line.endswith(" destroyed"):
                _, epoch, key = vault_format.open_ring_line(master, line)
                keys[epoch] = key
        return keys

    def keys_of_papers(self, person):
        """Those of hers that come out of what stands anywhere on the vault's disk and what its ring holds, each with what was
        opened."""
        found, epochs = {}, self.epoch_keys()
        for path in self.files(self.suite.path("vault")):
            with contextlib.suppress(FileNotFoundError):  # it was compacted away
                for match in PAPERS_KEY.finditer(suite.read(path)):
                    with contextlib.suppress(vault_format.Refused, KeyError):
                        key = vault_format.open_person_key(epochs, person, 1, match.group(1))
                        found[key] = match.group(1)[5:]
        return found

    def planted(self, seed):
        """(her handle, her id, her paper, its text, its receipt) of somebody new."""
        before = self.subjects()
        handle, _ = self.person()
        ids = [subject[1:] for subject in self.subjects() - before if subject[:1] == b"P"]
        self.assertEqual(len(ids), 1)
        data, receipt = pdf(2 * PIECE + 11, seed), self.suite.file("receipt-%d" % seed)
        document = self.put(handle, data, "--receipt", receipt)["document"]["documentId"]
        return handle, ids[0], document, data, receipt

    def shared_with_the_caf(self):
        return {share["shareId"] for share in self.relais("document", "shares", acting=CAF)["shares"]}

    def ended_rotation(self):
        return self.suite.json("vault", "keys", acting=OPERATOR)["epochsHeld"] == [2]

    def versions_scrubbed(self):
        motive = ("--reason", "après un effacement")
        scrub = self.suite.json(*motive, "vault", "scrub", acting=OPERATOR)["scrub"]["scrubId"]

        def ended():
            report = self.suite.json("vault", "scrub-status", scrub, acting=OPERATOR)["scrub"]
            return report if report.get("ended") else None
        return int(suite.wait_for("the end of the scrub", ended, timeout=120)["versions"])

    def test_nobody_finds_a_paper_and_nothing_opens(self):
        witness, _, kept, kept_data, _ = self.planted(1)
        handle, person, document, data, receipt = self.planted(2)
        share_id, _, there = self.share(handle, document)
        self.assertEqual(self.get(there, document, acting=CAF), data)
        self.assertIn(share_id, self.shared_with_the_caf())
        self.assertEqual(self.versions_scrubbed(), 2)
        # That the search finds her key, and that it is the one in use: the mark of her text is under it.
        (key, sealed), = self.keys_of_papers(person).items()
        mark = vault_format.duplicate_mark(key, hashlib.sha256(data).digest())
        self.assertTrue(self.found([mark], self.folders("store")))
        audit_keys = self.wrapped_keys([b"P" + person])
        self.assertTrue(self.found(list(audit_keys), [self.suite.path("vault", "store")]))

        self.erase(handle)
        for verb in ("count", "list", "journal", "hosts", "shares", "requests"):
            self.assertEqual(self.code("document", verb, handle), 7, verb)
        for verb in ("info", "verify", "receipt"):
            out = ("--out", self.suite.file("none")) if verb == "receipt" else ()
            self.assertEqual(self.code("document", verb, handle, document, *out), 7, verb)
        self.assertEqual(self.get(handle, document), 7)
        self.assertEqual(self.code("document", "export", handle, self.suite.file("none.tar")), 7)
        self.assertIn(self.get(there, document, acting=CAF), (6, 7))
        listed = self.suite.command("--json", "document", "list", there, acting=CAF)
        self.assertIn(json.loads(listed.stdout)["documents"] if listed.returncode == 0 else listed.returncode, ([], 7))
        suite.wait_for("the end of the share at the CAF", lambda: share_id not in self.shared_with_the_caf())
        self.assertEqual(self.versions_scrubbed(), 1, "of the other's paper alone")

        self.suite.json("--reason", "après un effacement", "vault", "rotate", "--level", "epoch", acting=OPERATOR)
        suite.wait_for("the end of the epoch", self.ended_rotation, timeout=60)
        self.operate("maintenance", "rotate-epoch", "--service", "vault")
        self.assertEqual(list(self.epoch_keys()), [2])
        self.suite.down()
        self.assertEqual(self.keys_of_papers(person), {})
        self.assertEqual(self.found([sealed, *audit_keys], [self.suite.path("vault")]), [])
        self.suite.up()
        self.assertNotIn(b"P" + person, self.subjects())
        self.assertEqual(self.get(handle, document), 7)
        self.assertEqual(self.get(witness, kept), kept_data)
        _, new, _, _, _ = self.planted(3)
        self.assertEqual(len(self.keys_of_papers(new)), 1, "the search still finds what there is")
        self.assertEqual(self.keys_of_papers(person), {})
        self.assertEqual(self.code("audit", "verify", receipt), 0)
        self.suite.verify_logs()


def words(value):
    """Every text in a JSON value; of bytes, which stand there in base64, what they hold."""
    if isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, list):
        for each in value:
            yield from words(each)
    elif isinstance(value, str):
        yield value
        try:
            yield base64.b64decode(value, validate=True).decode()
        except ValueError:
            pass


class HoldTest(ErasureCase):
    """On a court's order what an erasure removes stays as a copy, under a key of its own (D-2.10)."""

    def hold(self, *arguments, acting=STEWARD):
        return self.suite.command("--reason", "ordonnance", "hold", *arguments, acting=acting)

    def kept(self, hold_id, service):
        done = self.hold("read", hold_id, "--service", service, acting=AUDITOR)
        self.assertEqual(done.returncode, 0, done.stderr)
        return [json.loads(line) for line in done.stdout.splitlines()]

    def in_force(self, service):
        listed = self.suite.command("--json", "hold", "list", "--service", service, acting=OPERATOR)
        self.assertEqual(listed.returncode, 0, listed.stderr)
        holds = json.loads(listed.stdout).get("holds", [])
        return {each["holdId"] for each in holds if not each.get("ended")}

    def test_an_erasure_leaves_the_copy_and_nothing_else(self):
        handles = self.plant()
        holds = []
        for handle in handles:
            placed = self.hold("place", handle, "--order", "RG 26/01234", "--until", "2031-01-01T00:00:00+01:00")
            self.assertEqual(placed.returncode, 0, placed.stderr)
            holds.append(placed.stdout.strip())
        for handle, hold_id in zip(handles, holds):
            erasure_id = self.erase(handle)
            self.assertEqual(list(self.certificate(erasure_id).hold_ids), [hold_id])
            self.assertIn("a copy stays under legal hold " + hold_id,
                          self.operate("maintenance", "erasure", erasure_id))
        self.suite.down()
        self.suite.up()

        # Nothing of hers in clear in any raw file, and nothing for whoever has no scope.
        roots = [self.suite.path(service) for service in suite.SERVICES] + [self.suite.path("keys")]
        self.assertEqual(self.found([canary.encode() for canary in CANARIES], roots), [])
        refused = self.hold("read", holds[0], "--service", "consent", acting=STEWARD)
        self.assertNotEqual(refused.returncode, 0)
        self.assertIn("MISSING_ROLE", refused.stderr)

        # The copies have what the services knew, and who had acted.
        text = {service: " ".join(word for hold_id in holds for word in words(self.kept(hold_id, service)))
                for service in suite.SERVICES}
        for service, canary in (("alerting", SURNAME), ("alerting", FACTS), ("alerting", REFERENCE),
                                ("consent", SURNAME), ("consent", AGENT), ("routing", FACTS), ("routing", "message/")):
            self.assertTrue(canary in text[service], "%s in what %s keeps" % (canary, service))
        read = [leaf for leaf in self.leaves("routing") if leaf["header"]["eventClass"] == "EVENT_CLASS_LOG_READ" and
                leaf["details"]["payload"].get("kind") == "HOLD"]
        self.assertEqual({leaf["details"]["payload"]["holdId"] for leaf in read}, set(holds))

        # Released: gone everywhere, in backups too, because the key is.
        for service in suite.SERVICES:
            self.assertEqual(self.in_force(service), set(holds))
        for hold_id in holds:
            self.assertEqual(self.hold("release", hold_id).returncode, 0)
        for service in suite.SERVICES:
            suite.wait_for("the end of the holds", lambda: not self.in_force(service))
            gone = self.hold("read", holds[0], "--service", service, acting=AUDITOR)
            self.assertNotEqual(gone.returncode, 0)
            self.assertIn("WRONG_STATE", gone.stderr)
        self.suite.verify_logs()


class RestoreTest(Restoring, ErasureCase):
    """An old backup comes back: erasures are made again before anything is served."""

    def test_alerting_and_then_consent(self):
        handles = self.plant()
        for service in suite.SERVICES:
            self.operate("backup", "create", "--service", service)
        erasures = [self.erase(handle) for handle in handles]

        # Alerting: nobody follows its log here.
        self.suite.down()
        self.restore("alerting")
        with self.assertRaises(AssertionError):
            self.suite.up()
        self.assertIn("rolled back", self.suite.log("alerting"))
        self.suite.down()
        self.set_origin("alerting", 2)
        undo = self.flag("alerting", "--accept-loss")
        self.suite.up()
        undo()
        self.assertIn("erasures of the journal are made again", self.suite.log("alerting"))
        leaves = self.leaves("alerting")
        classes = [leaf["header"]["eventClass"] for leaf in leaves]
        self.assertIn("EVENT_CLASS_LOG_CONTINUED", classes)
        at = classes.index("EVENT_CLASS_LOG_CONTINUED")
        self.assertEqual(classes[at:].count("EVENT_CLASS_ERASED"), len(erasures))
        for leaf in leaves[:at]:
            if leaf["header"]["eventClass"] in ("EVENT_CLASS_SIGNAL_ACCEPTED", "EVENT_CLASS_ALERT_CHANGED"):
                self.assertEqual(leaf["opening"], "ERASED")
        self.assertEqual(self.send_bills(self.row), ["DUPLICATE"])

        # Consent: its followers have read what it lost.
        self.suite.down()
        self.restore("consent")
        self.set_origin("consent", 2)
        undo = self.flag("consent", "--accept-loss")
        self.suite.up()
        undo()
        for handle in handles:
            self.refused(grpc.StatusCode.NOT_FOUND, None, self.withdraw, self.types.PersonRef(handle=handle),
                         lines=[self.values.ConsentLine()])
        suite.wait_for("the alarm", lambda: "is not the one that was followed" in self.suite.log("routing"))
        self.suite.down()
        undo = [self.flag(service, "--rebuild=consent") for service in ("routing", "alerting", "vault")]
        self.suite.up()
        for each in undo:
            each()
        after = self.bill({"nom": "Après", "prenoms": "Zoé", "adresse": "2 rue d'Avron", "code_postal": "75020"})
        self.assertEqual(self.send_bills(after), ["ACCEPTED"])
        self.assertTrue(self.received(self.city, "dsol-75120").person.handle)
        for service in ("alerting", "consent"):
            self.list_origin(service, 2)
        self.suite.verify_logs()
        self.suite.down()
        self.suite.up()  # as any suite, without flags


if __name__ == "__main__":
    unittest.main()
