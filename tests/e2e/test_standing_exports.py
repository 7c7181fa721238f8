"""Exports that stand still, as many as there may be, keep another institution's waiting only for as long as streams may stand still (ADR 84, D-3.4)."""

import unittest

import grpc

import suite
from test_vault import CAF, CITY, VaultCase, pdf

EMMAUS = "emmaus/maraude"
EACH = 4  # exports of one institution at once; of all together twice as many
SIZE = 32 << 20  # more than waits on a connection


class StandingExportsTest(VaultCase):
    settings = {"streams.standing": "2s"}

    def setUp(self):
        self.service = suite.pb("vault/v1/export_service")
        self.types = suite.pb("common/v1/types")

    def hosted(self, acting):
        """Her handle at an institution that is her host and has one paper of hers."""
        person = suite.pb("consent/v1/person_service")
        handle = self.suite.client(acting).call("consent", "PersonService", "Register", person.RegisterRequest(
            request_id=suite.new_id(), own_identifier=suite.new_id())).person.handle
        agreement = self.agree(handle, "host", acting.split("/", maxsplit=1)[0], acting=acting)
        self.relais("document", "link-host", handle, "--consent", agreement, "--purpose", "RIGHTS_OPENING", acting=acting)
        self.put(handle, pdf(SIZE), acting=acting)
        return handle

    def export(self, handle, acting):
        """A stream that has begun and is read no further."""
        channel = self.suite.open("vault", self.suite.credentials(acting))
        self.addCleanup(channel.close)
        stub = suite.stub(channel, "vault/v1/export_service", "ExportService")
        stream = stub.Export(self.service.ExportRequest(person=self.types.PersonRef(handle=handle)), timeout=600,
                             metadata=self.suite.client(acting).metadata)
        self.addCleanup(stream.cancel)
        self.assertEqual(len(next(stream).start.export_id), 32)
        return stream

    def try_export(self, handle, acting):
        """Its reason; None: it began."""
        try:
            self.export(handle, acting)
        except grpc.RpcError as error:
            return suite.reason_of(error)
        return None

    def test_nobody_is_kept_out_by_who_does_nothing(self):
        handles = {acting: self.hosted(acting) for acting in (CITY, CAF, EMMAUS)}
        standing = [self.export(handles[acting], acting) for acting in (CITY, CAF) for _ in range(EACH)]
        self.assertEqual(self.try_export(handles[EMMAUS], EMMAUS), "OVERLOADED")
        suite.wait_for("an export of another's", lambda: self.try_export(handles[EMMAUS], EMMAUS) is None, timeout=120, pause=1)
        # Who stood still is told why, once it takes notice, or that it is over.
        with self.assertRaises(grpc.RpcError) as caught:
            for _ in standing[0]:
                pass
        self.assertIn((caught.exception.code(), suite.reason_of(caught.exception)),
                      ((grpc.StatusCode.RESOURCE_EXHAUSTED, "OVERLOADED"), (grpc.StatusCode.CANCELLED, "")))


if __name__ == "__main__":
    unittest.main()
