"""The suite's stories from end to end: a bill, a référent pivot, a withdrawal, an objection, a brigade's report."""

import collections
import json
import time
import unittest

import grpc

import feedgen
import suite

DAY = feedgen.DAY
EDF, CITY, EMMAUS, BSPP = "edf/billing", "ville-paris/dsol", "emmaus/maraude", "bspp/dispatch"


class StoryCase(suite.SuiteTest):
    def setUp(self):
        self.types = suite.pb("common/v1/types")
        self.values = suite.pb("consent/v1/consent")
        self.consent = suite.pb("consent/v1/consent_service")
        self.inbox = suite.pb("routing/v1/inbox_service")
        self.alert = suite.pb("alerting/v1/alert_service")
        self.signal = suite.pb("alerting/v1/signal_service")
        self.referent = suite.pb("routing/v1/referent_service")
        self.routing = suite.pb("routing/v1/routing_service")
        self.edf = self.suite.client(EDF)
        self.city = self.suite.client(CITY, agent="as-1207")
        self.emmaus = self.suite.client(EMMAUS, agent="m-12")
        # A service that has just started delivers nothing until it holds consent's lease.
        self.city.patience = self.emmaus.patience = 10
        self.today = self.suite.now().astimezone(feedgen.PARIS).date()

    # --- what the institutions do

    def bill(self, who, event="COUPURE", days=20, fluid="ELECTRICITE", **changes):
        start = self.today.replace(day=1) - 200 * DAY
        row = dict.fromkeys(feedgen.COLUMNS, "")
        row.update(reference="S-" + suite.new_id()[:12], evenement=event, date_evenement=str(self.today - days * DAY),
                   fondement={"LETTRE_1": "ART2", "LETTRE_2": "CONVENTION"}.get(event, "ART6"), fluide=fluid,
                   opposition="NON", montant_du="123,45", periode_debut=str(start), periode_fin=str(start + 59 * DAY),
                   commune="Paris", **who)
        if event == "LETTRE_1":
            row["fin_opposition"] = str(self.today - (days - 9) * DAY)
        if event in ("RETABLISSEMENT", "REGLEMENT", "ECHEANCIER"):
            row.update(fondement="", montant_du="")
        row.update(changes)
        return row

    def send_bills(self, *rows):
        lines = [";".join(feedgen.COLUMNS)] + [";".join(row[name] for name in feedgen.COLUMNS) for row in rows]
        results, _ = self.suite.import_feed("edf", "\n".join(lines).encode(), EDF, codes=(0, 3))
        return [line[3] or line[2] for line in results]

    def report(self, **changes):
        report = {"reference": "B-" + suite.new_id()[:12], "intervention_at": self.suite.now().isoformat(),
                  "place": {"kind": "DOMICILE", "adresse": "5 rue Ordener", "code_postal": "75018"},
                  "person": {"nom": "Vasseur", "prenoms": "Noël", "naissance": "1950-02-01"}, "signs": ["ISOLATION"],
                  "facts": "Logement froid.", "danger": "CONCERN", "informed": "YES", "agreement": "GIVEN"}
        report.update(changes)
        return report

    def send_reports(self, *reports):
        data = "\n".join(json.dumps(each) for each in reports).encode()
        results, _ = self.suite.import_feed("bspp", data, BSPP, codes=(0, 3))
        return [line[3] or line[2] for line in results]

    def pull(self, client, desk):
        return list(client.call("routing", "InboxService", "Pull", self.inbox.PullRequest(desk=desk)).messages)

    def ack(self, client, message):
        return client.call("routing", "InboxService", "Ack", self.inbox.AckRequest(message_id=message.message_id))

    def received(self, client, desk):
        """The next message of a desk, acknowledged."""
        messages = suite.wait_for("a message at " + desk, lambda: self.pull(client, desk))
        self.assertEqual(len(messages), 1)
        self.ack(client, messages[0])
        return messages[0]

    def collected(self, client, desk, count):
        """So many messages of a desk, acknowledged."""
        found = {}

        def pulled():
            for message in self.pull(client, desk):
                self.ack(client, message)
                found[message.message_id] = message
            return len(found) >= count

        suite.wait_for("%d messages at %s" % (count, desk), pulled)
        return list(found.values())

    def waiting(self, client, desk):
        answer = client.call("routing", "InboxService", "ListByDesk", self.inbox.ListByDeskRequest(desk=desk))
        return list(answer.messages)

    def delivery(self, reference, client=None):
        answer = (client or self.edf).call("alerting", "SignalService", "ListDeliveries",
                                           self.signal.ListDeliveriesRequest(references=[reference]))
        return self.signal.Delivery.State.Name(answer.deliveries[0].state).removeprefix("STATE_")

    def alert_of(self, desk, message):
        listed = self.city.call("alerting", "AlertService", "List", self.alert.ListRequest(desk=desk)).alerts
        return next((each for each in listed if each.message_id == message.message_id), None)

    def alert_state(self, desk, message, state):
        return suite.wait_for("an alert in state " + state, lambda: self.alert_of(desk, message) and (
            self.alert.Alert.State.Name(self.alert_of(desk, message).state) == "STATE_" + state and
            self.alert_of(desk, message)))

    def agree(self, person, recipient, purposes):
        line = self.values.ConsentLine(purposes=purposes, categories=["IDENTITY", "CONTACT", "ADDRESS", "ENERGY_DEBT"],
                                       recipients=[self.values.Recipient(institution=recipient)],
                                       acts=[self.types.ACT_TRANSMIT])
        return self.city.call("consent", "ConsentService", "RecordConsent", self.consent.RecordConsentRequest(
            request_id=suite.new_id(), person=person, lines=[line], method=self.values.METHOD_SIGNED_PAPER,
            legal_basis=self.values.LEGAL_BASIS_PUBLIC_TASK, notice=self.values.Notice(id="accord", version="1")))

    def withdraw(self, person, **what):
        return self.city.call("consent", "ConsentService", "WithdrawConsent", self.consent.WithdrawConsentRequest(
            request_id=suite.new_id(), person=person, **what))


class StoryTest(StoryCase):
    def test_an_unpaid_bill_reaches_a_human(self):
        who = {"nom": "Lefèvre", "prenoms": "Éloïse", "adresse": "12 bis rue Brady", "code_postal": "75010"}
        row = self.bill(who, option_tarifaire="HPHC")
        self.assertEqual(self.send_bills(row), ["ACCEPTED"])
        messages = suite.wait_for("a message", lambda: self.pull(self.city, "dsol-75110"))
        message = messages[0]
        bill = message.content.unpaid_bill
        self.assertEqual((bill.surname, bill.first_names, bill.address, bill.postal_code, bill.amount_owed.minor_units,
                          bill.tariff_option, bill.event), ("Lefèvre", "Éloïse", "12 bis rue Brady", "75010", 12345,
                                                            "HPHC", "COUPURE"))
        self.assertEqual(message.ground, self.types.GROUND_ART6)
        self.assertTrue(message.person.handle.startswith("rh1_"))
        self.assertTrue(message.why_you and message.permit_id)
        self.assertEqual(self.delivery(row["reference"]), "PENDING")
        self.ack(self.city, message)
        self.ack(self.city, message)  # repeated, late: the same
        suite.wait_for("the delivery", lambda: self.delivery(row["reference"]) == "DELIVERED")

        alert = self.alert_state("dsol-75110", message, "DELIVERED")
        self.assertEqual((alert.rule, alert.facts, alert.person.handle), ("CUT_OR_REDUCTION", 1, message.person.handle))
        self.assertEqual([each.message_id for each in self.waiting(self.city, "dsol-75110")], [message.message_id])
        take = self.alert.TakeRequest(request_id=suite.new_id(), alert_id=alert.alert_id)
        self.city.call("alerting", "AlertService", "Take", take)
        self.city.call("alerting", "AlertService", "Take", take)
        self.alert_state("dsol-75110", message, "TAKEN")
        suite.wait_for("nothing to wait", lambda: not self.waiting(self.city, "dsol-75110"))
        other = self.suite.client(CITY, agent="as-9999")
        self.refused(grpc.StatusCode.FAILED_PRECONDITION, "WRONG_STATE", other.call, "routing", "InboxService", "Take",
                     self.inbox.TakeRequest(request_id=suite.new_id(), message_id=message.message_id))
        # Another institution sees nothing of it.
        self.refused(grpc.StatusCode.NOT_FOUND, "NO_SUCH_OR_NOT_YOURS", self.suite.client("caf/droits").call,
                     "alerting", "AlertService", "Get", self.alert.GetRequest(alert_id=alert.alert_id))

        # Paid since: added to the alert a human has taken, told to who was told (D-1.12).
        self.assertEqual(self.send_bills(self.bill(who, "REGLEMENT", days=2)), ["ACCEPTED"])
        settlement = self.received(self.city, "dsol-75110").content.settlement
        self.assertEqual(settlement.event, "REGLEMENT")
        settled = self.alert_of("dsol-75110", message)
        self.assertEqual(self.alert.Alert.State.Name(settled.state), "STATE_TAKEN")
        self.assertTrue(settled.notes)

    def test_letters_alert_by_recurrence(self):
        who = {"nom": "Castagné", "prenoms": "Solange", "adresse": "3 place d'Aligre", "code_postal": "75012"}
        bills = [self.bill(who, "LETTRE_1", days=100 - 20 * i, periode_debut="2026-0%d-01" % (2 * i + 1),
                           periode_fin="2026-0%d-20" % (2 * i + 1)) for i in range(3)]
        self.assertEqual(self.send_bills(*bills[:2]), ["ACCEPTED"] * 2)
        time.sleep(1)
        self.assertEqual(self.pull(self.city, "dsol-75112"), [])
        self.assertEqual(self.delivery(bills[0]["reference"]), "KEPT")
        self.assertEqual(self.send_bills(bills[2]), ["ACCEPTED"])
        message = self.received(self.city, "dsol-75112")
        alert = suite.wait_for("its alert", lambda: self.alert_of("dsol-75112", message))
        self.assertEqual(alert.rule, "RECURRENCE_DOSSIERS")

    def test_a_recurrence_is_settled_bill_by_bill(self):
        who = {"nom": "Gaudichon", "prenoms": "Rosalie", "adresse": "3 rue Didot", "code_postal": "75014"}
        periods = [{"periode_debut": "2026-0%d-01" % (2 * i + 1), "periode_fin": "2026-0%d-20" % (2 * i + 1)}
                   for i in range(3)]
        letters = [self.bill(who, "LETTRE_1", days=100 - 20 * i, **period) for i, period in enumerate(periods)]
        self.assertEqual(self.send_bills(*letters), ["ACCEPTED"] * 3)
        message = self.received(self.city, "dsol-75114")
        self.alert_state("dsol-75114", message, "DELIVERED")

        def settled(period):
            self.assertEqual(self.send_bills(self.bill(who, "REGLEMENT", days=5, **period)), ["ACCEPTED"])
            return self.received(self.city, "dsol-75114").content.settlement

        # The bill that raised it alone: two are still owed (D-1.12).
        self.assertTrue(settled(periods[2]).others_unpaid)
        alert = self.alert_state("dsol-75114", message, "DELIVERED")
        self.assertEqual(len(alert.notes), 1)
        self.city.call("alerting", "AlertService", "Take", self.alert.TakeRequest(request_id=suite.new_id(),
                                                                                  alert_id=alert.alert_id))
        self.assertTrue(settled(periods[0]).others_unpaid)
        self.assertFalse(settled(periods[1]).others_unpaid)
        alert = self.alert_state("dsol-75114", message, "TAKEN")
        self.assertEqual(len(alert.notes), 3)
        # Where nobody takes it, it closes with the last.
        other = {**who, "nom": "Bourguignon"}
        letters = [self.bill(other, "LETTRE_1", days=100 - 20 * i, **period) for i, period in enumerate(periods)]
        self.assertEqual(self.send_bills(*letters), ["ACCEPTED"] * 3)
        message = self.received(self.city, "dsol-75114")
        self.alert_state("dsol-75114", message, "DELIVERED")
        payments = [self.bill(other, "REGLEMENT", days=5, **period) for period in periods]
        self.assertEqual(self.send_bills(*payments[1:]), ["ACCEPTED"] * 2)
        suite.wait_for("two notes", lambda: len(self.alert_of("dsol-75114", message).notes) == 2)
        self.assertEqual(self.alert.Alert.State.Name(self.alert_of("dsol-75114", message).state), "STATE_DELIVERED")
        self.assertEqual(self.send_bills(payments[0]), ["ACCEPTED"])
        self.alert_state("dsol-75114", message, "CLOSED")
        told = self.collected(self.city, "dsol-75114", 3)
        self.assertEqual(sorted(each.content.settlement.others_unpaid for each in told), [False, True, True])

    def test_what_cannot_be_a_day_reaches_its_desk(self):
        who = {"nom": "Kowalczyk", "prenoms": "Andrzej", "adresse": "9 rue Cadet", "code_postal": "75009"}
        self.assertEqual(self.send_bills(self.bill(who, periode_debut="0001-01-01")), ["ACCEPTED"])
        bill = self.received(self.city, "dsol-75109").content.unpaid_bill
        self.assertFalse(bill.HasField("period_start"))
        self.assertTrue(bill.HasField("period_end"))
        place = {**self.report()["place"], "code_postal": "75009"}
        person = {"nom": "Ferreira", "prenoms": "João", "alias": "Dédé", "naissance": "0001-01-01"}
        self.assertEqual(self.send_reports(self.report(place=place, person=person, household={"pregnant": 1})),
                         ["ACCEPTED"])
        # As the desk sees it.
        shown = suite.wait_for("the report", lambda: "Ferreira" in (text := self.suite.command(
            "inbox", "pull", "dsol-75109", "--ack", acting=CITY).stdout) and text)
        self.assertIn("Dédé", shown)
        self.assertRegex(shown, "pregnant.* 1")
        self.assertNotRegex(shown, "birth.?date")
        # Facts that say nothing are facts all the same.
        self.assertEqual(self.send_reports(self.report(place=place, ground="ART_226_14_1", ground_facts="\t",
                                                       agreement="REFUSED")), ["ACCEPTED"])
        self.assertEqual(self.received(self.city, "dsol-75109").ground, self.types.GROUND_CP_226_14_1)

    def test_an_exercise_arrives_and_leaves_no_act(self):
        place = {**self.report()["place"], "code_postal": "75017"}
        real = self.report(place=place, person={"nom": "Papadopoulos", "prenoms": "Zoé", "naissance": "1961-02-03"})
        self.assertEqual(self.send_reports(real), ["ACCEPTED"])
        person = self.received(self.city, "dsol-75117").person
        self.agree(person, "emmaus", ["ENERGY_AID"])  # from here on the city acts for her
        emergency = suite.pb("consent/v1/emergency_service")
        disclosures = suite.pb("consent/v1/disclosures")
        reader = self.suite.client(CITY, agent="as-7")
        reader.metadata.append(("relais-reason", "droit d'acces"))

        def traces():
            entries = reader.call("consent", "ConsentService", "ListDisclosures",
                                  disclosures.ListDisclosuresRequest(person=person)).disclosures
            pending = self.city.call("consent", "EmergencyService", "ListPending", emergency.ListPendingRequest())
            log = self.suite.command("--json", "--reason", "contrôle", "audit", "tail", "--service", "consent", "--view",
                                     "opened", acting="auditor/suite").stdout
            acts = collections.Counter(json.loads(line)["header"]["eventClass"] for line in log.splitlines())
            return ([each.leaf_index for each in entries if each.kind != disclosures.DISCLOSURE_KIND_HISTORY_READ],
                    len(pending.pending), [acts["EVENT_CLASS_" + name] for name in (
                        "PERSON_REGISTERED", "CONSENT_RECORDED", "EMERGENCY_DECLARED")])

        before = traces()
        exercises = [self.report(place=place, person=real["person"], exercise=True),
                     self.report(place=place, person=real["person"], exercise=True, agreement="UNABLE",
                                 danger="SERIOUS")]
        self.assertEqual(self.send_reports(*exercises), ["ACCEPTED"] * 2)
        for message in self.collected(self.city, "dsol-75117", 2):
            self.assertTrue(message.exercise)
            self.assertFalse(message.HasField("person"))
            text = message.SerializeToString().decode("utf-8", "replace")
            for personal in ("Papadopoulos", "Ordener", "Logement"):
                self.assertNotIn(personal, text)
            alert = suite.wait_for("its alert", lambda: self.alert_of("dsol-75117", message))
            self.assertTrue(alert.exercise)
        # A check that is part of an exercise is no disclosure either.
        self.city.call("consent", "ConsentService", "Check", self.consent.CheckRequest(
            person=person, sender=self.types.Party(institution="ville-paris"), exercise=True,
            recipient=self.types.Party(institution="emmaus"), purpose="ENERGY_AID", categories=["IDENTITY"],
            act=self.types.ACT_TRANSMIT))
        self.assertEqual(traces(), before)

    def test_a_report_that_comes_late_does_not_undo_her_no(self):
        place = {**self.report()["place"], "code_postal": "75015"}
        person = {"nom": "Zielinska", "prenoms": "Solange", "naissance": "1949-07-08"}
        met = self.suite.now() - DAY / 12
        self.assertEqual(self.send_reports(self.report(place=place, person=person)), ["ACCEPTED"])
        handle = self.received(self.city, "dsol-75115").person
        self.withdraw(handle, lines=[self.values.ConsentLine()])
        # She had said yes to the crew two hours before; she has said no since (D-2.6.2).
        late = self.report(place=place, person=person, intervention_at=met.isoformat())
        self.assertEqual(self.send_reports(late), ["ACCEPTED"])
        suite.wait_for("the answer", lambda: self.delivery(late["reference"], self.suite.client(BSPP)) == "KEPT")
        self.assertEqual(self.pull(self.city, "dsol-75115"), [])
        # What she says after that no counts.
        again = self.report(place=place, person=person, intervention_at=self.suite.now().isoformat())
        self.assertEqual(self.send_reports(again), ["ACCEPTED"])
        self.assertEqual(self.received(self.city, "dsol-75115").ground, self.types.GROUND_AGREEMENT)
        # Six weeks late: her agreement is still hers, three months from the intervention (D-4.4a).
        old = self.report(place=place, person={"nom": "Rasolofo", "prenoms": "Aminata"},
                          intervention_at=(self.suite.now() - 42 * DAY).isoformat())
        self.assertEqual(self.send_reports(old), ["ACCEPTED"])
        self.received(self.city, "dsol-75115")

    def test_referent_then_withdrawal(self):
        who = {"nom": "Thévenet", "prenoms": "Désiré", "adresse": "7 rue Saint-Maur", "code_postal": "75011"}
        self.send_bills(self.bill(who))
        person = self.received(self.city, "dsol-75111").person

        agreement = self.agree(person, "emmaus", ["ENERGY_AID", "REFERENT_COORDINATION"]).consent_id
        proposal = self.city.call("routing", "ReferentService", "Propose", self.referent.ProposeRequest(
            request_id=suite.new_id(), person=person, desk="emmaus-maraude", agent="m-12",
            referent=self.types.Party(institution="emmaus", function="maraudeur"))).referent
        decided = self.city.call("routing", "ReferentService", "RecordPersonDecision",
                                 self.referent.RecordPersonDecisionRequest(
                                     request_id=suite.new_id(), person=person, referent_id=proposal.referent_id,
                                     agreed=True, etag=proposal.etag)).referent
        self.assertEqual(decided.state, self.referent.Referent.STATE_AGREED)
        self.refused(grpc.StatusCode.ABORTED, "ETAG_MISMATCH", self.city.call, "routing", "ReferentService",
                     "RecordPersonDecision", self.referent.RecordPersonDecisionRequest(
                         request_id=suite.new_id(), person=person, referent_id=proposal.referent_id, agreed=False,
                         etag=proposal.etag))
        asked = self.received(self.emmaus, "emmaus-maraude")
        self.assertEqual(asked.content.referent_proposal.referent_id, proposal.referent_id)
        theirs = asked.person
        self.assertNotEqual(theirs.handle, person.handle)
        active = self.emmaus.call("routing", "ReferentService", "Accept", self.referent.AcceptRequest(
            request_id=suite.new_id(), person=theirs, referent_id=proposal.referent_id)).referent
        self.assertEqual(active.state, self.referent.Referent.STATE_ACTIVE)

        # The next cut goes to her référent, as she agreed.
        second = self.bill(who, fluid="GAZ")
        self.assertEqual(self.send_bills(second), ["ACCEPTED"])
        message = self.received(self.emmaus, "emmaus-maraude")
        self.assertEqual((message.ground, message.person.handle), (self.types.GROUND_AGREEMENT, theirs.handle))
        self.assertEqual(self.pull(self.city, "dsol-75111"), [])

        # Not yet delivered when she withdraws: pulled back, never delivered.
        third = self.bill(who, fluid="CHALEUR")
        self.assertEqual(self.send_bills(third), ["ACCEPTED"])
        queued = suite.wait_for("the next message", lambda: [
            each for each in self.waiting(self.emmaus, "emmaus-maraude")
            if each.state == self.inbox.Waiting.STATE_QUEUED])
        self.assertEqual(len(queued), 1)
        withdrawal = self.withdraw(person, consent_id=agreement).withdrawal_id
        self.assertEqual(self.pull(self.emmaus, "emmaus-maraude"), [])
        suite.wait_for("the message to be pulled back", lambda: queued[0].message_id not in [
            each.message_id for each in self.waiting(self.emmaus, "emmaus-maraude")])
        self.refused(grpc.StatusCode.FAILED_PRECONDITION, "WRONG_STATE", self.emmaus.call, "routing", "InboxService",
                     "Ack", self.inbox.AckRequest(message_id=queued[0].message_id))

        # Emmaüs had permits on it: it is asked to erase, and answers (RGPD art. 17, 19).
        owed = suite.wait_for("the notice to erase", lambda: [
            each for each in self.emmaus.call("consent", "ConsentService", "ListObligations",
                                              self.consent.ListObligationsRequest()).obligations
            if each.kind == self.values.DUTY_KIND_ANSWER_ERASURE])
        self.assertEqual([each.person.handle for each in owed], [theirs.handle])
        self.assertEqual([each.purpose for each in owed[0].erase], ["ENERGY_AID", "REFERENT_COORDINATION"])
        self.emmaus.call("consent", "ConsentService", "AnswerErasureNotice", self.consent.AnswerErasureNoticeRequest(
            request_id=suite.new_id(), person=theirs, notice_id=owed[0].notice_id,
            outcome=self.values.ERASURE_OUTCOME_ERASED))
        status = self.city.call("consent", "ConsentService", "GetWithdrawalStatus",
                                self.consent.GetWithdrawalStatusRequest(person=person, withdrawal_id=withdrawal))
        self.assertEqual([(each.institution, each.erasure_outcome) for each in status.recipients],
                         [("emmaus", self.values.ERASURE_OUTCOME_ERASED)])

        # What comes after goes by the decree's ground to the desk of her arrondissement again.
        fourth = self.bill(who, fluid="EAU")
        self.assertEqual(self.send_bills(fourth), ["ACCEPTED"])
        last = self.received(self.city, "dsol-75111")
        self.assertEqual((last.ground, list(last.marks)), (self.types.GROUND_ART6, ["A_VERIFIER_EAU"]))
        self.assertEqual(self.pull(self.emmaus, "emmaus-maraude"), [])

        # And when she says no to everything, that ground too is of no use (D-2.6.2).
        self.withdraw(person, lines=[self.values.ConsentLine()])
        fifth = self.bill(who, periode_debut="2026-01-01", periode_fin="2026-02-20")
        self.assertEqual(self.send_bills(fifth), ["ACCEPTED"])
        time.sleep(2)
        self.assertEqual(self.pull(self.city, "dsol-75111"), [])

    def test_an_objection_at_a_desk_and_its_lifting(self):
        who = {"nom": "Benchérif", "prenoms": "Mariam", "adresse": "44 bd. de l'Hôpital", "code_postal": "75013"}
        identity = self.consent.RecordIdentity(**{**who, "adresse": "44 BOULEVARD DE L HOPITAL", "nom": "BENCHERIF"})
        probe = self.bill(who, "REGLEMENT", days=3)  # settles nothing: refused, whatever comes
        self.assertEqual(self.send_bills(probe), ["NO_GROUND"])
        self.city.call("consent", "ConsentService", "RecordObjection", self.consent.RecordObjectionRequest(
            request_id=suite.new_id(), suppliers=["edf"], identity=identity))
        suite.wait_for("the objection at alerting", lambda: self.send_bills(probe) == ["OPPOSED"])
        row = self.bill(who)
        self.assertEqual(self.send_bills(row), ["OPPOSED"])
        # A later row that says she does not object changes nothing, and the supplier cannot lift it (D-1.6).
        lift = self.consent.LiftObjectionRequest(request_id=suite.new_id(), suppliers=["edf"], identity=identity)
        self.refused(grpc.StatusCode.PERMISSION_DENIED, None, self.edf.call, "consent", "ConsentService",
                     "LiftObjection", lift)
        self.city.call("consent", "ConsentService", "LiftObjection", lift)
        suite.wait_for("the lifting at alerting", lambda: self.send_bills(probe) == ["NO_GROUND"])
        self.assertEqual(self.send_bills(row), ["ACCEPTED"])
        self.received(self.city, "dsol-75113")

    def test_an_objection_in_a_row_stops_what_was_not_delivered(self):
        who = {"nom": "Pélissier", "prenoms": "Rosalie", "adresse": "9 rue d'Avron", "code_postal": "75020"}
        first = self.bill(who)
        self.assertEqual(self.send_bills(first), ["ACCEPTED"])
        suite.wait_for("the message", lambda: self.waiting(self.city, "dsol-75120"))
        self.assertEqual(self.send_bills(self.bill({**who, "nom": "PELISSIER"}, fluid="GAZ", opposition="OUI"),
                                         self.bill(who, fluid="EAU")), ["OPPOSED", "OPPOSED"])
        suite.wait_for("the message to be pulled back", lambda: not self.waiting(self.city, "dsol-75120"))
        self.assertEqual(self.pull(self.city, "dsol-75120"), [])
        self.assertNotEqual(self.delivery(first["reference"]), "DELIVERED")

    def test_her_referent_and_who_proposed_him_are_one_team(self):
        """D-2.6.4: as routing's log says, either way, of what she was told; and no other function's."""
        who = {"nom": "Okafor", "prenoms": "Ngozi", "adresse": "4 rue de Bretagne", "code_postal": "75003"}
        self.send_bills(self.bill(who))
        hers = self.received(self.city, "dsol-75103").person
        worker = self.suite.client(CITY, agent="as-1207", function="assistant-social")
        colleague = self.suite.client(CITY, agent="ts-7", function="travailleur-social")
        outreach = self.suite.client(EMMAUS, agent="m-12", function="maraudeur")
        city = self.types.Party(institution="ville-paris", function="assistant-social")
        emmaus = self.types.Party(institution="emmaus", function="maraudeur")

        def ask(client, person, sender, recipient):
            return client.call("consent", "ConsentService", "Check", self.consent.CheckRequest(
                person=person, sender=sender, recipient=recipient, purpose="SOCIAL_ASSESSMENT",
                categories=["SOCIAL_SITUATION"], act=self.types.ACT_TRANSMIT, dry_run=True))

        self.agree(hers, "emmaus", ["REFERENT_COORDINATION"])
        told = self.values.ConsentLine(
            purposes=["SOCIAL_ASSESSMENT"], categories=["SOCIAL_SITUATION"],
            recipients=[self.values.Recipient(institution=each) for each in ("emmaus", "ville-paris")])
        worker.call("consent", "ConsentService", "RecordInformation", self.consent.RecordInformationRequest(
            request_id=suite.new_id(), person=hers, occasion=self.values.INFORMATION_OCCASION_BEFOREHAND, lines=[told]))
        proposal = worker.call("routing", "ReferentService", "Propose", self.referent.ProposeRequest(
            request_id=suite.new_id(), person=hers, desk="emmaus-maraude", agent="m-12", referent=emmaus)).referent
        worker.call("routing", "ReferentService", "RecordPersonDecision", self.referent.RecordPersonDecisionRequest(
            request_id=suite.new_id(), person=hers, referent_id=proposal.referent_id, agreed=True))
        theirs = self.received(self.emmaus, "emmaus-maraude").person
        self.assertEqual(ask(worker, hers, city, emmaus).decision, self.types.DECISION_DENY)
        outreach.call("routing", "ReferentService", "Accept", self.referent.AcceptRequest(
            request_id=suite.new_id(), person=theirs, referent_id=proposal.referent_id))
        suite.wait_for("the team", lambda: ask(worker, hers, city, emmaus).ground == self.types.GROUND_TEAM)
        self.assertEqual(ask(outreach, theirs, emmaus, city).ground, self.types.GROUND_TEAM)
        other = self.types.Party(institution="ville-paris", function="travailleur-social")
        self.assertEqual(ask(colleague, hers, other, emmaus).decision, self.types.DECISION_DENY)
        outreach.call("routing", "ReferentService", "End", self.referent.EndRequest(
            request_id=suite.new_id(), person=theirs, referent_id=proposal.referent_id))
        suite.wait_for("the team's end",
                       lambda: ask(worker, hers, city, emmaus).decision == self.types.DECISION_DENY)
        self.assertEqual(ask(outreach, theirs, emmaus, city).decision, self.types.DECISION_DENY)

    def test_a_professional_alerts_child_protection(self):
        """D-2.6.1: in his own word, bound by secrecy, with no protocol in the directory; injuries too."""
        who = {"nom": "Berthelot", "prenoms": "Anaïs", "adresse": "31 rue de Seine", "code_postal": "75006"}
        self.send_bills(self.bill(who))
        person = self.received(self.city, "dsol-75106").person
        self.withdraw(person, lines=[self.values.ConsentLine()])  # her no does not bind a legal duty
        content = suite.pb("routing/v1/content")

        def alert(function, facts):
            return self.suite.client(CITY, agent="a-" + function, function=function).call(
                "routing", "RoutingService", "Submit", self.routing.SubmitRequest(
                    request_id=suite.new_id(), person=person, sender=self.types.Party(institution="ville-paris"),
                    purpose="CHILD_PROTECTION", categories=["IDENTITY", "HEALTH"], desk="crip75",
                    stated_ground=self.types.StatedGround(ground=self.types.GROUND_CP_226_14_1, facts=facts),
                    content=content.Content(note=content.Note(text="Traces de coups sur les bras."))))

        self.refused(grpc.StatusCode.PERMISSION_DENIED, "NOT_PERMITTED", alert, "assistant-social", "")
        alert("assistant-social", "Traces de coups vues le 3.")
        message = self.received(self.suite.client("crip75/desk"), "crip75")
        self.assertEqual(message.ground, self.types.GROUND_CP_226_14_1)
        self.assertEqual(message.content.note.text, "Traces de coups sur les bras.")

    def test_reports_of_the_brigade(self):
        siao, crip = self.suite.client("siao/urgence"), self.suite.client("crip75/desk")
        rough = {"kind": "RUE", "repere": "square Villemin"}
        agreed = self.report()
        outside = self.report(place=rough, person={})
        child = self.report(person={"nom": "Ferreira", "prenoms": "Zoé", "naissance": "2014-05-05"},
                            ground="INFO_PREOCCUPANTE", ground_facts="Enfant seul.", agreement="NOT_ASKED")
        unable = self.report(agreement="UNABLE", danger="SERIOUS", place={**self.report()["place"],
                                                                         "code_postal": "75019"})
        self.assertEqual(self.send_reports(agreed, outside, child, unable, self.report(agreement="REFUSED"),
                                           self.report(danger="IMMEDIATE")),
                         ["ACCEPTED"] * 4 + ["NO_GROUND", "IMMEDIATE_DANGER"])
        message = self.received(self.city, "dsol-75118")
        self.assertEqual(message.ground, self.types.GROUND_AGREEMENT)
        self.assertEqual(message.content.distress_report.facts, "Logement froid.")
        suite.wait_for("the delivery", lambda: self.delivery(
            agreed["reference"], self.suite.client(BSPP)) == "DELIVERED")
        self.assertEqual(self.received(siao, "siao-urgence").content.distress_report.place, "square Villemin")
        self.assertEqual(self.received(crip, "crip75").ground, self.types.GROUND_INFO_PREOCCUPANTE)
        self.assertEqual(self.received(self.city, "dsol-75119").ground, self.types.GROUND_EMERGENCY)
        # Her agreement was for this report alone (D-4.4a).
        answer = self.city.call("consent", "ConsentService", "Check", self.consent.CheckRequest(
            person=message.person, sender=self.types.Party(institution="bspp"), act=self.types.ACT_TRANSMIT,
            recipient=self.types.Party(institution="ville-paris"), purpose="SOCIAL_ASSESSMENT",
            categories=["IDENTITY"], dry_run=True))
        self.assertEqual(answer.decision, self.types.DECISION_DENY)


class EscalationTest(StoryCase):
    clock = "2026-11-10T10:00:00+01:00"

    def test_untaken_in_time_goes_on(self):
        self.assertEqual(self.send_reports(self.report(danger="SERIOUS")), ["ACCEPTED"])
        message = self.received(self.city, "dsol-75118")
        self.suite.advance(hours=23)
        time.sleep(2)
        self.assertEqual([each.message_id for each in self.waiting(self.city, "dsol-75118")], [message.message_id])
        self.suite.advance(hours=2)
        moved = suite.wait_for("the escalation", lambda: self.waiting(self.city, "dsol-coordination"))
        self.assertEqual((moved[0].message_id, moved[0].escalated), (message.message_id, True))
        self.assertEqual(self.waiting(self.city, "dsol-75118"), [])
        self.received(self.city, "dsol-coordination")
        self.city.call("routing", "InboxService", "Take", self.inbox.TakeRequest(
            request_id=suite.new_id(), message_id=message.message_id))
        self.suite.advance(hours=30)
        time.sleep(2)
        self.assertEqual(self.waiting(self.city, "dsol-astreinte"), [])
        self.suite.verify_logs()


if __name__ == "__main__":
    unittest.main()
