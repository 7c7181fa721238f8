"""kill -9 of any service at any moment of an import: nothing accepted lost, nothing doubled, logs verify."""

import collections
import random
import threading
import time
import unittest

import feedgen
import judge
import suite

ROWS = 3000
REPORTS = 300
DESKS = ["dsol-%d" % number for number in range(75101, 75121)]


class CrashTest(suite.SuiteTest):
    # What a killed routing service had sent and nobody acknowledged comes again soon.
    settings = {"delivery.visible": "2s", "delivery.longest_delay": "2s", "delivery.max_attempts": "1000"}

    def setUp(self):
        self.desk = self.suite.client("ville-paris/dsol", agent="desk-system")
        self.supplier = self.suite.client("edf/billing")
        self.desk.patience = self.supplier.patience = 20

    def import_under_fire(self, data, victims, rng, kind="edf", acting="edf/billing", rows=ROWS):
        """Imports, killing the victims one after the other at random moments; runs it again until it is through."""
        importing = self.suite.start("signal", "import", "--type", kind, self.suite.file("crash.csv", data),
                                     acting=acting)
        for victim in victims:
            time.sleep(rng.uniform(0.05, 0.8))
            if self.suite.running(victim):
                self.suite.kill(victim)
        importing.communicate(timeout=120)
        self.assertIn(importing.returncode, (0, 5))
        self.suite.up()
        lines, _ = self.suite.import_feed(kind, data, acting, name="crash.csv")
        self.assertEqual(collections.Counter(line[2] in ("ACCEPTED", "DUPLICATE") for line in lines), {True: rows})
        return collections.Counter(line[2] for line in lines)

    def collected(self, expected, pulled):
        """Pulls and acknowledges all that waits at the desks until `expected` messages came."""
        inbox = suite.pb("routing/v1/inbox_service")

        def round_of_desks():
            for desk in DESKS:
                pulled_now = self.desk.call("routing", "InboxService", "Pull",
                                            inbox.PullRequest(desk=desk, max_messages=1000), timeout=30)
                for message in pulled_now.messages:
                    pulled[message.message_id] = message
                    self.desk.call("routing", "InboxService", "Ack", inbox.AckRequest(message_id=message.message_id))
            return len(pulled) >= expected

        suite.wait_for("%d messages" % expected, round_of_desks, timeout=90, pause=0.3)
        time.sleep(1)
        round_of_desks()

    def alerts(self):
        alert = suite.pb("alerting/v1/alert_service")
        found = []
        for desk in DESKS:
            token = ""
            while True:
                page = self.desk.call("alerting", "AlertService", "List",
                                      alert.ListRequest(desk=desk, page_size=1000, page_token=token), timeout=30)
                found += page.alerts
                token = page.next_page_token
                if not token:
                    break
        return found

    def states(self, references):
        signal = suite.pb("alerting/v1/signal_service")
        states = []
        for start in range(0, len(references), 1000):
            request = signal.ListDeliveriesRequest(references=references[start:start + 1000])
            states += self.supplier.call("alerting", "SignalService", "ListDeliveries", request).deliveries
        return {each.reference: signal.Delivery.State.Name(each.state).removeprefix("STATE_") for each in states}

    def test_kills(self):
        rng = random.Random(2026)
        before = {each.alert_id for each in self.alerts()}
        rows, pulled, expected = {}, {}, 0
        for run, victims in enumerate((("alerting",), ("alerting", "consent"), ("routing",), ("consent", "routing"),
                                       ("alerting", "routing", "consent"))):
            data, written = feedgen.distinct_bills(run, ROWS, self.suite.now(), cuts=0.06, prefix="K%d" % run)
            with self.subTest(victims=victims):
                self.import_under_fire(data, victims, rng)
            rows.update((row["reference"], row) for row in written)
            cuts = [row for row in rows.values() if row["fondement"] == "ART6"]
            expected = len(cuts)
            self.collected(expected, pulled)

        told = collections.Counter(self.key_of_bill(message.content.unpaid_bill) for message in pulled.values())
        self.assertEqual(told, collections.Counter(map(self.key_of_row, cuts)))
        alerts = [each for each in self.alerts() if each.alert_id not in before]
        self.assertEqual(len(alerts), expected)
        self.assertEqual({each.message_id for each in alerts}, set(pulled))

        def all_delivered():
            self.found = self.states(list(rows))
            return all(self.found[row["reference"]] == "DELIVERED" for row in cuts)

        suite.wait_for("every delivery", all_delivered, timeout=30)
        self.assertEqual(collections.Counter(self.found.values()),
                         {"DELIVERED": expected, "KEPT": len(rows) - expected})
        self.suite.verify_logs()

    def test_kills_while_reports_come(self):
        """Each report tells its desk once, on her agreement, recorded once for it."""
        rng = random.Random(18)
        before = {each.alert_id for each in self.alerts()}
        reports, pulled = {}, {}
        for run, victims in enumerate((("alerting",), ("consent", "alerting"), ("routing", "alerting"))):
            data, written = feedgen.distinct_reports(run, REPORTS, self.suite.now(), prefix="Q%d" % run)
            with self.subTest(victims=victims):
                self.import_under_fire(data, victims, rng, "bspp", "bspp/dispatch", REPORTS)
            reports.update((report["reference"], report) for report in written)
            self.collected(len(reports), pulled)
        told = collections.Counter((message.content.distress_report.surname,
                                    message.content.distress_report.first_names) for message in pulled.values())
        self.assertEqual(told, collections.Counter((report["person"]["nom"], report["person"]["prenoms"])
                                                   for report in reports.values()))
        types = suite.pb("common/v1/types")
        self.assertEqual({message.ground for message in pulled.values()}, {types.GROUND_AGREEMENT})
        alerts = [each for each in self.alerts() if each.alert_id not in before]
        self.assertEqual({each.message_id for each in alerts}, set(pulled))
        self.assertEqual(len(alerts), len(reports))
        self.suite.verify_logs()

    @staticmethod
    def key_of_row(row):
        first_names = judge.clean(row["prenoms"])
        return judge.normalise(row["nom"]), judge.normalise(first_names), row["evenement"], str(row["date_evenement"])

    @staticmethod
    def key_of_bill(bill):
        day = bill.event_day
        return (judge.normalise(bill.surname), judge.normalise(bill.first_names), bill.event,
                "%04d-%02d-%02d" % (day.year, day.month, day.day))

    def test_kill_while_messages_flow(self):
        """Routing and consent die while a desk pulls: each message is still acknowledged, once."""
        data, written = feedgen.distinct_bills("flow", 400, self.suite.now(), cuts=1, prefix="F")
        before = {each.alert_id for each in self.alerts()}
        stop = threading.Event()
        rng = random.Random(7)

        def killer():
            while not stop.wait(rng.uniform(0.5, 1.5)):
                victim = rng.choice(suite.SERVICES)
                if self.suite.running(victim):
                    self.suite.kill(victim)
                self.suite.up()

        self.suite.import_feed("edf", data, "edf/billing", name="flow.csv")
        thread = threading.Thread(target=killer)
        thread.start()
        acked = {}
        inbox = suite.pb("routing/v1/inbox_service")
        self.desk.patience = 0
        until = time.monotonic() + 8
        while time.monotonic() < until:
            for desk in DESKS:
                try:
                    waiting = self.desk.call("routing", "InboxService", "Pull", inbox.PullRequest(desk=desk)).messages
                    for message in waiting:
                        # Before it is acknowledged: the service may die between taking it and saying so.
                        acked[message.message_id] = message
                        self.desk.call("routing", "InboxService", "Ack",
                                       inbox.AckRequest(message_id=message.message_id))
                except suite.grpc.RpcError:
                    continue
        stop.set()
        thread.join()
        self.suite.up()
        self.desk.patience = 20
        self.collected(len(written), acked)
        told = collections.Counter(self.key_of_bill(message.content.unpaid_bill) for message in acked.values())
        self.assertEqual(told, collections.Counter(map(self.key_of_row, written)))
        after = [each for each in self.alerts() if each.alert_id not in before]
        self.assertEqual({each.message_id for each in after}, set(acked))
        self.assertEqual(len(after), len(written))
        self.suite.verify_logs()


if __name__ == "__main__":
    unittest.main()
