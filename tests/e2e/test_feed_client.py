"""A sender's own client: proto/ and docs/formats.md are all it has; no file of the suite's code, and not `relais`."""

import json
import os
import re
import unittest

import suite

EDF, BSPP, CITY = "edf/billing", "bspp/dispatch", "ville-paris/dsol"


def table(section):
    """The first cells of the rows of the first table under a heading of docs/formats.md: names in backquotes."""
    text = suite.read(os.path.join(suite.ROOT, "docs", "formats.md")).decode()
    part = text.split("\n### %s\n" % section, 1)[1].split("\n### ", 1)[0]
    names = []
    for line in part.splitlines():
        if line.startswith("|"):
            names.append(re.findall(r"`([a-z_ ]+)`", line.split("|")[1]))
        elif names:
            break
    return [name for cell in names for each in cell for name in each.split()]


class FeedClientTest(suite.SuiteTest):
    def setUp(self):
        self.signal = suite.pb("alerting/v1/signal_service")
        self.inbox = suite.pb("routing/v1/inbox_service")
        self.edf, self.bspp = self.suite.client(EDF), self.suite.client(BSPP)
        self.desk = self.suite.client(CITY, agent="desk-system")
        self.desk.patience = 10

    def cells(self, **changes):
        bill = {"reference": "C-" + suite.new_id()[:8], "fondement": "ART6", "evenement": "COUPURE",
                "date_evenement": "2026-10-20", "fluide": "ELECTRICITE", "opposition": "NON", "fin_opposition": "",
                "nom": "Lemoine", "prenoms": "Agnès", "adresse": "4 rue Cler", "commune": "Paris 7e",
                "code_postal": "75007", "option_tarifaire": "BASE", "montant_du": "87,20",
                "periode_debut": "2026-07-01", "periode_fin": "2026-08-31"}
        bill.update(changes)
        columns = table("edf")
        self.assertEqual(sorted(columns), sorted(bill))
        return self.signal.Cells(cells=[bill[name].encode() for name in columns])

    def report(self, **changes):
        report = {"reference": "F-" + suite.new_id()[:8], "intervention_at": "2026-11-09T22:10:00+01:00",
                  "place": {"kind": "DOMICILE", "adresse": "8 rue Cler", "code_postal": "75007", "commune": "Paris"},
                  "person": {"nom": "Sorel", "prenoms": "Odette", "alias": "Mamie", "naissance": "1944-05-06",
                             "telephone": "01 99 00 12 12", "sexe": "F"},
                  "household": {"adults": 1, "minors": 1, "pregnant": 1}, "signs": ["ISOLATION"],
                  "facts": "Seule.", "reported_words": "« Personne ne vient. »",
                  "prior_interventions": {"count": 2, "since": "2026-01-15"}, "danger": "CONCERN",
                  "informed": "YES", "agreement": "GIVEN", "requested_action": "Visite", "exercise": False}
        self.assertEqual(set(report) | {"ground", "ground_facts"}, set(table("bspp")))
        report.update(changes)
        return json.dumps(report, ensure_ascii=False).encode()

    def submit(self, client, kind, *rows):
        answer = client.call("alerting", "SignalService", "SubmitRows",
                             self.signal.SubmitRowsRequest(type=kind, rows=rows))
        return [each.reason or self.signal.Outcome.Name(each.outcome).removeprefix("OUTCOME_")
                for each in answer.results]

    def received(self):
        """The next message of the desk, acknowledged."""
        messages = suite.wait_for("a message", lambda: self.desk.call(
            "routing", "InboxService", "Pull", self.inbox.PullRequest(desk="dsol-75107")).messages)
        self.assertEqual(len(messages), 1)
        self.desk.call("routing", "InboxService", "Ack", self.inbox.AckRequest(message_id=messages[0].message_id))
        return messages[0]

    def test_a_bill(self):
        row = self.signal.FeedRow(line=2, cells=self.cells())
        self.assertEqual(self.submit(self.edf, self.signal.FEED_TYPE_EDF, row), ["ACCEPTED"])
        bill = self.received().content.unpaid_bill
        self.assertEqual((bill.surname, bill.address, bill.town, bill.postal_code, bill.tariff_option,
                          bill.amount_owed.minor_units),
                         ("Lemoine", "4 rue Cler", "Paris 7e", "75007", "BASE", 8720))

    def test_a_bill_on_a_stream(self):
        requests = [self.signal.SubmitStreamRequest(open=self.signal.StreamOpen(type=self.signal.FEED_TYPE_EDF)),
                    self.signal.SubmitStreamRequest(batch=self.signal.RowBatch(rows=[
                        self.signal.FeedRow(line=2, cells=self.cells(
                            evenement="LETTRE_1", fondement="ART2", fin_opposition="2026-10-30"))]))]
        stub = suite.stub(self.suite.channel("alerting", EDF), "alerting/v1/signal_service", "SignalService")
        answers = list(stub.SubmitStream(iter(requests), timeout=30))
        self.assertEqual(answers[0].opened.today.day, 10)
        self.assertEqual([each.outcome for each in answers[1].results.results], [self.signal.OUTCOME_ACCEPTED])

    def test_a_report_with_all_its_facts(self):
        row = self.signal.FeedRow(line=1, json=self.report())
        self.assertEqual(self.submit(self.bspp, self.signal.FEED_TYPE_BSPP, row), ["ACCEPTED"])
        report = self.received().content.distress_report
        since = report.prior_interventions_since
        self.assertEqual((report.surname, report.alias, report.phone, report.adults, report.minors, report.pregnant,
                          report.prior_interventions, (since.year, since.month, since.day)),
                         ("Sorel", "Mamie", "01 99 00 12 12", 1, 1, 1, 2, (2026, 1, 15)))
        self.assertEqual((report.facts, report.reported_words, report.requested_action),
                         ("Seule.", "« Personne ne vient. »", "Visite"))

    def test_a_row_that_is_too_long_is_refused_as_a_row(self):
        kind = self.signal.FEED_TYPE_EDF
        many = self.cells()
        many.cells.extend([b""] * 100)
        letter = {"evenement": "LETTRE_1", "fondement": "ART2", "fin_opposition": "2026-10-30"}
        rows = [self.cells(nom=" " * 70_000 + "Lemoine", **letter), self.cells(nom="x" * 70_000, **letter), many,
                self.cells(adresse=" " * 700_000 + "4 rue Cler", reference="LONG-1", **letter),
                self.cells(**letter)]
        self.assertEqual(self.submit(self.edf, kind, *[self.signal.FeedRow(line=2 + i, cells=cells)
                                                       for i, cells in enumerate(rows)]),
                         ["ACCEPTED", "TOO_LONG", "MALFORMED", "ACCEPTED", "ACCEPTED"])
        unable = {"agreement": "REFUSED"}  # reaches nobody: this test is about the row
        lines = [self.report(**unable)] + [self.report(**unable)[:-1] + b" " * size + b"}" for size in
                                           (60_000, 65_536, 700_000)] + [b"", self.report(**unable)]
        self.assertEqual(self.submit(self.bspp, self.signal.FEED_TYPE_BSPP, *[
            self.signal.FeedRow(line=1 + i, json=line) for i, line in enumerate(lines)]),
                         ["NO_GROUND", "NO_GROUND", "MALFORMED", "MALFORMED", "MALFORMED", "NO_GROUND"])


if __name__ == "__main__":
    unittest.main()
