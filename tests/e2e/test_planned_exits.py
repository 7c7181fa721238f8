"""Planned exits from prison, the only data on offences that anybody sends, and what is owed to her of them (D-2.7).

The sample directory authorises nobody: here a prison is in it, which a text authorises until the 30th of November.
"""

import datetime
import os
import unittest

import grpc

import suite
from consent_case import CITY, Desk, day

PRISON, DPO, INBOX = "prison/spip", "ville-paris/dpo", "dsol-75113"
LEAVING = datetime.date(2026, 12, 20)  # after all that happens here
DAYS = 32

INSTITUTION = """  - id: prison
    name: Maison d'arrêt
    kind: PRISON
    controller: Administration pénitentiaire
    dpo: {name: Délégué à la protection des données, email: dpo@prison.example}
    dpia: AIPD-2026-prison
    systems:
      - {id: spip, roles: [PROFESSIONAL]}
      - {id: greffe, roles: [SIGNAL_SENDER]}
"""
FUNCTION = """  - id: cpip
    label: Conseiller pénitentiaire d'insertion et de probation
    kinds: [PRISON]
    secrecy: PROFESSION
    may: [REGISTER_PERSON, CHECK]
"""
PROTOCOL = """  - id: sortie-prison
    sender: prison
    signal: PLANNED_EXIT
    events: [PRISON]
    purpose: SOCIAL_ASSESSMENT
    grounds: [AUTHORISED_EXIT]
    categories: [OFFENCE]
    recipients:
      - {desks: DEPARTMENTAL_SOCIAL_SERVICE}
"""
AUTHORISATION = "offence_senders:\n  - {institution: prison, basis: décret, until: 2026-11-30}\n"


def with_prison():
    """The sample directory's text, with the prison."""
    text = suite.read(os.path.join(suite.ROOT, "deploy", "dev", "directory.yaml")).decode()
    for old, new in (("  - id: bspp\n", INSTITUTION + "  - id: bspp\n"),
                     ("  - id: officier-sapeur-pompier\n", FUNCTION + "  - id: officier-sapeur-pompier\n"),
                     ("  - id: bspp-detresse\n", PROTOCOL + "  - id: bspp-detresse\n"),
                     ("offence_senders: []\n", AUTHORISATION)):
        if text.count(old) != 1:
            raise AssertionError("the sample directory does not have once: " + old)
        text = text.replace(old, new)
    return text


class PlannedExitsTest(suite.SuiteTest):
    @classmethod
    def setUpClass(cls):
        cls.suite = suite.Suite(cls.clock)
        cls.addClassCleanup(cls.suite.close)
        relais = os.path.join(suite.ROOT, "build", suite.preset(), "bin", "relais")
        made = suite.run([relais, "dev", "init", cls.suite.dir, "--directory",
                          cls.suite.file("with-prison.yaml", with_prison().encode()), "--test-clock", cls.clock])
        if made.returncode != 0:
            raise AssertionError("dev init: %d\n%s" % (made.returncode, made.stderr))
        cls.suite.up()

    def setUp(self):
        self.routing = suite.pb("routing/v1/routing_service")
        self.inbox = suite.pb("routing/v1/inbox_service")
        self.content = suite.pb("routing/v1/content")
        self.types = suite.pb("common/v1/types")
        self.values = suite.pb("consent/v1/consent")
        self.prison = Desk(self.suite, PRISON, agent="cpip-4", function="cpip")
        self.ours = Desk(self.suite, CITY)
        self.dpo = Desk(self.suite, DPO, agent="dpo-1")
        self.stated = self.types.StatedGround(ground=self.types.GROUND_AUTHORISED_EXIT, signal_type="PLANNED_EXIT",
                                              event="PRISON", event_day=day(LEAVING))

    def submit(self, person):
        return self.prison.client.call("routing", "RoutingService", "Submit", self.routing.SubmitRequest(
            request_id=suite.new_id(), person=person, sender=self.types.Party(institution="prison"),
            purpose="SOCIAL_ASSESSMENT", categories=["OFFENCE"], stated_ground=self.stated, desk=INBOX,
            content=self.content.Content(planned_exit=self.content.PlannedExit(leaving_on=day(LEAVING)))))

    def may_be_told(self, person):
        """Asked by the prison; leaves nothing."""
        return self.prison.check(person, "ville-paris", "SOCIAL_ASSESSMENT", ["OFFENCE"], recipient_desk=INBOX,
                                 stated_ground=self.stated, dry_run=True)

    def received(self):
        """The next message of the desk, acknowledged."""
        def pull():
            return list(self.ours.client.call("routing", "InboxService", "Pull",
                                              self.inbox.PullRequest(desk=INBOX)).messages)

        message, = suite.wait_for("a message at " + INBOX, pull)
        self.ours.client.call("routing", "InboxService", "Ack", self.inbox.AckRequest(message_id=message.message_id))
        return message

    def owed(self, desk, **which):
        return desk.owed(self.values.DUTY_KIND_INFORM_FIRST_CONTACT, **which)

    def inform(self, person):
        return self.ours.inform(person, self.values.INFORMATION_OCCASION_FIRST_CONTACT).duties_met

    def not_permitted(self, person):
        self.assertEqual(self.may_be_told(person).decision, self.types.DECISION_DENY)
        self.refused(grpc.StatusCode.PERMISSION_DENIED, "NOT_PERMITTED", self.submit, person)

    def test_what_is_said_of_it_and_owed_for_it(self):
        told = self.prison.register("ECROU-1", surname="Marchetti", first_names="Livia")
        untold = self.prison.register("ECROU-2", surname="Okonjo", first_names="Célestine")
        answer = self.may_be_told(told)
        self.assertEqual(answer.decision, self.types.DECISION_PERMIT)
        self.assertEqual(answer.ground, self.types.GROUND_AUTHORISED_EXIT)
        self.assertEqual(set(answer.obligations), {self.values.OBLIGATION_LEAVING_AND_DATE_ONLY,
                                                   self.values.OBLIGATION_INFORM_AT_FIRST_CONTACT})
        self.assertEqual(self.owed(self.ours), [], "nobody was told anything yet")

        # The recipient sees that she leaves and the day; who she is, is said by its own handle.
        known = {}
        for name, person in (("told", told), ("untold", untold)):
            self.submit(person)
            message = self.received()
            self.assertEqual(message.content, self.content.Content(
                planned_exit=self.content.PlannedExit(leaving_on=day(LEAVING))))
            self.assertEqual(message.ground, self.types.GROUND_AUTHORISED_EXIT)
            self.assertEqual(list(message.marks), [])
            self.assertNotEqual(message.person.handle, person.handle)
            for text in ("Marchetti", "Livia", "Okonjo", "Célestine", "ECROU"):
                self.assertNotIn(text.encode(), message.SerializeToString())
            known[name] = message.person

        # Art. 14: in the list of who received it, once for each of them, for its DPO too.
        for desk in (self.ours, self.dpo):
            owed = self.owed(desk)
            self.assertEqual({each.person.handle for each in owed}, {each.handle for each in known.values()})
            self.assertEqual([each.ground for each in owed], [self.types.GROUND_AUTHORISED_EXIT] * 2)
            self.assertEqual({each.due.ToDatetime().date() for each in owed}, {datetime.date(2026, 12, 10)})
            self.assertEqual(self.owed(desk, overdue_only=True), [])
        self.assertEqual(self.inform(known["told"]), 1)
        self.assertEqual([each.person.handle for each in self.owed(self.ours)], [known["untold"].handle])

        # No agreement holds data on offences, and her no is heard.
        self.refused(grpc.StatusCode.INVALID_ARGUMENT, "INVALID_FIELDS", self.ours.agree, known["told"],
                     explicit=True, lines=[self.ours.line("ville-paris", "SOCIAL_ASSESSMENT", ["OFFENCE"])])
        self.ours.call("ConsentService", "RecordRefusal", self.ours.consent.RecordRefusalRequest(
            request_id=suite.new_id(), person=known["told"], lines=[self.values.ConsentLine()]))
        self.not_permitted(told)
        self.assertEqual(self.may_be_told(untold).decision, self.types.DECISION_PERMIT)

        # A month later the authorisation is over, and what was told under it is still owed.
        self.suite.advance(days=DAYS)
        self.not_permitted(untold)
        for desk in (self.ours, self.dpo):
            self.assertEqual([each.person.handle for each in self.owed(desk, overdue_only=True)],
                             [known["untold"].handle])
        self.assertEqual(self.inform(known["untold"]), 1)
        for desk in (self.ours, self.dpo):
            self.assertEqual(self.owed(desk), [])


if __name__ == "__main__":
    unittest.main()
