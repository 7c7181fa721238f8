"""Every row of unseen feeds, judged twice: by the suite and by judge.py."""

import collections
import random
import re
import unicodedata
import unittest

import feedgen
import judge
import suite

TIME_REASONS = ("FUTURE_DATE", "WINDOW_OPEN", "TOO_EARLY")
FORM_REASONS = {"MALFORMED", "BAD_ENCODING", "MISSING_FIELD", "TOO_LONG", "NIR_DETECTED", "UNKNOWN_CODE", "BAD_DATE",
                "BAD_POSTAL_CODE", "OUT_OF_TERRITORY"}
# Every reason that a feed of that type can have (docs/formats.md, "Order of judgement").
REASONS = {
    "edf": FORM_REASONS | {"BAD_AMOUNT", "UNEXPECTED_FIELD", "OPPOSED", "REFERENCE_REUSED", "FUTURE_DATE", "TOO_OLD",
                           "WINDOW_OPEN", "TOO_EARLY", "NO_GROUND"},
    "bspp": FORM_REASONS | {"IMMEDIATE_DANGER", "REFERENCE_REUSED", "FUTURE_DATE", "TOO_OLD", "NO_GROUND"},
}
# Words of an outcome, which a name might equal.
OWN_WORDS = {"reference", "adresse", "commune"}


def expected_line(outcome, line):
    """As it should be; the reference of a record that cannot be read may be given or not."""
    reference = line[1] if outcome.reference is None and line[1] else outcome.reference or ""
    return [str(outcome.line), reference, outcome.outcome, outcome.reason]


def personal_texts(rows):
    """Values of a feed that no result file may hold."""
    texts = set()
    for row in rows:
        person = row.get("person") or {}
        place = row.get("place") or {}
        for holder, names in ((row, ("nom", "prenoms", "adresse", "facts", "reported_words", "ground_facts")),
                              (person, ("nom", "prenoms", "alias", "telephone", "naissance")),
                              (place, ("adresse", "repere", "acces", "etage"))):
            for name in names:
                value = holder.get(name) if isinstance(holder, dict) else None
                if isinstance(value, str) and len(value.strip()) > 4:
                    texts.add(value.strip())
    return texts - OWN_WORDS


class FeedCase(suite.SuiteTest):
    def sent(self, kind, data, sender, acting, options=(), encoding="utf-8"):
        """Imports, compares each line with the judge's, and returns the process."""
        today = self.suite.now().astimezone(judge.PARIS).date()
        if kind == "edf":
            expected = judge.judge_edf(data, sender, today, encoding)
        else:
            expected = judge.judge_bspp(data, sender, self.suite.now())
        lines, done = self.suite.import_feed(kind, data, acting, name="feed", codes=None, options=options)
        wrong = [(want, got) for want, got in zip(expected, lines) if expected_line(want, got) != got[:4]]
        self.assertEqual(wrong[:20], [], "%d lines differ (judge, suite)" % len(wrong))
        self.assertEqual(len(lines), len(expected))
        for outcome, line in zip(expected, lines):
            self.assertEqual(line[4], outcome.retry_after if outcome.reason in TIME_REASONS else "", line)
        refused = [outcome for outcome in expected if outcome.outcome == "REFUSED"]
        self.assertEqual(done.returncode, 3 if refused else 0, done.stderr)
        self.check_refused_file(refused)
        return expected, done

    def check_refused_file(self, refused):
        text = suite.read(self.suite.file("feed.refused.csv")).decode()
        lines = [line.split(";") for line in text.splitlines()[1:]]
        self.assertEqual(len(lines), len(refused))
        for each, line in zip(refused, lines):
            reference = line[1] if each.reference is None else each.reference
            self.assertEqual(line, [str(each.line), reference, each.reason, each.field])

    def check_nothing_personal(self, rows, done):
        written = [suite.read(self.suite.file(name)).decode() for name in ("feed.results", "feed.refused.csv")]
        text = unicodedata.normalize("NFC", "\n".join(written + [done.stdout, done.stderr]))
        for personal in personal_texts(rows):
            self.assertNotIn(unicodedata.normalize("NFC", personal), text)
        self.assertIsNone(re.search("206.?1275.?1110", text), "a NIR")
        for service in suite.SERVICES:
            log = self.suite.log(service)
            for personal in personal_texts(rows):
                if len(personal) > 12:
                    self.assertNotIn(personal, log)


class UnseenFeedsTest(FeedCase):
    def edf(self, seeds, acting, convention, rows):
        sender = judge.Sender(convention)
        seen = set()
        for seed in seeds:
            with self.subTest(seed=seed, acting=acting):
                data, written = feedgen.edf(seed, rows, self.suite.now(), prefix="R%s" % seed)
                expected, done = self.sent("edf", data, sender, acting)
                self.check_nothing_personal(written, done)
                seen |= {each.reason for each in expected}
                again, _ = self.sent("edf", data, sender, acting)
                came_back = {each.line for each in again if each.outcome == "DUPLICATE"}
                self.assertTrue({each.line for each in expected if each.outcome == "ACCEPTED"} <= came_back)
        self.assertEqual(seen - {""}, REASONS["edf"])

    def test_edf_of_a_sender_with_a_convention(self):
        self.edf(range(1, 6), "edf/billing", True, 1200)

    def test_edf_of_a_sender_without(self):
        self.edf(range(101, 104), "engie/billing", False, 1200)

    def test_bspp(self):
        sender = judge.Sender(False)
        seen = set()
        for seed in range(1, 5):
            with self.subTest(seed=seed):
                data, written = feedgen.bspp(seed, 500, self.suite.now(), prefix="B%s" % seed)
                expected, done = self.sent("bspp", data, sender, "bspp/dispatch")
                self.check_nothing_personal(written, done)
                seen |= {each.reason for each in expected}
                again, _ = self.sent("bspp", data, sender, "bspp/dispatch")
                came_back = {each.line for each in again if each.outcome == "DUPLICATE"}
                self.assertTrue({each.line for each in expected if each.outcome == "ACCEPTED"} <= came_back)
        self.assertEqual(seen - {""}, REASONS["bspp"])


class SingleFileTest(FeedCase):
    def good(self, rows=20, seed="good", **options):
        return feedgen.edf(seed, rows, self.suite.now(), bad=0, prefix="G", **options)[0]

    def test_an_encoding_is_said_never_guessed(self):
        data, _ = feedgen.edf("latin", 60, self.suite.now(), bad=0, prefix="W", encoding="windows-1252")
        sender = judge.Sender(True)
        self.sent("edf", data, sender, "edf/billing", ("--encoding", "windows-1252"), "cp1252")
        expected, _ = self.sent("edf", data, sender, "edf/billing")
        self.assertIn("BAD_ENCODING", {each.reason for each in expected})

    def test_a_file_is_refused_whole(self):
        good = self.good().removeprefix(b"\xef\xbb\xbf")
        header, _, rest = good.partition(b"\n")
        header = header.rstrip(b"\r").replace(b'"', b"")
        listed = header.split(b";")
        cases = {
            "unknown": header + b";telephone",
            "missing": b";".join(listed[1:]),
            "repeated": header + b";" + listed[0],
            "renamed": header.replace(b"commune", b"ville"),
            "not UTF-8": header.replace(b"periode_debut", b"p\xe9riode_debut"),
            "comma": header.replace(b";", b","),
        }
        files = {name: head + b"\n" + rest for name, head in cases.items()}
        files["UTF-16"] = b"\xff\xfe" + good.decode().encode("utf-16-le")
        files["UTF-16 BE"] = b"\xfe\xff" + good.decode().encode("utf-16-be")
        files["empty"] = b""
        for name, data in files.items():
            with self.subTest(name):
                with self.assertRaises(judge.FileRefused):
                    judge.judge_edf(data, judge.Sender(True), self.suite.now().date())
                lines, done = self.suite.import_feed("edf", data, "edf/billing", name="feed", codes=(4,))
                self.assertEqual(lines, [])
                self.assertNotIn("Ménilmontant", done.stderr)

    def shaped_bills(self, shape):
        """A good bill per shape(bill, number); a list of rows as bytes, without line ends."""
        feed = feedgen.EdfFeed(random.Random("shapes"), self.suite.now().astimezone(judge.PARIS).date(), 0, 0, "S")
        rows = []
        for number, change in enumerate(shape):
            row = feed.bill(feedgen.Person(feed.rng))
            row.update(evenement="LETTRE_1", fondement="ART2", fin_opposition=row["date_evenement"] + 9 * feedgen.DAY,
                       prenoms="Zoé %s" % "ABCDEFGHIJKLMNOPQRSTUVWXYZ"[number], reference="S-%d" % number,
                       fluide="ELECTRICITE", option_tarifaire="")
            change(row)
            rows.append(";".join(str(row[name]) for name in feedgen.COLUMNS).encode())
        return rows

    def test_no_shape_of_a_row_stops_a_file(self):
        def padded(name, size, quoted=False):
            def change(row):
                text = " " * size + row[name] + "\u00a0 "
                row[name] = '"%s"' % text if quoted else text
            return change

        def filled(name, size, quoted=False):
            def change(row):
                row[name] = '"%s"' % ("x" * size) if quoted else "x" * size
            return change

        def total(size):
            def change(row):
                rest = len(";".join(str(row[name]) for name in feedgen.COLUMNS).encode())
                row["adresse"] = " " * (size - rest) + row["adresse"]
            return change

        limit = judge.LONGEST_RECORD
        shapes = [padded("nom", size) for size in (65_500, 65_535, 65_536, 65_537, 200_000, 900_000)]
        shapes += [padded("adresse", 70_000, True), padded("montant_du", 70_000), padded("reference", 70_000, True)]
        shapes += [filled("nom", size) for size in (100, 101, 65_535, 65_536, 65_537, 900_000)]
        shapes += [filled("commune", 70_000, True), filled("code_postal", 70_000), filled("reference", 65)]
        shapes += [total(limit - 1), total(limit), total(limit + 1), total(limit + 2), total(2 * limit)]
        rows = self.shaped_bills(shapes)
        blank = [b" " * 70_000, b"\t \xc2\xa0" * 400_000]
        lines = [";".join(feedgen.COLUMNS).encode(), blank[0]] + rows[:10] + blank + rows[10:] + blank
        sender = judge.Sender(True)
        expected, _ = self.sent("edf", b"\n".join(lines), sender, "edf/billing")
        self.assertEqual(collections.Counter(each.reason for each in expected),
                         {"": 12, "TOO_LONG": 6, "BAD_POSTAL_CODE": 1, "MALFORMED": 4})
        self.sent("edf", b"\r\n".join([lines[0]] + rows), sender, "edf/billing")

    def test_no_length_of_a_report_stops_a_file(self):
        data, reports = feedgen.distinct_reports("shapes", 9, self.suite.now(), prefix="L")
        good = data.splitlines()
        limit = 64 * 1024

        def spaced(line, size):
            return line[:1] + b" " * (size - len(line)) + line[1:]

        lines = [spaced(good[0], limit - 1), spaced(good[1], limit), spaced(good[2], limit + 1), b" " * 70_000,
                 spaced(good[3], 200_000), b"\t" * 2_000_000, good[4], b" " * (limit - len(good[5])) + good[5],
                 b" " * (limit + 1 - len(good[6])) + good[6], b" " * 900_000 + good[7], good[8], b"\xc2\xa0" * 40_000]
        expected, _ = self.sent("bspp", b"\n".join(lines), judge.Sender(False), "bspp/dispatch")
        self.assertEqual([each.reason for each in expected],
                         ["", "", "MALFORMED", "MALFORMED", "", "", "MALFORMED", "MALFORMED", ""])

    def test_all_accepted_is_0_and_interrupted_is_5(self):
        cut = feedgen.letters("ok", 30, self.suite.now(), prefix="OK")
        _, done = self.suite.import_feed("edf", cut, "edf/billing", codes=(0,))
        self.suite.kill("alerting")
        lines, done = self.suite.import_feed("edf", feedgen.letters("late", 30, self.suite.now(), prefix="L"),
                                             "edf/billing", codes=(5,))
        self.assertFalse([line for line in lines if line[2] == "ACCEPTED"], done.stdout)
        self.suite.up()
        self.suite.import_feed("edf", feedgen.letters("late", 30, self.suite.now(), prefix="L"), "edf/billing")

    def test_check_judges_a_file_offline(self):
        data, _ = feedgen.edf("offline", 300, self.suite.now(), prefix="O")
        path = self.suite.file("offline.csv", data)
        offline = {name: "" for name in ("RELAIS_CONSENT", "RELAIS_ROUTING", "RELAIS_ALERTING")}
        done = self.suite.command("signal", "check", "--type", "edf", path, acting="edf/billing", env=offline)
        self.assertEqual(done.returncode, 3, done.stdout + done.stderr)
        self.assertNotIn("Ménilmontant", done.stdout + done.stderr)


if __name__ == "__main__":
    unittest.main()
