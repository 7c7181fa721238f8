"""What the operators say of how long things are kept is what holds (D-2.10)."""

import datetime
import os
import subprocess
import unittest

import suite
from consent_case import Desk

MONTHS = 2
# Every setting of how long something is kept, of every service that has it.
KEYS = {
    "consent": ["retention.person_months", "retention.agreement_months", "retention.objection_months",
                "retention.erasure_notice_months", "audit.agent_names_months"],
    "routing": ["retention.notice_months", "audit.agent_names_months"],
    "alerting": ["retention.signal_months", "retention.alert_months", "audit.agent_names_months"],
    "vault": ["audit.agent_names_months"],
}


class RetentionSettingsTest(suite.SuiteTest):
    settings = {"retention.objection_months": str(MONTHS), "retention.agreement_months": "1"}

    def test_an_objection_is_kept_as_long_as_the_operators_say(self):
        desk = Desk(self.suite)
        identity = desk.consent.RecordIdentity(nom="Diallo", prenoms="Awa", adresse="12 rue de Tolbiac", code_postal="75013")
        answer = desk.call("ConsentService", "RecordObjection", desk.consent.RecordObjectionRequest(
            request_id=suite.new_id(), suppliers=["edf"], identity=identity))
        kept = answer.kept_until.ToDatetime() - answer.written.time.ToDatetime()
        self.assertGreater(kept, datetime.timedelta(days=28 * MONTHS - 1))
        self.assertLess(kept, datetime.timedelta(days=31 * MONTHS + 1))

    def test_what_is_no_number_of_months_stops_the_start(self):
        for service, keys in KEYS.items():
            self.check(service, keys[0] + "=7", refused=False)
            for key in keys:
                for months in ("0", "quelques", "100000"):
                    with self.subTest(service=service, key=key, months=months):
                        self.assertIn(key, self.check(service, key + "=" + months, refused=True))

    def check(self, service, setting, refused):
        """What a service says of its settings with that one."""
        binary = os.path.join(suite.ROOT, "build", suite.preset(), "bin", "relais-" + service)
        done = subprocess.run([binary, "--config", self.suite.path(service, "config.yaml"), "--set", setting, "--check-config"],
                              cwd=self.suite.dir, capture_output=True, text=True, check=False)
        self.assertEqual(done.returncode != 0, refused, setting + ": " + done.stderr)
        return done.stderr + done.stdout


if __name__ == "__main__":
    unittest.main()
