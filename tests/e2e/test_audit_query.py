"""Queries of the logs: through the command and an independent client, by scope, page by page, and exports."""

import datetime
import hashlib
import json
import unittest

import grpc

import suite

CHECK = "CHECK_DECIDED"


class AuditQueryTest(suite.SuiteTest):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        register = lambda acting, name, surname: cls.suite.command(
            "person", "register", "--id", name, "--surname", surname, acting=acting).stdout.strip()
        cls.hers = register("ville-paris/dsol", "Q-1", "Diallo")
        cls.other = register("caf/droits", "Q-2", "Martin")
        agreed = cls.suite.command("consent", "record", cls.hers, "--purpose", "RIGHTS_OPENING", "--category", "IDENTITY",
                                   "--recipient", "caf", "--method", "signed-paper", "--notice", "accord-general/3",
                                   acting="ville-paris/dsol")
        assert agreed.returncode == 0, agreed.stderr
        for _ in range(3):
            cls.check("ville-paris/dsol", cls.hers, "ville-paris", "caf")
        cls.check("caf/droits", cls.other, "caf", "cpam")
        cls.check("caf/droits", cls.other, "caf", "ville-paris")

    @classmethod
    def check(cls, acting, person, sender, recipient):
        consent = suite.pb("consent/v1/consent_service")
        types = suite.pb("common/v1/types")
        return cls.suite.client(acting).call("consent", "ConsentService", "Check", consent.CheckRequest(
            person=types.PersonRef(handle=person), sender=types.Party(institution=sender),
            recipient=types.Party(institution=recipient), purpose="RIGHTS_OPENING", categories=["IDENTITY"],
            act=types.ACT_TRANSMIT))

    def query(self, *arguments, acting="auditor/suite", code=0, reason="complaint 12", limit=0,
              service="consent"):
        """(leaves, end) of `audit query --json`."""
        done = self.suite.command("--json", "--reason", reason, "audit", "query", "--service", service, "--limit",
                                  limit, *arguments, acting=acting)
        self.assertEqual(done.returncode, code, done.stdout + done.stderr)
        lines = [json.loads(line) for line in done.stdout.splitlines()]
        return (lines[:-1], lines[-1]) if code == 0 else (lines, None)

    def call(self, acting, method, request, agent="reader-1", reason="complaint 12"):
        client = self.suite.client(acting, agent=agent)
        client.metadata.append(("relais-reason", reason))
        return client.call("consent", "AuditService", method, request)

    def test_filters_of_the_command(self):
        leaves, end = self.query("--class", CHECK)
        self.assertEqual(len(leaves), 5)
        self.assertTrue(end["complete"])
        indices = [int(leaf["index"]) for leaf in leaves]
        self.assertEqual(indices, sorted(indices, reverse=True))
        oldest, _ = self.query("--class", CHECK, "--oldest")
        self.assertEqual([int(leaf["index"]) for leaf in oldest], sorted(indices))
        for arguments, count in ((("--institution", "ville-paris"), 3), (("--recipient", "caf"), 3),
                                 (("--recipient", "cpam"), 1), (("--decision", "permit"), 3),
                                 (("--decision", "deny"), 2), (("--ground", "agreement"), 3),
                                 (("--category", "IDENTITY"), 5), (("--category", "HEALTH"), 0),
                                 (("--purpose", "RIGHTS_OPENING"), 5), (("--decision", "deny", "--recipient", "cpam"), 1),
                                 (("--institution", "caf", "--by-agent", "agent-1"), 2),
                                 (("--institution", "caf", "--by-agent", "agent-2"), 0),
                                 (("--from", "2027-01-01T00:00:00Z"), 0), (("--to", "2026-01-01T00:00:00Z"), 0),
                                 (("--to", "2027-01-01T00:00:00Z"), 5)):
            found, _ = self.query("--class", CHECK, *arguments)
            self.assertEqual(len(found), count, arguments)
        certificate = leaves[0]["actor"]["certificate"]
        self.assertEqual(len(self.query("--class", CHECK, "--certificate", certificate)[0]), 2)
        version = leaves[0]["header"]["directoryVersion"]
        self.assertEqual(len(self.query("--class", CHECK, "--directory-version", version)[0]), 5)
        reason = self.query("--class", CHECK, "--decision", "deny")[0][0]["details"]["denialReason"]
        self.assertEqual(len(self.query("--class", CHECK, "--denial-reason", reason)[0]), 2)
        relation = leaves[0]["details"]["relation"]
        self.assertEqual(len(self.query("--class", CHECK, "--relation", relation)[0]), 5)
        text = self.suite.command("--reason", "x", "audit", "query", "--service", "consent", "--class", CHECK, "--limit",
                                  2, acting="auditor/suite")
        self.assertIn("2 leaves of a log of", text.stdout)
        self.assertIn("raise --limit", text.stdout)

    def test_indexed_and_not_indexed_answer_alike(self):
        before, _ = self.query("--class", CHECK, "--recipient", "caf")

        def indexed():
            leaves, end = self.query("--class", CHECK, "--recipient", "caf")
            self.assertEqual([leaf["index"] for leaf in leaves], [leaf["index"] for leaf in before])
            return int(end["indexedThrough"]) > int(before[0]["index"])

        suite.wait_for("the indexes", indexed)

    def test_a_query_needs_a_motive_and_leaves_one_leaf(self):
        done = self.suite.command("audit", "query", "--service", "consent", acting="auditor/suite")
        self.assertNotEqual(done.returncode, 0)
        self.assertIn("--reason", done.stderr)
        before, _ = self.query("--class", "LOG_READ", reason="first")
        leaves, _ = self.query("--class", "LOG_READ", reason="second")
        self.assertEqual(len(leaves), len(before) + 1)
        newest = leaves[0]
        self.assertEqual(newest["actor"]["motive"], "first")
        self.assertEqual(newest["header"]["institution"], "auditor")
        self.assertEqual(newest["details"]["payload"]["kind"], "QUERY")
        self.assertEqual(newest["details"]["payload"]["filters"], ["event_classes"])

    def test_a_person_by_her_handle_in_a_case(self):
        done = self.suite.command("--reason", "x", "audit", "query", "--service", "consent", "--person", self.hers,
                                  "--handle-of", "ville-paris", acting="auditor/suite")
        self.assertNotEqual(done.returncode, 0, "without case number")
        leaves, _ = self.query("--person", self.hers, "--handle-of", "ville-paris", "--case", "2026-31")
        self.assertEqual({leaf["header"]["eventClass"].replace("EVENT_CLASS_", "") for leaf in leaves},
                         {"PERSON_REGISTERED", "CONSENT_RECORDED", CHECK})
        self.assertEqual(len(leaves), 5)
        raw = leaves[0]["details"]["subject"]["id"]
        # As her institution's DPO sees it: her handle, not the suite's id.
        own, _ = self.query("--person", self.hers, "--case", "2026-31", acting="ville-paris/dpo")
        self.assertEqual([leaf["index"] for leaf in own], [leaf["index"] for leaf in leaves])
        for leaf in own:
            self.assertEqual(leaf["person"]["handle"], self.hers)
            self.assertNotIn(raw, json.dumps(leaf))
        read, _ = self.query("--class", "LOG_READ")
        self.assertNotIn(self.hers, json.dumps(read))
        self.assertIn("2026-31", json.dumps(read))
        # Another institution's officer cannot name her.
        done = self.suite.command("--reason", "x", "audit", "query", "--service", "consent", "--person", self.hers,
                                  "--case", "2026-31", acting="edf/dpo")
        self.assertNotEqual(done.returncode, 0)

    def test_an_officer_sees_her_institution_and_nothing_else(self):
        everything, _ = self.query()
        expected = [leaf["index"] for leaf in everything if leaf["header"]["institution"] == "ville-paris"
                    or leaf["details"].get("recipient", {}).get("institution") == "ville-paris"]
        seen, _ = self.query(acting="ville-paris/dpo")
        mine = [leaf["index"] for leaf in seen if leaf["index"] in {each["index"] for each in everything}]
        self.assertEqual(mine, expected)
        self.assertGreaterEqual(len(mine), 6)
        for leaf in seen:
            own = leaf["header"]["institution"] == "ville-paris"
            self.assertEqual(leaf["actorOpening"], "OPENING_OPENED" if own else "OPENING_WITHHELD")
        for leaf in self.query(acting="edf/dpo")[0]:  # its own queries and what was refused to it
            self.assertEqual(leaf["header"]["institution"], "edf")
            self.assertIn(leaf["header"]["eventClass"], ("EVENT_CLASS_LOG_READ", "EVENT_CLASS_CALL_REFUSED"))

    def test_without_scope_nothing_and_a_leaf(self):
        done = self.suite.command("--reason", "x", "audit", "query", "--service", "consent", acting="ville-paris/dsol")
        self.assertNotEqual(done.returncode, 0, "a role that may not")
        done = self.suite.command("--reason", "x", "audit", "query", "--service", "consent",
                                  acting="defenseur-droits/enquete")
        self.assertNotEqual(done.returncode, 0, "the role without scope")

        def refusals():
            refused, _ = self.query("--class", "CALL_REFUSED")
            methods = [(leaf["header"]["institution"], leaf["details"]["payload"]["method"].rpartition("/")[2])
                       for leaf in refused]
            return {("ville-paris", "Query"), ("defenseur-droits", "Query")} <= set(methods)

        suite.wait_for("the leaves of the refusals", refusals)

    def test_a_search_for_an_agent_is_told_to_his_institution(self):
        self.query("--institution", "ville-paris", "--by-agent", "agent-1", reason="rumour")
        told, _ = self.query("--class", "AGENT_SEARCHED", acting="ville-paris/dpo")
        self.assertEqual(told[0]["details"]["payload"]["searchedBy"], "auditor/suite")
        self.assertEqual(self.query("--class", "AGENT_SEARCHED", acting="edf/dpo")[0], [])
        # And routing brings it to the DPO's desk, whichever log was searched.
        self.query("--institution", "ville-paris", "--by-agent", "agent-1", reason="rumour", service="alerting")

        def pulled():
            for message in self.suite.json("inbox", "pull", "dpo-ville-paris", "--ack",
                                           acting="ville-paris/dpo").get("messages", []):
                notice = message["content"]["agentSearch"]
                self.assertNotIn("handle", message.get("person") or {})
                self.assertEqual(notice["searchedBy"], "auditor/suite")
                self.assertNotIn("agent-1", json.dumps(message))
                searched.append((notice["service"], int(notice["leafIndex"])))
            return len(searched) >= 2

        searched = []
        suite.wait_for("the notices at the DPO's desk", pulled)
        self.assertIn(("consent", int(told[0]["index"])), searched)
        self.assertEqual(len({service for service, _ in searched}), 2)
        done = self.suite.command("--reason", "x", "audit", "query", "--service", "consent", "--by-agent", "agent-1",
                                  acting="auditor/suite")
        self.assertNotEqual(done.returncode, 0, "an agent of which institution?")

    def test_pages_of_an_independent_client(self):
        messages = suite.pb("audit/v1/audit_query")
        leaf = suite.pb("audit/v1/leaf")
        filters = messages.QueryFilters(event_classes=[leaf.EVENT_CLASS_CHECK_DECIDED], to=None)
        request = messages.QueryRequest(filters=filters, page_size=2)
        found = []
        while True:
            page = self.call("auditor/suite", "Query", request)
            found += page.leaves
            if not page.next_page_token:
                break
            token = page.next_page_token
            for change in ({"acting": "ville-paris/dpo"}, {"agent": "reader-2"}):
                self.refused(grpc.StatusCode.INVALID_ARGUMENT, "INVALID_FIELDS", self.call, **{
                    "acting": "auditor/suite", "method": "Query", **change, "request": messages.QueryRequest(
                        filters=filters, page_size=2, page_token=token)})
            forged = token[:20] + ("0" if token[20] != "0" else "1") + token[21:]
            for other in (messages.QueryRequest(page_size=2, page_token=token),
                          messages.QueryRequest(filters=filters, page_token=token,
                                                order=messages.QUERY_ORDER_OLDEST_FIRST),
                          messages.QueryRequest(filters=filters, page_token=forged)):
                self.refused(grpc.StatusCode.INVALID_ARGUMENT, "INVALID_FIELDS", self.call, "auditor/suite", "Query",
                             other)
            # The log grows, the pages stay.
            self.check("ville-paris/dsol", self.hers, "ville-paris", "caf")
            request.page_token = token
        indices = [each.index for each in found]
        self.assertEqual(indices, sorted(set(indices), reverse=True))
        self.assertGreaterEqual(len(indices), 5)
        self.assertLess(indices[0], page.log_size)
        # Each leaf is what the log proves.
        service = suite.pb("audit/v1/audit_service")
        proof = self.call("auditor/suite", "GetInclusionProof", service.GetInclusionProofRequest(
            leaf_index=found[0].index))
        self.assertEqual(proof.leaf_hash, hashlib.sha256(b"\0" + found[0].leaf).digest())

    def test_a_scope_granted_by_two(self):
        authority = "defenseur-droits/enquete"
        until = (self.suite.now() + datetime.timedelta(days=30)).isoformat()
        scope = lambda *arguments, acting, agent="auditor-1": self.suite.command(
            "--json", "--reason", "referral 12", "--agent", agent, "audit", "scope", *arguments, acting=acting)
        proposal = scope("propose", "--service", "consent", authority, "--until", until, acting="auditor/suite")
        self.assertEqual(proposal.returncode, 0, proposal.stderr)
        scope_id = json.loads(proposal.stdout)["scopeId"]
        self.query(acting=authority, code=9)
        approve = ("approve", "--service", "consent", scope_id)
        self.assertNotEqual(scope(*approve, acting="auditor/suite", agent="auditor-2").returncode, 0)
        self.assertNotEqual(scope(*approve, acting="operator/ops", agent="auditor-1").returncode, 0)
        self.assertNotEqual(scope(*approve, acting=authority).returncode, 0)
        self.assertNotEqual(scope("propose", "--service", "consent", authority, "--until", "2027-06-01T00:00:00Z",
                                  acting="auditor/suite").returncode, 0, "more than 90 days")
        approved = scope(*approve, acting="operator/ops", agent="operator-1")
        self.assertEqual(approved.returncode, 0, approved.stderr)
        leaves, _ = self.query("--class", "SCOPE_APPROVED", acting=authority)
        self.assertEqual(leaves[0]["details"]["payload"]["proposedBy"], "auditor/suite")
        listed = json.loads(scope("list", "--service", "consent", acting="operator/ops").stdout)["scopes"]
        self.assertEqual(listed[0]["state"], "STATE_IN_FORCE")
        self.suite.verify_logs()
        # It ends by itself, whatever restarts.
        self.suite.advance(days=31)
        self.query(acting=authority, code=9)
        listed = json.loads(scope("list", "--service", "consent", acting="operator/ops").stdout)["scopes"]
        self.assertEqual(listed[0]["state"], "STATE_ENDED")

    def test_an_export_is_the_log(self):
        path = self.suite.file("consent.export")
        done = self.suite.command("audit", "export", "--service", "consent", path, acting="auditor/suite")
        self.assertEqual(done.returncode, 0, done.stderr)
        done = self.suite.command("audit", "verify", path)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        read, _ = self.query("--class", "LOG_READ")
        self.assertIn("EXPORT", {leaf["details"]["payload"]["kind"] for leaf in read})
        # By hand, as an officer: her own leaves, and hashes with which the same root comes out.
        messages = suite.pb("audit/v1/audit_query")
        note, leaves, withheld = None, [], set()
        for message in self.call("edf/dpo", "Export", messages.ExportRequest()):
            if message.checkpoint:
                note = message.checkpoint
                continue
            self.assertEqual(message.first, len(leaves))
            withheld |= {len(leaves) + position for position in message.withheld}
            leaves += message.leaves
        size = int(note.split("\n")[1])
        self.assertEqual(len(leaves), size)
        self.assertGreater(len(withheld), size // 2)
        hashes = [leaf if index in withheld else hashlib.sha256(b"\0" + leaf).digest()
                  for index, leaf in enumerate(leaves)]
        self.assertEqual(suite_root(hashes), note.split("\n")[2])
        done = self.suite.command("audit", "export", "--service", "consent", path, acting="edf/dpo")
        self.assertNotEqual(done.returncode, 0)
        self.assertNotEqual(self.suite.command("audit", "export", "--service", "consent", path,
                                               acting="ville-paris/dsol").returncode, 0)


def suite_root(hashes):
    """RFC 9162 root, base64, the plain recursive way."""
    import base64

    def root(part):
        if len(part) == 1:
            return part[0]
        split = 1
        while split * 2 < len(part):
            split *= 2
        return hashlib.sha256(b"\1" + root(part[:split]) + root(part[split:])).digest()

    return base64.b64encode(root(hashes)).decode()


if __name__ == "__main__":
    unittest.main()
