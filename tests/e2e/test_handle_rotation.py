"""One institution's handles get keys of a new generation, on running services; the others' stay as they are."""

import shutil
import unittest

import grpc

import suite
from consent_case import CAF, CITY, Desk

COMING, PAST = "2026-12-01T00:00:00Z", "2026-11-01T00:00:00Z"  # the suite's clock says 10 November
ROTATED = """
handles:
  institutions:
    ville-paris:
      generation: 2
      retiring: 1
      retiring_until: "%s"
"""


class HandleRotationTest(suite.SuiteTest):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.configs = {service: cls.suite.path(service, "config.yaml") for service in suite.SERVICES}
        cls.unrotated = {service: suite.read(path).decode() for service, path in cls.configs.items()}
        added = cls.suite.json("pki", "handle-key")
        assert added == {"generation": 2}, added

    def setUp(self):
        self.city = Desk(self.suite, CITY)
        self.caf = Desk(self.suite, CAF, agent="cd-3")

    def restart(self, handles):
        """All services anew, with this added to the settings of each."""
        self.assertEqual(self.suite.down().returncode, 0)
        for service, path in self.configs.items():
            with open(path, "w", encoding="utf-8") as out:
                out.write(self.unrotated[service] + handles)
        self.suite.up()

    def resolve(self, desk, person):
        return desk.call("PersonService", "Resolve", desk.persons.ResolveRequest(person=person))

    def translate(self, desk, *persons):
        request = desk.persons.TranslateHandlesRequest(handles=[person.handle for person in persons])
        return [(each.handle, each.changed, each.error)
                for each in desk.call("PersonService", "TranslateHandles", request).handles]

    def elsewhere(self, person):
        """What routing and the vault make of the city's name of her: reasons of their answers."""
        referent = suite.pb("routing/v1/referent_service").GetReferentRequest(person=person)
        papers = suite.pb("vault/v1/document_service").ListRequest(person=person)
        reasons = []
        for service, grpc_service, method, request in (("routing", "ReferentService", "GetReferent", referent),
                                                       ("vault", "DocumentService", "List", papers)):
            try:
                self.city.client.call(service, grpc_service, method, request)
                reasons.append("")
            except grpc.RpcError as error:
                reasons.append(suite.reason_of(error))
        return reasons

    def test_one_institutions_handles_are_rotated_and_the_old_ones_end(self):
        first = self.city.register("rotation-1", surname="Diallo", first_names="Awa")
        second = self.city.register("rotation-2", surname="Keita", first_names="Ali")
        theirs = self.caf.register("rotation-3", surname="Traore", first_names="Oumar")
        self.assertEqual(self.translate(self.city, first, second),
                         [(first.handle, False, ""), (second.handle, False, "")])

        self.restart(ROTATED % COMING)
        # The old names are understood, and answered with the new ones.
        renamed = self.resolve(self.city, first).person
        self.assertNotEqual(renamed.handle, first.handle)
        self.assertEqual(self.resolve(self.city, renamed).own_identifier, "rotation-1")
        self.assertEqual(self.city.register("rotation-1", surname="Diallo", first_names="Awa"), renamed)
        self.assertNotIn("NOT_YOUR_HANDLE", self.elsewhere(first) + self.elsewhere(renamed))
        both = self.translate(self.city, first, second, renamed, theirs)
        self.assertEqual(both[0], (renamed.handle, True, ""))
        self.assertEqual(both[1], (self.resolve(self.city, second).person.handle, True, ""))
        self.assertEqual(both[2], (renamed.handle, False, ""))
        self.assertEqual(both[3], ("", False, "ERROR_REASON_NOT_YOUR_HANDLE"))
        said = self.suite.command("person", "translate", first.handle, second.handle, acting=CITY)
        self.assertEqual(said.stdout, "%s %s\n%s %s\n" % (first.handle, both[0][0], second.handle, both[1][0]),
                         said.stderr)
        # The other institution's are as they were.
        self.assertEqual(self.translate(self.caf, theirs), [(theirs.handle, False, "")])
        self.assertEqual(self.resolve(self.caf, theirs).person, theirs)

        self.restart(ROTATED % PAST)
        refused = self.refused(grpc.StatusCode.INVALID_ARGUMENT, "NOT_YOUR_HANDLE", self.resolve, self.city, first)
        self.assertNotIn(first.handle, refused.details())
        self.assertEqual(self.elsewhere(first), ["NOT_YOUR_HANDLE"] * 2)
        self.assertEqual(self.translate(self.city, first, renamed),
                         [("", False, "ERROR_REASON_NOT_YOUR_HANDLE"), (renamed.handle, False, "")])
        self.assertEqual(self.resolve(self.city, renamed).person, renamed)
        self.assertNotIn("NOT_YOUR_HANDLE", self.elsewhere(renamed))
        self.assertEqual(self.resolve(self.caf, theirs).person, theirs)

    def test_no_service_starts_on_settings_that_do_not_fit(self):
        """Each is started beside the running one: what is wrong is found before the store is opened."""
        wrong = {
            "handles.institutions.ville-pariss": ["generation=2"],
            "handles.institutions.caf.generation": ["generation=9"],
            "handles.institutions.caf.retiring_until": ["generation=2", "retiring=1", "retiring_until=demain"],
        }
        for service in suite.SERVICES:
            binary = shutil.which("relais-" + service, path=self.suite.env["PATH"])
            flags = suite.read(self.suite.path(service, "flags")).decode().split()
            for key, values in wrong.items():
                entry = key if key.endswith("ville-pariss") else "handles.institutions.caf"
                settings = [each for value in values for each in ("--set", "%s.%s" % (entry, value))]
                with self.subTest(service=service, key=key):
                    done = suite.run([binary, "--config", self.configs[service], *flags, *settings], timeout=60)
                    self.assertNotEqual(done.returncode, 0)
                    self.assertIn(key, done.stderr)


if __name__ == "__main__":
    unittest.main()
