"""Papers that expire (D-3.7), through four running services: from her vault to the desk of who acts for her, and to her référent
where she agreed to that; destroyed or renewed before anybody has it, it is pulled back. Papers that an institution asks her for: to
the desk of who acts for her, until she decides. And the vault's closure (D-3.4), to who may act for somebody in it."""

import datetime

import suite
import test_vault

CITY = test_vault.CITY
EMMAUS = "emmaus/maraude"
# The city's first desk: nobody of the city is her référent.
CITY_DESK = "dsol-75101"
EMMAUS_DESK = "emmaus-maraude"


class DeskCase(test_vault.VaultCase):
    def setUp(self):
        self.inbox = suite.pb("routing/v1/inbox_service")
        self.referents = suite.pb("routing/v1/referent_service")
        self.types = suite.pb("common/v1/types")
        self.city = self.suite.client(CITY)
        self.emmaus = self.suite.client(EMMAUS)
        self.city.patience = self.emmaus.patience = 20

    # --- what the institutions do

    def day(self, days):
        return str(self.suite.now().date() + datetime.timedelta(days=days))

    def collect(self, client, desk, into):
        """Takes what waits at the desk: {message id: message}."""
        answer = client.call("routing", "InboxService", "Pull", self.inbox.PullRequest(desk=desk))
        for message in answer.messages:
            client.call("routing", "InboxService", "Ack", self.inbox.AckRequest(message_id=message.message_id))
            into[message.message_id] = message

    def waiting(self, desk):
        answer = self.city.call("routing", "InboxService", "ListByDesk", self.inbox.ListByDeskRequest(desk=desk))
        return {message.message_id for message in answer.messages}


class ExpiringCase(DeskCase):
    settings = {"reminders.scan": "1s"}

    def expiring(self, handle, days, seed):
        """Deposits a paper that is valid for so many days more; its id."""
        return self.put(handle, test_vault.pdf(2000, seed), "--expires", self.day(days))["document"]["documentId"]

    def reminders(self, client, desk, handle, into):
        self.collect(client, desk, into)
        return [message for message in into.values()
                if message.content.HasField("expiring_paper") and message.person.handle == handle]

    def reminded(self, client, desk, handle, into=None):
        into = {} if into is None else into
        return suite.wait_for("a reminder at " + desk, lambda: self.reminders(client, desk, handle, into))


class ExpiringPapersTest(ExpiringCase):
    def may_tell_emmaus(self, handle, purpose, category):
        self.relais("consent", "record", handle, "--purpose", purpose, "--category", category, "--recipient", "emmaus",
                    "--act", "transmit", "--method", "signed-paper", "--notice", "accord-partage/3")

    def referent_of_emmaus(self, handle):
        """Makes a worker of Emmaüs her référent; her handle there."""
        self.may_tell_emmaus(handle, "REFERENT_COORDINATION", "IDENTITY")
        person = self.types.PersonRef(handle=handle)
        proposal = self.city.call("routing", "ReferentService", "Propose", self.referents.ProposeRequest(
            request_id=suite.new_id(), person=person, desk=EMMAUS_DESK, agent="m-12",
            referent=self.types.Party(institution="emmaus", function="maraudeur"))).referent
        self.city.call("routing", "ReferentService", "RecordPersonDecision", self.referents.RecordPersonDecisionRequest(
            request_id=suite.new_id(), person=person, referent_id=proposal.referent_id, agreed=True))
        got = {}

        def proposed():
            self.collect(self.emmaus, EMMAUS_DESK, got)
            return [message for message in got.values()
                    if message.content.referent_proposal.referent_id == proposal.referent_id]
        there = suite.wait_for("the proposal at Emmaüs", proposed)[0].person
        self.emmaus.call("routing", "ReferentService", "Accept", self.referents.AcceptRequest(
            request_id=suite.new_id(), person=there, referent_id=proposal.referent_id))
        return there.handle

    # --- tests

    def test_her_host_is_told(self):
        """60 days before, and 15: whatever is nearer than 60 and farther than 15 has the first of the two."""
        for days, days_before in ((15, 15), (60, 60), (16, 60)):
            with self.subTest(days):
                handle, _ = self.person()
                document = self.expiring(handle, days, 100 + days)
                message = self.reminded(self.city, CITY_DESK, handle)[0]
                paper = message.content.expiring_paper
                self.assertEqual((paper.type, paper.days_before, paper.document_id), ("TAX_NOTICE", days_before, document))
                self.assertEqual("%04d-%02d-%02d" % (paper.expires.year, paper.expires.month, paper.expires.day),
                                 self.day(days))
                self.assertEqual(message.ground, self.types.GROUND_AGREEMENT)
                self.assertEqual((message.sender.institution, message.recipient.institution),
                                 ("ville-paris", "ville-paris"))
        alerts = self.relais("alert", "list", CITY_DESK)["alerts"]
        self.assertIn("PAPER_EXPIRING", [alert["rule"] for alert in alerts])

    def test_her_referent_is_told_what_she_agreed_to(self):
        silent, _ = self.person()
        theirs_of_silent = self.referent_of_emmaus(silent)
        self.expiring(silent, 15, 2)
        handle, _ = self.person()
        theirs = self.referent_of_emmaus(handle)
        self.may_tell_emmaus(handle, "RIGHTS_OPENING", "DOCUMENTS")
        self.expiring(handle, 15, 3)
        got = {}
        message = self.reminded(self.emmaus, EMMAUS_DESK, theirs, got)[0]
        self.assertEqual(message.content.expiring_paper.document_id, "", "what he may not read has no name for him")
        self.assertEqual(message.content.expiring_paper.type, "TAX_NOTICE")
        self.assertEqual(message.sender.institution, "ville-paris")
        self.reminded(self.city, CITY_DESK, silent)
        self.assertEqual(self.reminders(self.emmaus, EMMAUS_DESK, theirs_of_silent, got), [])

    def test_destroyed_or_renewed_it_is_pulled_back(self):
        handle, _ = self.person()
        for seed, end in ((4, "destroy"), (5, "renew")):
            with self.subTest(end):
                self.collect(self.city, CITY_DESK, {})
                before = self.waiting(CITY_DESK)
                document = self.expiring(handle, 15, seed)
                new = suite.wait_for("a message in the list", lambda: self.waiting(CITY_DESK) - before)
                self.assertEqual(len(new), 1)
                if end == "destroy":
                    self.relais("--reason", "à sa demande", "document", "destroy", handle, document)
                else:
                    self.relais("document", "update", handle, document, "--type", "tax-notice", "--title", "Avis d'imposition",
                                "--expires", self.day(400))
                suite.wait_for("the end of the reminder", lambda: not self.waiting(CITY_DESK) & new)
                self.assertEqual(self.reminders(self.city, CITY_DESK, handle, {}), [])
        self.suite.verify_logs()

    def test_who_no_longer_acts_for_her_is_not_told(self):
        handle, agreement = self.person()
        other, _ = self.person()
        self.suite.kill("routing")  # nothing is sent meanwhile
        self.expiring(handle, 15, 6)
        self.relais("consent", "withdraw", handle, "--consent", agreement)
        self.expiring(other, 15, 7)
        self.suite.up()
        got = {}
        self.reminded(self.city, CITY_DESK, other, got)
        self.assertEqual(self.reminders(self.city, CITY_DESK, handle, got), [])


class ReminderDaysTest(ExpiringCase):
    """One paper, from before its first reminder to its second: the suite is down in between and asked on working days."""
    FIRST = 60
    LAST = 15

    def told(self, handle, into):
        """Which reminders came of it, in their order."""
        messages = sorted(self.reminders(self.city, CITY_DESK, handle, into), reverse=True,
                          key=lambda message: message.content.expiring_paper.days_before)
        return [message.content.expiring_paper.days_before for message in messages]

    def test_60_days_before_and_15(self):
        handle, _ = self.person()
        document = self.expiring(handle, self.FIRST + 3, 8)
        last_day = self.day(self.FIRST + 3)
        got = {}
        # Two reminders of others: one look at the least lies whole between them.
        for seed in (9, 10):
            other, _ = self.person()
            self.expiring(other, self.FIRST, seed)
            self.reminded(self.city, CITY_DESK, other, got)
        self.assertEqual(self.told(handle, got), [], "it is too early")
        for days, told in ((3, [self.FIRST]), (self.FIRST - self.LAST, [self.FIRST, self.LAST])):
            self.suite.advance(days=days)
            self.assertEqual(self.day(told[-1]), last_day)
            suite.wait_for("a reminder", lambda told=told: len(self.told(handle, got)) >= len(told))
            self.assertEqual(self.told(handle, got), told)
        self.assertEqual({message.content.expiring_paper.document_id
                          for message in self.reminders(self.city, CITY_DESK, handle, got)}, {document})
        self.suite.verify_logs()


class AskedPapersTest(DeskCase):
    def known_to_the_caf(self, seed):
        """(her handle at the city, a paper of hers, her handle at the CAF, the agreement to share with it)"""
        handle, _ = self.person()
        document = self.put(handle, test_vault.pdf(2000, seed))["document"]["documentId"]
        share_id, agreement, there = self.share(handle, document)
        self.relais("document", "unshare", handle, share_id)
        return handle, document, there, agreement

    def ask(self, there):
        made = self.relais("document", "request", there, "--type", "tax-notice", "--purpose", "RIGHTS_OPENING", "--why",
                           "pour calculer votre aide", "--until", test_vault.UNTIL, acting=test_vault.CAF)
        return made["request"]["documentRequestId"]

    def asked(self, client, desk, request, into):
        self.collect(client, desk, into)
        return [message for message in into.values() if message.content.asked_papers.document_request_id == request]

    def states(self, message_id):
        alerts = self.relais("alert", "list", CITY_DESK)["alerts"]
        return [alert["state"] for alert in alerts if alert["messageId"] == message_id]

    def test_her_host_is_told_and_of_the_end(self):
        handle, document, there, agreement = self.known_to_the_caf(1)
        caf = self.suite.client(test_vault.CAF)
        caf.patience = 20
        theirs, got = {}, {}
        request = self.ask(there)
        message, = suite.wait_for("the request at her host's", lambda: self.asked(self.city, CITY_DESK, request, got))
        papers = message.content.asked_papers
        self.assertEqual(message.person.handle, handle)
        self.assertEqual((papers.asker.institution, list(papers.types), papers.purpose),
                         ("caf", ["TAX_NOTICE"], "RIGHTS_OPENING"))
        self.assertEqual((papers.expires.ToDatetime().date() - self.suite.now().date()).days, 30)
        self.assertEqual(message.ground, self.types.GROUND_AGREEMENT)
        self.assertEqual((message.sender.institution, message.recipient.institution), ("ville-paris", "ville-paris"))
        self.assertEqual(self.asked(caf, "caf-droits", request, theirs), [], "who asks is told nothing")
        self.relais("document", "decide", handle, request, "--document", document, "--consent", agreement)
        suite.wait_for("its end", lambda: self.states(message.message_id) == ["STATE_CLOSED"])
        self.assertEqual(self.asked(caf, "caf-droits", request, theirs), [])

    def test_decided_before_anybody_has_it_it_is_pulled_back(self):
        handle, _, there, _ = self.known_to_the_caf(2)
        self.collect(self.city, CITY_DESK, {})
        before = self.waiting(CITY_DESK)
        request = self.ask(there)
        new = suite.wait_for("a message in the list", lambda: self.waiting(CITY_DESK) - before)
        self.assertEqual(len(new), 1)
        self.relais("document", "decide", handle, request, "--refused")
        suite.wait_for("its end", lambda: not self.waiting(CITY_DESK) & new)
        self.assertEqual(self.asked(self.city, CITY_DESK, request, {}), [])
        self.suite.verify_logs()


class ClosureNoticeTest(DeskCase):
    def test_who_may_act_for_somebody_is_told(self):
        self.suite.json("--reason", "fin du service", "vault", "close", self.day(120), acting="operator/ops")
        for client, desk in ((self.city, CITY_DESK), (self.emmaus, EMMAUS_DESK)):
            got = {}

            def told():
                self.collect(client, desk, got)
                return [each for each in got.values() if each.content.HasField("vault_closure")]
            message, = suite.wait_for("the notice at " + desk, told)
            day = message.content.vault_closure.closing_day
            self.assertEqual("%04d-%02d-%02d" % (day.year, day.month, day.day), self.day(120))
            self.assertTrue(message.content.vault_closure.how.startswith("Pour chaque personne"))
            self.assertFalse(message.person.handle)


if __name__ == "__main__":
    suite.unittest.main()
