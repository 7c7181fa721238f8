"""What operators do while services run: they look at metrics, issue keys, stop and start."""

import os
import re
import shutil
import signal
import time
import unittest
import urllib.request

import suite

HEADER = ";".join(("reference", "fondement", "evenement", "date_evenement", "fluide", "opposition", "fin_opposition",
                   "nom", "prenoms", "adresse", "commune", "code_postal", "option_tarifaire", "montant_du",
                   "periode_debut", "periode_fin"))


def cut(reference, opposition="NON", name="Keita"):
    """A cut of 1 November, judged on the 10th."""
    return ("%s\n%s;ART6;COUPURE;2026-11-01;GAZ;%s;;%s;Zoé;3 rue Brady;Paris;75010;;12,00;2026-08-01;2026-09-30\n" %
            (HEADER, reference, opposition, name)).encode()


class OperateTest(suite.SuiteTest):
    def metrics(self, service):
        """Everything a scrape shows: {'relais_log_size': 3.0, 'relais_lease_seconds{peer="consent"}': 1.9}."""
        config = suite.read(self.suite.path(service, "config.yaml")).decode()
        address = re.search(r'^metrics:\n  listen: "(.*)"$', config, re.MULTILINE)[1]
        with urllib.request.urlopen("http://%s/metrics" % address, timeout=5) as answer:
            lines = answer.read().decode().splitlines()
        return {name: float(value) for name, _, value in (line.rpartition(" ") for line in lines)
                if not name.startswith("#")}

    def lease(self, service):
        return self.metrics(service)['relais_lease_seconds{peer="consent"}']

    def test_followers_are_shown(self):
        for service in ("routing", "alerting", "vault"):
            suite.wait_for("a lease", lambda service=service: self.lease(service) > 0)
            self.assertLessEqual(self.lease(service), 2)
            suite.wait_for("no lag", lambda service=service: self.metrics(service)[
                'relais_follower_lag_leaves{peer="consent"}'] == 0)
        alerting = self.metrics("alerting")
        self.assertIn('relais_follower_lag_leaves{peer="routing"}', alerting)
        self.assertIn('relais_follower_lag_leaves{peer="vault"}', alerting)
        self.assertNotIn('relais_lease_seconds{peer="routing"}', alerting)  # it holds none
        self.suite.kill("consent")
        suite.wait_for("the end of the lease", lambda: self.lease("routing") == 0)
        self.suite.up()
        suite.wait_for("a lease again", lambda: self.lease("routing") > 0)

    def test_a_new_suppression_key_needs_no_restart(self):
        pids = [self.suite.pid(service) for service in suite.SERVICES]
        holder = self.suite.path("pki", "institutions", "edf", "suppression.key")
        before = self.suite.file("suppression-1.key")
        shutil.copy(holder, before)
        self.suite.import_feed("edf", cut("K-1"), "edf/billing")
        issued = self.suite.json("pki", "suppression-key", "edf")
        self.assertEqual(issued["version"], 2)

        def old_file_refused():
            # A duplicate changes nothing; the file of version 1 serves until alerting has the second.
            _, done = self.suite.import_feed("edf", cut("K-1"), "edf/billing", codes=None,
                                             options=("--suppression-key", before))
            return done.returncode != 0 and "lacks version 2" in done.stderr
        suite.wait_for("version 2 in use", old_file_refused)
        lines, _ = self.suite.import_feed("edf", cut("K-2"), "edf/billing")
        self.assertEqual(lines[0][2], "ACCEPTED")
        # The objection's digest is under version 2, and consent takes it.
        size = self.metrics("consent")["relais_log_size"]
        lines, _ = self.suite.import_feed("edf", cut("K-3", "OUI", "Sylla"), "edf/billing", codes=(3,))
        self.assertEqual(lines[0][3], "OPPOSED")
        suite.wait_for("the objection in consent's log", lambda: self.metrics("consent")["relais_log_size"] > size)
        lines, _ = self.suite.import_feed("edf", cut("K-4", "NON", "Sylla"), "edf/billing", codes=(3,))
        self.assertEqual(lines[0][3], "OPPOSED")
        self.assertNotIn("cannot be reported", self.suite.log("alerting"))
        self.assertEqual([self.suite.pid(service) for service in suite.SERVICES], pids)

    def test_an_idle_service_stops_at_once(self):
        for service in suite.SERVICES:
            pid = self.suite.pid(service)
            started = time.monotonic()
            os.kill(pid, signal.SIGTERM)
            suite.wait_for("its end", lambda service=service: not self.suite.running(service), pause=0.01)
            self.assertLess(time.monotonic() - started, 10, service)  # seconds; it waits for nothing
        self.suite.up()

    def test_a_system_without_certificate_is_told_at_once(self):
        done = self.suite.command("person", "register", "--id", "x", "--surname", "Y", acting="edf/biling")
        self.assertEqual(done.returncode, 2, done.stderr)
        self.assertIn("no certificate for edf/biling", done.stderr)

    def test_a_key_that_is_no_root_key_signs_only_under_a_name(self):
        key = self.suite.file("stray.key", b"%064x\n" % 7)
        os.chmod(key, 0o600)
        copy = self.suite.file("copy.yaml", suite.read(self.suite.path("directory", "directory.yaml")))
        done = self.suite.command("directory", "sign", copy, "--key", key)
        self.assertEqual(done.returncode, 1, done.stderr)
        self.assertIn("is not in", done.stderr)
        self.assertFalse(os.path.exists(copy + ".sig"))
        done = self.suite.command("directory", "sign", copy, "--key", key, "--name", "next-root")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn(b"\nnext-root ", suite.read(copy + ".sig"))


if __name__ == "__main__":
    unittest.main()
