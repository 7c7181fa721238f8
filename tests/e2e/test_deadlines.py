"""What institutions owe her and when it is overdue: information, reviews, answers, erasures (D-2.6.6, D-2.7).

Everything is begun at the suite's first instant; then the suite's clock goes on by 32 days, and each test looks at what
became of one thing.
"""

import datetime
import json
import unittest

import grpc

import suite
from consent_case import CAF, CITY, HOSPITAL, Desk, day
from test_story import StoryCase

DAYS = 32
WOMEN = {"told": {"nom": "Lecointre", "prenoms": "Agathe", "adresse": "4 rue Lecourbe", "code_postal": "75015"},
         "untold": {"nom": "Bonnardel", "prenoms": "Ysaline", "adresse": "9 rue Blomet", "code_postal": "75015"}}


class DeadlinesTest(StoryCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        first = cls()
        first.setUp()
        cls.begun = first.today
        first.begin_information()
        first.begin_emergency()
        first.begin_requests()
        first.begin_mandate()
        first.begin_erasure()
        cls.suite.advance(days=DAYS)

    def setUp(self):
        super().setUp()
        self.ours = Desk(self.suite, CITY)
        self.theirs = Desk(self.suite, CAF, agent="cd-3")
        self.hospital = Desk(self.suite, HOSPITAL, agent="med-2", function="medecin")

    def kinds(self, duties):
        return sorted(self.values.DutyKind.Name(each.kind).removeprefix("DUTY_KIND_") for each in duties)

    # --- information at first contact (RGPD art. 14)

    def begin_information(self):
        self.assertEqual(self.send_bills(*[self.bill(who) for who in WOMEN.values()]), ["ACCEPTED"] * 2)
        by_name = {message.content.unpaid_bill.surname: message.person
                   for message in self.collected(self.city, "dsol-75115", 2)}
        type(self).women = {name: by_name[who["nom"]] for name, who in WOMEN.items()}
        owed = self.ours.owed(self.values.DUTY_KIND_INFORM_FIRST_CONTACT)
        self.assertEqual({each.person.handle for each in owed}, {each.handle for each in self.women.values()})
        self.assertFalse(any(each.overdue for each in owed))
        self.assertEqual(self.ours.owed(overdue_only=True), [])
        told = self.ours.inform(self.women["told"], self.values.INFORMATION_OCCASION_FIRST_CONTACT)
        self.assertEqual(told.duties_met, 1)

    def test_who_was_not_told_in_a_month_is_overdue(self):
        first_contact = self.values.DUTY_KIND_INFORM_FIRST_CONTACT
        overdue = self.ours.owed(first_contact, overdue_only=True)
        self.assertEqual([each.person.handle for each in overdue], [self.women["untold"].handle])
        self.assertTrue(overdue[0].overdue)
        self.assertEqual(overdue[0].ground, self.types.GROUND_ART6)
        self.assertEqual(self.theirs.owed(first_contact), [], "another institution's list is another's")
        told = self.ours.inform(self.women["untold"], self.values.INFORMATION_OCCASION_FIRST_CONTACT)
        self.assertEqual(told.duties_met, 1)
        self.assertEqual(self.ours.owed(first_contact), [])
        again = self.ours.inform(self.women["untold"], self.values.INFORMATION_OCCASION_FIRST_CONTACT)
        self.assertEqual(again.duties_met, 0)

    # --- an emergency that nobody judges

    def pending(self, **what):
        return list(self.ours.call("EmergencyService", "ListPending",
                                   self.ours.emergency.ListPendingRequest(**what)).pending)

    def begin_emergency(self):
        declared = self.hospital.declare(self.hospital.register("H-1", surname="Ferrand", first_names="Inès"),
                                         "ville-paris")
        type(self).emergency = declared.emergency_id
        self.assertEqual([each.emergency_id for each in self.pending()], [declared.emergency_id])
        self.assertFalse(self.pending()[0].escalated)
        self.assertEqual(self.pending(overdue_only=True), [])

    def test_an_emergency_that_nobody_judged_reaches_the_dpo(self):
        waiting = suite.wait_for("the escalation", lambda: [each for each in self.pending(overdue_only=True)
                                                           if each.escalated])
        self.assertEqual([each.emergency_id for each in waiting], [self.emergency])
        person = waiting[0].person
        of_it = [each for each in self.ours.owed(overdue_only=True) if each.emergency_id == self.emergency]
        self.assertEqual(self.kinds(of_it), ["INFORM_AFTER_EMERGENCY", "REVIEW_EMERGENCY"])

        dpo = self.suite.client("ville-paris/dpo", agent="dpo-1")
        dpo.patience = 20
        notice = suite.wait_for("a notice to the DPO", lambda: [
            message for message in self.pull(dpo, "dpo-ville-paris") if message.content.HasField("overdue_review")],
            timeout=60)
        self.assertEqual(len(notice), 1)
        self.ack(dpo, notice[0])
        self.assertFalse(notice[0].HasField("person"))
        self.assertNotIn(self.emergency.encode(), notice[0].SerializeToString())
        self.assertNotIn(person.handle.encode(), notice[0].SerializeToString())
        told = self.suite.command("--json", "--reason", "contrôle", "audit", "query", "--service", "consent", "--class",
                                  "EMERGENCY_REVIEW_OVERDUE", acting="ville-paris/dpo")
        self.assertEqual(told.returncode, 0, told.stderr)
        leaves = [json.loads(line) for line in told.stdout.splitlines()][:-1]
        self.assertEqual([(int(leaf["index"]), leaf["details"]["payload"]["emergencyId"]) for leaf in leaves],
                         [(notice[0].content.overdue_review.leaf_index, self.emergency)])

        # Judged at last, by somebody who did not declare it; and she is told.
        self.ours.call("EmergencyService", "Review", self.ours.emergency.ReviewRequest(
            request_id=suite.new_id(), person=person, emergency_id=self.emergency,
            outcome=self.values.REVIEW_OUTCOME_JUSTIFIED, reasons="Elle ne répondait plus."))
        self.assertEqual(self.pending(), [])
        told = self.ours.inform(person, self.values.INFORMATION_OCCASION_AFTER_EMERGENCY, emergency_id=self.emergency)
        self.assertEqual(told.duties_met, 1)
        self.assertEqual([each for each in self.ours.owed() if each.emergency_id == self.emergency], [])

    # --- her requests (RGPD art. 12.3)

    def begin_requests(self):
        rights = self.ours.rights
        person = self.ours.register("R-1", surname="Haddad", first_names="Salma")
        opened = {"ignored": self.ours.open(person, rights.RIGHT_RECTIFICATION),
                  "answered": self.ours.open(person, rights.RIGHT_OBJECTION),
                  "extended": self.ours.open(person, rights.RIGHT_ERASURE),
                  "late": self.ours.open(person, rights.RIGHT_RESTRICTION,
                                         received=day(self.begun - datetime.timedelta(days=20)))}
        type(self).her, type(self).requests = person, {name: each.rights_id for name, each in opened.items()}
        self.assertEqual(opened["ignored"].received, day(self.begun))
        self.assertEqual(opened["ignored"].due, day(datetime.date(2026, 12, 10)))
        self.assertEqual(opened["late"].due, day(datetime.date(2026, 11, 21)))
        answered = self.ours.answer(person, self.requests["answered"], rights.RIGHTS_OUTCOME_GRANTED)
        self.assertEqual(answered.status, rights.RIGHTS_STATUS_ANSWERED)
        self.refused(grpc.StatusCode.INVALID_ARGUMENT, "INVALID_FIELDS", self.ours.answer, person,
                     self.requests["extended"], rights.RIGHTS_OUTCOME_EXTENDED)
        extended = self.ours.answer(person, self.requests["extended"], rights.RIGHTS_OUTCOME_EXTENDED,
                                    "trois services à interroger")
        self.assertEqual((extended.status, extended.due),
                         (rights.RIGHTS_STATUS_EXTENDED, day(datetime.date(2027, 2, 10))))
        self.assertEqual(self.ours.overdue(), [])

    def test_a_request_that_nobody_answered_is_overdue(self):
        rights, requests = self.ours.rights, self.requests
        overdue = self.ours.overdue()
        self.assertEqual([each.rights_id for each in overdue], [requests["late"], requests["ignored"]],
                         "the oldest deadline first")
        self.assertEqual({each.person.handle for each in overdue}, {self.her.handle})
        self.assertEqual(self.theirs.overdue(), [])
        wrong = (grpc.StatusCode.FAILED_PRECONDITION, "WRONG_STATE", self.ours.answer, self.her)
        self.refused(*wrong, requests["late"], rights.RIGHTS_OUTCOME_EXTENDED, "trop tard")
        self.refused(*wrong, requests["answered"], rights.RIGHTS_OUTCOME_GRANTED)
        self.refused(grpc.StatusCode.INVALID_ARGUMENT, "INVALID_FIELDS", self.ours.answer, self.her, requests["late"],
                     rights.RIGHTS_OUTCOME_REFUSED)
        self.refused(grpc.StatusCode.NOT_FOUND, "NO_SUCH_OR_NOT_YOURS", self.ours.answer, self.women["told"],
                     requests["late"], rights.RIGHTS_OUTCOME_GRANTED)
        for name in ("late", "ignored"):
            answered = self.ours.answer(self.her, requests[name], rights.RIGHTS_OUTCOME_REFUSED, "demande sans objet")
            self.assertEqual((answered.status, answered.outcome),
                             (rights.RIGHTS_STATUS_ANSWERED, rights.RIGHTS_OUTCOME_REFUSED))
        self.assertEqual(self.ours.overdue(), [])

    # --- a mandate that ends (D-2.8)

    def begin_mandate(self):
        values = self.values
        type(self).ward = self.ours.register("M-1", surname="Delattre", first_names="Odile",
                                             birth_date=day(datetime.date(1950, 2, 1)))
        self.ours.agree(self.ward, representative=values.Representative(
            kind=values.REPRESENTATION_TUTELLE, reference="RG 26/00123", scope=values.JUDGMENT_SCOPE_PERSON,
            **{"from": day(datetime.date(2026, 1, 1))}, until=day(self.begun + datetime.timedelta(days=20))))
        self.assertEqual(self.ours.check(self.ward).decision, self.types.DECISION_PERMIT)

    def test_the_end_of_a_mandate_ends_the_agreement(self):
        answer = self.ours.check(self.ward)
        self.assertEqual(answer.decision, self.types.DECISION_DENY)
        self.assertEqual(answer.reason, self.values.REASON_NOT_PERMITTED)
        # Why is hers to know (D-2.6.7): not for whom she only asked for a copy, but for whom she agrees with again.
        def denied():
            disclosures = self.ours.history(self.ward).disclosures
            entry, = [each for each in disclosures if each.kind == self.ours.disclosures.DISCLOSURE_KIND_DENIED]
            return entry

        self.ours.open(self.ward, self.ours.rights.RIGHT_ACCESS)
        self.assertEqual(denied().reason, self.values.REASON_UNSPECIFIED)
        self.assertNotIn("mandat", denied().fr)
        self.ours.agree(self.ward, lines=[self.ours.line("cpam")])
        self.assertEqual(denied().reason, self.values.REASON_MANDATE_ENDED)
        self.assertIn("mandat", denied().fr)

    # --- she is erased (RGPD art. 17, 19)

    def begin_erasure(self):
        persons = self.ours.persons
        person = self.ours.register("E-1", surname="Effacée", first_names="Zélie")
        self.ours.agree(person)
        self.assertEqual(self.ours.check(person).decision, self.types.DECISION_PERMIT)
        steward = Desk(self.suite, "ville-paris/steward", agent="stew-1")
        steward.call("PersonService", "Erase", persons.EraseRequest(
            request_id=suite.new_id(), person=person, cause=persons.ERASURE_CAUSE_REQUEST))
        owed = suite.wait_for("the notice of an erasure", lambda: self.theirs.owed(
            self.values.DUTY_KIND_ERASE_ON_ERASURE), timeout=180)
        self.assertEqual(len(owed), 1)
        self.assertTrue(owed[0].person.handle.startswith("rh1_"))
        self.assertNotEqual(owed[0].person.handle, person.handle)
        self.assertEqual([(each.purpose, list(each.categories)) for each in owed[0].erase],
                         [("RIGHTS_OPENING", ["IDENTITY"])])
        self.assertFalse(owed[0].overdue)
        self.assertEqual(self.ours.owed(self.values.DUTY_KIND_ERASE_ON_ERASURE), [], "it asked for it")

    def test_an_erasure_of_which_nobody_says_what_became_is_overdue(self):
        kind = self.values.DUTY_KIND_ERASE_ON_ERASURE
        overdue = self.theirs.owed(kind, overdue_only=True)
        self.assertEqual(len(overdue), 1)
        notice = overdue[0]
        asked = self.suite.command("--json", "--reason", "contrôle", "audit", "check", "--question",
                                   "overdue-erasure-notices", acting="auditor/suite")
        self.assertEqual(asked.returncode, 3, asked.stderr)
        findings = [each for question in json.loads(asked.stdout)["questions"] for each in question["findings"]]
        self.assertEqual([(each["what"], each["facts"]["notice"], each["facts"]["recipient"]) for each in findings],
                         [("OVERDUE", notice.notice_id, "caf")])

        def answer(outcome, reasons="", desk=self.theirs):
            return desk.call("ConsentService", "AnswerErasureNotice", desk.consent.AnswerErasureNoticeRequest(
                request_id=suite.new_id(), person=notice.person, notice_id=notice.notice_id, outcome=outcome,
                reasons=reasons))

        self.refused(grpc.StatusCode.INVALID_ARGUMENT, "NOT_YOUR_HANDLE", answer, self.values.ERASURE_OUTCOME_ERASED,
                     desk=self.ours)
        answer(self.values.ERASURE_OUTCOME_KEPT, "CSS art. L.114-19")
        self.assertEqual(self.theirs.owed(kind), [])
        answer(self.values.ERASURE_OUTCOME_ERASED)
        self.refused(grpc.StatusCode.FAILED_PRECONDITION, "WRONG_STATE", answer, self.values.ERASURE_OUTCOME_NOT_HELD)
        # By every other call she is nobody.
        self.refused(grpc.StatusCode.NOT_FOUND, "NO_SUCH_OR_NOT_YOURS", self.theirs.check, notice.person, "cpam")


if __name__ == "__main__":
    unittest.main()
