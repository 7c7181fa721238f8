"""scripts/up.sh and scripts/down.sh."""

import os
import socket
import tempfile
import time
import unittest

import suite


class ScriptsTest(unittest.TestCase):
    def pids(self, running):
        return {service: running.pid(service) for service in suite.SERVICES}

    def test_up_starts_what_is_not_running(self):
        with suite.Suite() as one:
            before = self.pids(one)
            one.up()
            self.assertEqual(self.pids(one), before)
            one.kill("routing")
            one.up()
            after = self.pids(one)
            self.assertNotEqual(after["routing"], before["routing"])
            self.assertEqual((after["consent"], after["alerting"]), (before["consent"], before["alerting"]))

    def test_down_is_clean_and_up_keeps_stores_ports_and_clock(self):
        with suite.Suite() as one:
            shown = one.now()
            targets = [one.target(service) for service in suite.SERVICES]
            registered = one.json("person", "register", "--id", "case-1", "--surname", "Traoré",
                                  acting="ville-paris/dsol")
            stopped = one.down()
            self.assertEqual((stopped.returncode, stopped.stderr), (0, ""))
            self.assertFalse([service for service in suite.SERVICES if one.running(service)])
            self.assertEqual(one.down().returncode, 0)
            one.up()
            self.assertEqual([one.target(service) for service in suite.SERVICES], targets)
            self.assertTrue(0 <= (one.now() - shown).total_seconds() < 120)
            again = one.json("person", "register", "--id", "case-1", "--surname", "Traoré",
                             acting="ville-paris/dsol")
            self.assertEqual(again["person"], registered["person"])
            for service in suite.SERVICES:
                with self.subTest(service):
                    started = suite.wait_for("a log", lambda: one.log(service))
                    self.assertNotIn("roll", started.lower())
            one.verify_logs()

    def test_the_test_clock_is_what_services_judge_by(self):
        with suite.Suite("2027-03-02T08:00:00+01:00") as one:
            self.assertEqual(one.now().date().isoformat(), "2027-03-02")
            header = ";".join(("reference", "fondement", "evenement", "date_evenement", "fluide", "opposition",
                               "fin_opposition", "nom", "prenoms", "adresse", "commune", "code_postal",
                               "option_tarifaire", "montant_du", "periode_debut", "periode_fin"))
            row = "T-%d;ART6;COUPURE;2027-%s;GAZ;NON;;Keita;Zoé;3 rue Brady;Paris;75010;;12,00;2026-11-01;2026-12-30"
            data = "\n".join((header, row % (1, "02-24"), row % (2, "02-25"), row % (3, "03-03"))).encode()
            for _ in range(2):
                lines, _ = one.import_feed("edf", data, "edf/billing", codes=(3,))
                self.assertIn(lines[0][2], ("ACCEPTED", "DUPLICATE"))
                self.assertEqual([line[3] for line in lines[1:]], ["TOO_EARLY", "FUTURE_DATE"])
                one.down()
                one.up()

    def test_two_suites_side_by_side(self):
        with suite.Suite() as one, suite.Suite("2026-12-24T18:00:00+01:00") as other:
            self.assertFalse({one.target(each) for each in suite.SERVICES} &
                             {other.target(each) for each in suite.SERVICES})
            for each in (one, other):
                self.assertEqual(each.command("status").returncode, 0)
            # A certificate of one is foreign to the other.
            folder = one.path("pki", "institutions", "auditor", "suite")
            done = other.command("--timeout", "2s", "audit", "checkpoint", "--service", "consent", env={
                "RELAIS_CERTIFICATE": folder + "/tls.crt", "RELAIS_KEY": folder + "/tls.key"})
            self.assertNotEqual(done.returncode, 0)

    def test_wrong_use(self):
        up = os.path.join(suite.ROOT, "scripts", "up.sh")
        down = os.path.join(suite.ROOT, "scripts", "down.sh")
        self.assertEqual(suite.run([up]).returncode, 2)
        self.assertEqual(suite.run([up, "/nowhere", "--clock", "x"]).returncode, 2)
        self.assertEqual(suite.run([down]).returncode, 2)
        self.assertEqual(suite.run([up, "one", "two"]).returncode, 2)
        absent = suite.run([down, "/nowhere-at-all"])
        self.assertEqual((absent.returncode, absent.stderr), (2, "there is no suite under /nowhere-at-all\n"))
        for script in (up, down):
            helped = suite.run([script, "--help"])
            self.assertEqual(helped.returncode, 0)
            self.assertIn("usage: scripts/" + os.path.basename(script), helped.stdout)

    def test_a_service_that_cannot_start_is_told_at_once(self):
        with suite.Suite() as one:
            one.down()
            host, port = one.target("consent").rsplit(":", 1)
            with socket.socket() as taken:
                taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                taken.bind((host, int(port)))
                taken.listen()
                begun = time.monotonic()
                started = suite.run([os.path.join(suite.ROOT, "scripts", "up.sh"), one.dir], env=one.env)
                self.assertEqual(started.returncode, 1)
                self.assertLess(time.monotonic() - begun, 30)
                self.assertIn("relais-consent did not start", started.stderr)
                self.assertIn("cannot listen on " + one.target("consent"), started.stderr)
            one.up()

    def test_a_folder_without_suite_is_not_stopped(self):
        with tempfile.TemporaryDirectory() as empty:
            down = os.path.join(suite.ROOT, "scripts", "down.sh")
            self.assertEqual(suite.run([down, empty]).returncode, 2)

    def test_the_clock_of_one_suite_does_not_stay_with_the_next(self):
        with suite.Suite("2026-12-24T18:00:00+01:00") as one, suite.Suite(clock="") as other:
            sourced = suite.run(["bash", "-c", 'source "$0"; source "$1"; echo "${RELAIS_TEST_CLOCK-none}"',
                                 one.path("env"), other.path("env")])
            self.assertEqual(sourced.stdout, "none\n")


if __name__ == "__main__":
    unittest.main()
