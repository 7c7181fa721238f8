"""The page she keeps: checked with every service down, printed, as text or by its QR code alone; in a language of one's own."""

import html
import json
import os
import re
import unittest

import suite
from consent_case import CITY, Desk

CATALOGUES = os.path.join(suite.ROOT, "common", "receipt", "catalog")
CODE = re.compile(r"RELAIS1:[0-9A-Z $%*+\-./:\s]+")


class KeptPageTest(suite.SuiteTest):
    def setUp(self):
        self.suite.up()
        city = Desk(self.suite)
        self.person = city.register(suite.new_id(), surname="Perrot", first_names="Odile")
        self.consent = city.agree(self.person).consent_id

    def page(self, kind, *options):
        path = self.suite.file("%s.%s" % (suite.new_id(), kind))
        done = self.suite.command("consent", "receipt", self.person.handle, self.consent, *options,
                                  "--" + {"txt": "text"}.get(kind, kind), path, acting=CITY)
        self.assertEqual(done.returncode, 0, done.stderr)
        return path

    def verified(self, text):
        path = self.suite.file(suite.new_id())
        with open(path, "w", encoding="utf-8") as out:
            out.write(text)
        return self.suite.command("audit", "verify", path)

    def test_is_verified_without_any_service(self):
        pages = [self.page(kind, "--language", language) for kind in ("html", "txt") for language in ("fr", "ar")]
        self.assertEqual(self.suite.down().returncode, 0)
        for path in pages:
            with self.subTest(os.path.basename(path)):
                done = self.suite.command("audit", "verify", path)
                self.assertEqual(done.returncode, 0, done.stderr)
                text = suite.read(path).decode()
                # The code alone, as a telephone reads it; and no other code of the same length.
                code = CODE.search(html.unescape(re.sub(r"<[^>]*>", "", text))).group().strip()
                self.assertEqual(self.verified(code).returncode, 0)
                middle = len(code) // 2
                while code[middle].isspace():
                    middle += 1
                wrong = code[:middle] + ("7" if code[middle] != "7" else "8") + code[middle + 1:]
                self.assertIn(self.verified(wrong).returncode, (1, 2))
                self.assertIn(self.verified(text.replace(code[8:40], code[8:39])).returncode, (1, 2))

    def test_the_page_has_the_drawing_of_its_code(self):
        page = suite.read(self.page("html")).decode()
        drawings = re.findall(r"<svg.*?</svg>", page, re.DOTALL)
        # Pictograms are small; a QR code that holds a proof is a drawing of thousands of modules.
        self.assertGreater(max(map(len, drawings)), 4000)
        self.assertGreater(len(drawings), 5)

    def test_a_language_of_ones_own(self):
        with open(os.path.join(CATALOGUES, "en.json"), encoding="utf-8") as file:
            catalogue = json.load(file)
        catalogue["language"] = "pt"
        catalogue["messages"] = {key: "PT " + words for key, words in catalogue["messages"].items()}
        own = self.suite.file("pt.json")
        with open(own, "w", encoding="utf-8") as out:
            json.dump(catalogue, out)
        text = suite.read(self.page("txt", "--catalog", own)).decode()
        self.assertIn("PT ", text)
        page = self.page("html", "--catalog", own)
        self.assertIn('lang="pt"', suite.read(page).decode())
        self.assertEqual(self.suite.command("audit", "verify", page).returncode, 0)


if __name__ == "__main__":
    unittest.main()
