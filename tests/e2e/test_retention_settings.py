"""What the operators say of how long things are kept is what holds (D-2.10)."""

import datetime
import os
import subprocess
import unittest

import suite
from consent_case import Desk

MONTHS = 2
BINARY = os.path.join(suite.ROOT, "build", suite.preset(), "bin", "relais-consent")


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
        config = self.suite.path("consent", "config.yaml")
        for months in ("0", "quelques", "100000"):
            with self.subTest(months):
                done = subprocess.run([BINARY, "--config", config, "--set", "retention.agreement_months=" + months,
                                       "--check-config"], cwd=self.suite.dir, capture_output=True, text=True, check=False)
                self.assertNotEqual(done.returncode, 0)
                self.assertIn("retention.agreement_months", done.stderr + done.stdout)


if __name__ == "__main__":
    unittest.main()
