"""Who looked, and what is kept: what her access history and her export say and hold back (RGPD art. 15)."""

import datetime
import json
import unittest

import grpc

import suite
from consent_case import CAF, CITY, Desk, day

TODAY, LOOKED_AT_AGAIN = datetime.date(2026, 11, 10), datetime.date(2027, 5, 10)
LATER = datetime.date(2027, 8, 10)
PROTECTED = "crip75"  # its name, or a child's protection, must not be read where an entry is withheld


class HistoryTest(suite.SuiteTest):
    def setUp(self):
        self.city = Desk(self.suite, CITY)
        self.types, self.values, self.words = self.city.types, self.city.values, self.city.disclosures

    def of_kind(self, entries, kind):
        return [each for each in entries if each.kind == getattr(self.words, "DISCLOSURE_KIND_" + kind)]

    def pages(self, person, page_size):
        """All of her history, page by page."""
        shown, withheld, revisions = [], [], set()
        request = self.words.ListDisclosuresRequest(person=person, page_size=page_size)
        while True:
            page = self.city.call("ConsentService", "ListDisclosures", request)
            self.assertLessEqual(len(page.disclosures) + len(page.withheld), page_size)
            shown, withheld = shown + list(page.disclosures), withheld + list(page.withheld)
            revisions.add(page.revision)
            if not page.next_page_token:
                return shown, withheld, revisions
            request.page_token = page.next_page_token

    def asked_about(self):
        """Somebody about whom much was asked: (her handle, the agreement she took back)."""
        city = self.city
        person = city.register(suite.new_id(), surname="Kaboré", first_names="Mariam")
        consent = city.agree(person).consent_id
        city.agree(person, lines=[city.line("cpam")])
        self.assertEqual(city.check(person).decision, self.types.DECISION_PERMIT)
        city.check(person, dry_run=True)  # authorises nothing
        city.check(person, exercise=True)  # discloses nothing
        city.withdraw(person, consent_id=consent)
        for recipient in ("caf", "emmaus"):
            answer = city.check(person, recipient)
            self.assertEqual((answer.decision, answer.reason),
                             (self.types.DECISION_DENY, self.values.REASON_NOT_PERMITTED))
        return person, consent

    def protect(self, person):
        """What is withheld of her history: two entries, one of them an emergency."""
        self.city.declare(person, PROTECTED)
        self.city.check(person, PROTECTED, purpose="CHILD_PROTECTION")

    def test_it_says_who_asked_and_why_it_was_denied(self):
        person, consent = self.asked_about()
        shown = list(self.city.history(person).disclosures)
        permitted, = self.of_kind(shown, "PERMITTED")
        self.assertEqual((permitted.sender.institution, permitted.recipient.institution, permitted.purpose,
                          list(permitted.categories), permitted.act, permitted.ground, permitted.consent_id),
                         ("ville-paris", "caf", "RIGHTS_OPENING", ["IDENTITY"], self.types.ACT_TRANSMIT,
                          self.types.GROUND_AGREEMENT, consent))
        self.assertEqual(permitted.reason, self.values.REASON_UNSPECIFIED)
        self.assertIn("Caisse d'allocations familiales", permitted.fr)
        self.assertIn("It was allowed", permitted.en)
        # D-2.6.7: the exact reason, which who asked was not told.
        denied = {each.recipient.institution: each for each in self.of_kind(shown, "DENIED")}
        self.assertEqual({name: each.reason for name, each in denied.items()},
                         {"caf": self.values.REASON_WITHDRAWN, "emmaus": self.values.REASON_NO_GROUND})
        self.assertIn("vous aviez repris votre accord", denied["caf"].fr)
        self.assertIn("vous n'aviez pas donné votre accord", denied["emmaus"].fr)
        self.assertNotEqual(denied["caf"].en, denied["emmaus"].en)
        # Who read it is in it from then on.
        read, = self.of_kind(self.city.history(person).disclosures, "HISTORY_READ")
        self.assertEqual(read.sender.institution, "ville-paris")

    def test_it_says_on_which_agreement(self):
        """Of two on the same lines: the one that was asked about, else the one that lasts longest (ADR 71)."""
        person = self.city.register(suite.new_id(), surname="Kaboré", first_names="Awa")
        shorter = self.city.agreement(person)
        shorter.valid_until.GetCurrentTime()
        shorter.valid_until.seconds += 30 * 24 * 3600
        first = self.city.call("ConsentService", "RecordConsent", shorter).consent_id
        second = self.city.agree(person).consent_id

        def check(*options, code=0):
            done = self.suite.command("check", person.handle, "--record", "--recipient", "caf", "--purpose",
                                      "RIGHTS_OPENING", "--category", "IDENTITY", *options, acting=CITY)
            self.assertEqual(done.returncode, code, done.stderr)

        check("--consent", first)
        check("--consent", second)
        check()
        check("--consent", suite.new_id(), code=6)
        check("--consent", "none", code=2)
        shown = self.city.history(person).disclosures
        permitted = sorted(self.of_kind(shown, "PERMITTED"), key=lambda each: each.leaf_index)
        self.assertEqual([each.consent_id for each in permitted], [first, second, second])
        denied, = self.of_kind(shown, "DENIED")
        self.assertEqual(denied.reason, self.values.REASON_NO_GROUND)

    def test_what_protects_somebody_is_withheld(self):
        person, _ = self.asked_about()
        self.city.declare(person, "aphp")
        self.protect(person)
        answer = self.city.history(person)
        self.assertEqual([each.recipient.institution for each in self.of_kind(answer.disclosures, "EMERGENCY")],
                         ["aphp"])
        self.assertEqual(len(answer.withheld), 2)
        for each in answer.withheld:
            self.assertEqual((each.reason, each.decided_on, each.review_on, each.review_due),
                             (self.words.WITHHELD_REASON_PROTECTION, day(TODAY), day(LOOKED_AT_AGAIN), False))
            self.assertIn("10/05/2027", each.fr)
        self.assertEqual(len({each.fr for each in answer.withheld}), 1, "one sentence, whatever it is")
        for telling in (PROTECTED, "CHILD_PROTECTION", "informations préoccupantes", "enfant"):
            self.assertNotIn(telling.encode(), answer.SerializeToString())

    def test_it_is_the_same_page_by_page(self):
        person, _ = self.asked_about()
        self.protect(person)
        shown, withheld, revisions = self.pages(person, 2)
        self.assertEqual(len(revisions), 1)
        self.assertEqual([len(self.of_kind(shown, kind)) for kind in ("PERMITTED", "DENIED")], [1, 2])
        self.assertEqual(len(withheld), 2)
        indices = [each.leaf_index for each in shown]
        self.assertEqual(indices, sorted(set(indices), reverse=True))
        again, also_withheld, _ = self.pages(person, 1000)
        self.assertEqual([each for each in again if each.leaf_index in indices], shown)
        self.assertEqual(also_withheld, withheld)

    def test_the_export_has_what_is_kept_and_no_more_than_the_history(self):
        person, consent = self.asked_about()
        self.city.declare(person, "aphp")
        self.protect(person)
        rights = self.city.rights

        def export(rights_id):
            return self.city.call("RightsService", "Export",
                                  rights.ExportRequest(person=person, rights_id=rights_id))

        self.refused(grpc.StatusCode.NOT_FOUND, "NO_SUCH_OR_NOT_YOURS", export, "0" * 32)
        other = self.city.open(person, rights.RIGHT_OBJECTION).rights_id
        self.refused(grpc.StatusCode.FAILED_PRECONDITION, "WRONG_STATE", export, other)
        request = self.city.open(person, rights.RIGHT_ACCESS).rights_id
        text = export(request).archive_json
        archive = json.loads(text)
        self.assertEqual((archive["format"], archive["institution"], archive["person"]),
                         ("relais-person-export/1", "ville-paris", person.handle))
        self.assertEqual(archive["record"]["traits"]["surname"], "Kaboré")
        self.assertEqual(len(archive["consents"]), 2)
        self.assertIn(consent, [each["consentId"] for each in archive["consents"]])
        self.assertEqual([(each["kind"], each["consentId"]) for each in archive["refusalsAndWithdrawals"]],
                         [("WITHDRAWAL", consent)])
        self.assertEqual({each["id"]: each["right"] for each in archive["requests"]},
                         {request: "RIGHT_ACCESS", other: "RIGHT_OBJECTION"})
        self.assertEqual([each["recipient"] for each in archive["emergencies"]], ["aphp"])
        self.assertEqual([(each["reason"], each["decidedOn"], each["reviewOn"]) for each in archive["withheld"]],
                         [("PROTECTION", str(TODAY), str(LOOKED_AT_AGAIN))])
        self.assertNotIn(PROTECTED, text)
        self.assertEqual(len(self.of_kind(self.city.history(person).disclosures, "EXPORTED")), 1)
        self.city.answer(person, request, rights.RIGHTS_OUTCOME_GRANTED)
        self.refused(grpc.StatusCode.FAILED_PRECONDITION, "WRONG_STATE", export, request)

    def test_what_is_withheld_is_reviewed(self):
        # Two reports of its own that were denied for want of facts: the Ville reviews them itself.
        person, _ = self.asked_about()
        report = self.types.StatedGround(ground=self.types.GROUND_CP_226_14_1)
        for _ in range(2):
            answer = self.city.check(person, "aphp", purpose="SOCIAL_ASSESSMENT", stated_ground=report)
            self.assertEqual(answer.decision, self.types.DECISION_DENY)
        self.protect(person)
        before = self.city.history(person)
        self.assertEqual(len(before.withheld), 4)
        reviewer = Desk(self.suite, CITY, agent="dpd-1", reason="revue")

        def to_review():
            return list(reviewer.call("ConsentService", "ListWithheld",
                                      self.words.ListWithheldRequest(person=person)).entries)

        def review(entry, **changes):
            return reviewer.call("ConsentService", "ReviewWithheld", self.words.ReviewWithheldRequest(
                request_id=suite.new_id(), person=person, leaf_index=entry, reasons="revue faite", **changes))

        newer, older = to_review()  # not what went to child protection
        self.assertEqual([(each.decided_on, each.review_on, each.review_due, each.may_show)
                          for each in (newer, older)], [(day(TODAY), day(LOOKED_AT_AGAIN), False, True)] * 2)
        keep, show = self.words.WITHHELD_DECISION_KEEP, self.words.WITHHELD_DECISION_SHOW
        for wrong, field in ((dict(decision=keep), "keep_until"),
                             (dict(decision=keep, keep_until=day(TODAY)), "keep_until"),
                             (dict(decision=show, keep_until=day(LATER)), "keep_until")):
            refusal = self.refused(grpc.StatusCode.INVALID_ARGUMENT, "INVALID_FIELDS", review, newer.leaf_index,
                                   **wrong)
            details = dict(refusal.trailing_metadata())["grpc-status-details-bin"]
            self.assertIn(field.encode(), details)
        review(newer.leaf_index, decision=keep, keep_until=day(LATER))
        review(older.leaf_index, decision=show)
        self.assertEqual([(each.leaf_index, each.review_on) for each in to_review()],
                         [(newer.leaf_index, day(LATER))])
        after = self.city.history(person)
        self.assertEqual(sorted(str(each.review_on) for each in after.withheld),
                         sorted([str(day(LATER))] + [str(day(LOOKED_AT_AGAIN))] * 2))
        shown, = [each for each in after.disclosures if each.leaf_index == older.leaf_index]
        self.assertEqual((shown.kind, shown.recipient.institution),
                         (self.words.DISCLOSURE_KIND_DENIED, "aphp"))
        self.assertNotIn(older.leaf_index, [each.leaf_index for each in before.disclosures])
        self.refused(grpc.StatusCode.INVALID_ARGUMENT, "INVALID_FIELDS", review, older.leaf_index, decision=keep,
                     keep_until=day(LATER))

    def test_who_reads_it_for_her(self):
        # Nobody for somebody who never agreed to anything, until she asks for it; then whom she asked, while it waits.
        person = self.city.register(suite.new_id(), surname="Nadaud", first_names="Pia")
        self.city.check(person)
        missing = (grpc.StatusCode.NOT_FOUND, "NO_SUCH_OR_NOT_YOURS", self.city.history, person)
        self.refused(*missing)
        request = self.city.open(person, self.city.rights.RIGHT_ACCESS).rights_id
        self.assertEqual(len(self.of_kind(self.city.history(person).disclosures, "DENIED")), 1)
        self.city.answer(person, request, self.city.rights.RIGHTS_OUTCOME_GRANTED)
        self.refused(*missing)
        # Not another institution, and not without a reason.
        theirs = Desk(self.suite, CAF, agent="cd-3")
        self.refused(grpc.StatusCode.INVALID_ARGUMENT, "NOT_YOUR_HANDLE", theirs.history, person)
        silent = self.suite.client(CITY)
        self.refused(grpc.StatusCode.INVALID_ARGUMENT, "REASON_REQUIRED", silent.call, "consent", "ConsentService",
                     "ListDisclosures", self.words.ListDisclosuresRequest(person=person))


if __name__ == "__main__":
    unittest.main()
