"""The auditors' standing questions on a live suite: nothing found in a clean story, and what was provoked in another."""

import hashlib
import json
import ssl
import unittest

import suite
import test_story
from feedgen import DAY

AUDITOR, CITY = "auditor/suite", "ville-paris/dsol"
# On the wire: the order of docs/formats.md.
COLUMNS = ("reference", "fondement", "evenement", "date_evenement", "fluide", "opposition", "fin_opposition", "nom",
           "prenoms", "adresse", "commune", "code_postal", "option_tarifaire", "montant_du", "periode_debut",
           "periode_fin")
WHO = {"nom": "Marchand", "prenoms": "Odile", "adresse": "9 rue de Charonne", "code_postal": "75011"}


class CheckCase(test_story.StoryCase):
    def ask(self, *options, code, acting=AUDITOR):
        """The report of `relais audit check`; its findings by question."""
        done = self.suite.command("--json", "--reason", "contrôle", "audit", "check", *options, acting=acting)
        self.assertEqual(done.returncode, code, done.stdout + done.stderr)
        report = json.loads(done.stdout)
        return report, {each["name"]: each["findings"] for each in report["questions"] if each["findings"]}

    def register(self, own):
        return self.suite.command("person", "register", "--id", own, "--surname", "Diallo", acting=CITY).stdout.strip()

    def record(self, person, *options):
        return self.suite.json("consent", "record", person, "--purpose", "RIGHTS_OPENING", "--category", "IDENTITY",
                               "--recipient", "caf", "--method", "signed-paper", "--notice", "accord-general/3",
                               *options, acting=CITY)

    def check(self, person):
        return self.suite.command("check", person, "--record", "--recipient", "caf", "--purpose", "RIGHTS_OPENING",
                                  "--category", "IDENTITY", acting=CITY)

    def agree(self, person, recipient, purposes):
        line = self.values.ConsentLine(purposes=purposes, categories=["IDENTITY", "CONTACT", "ADDRESS", "ENERGY_DEBT"],
                                       recipients=[self.values.Recipient(institution=recipient)],
                                       acts=[self.types.ACT_TRANSMIT])
        return self.city.call("consent", "ConsentService", "RecordConsent", self.consent.RecordConsentRequest(
            request_id=suite.new_id(), person=person, lines=[line], method=self.values.METHOD_SIGNED_PAPER,
            legal_basis=self.values.LEGAL_BASIS_PUBLIC_TASK, evidence="D-12",
            notice=self.values.Notice(id="accord", version="1")))

    def leaves(self, service):
        done = self.suite.command("--json", "--reason", "contrôle", "audit", "tail", "--service", service, "--view",
                                  "opened", acting=AUDITOR)
        self.assertEqual(done.returncode, 0, done.stderr)
        return [json.loads(line) for line in done.stdout.splitlines()]


class CleanStoryTest(CheckCase):
    def test_nothing_is_found(self):
        # A bill, a référent, a withdrawal, a refusal to everything; a report, one of someone unable; rows held back.
        self.assertEqual(self.send_bills(self.bill(WHO)), ["ACCEPTED"])
        person = self.received(self.city, "dsol-75111").person
        agreement = self.agree(person, "emmaus", ["ENERGY_AID", "REFERENT_COORDINATION"]).consent_id
        proposal = self.city.call("routing", "ReferentService", "Propose", self.referent.ProposeRequest(
            request_id=suite.new_id(), person=person, desk="emmaus-maraude", agent="m-12",
            referent=self.types.Party(institution="emmaus", function="maraudeur"))).referent
        self.city.call("routing", "ReferentService", "RecordPersonDecision", self.referent.RecordPersonDecisionRequest(
            request_id=suite.new_id(), person=person, referent_id=proposal.referent_id, agreed=True,
            etag=proposal.etag))
        theirs = self.received(self.emmaus, "emmaus-maraude").person
        self.emmaus.call("routing", "ReferentService", "Accept", self.referent.AcceptRequest(
            request_id=suite.new_id(), person=theirs, referent_id=proposal.referent_id))
        self.assertEqual(self.send_bills(self.bill(WHO, fluid="GAZ")), ["ACCEPTED"])
        message = self.received(self.emmaus, "emmaus-maraude")
        self.emmaus.call("routing", "InboxService", "Take", self.inbox.TakeRequest(
            request_id=suite.new_id(), message_id=message.message_id))
        self.withdraw(person, consent_id=agreement)
        self.assertEqual(self.send_bills(self.bill(WHO, fluid="CHALEUR")), ["ACCEPTED"])
        self.received(self.city, "dsol-75111")
        self.withdraw(person, lines=[self.values.ConsentLine()])
        self.assertEqual(self.send_bills(self.bill(WHO, fluid="EAU", days=2)), ["TOO_EARLY"])
        self.assertEqual(self.send_bills(self.bill(WHO, opposition="OUI")), ["OPPOSED"])
        self.assertEqual(self.send_reports(self.report(), self.report(agreement="UNABLE", danger="SERIOUS"),
                                           self.report(agreement="REFUSED")), ["ACCEPTED", "ACCEPTED", "NO_GROUND"])
        suite.wait_for("the reports", lambda: len(self.waiting(self.city, "dsol-75118")) >= 2)
        self.pull(self.city, "dsol-75118")

        # Another person: agrees until soon, is asked for, and her agreement ends.
        her = self.register("C-1")
        soon = (self.suite.now() + DAY / 24).isoformat()
        recorded = self.record(her, "--evidence", "D-13", "--until", soon)
        self.assertEqual(self.check(her).returncode, 0)
        report, found = self.ask(code=0)
        self.assertEqual(found, {})
        self.assertTrue(report["complete"])
        self.assertEqual(len(report["questions"]), 14)
        self.suite.advance(hours=2)
        expired = suite.wait_for("the expiry in the log", lambda: [
            leaf for leaf in self.leaves("consent") if leaf["header"]["eventClass"] == "EVENT_CLASS_CONSENT_EXPIRED"])
        self.assertEqual([leaf["details"]["payload"]["consentId"] for leaf in expired], [recorded["consentId"]])
        self.assertEqual(self.check(her).returncode, 6)
        self.assertEqual(self.ask(code=0)[1], {})
        self.suite.verify_logs()


class ProvokedTest(CheckCase):
    def test_exactly_what_was_provoked_is_found(self):
        person = self.register("P-1")
        complete = self.record(person, "--evidence", "D-13", "--notice-sha256", "ab" * 32, "--language", "ar")
        lacking = self.record(person)
        self.assertEqual(self.check(person).returncode, 0)
        emergency = self.suite.json("consent", "emergency", person, "--recipient", "aphp", "--category", "IDENTITY",
                                    "--facts", "Inconsciente.", "--unable", "--serious", acting=CITY)
        # A client that skips the gate, of its own making.
        window = self.bill(WHO, "LETTRE_1", days=1, fin_opposition=str(self.today + 8 * DAY))
        early = [self.bill(WHO, days=2) for _ in range(2)]
        rows = [self.signal.FeedRow(line=2 + i, cells=self.signal.Cells(
            cells=[row[name].encode() for name in COLUMNS])) for i, row in enumerate([window] + early)]
        answer = self.edf.call("alerting", "SignalService", "SubmitRows", self.signal.SubmitRowsRequest(
            type=self.signal.FEED_TYPE_EDF, rows=rows))
        self.assertEqual([each.reason for each in answer.results], ["WINDOW_OPEN", "TOO_EARLY", "TOO_EARLY"])

        _, found = self.ask(code=3)
        self.assertEqual(set(found), {"agreements-without-evidence", "irregular-transmissions"})
        self.assertEqual([(each["what"], each["facts"]["agreement"], each["institution"])
                          for each in found["agreements-without-evidence"]],
                         [("NO_EVIDENCE", lacking["consentId"], "ville-paris")])
        self.assertEqual([(each["what"], each["institution"], each["facts"]["rows"])
                          for each in found["irregular-transmissions"]],
                         [("TOO_EARLY", "edf", "2"), ("WINDOW_OPEN", "edf", "1")])
        self.assertEqual(self.ask("--question", "overdue-emergency-reviews", code=0)[1], {})
        self.assertEqual(self.ask("--until", str(self.today - DAY), code=0)[1], {})

        self.suite.advance(hours=73)
        report, found = self.ask("--question", "overdue-emergency-reviews", code=3)
        self.assertEqual([(each["what"], each["facts"]["emergency"]) for each in found["overdue-emergency-reviews"]],
                         [("OVERDUE", emergency["emergencyId"])])
        text = self.suite.command("--reason", "contrôle", "audit", "check", acting=AUDITOR)
        self.assertEqual(text.returncode, 3)
        self.assertIn("overdue-emergency-reviews: 1 finding\n", text.stdout)
        for personal in ("Diallo", "Marchand", "Odile", "Inconsciente"):
            self.assertNotIn(personal, text.stdout + json.dumps(report))

        # On demand: the notice she was given, whom CAF touched, what was in force.
        _, given = self.ask("--question", "notice-given", "--agreement", complete["consentId"], code=0)
        facts = given["notice-given"][0]["facts"]
        self.assertEqual((facts["id"], facts["version"], facts["sha256"], facts["language"]),
                         ("accord-general", "3", "ab" * 32, "ar"))
        _, touched = self.ask("--question", "breach-notice", "--institution", "caf", code=0)
        self.assertEqual([(each["recipient"], len(each["persons"])) for each in touched["breach-notice"]],
                         [("ville-paris", 1)])
        certificate = hashlib.sha256(ssl.PEM_cert_to_DER_cert(suite.read(self.suite.path(
            "pki", "institutions", "ville-paris", "dsol", "tls.crt")).decode().partition("-----END")[0] +
            "-----END CERTIFICATE-----\n")).hexdigest()
        since = (self.suite.now() - 4 * DAY).isoformat()
        _, touched = self.ask("--question", "breach-notice", "--certificate", certificate, "--since", since, code=0)
        self.assertEqual({(each["institution"], each["recipient"], len(each["persons"]))
                          for each in touched["breach-notice"]},
                         {("ville-paris", "aphp", 1), ("ville-paris", "caf", 1), ("ville-paris", "ville-paris", 1)})
        self.assertEqual(self.ask("--question", "breach-notice", "--certificate", "0" * 64, code=0)[1], {})
        permit = next(leaf for leaf in self.leaves("consent")
                      if leaf["header"]["eventClass"] == "EVENT_CLASS_CHECK_DECIDED")
        report, rule = self.ask("--question", "in-force", "--leaf", "consent:%d" % permit["index"], code=0)
        facts = rule["in-force"][0]["facts"]
        self.assertEqual((facts["rule"], facts["directory_version"]), ("REASON_AGREEMENT", "1"))
        self.assertIn("relais.test/consent/1 ", facts["signer"])
        self.assertEqual(report["leaves"], 1)

    def test_who_may_ask_and_how(self):
        listed = self.suite.json("audit", "check", "--list")["questions"]
        self.assertEqual(len(listed), 17)
        self.assertTrue(all(each["fr"] and each["en"] for each in listed))
        without_reason = self.suite.command("audit", "check", acting=AUDITOR)
        self.assertEqual(without_reason.returncode, 2)
        self.assertIn("--reason", without_reason.stderr)
        self.assertEqual(self.suite.command("--reason", "x", "audit", "check", acting=CITY).returncode, 9)
        self.assertEqual(self.suite.command("--reason", "x", "audit", "check", acting="ville-paris/dpo").returncode, 9)
        for wrong in (("--question", "nothing"), ("--question", "in-force"), ("--from", "3"), ("--share", "5/4"),
                      ("--period", "2026-11-02"), ("--since", "2026-11-03", "--until", "2026-11-01")):
            self.assertEqual(self.suite.command("--reason", "x", "audit", "check", *wrong).returncode, 2, wrong)
        before = len(self.leaves("consent"))
        self.ask("--question", "special-without-flag", code=0)
        read = self.leaves("consent")[before:]
        self.assertEqual([leaf["header"]["eventClass"] for leaf in read], ["EVENT_CLASS_LOG_READ"] * 2)
        halves = [self.ask("--share", "%d/2" % share, "--question", "special-without-flag", code=0)[0]
                  for share in (1, 2)]
        self.assertTrue(all(half["complete"] for half in halves))


if __name__ == "__main__":
    unittest.main()
