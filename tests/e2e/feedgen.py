#!/usr/bin/env python3
"""Makes feeds of invented people: `feedgen.py edf|bspp --seed N --rows N [--now RFC3339] [--bad SHARE] [-o FILE]`.

The same seed gives the same bytes. Rows are good ones mixed with every kind of bad row and with rows on the edge of
each rule; what each deserves is for a judge to say (judge.py), not known here.
"""

import argparse
import datetime
import json
import random
import sys
import unicodedata
import zoneinfo

PARIS = zoneinfo.ZoneInfo("Europe/Paris")
DAY = datetime.timedelta(days=1)
DEFAULT_NOW = "2026-11-22T12:00:00+01:00"

SURNAMES = (
    "Traoré", "Ouédraogo", "Lefèvre", "N'Guessan", "El Amrani", "Saint-Jean", "Müller", "Nuñez", "Kowalczyk",
    "D'Almeida", "Benchérif", "Castagné", "Vasseur", "Delaunay", "Pélissier", "Œuvrard", "Grössmann", "Diallo",
    "Rasolofo", "Charpentier", "Gaudichon", "Thévenet", "Bourguignon", "Zielinska", "Papadopoulos", "Ferreira",
)
FIRST_NAMES = (
    "Aminata", "Jean-Baptiste", "Zoé", "Éloïse", "João", "Thi Lan", "Anne-Laure", "Mohamed", "Ibrahima", "Gwenaëlle",
    "Chantal", "Véronique", "Andrzej", "Mariam", "Françoise", "Désiré", "Solange", "Sans prénom", "Noël", "Rosalie",
)
STREETS = (
    ("avenue", "de Clichy"), ("boulevard", "de l'Hôpital"), ("rue", "Ménilmontant"), ("place", "d'Aligre"),
    ("rue du faubourg", "Saint-Antoine"), ("impasse", "de la Baleine"), ("passage", "Brady"), ("rue", "des Pyrénées"),
    ("square", "Carpeaux"), ("allée", "Sainte-Lucie"), ("boulevard", "Sérurier"), ("rue", "d'Avron"),
    ("avenue", "Gambetta"), ("rue", "de la Goutte-d'Or"), ("quai", "de Valmy"), ("rue", "Saint-Maur"),
)
SHORT = {"avenue": ("av", "av.", "ave"), "boulevard": ("bd", "bd.", "bld", "BVD"), "place": ("pl", "pl."),
         "impasse": ("imp", "imp."), "passage": ("pass.", "PASS"), "square": ("sq", "sq."), "allée": ("all", "All."),
         "rue": ("r", "r.", "R"), "rue du faubourg": ("rue du fbg", "r du fg.", "R. DU FBG")}
FLUIDS = ("ELECTRICITE", "ELECTRICITE", "ELECTRICITE", "GAZ", "CHALEUR", "EAU")
COLUMNS = (
    "reference", "fondement", "evenement", "date_evenement", "fluide", "opposition", "fin_opposition", "nom",
    "prenoms", "adresse", "commune", "code_postal", "option_tarifaire", "montant_du", "periode_debut", "periode_fin",
)
BLANK_LINES = ("", " ", "\t", "\u00a0", " \t\u00a0\u00a0 ", "   ")
NIRS = ("2061275111005", "185012A004123", "185012b004123", "7990175056123", "0000000000001")


def chance(rng, share):
    return rng.random() < share


def nir(rng):
    """A number of the forbidden form with its key, written with or without separators."""
    number = rng.choice(NIRS)
    key = 97 - int(number.upper().replace("2A", "19").replace("2B", "18")) % 97
    text = number + "%02d" % key
    gaps = rng.choice(("", " ", ".", "-", "\u00a0", "official"))
    if gaps == "official":
        cuts = (0, 1, 3, 5, 7, 10, 13, 15)
        return " ".join(text[a:b] for a, b in zip(cuts, cuts[1:]))
    return "".join(c + (gaps if i + 1 < len(text) and chance(rng, 0.5) else "") for i, c in enumerate(text))


def almost_nir(rng):
    """What looks like one and is not: a wrong key, or digits within a longer run."""
    number = rng.choice(("2061275111005", "1850175004123"))
    key = 97 - int(number) % 97
    if chance(rng, 0.5):
        return number + "%02d" % (key % 97 + 1 if key < 90 else key - 3)
    return "9" + number + "%02d" % key + "7"


class Person:
    """Somebody invented, and the many ways a clerk writes her."""

    def __init__(self, rng):
        self.surname = rng.choice(SURNAMES)
        self.first_names = rng.choice(FIRST_NAMES)
        self.number = "%d%s" % (rng.randint(1, 400), rng.choice(("", "", "", " bis", " ter")))
        self.kind, self.street = rng.choice(STREETS)
        self.postal_code = "%05d" % rng.choice([75000 + rng.randint(1, 20), 75116])
        self.bills = []  # (fluid, start, end)

    def plain(self):
        return {"nom": self.surname, "prenoms": self.first_names,
                "adresse": "%s %s %s" % (self.number, self.kind, self.street),
                "code_postal": self.postal_code, "commune": "Paris"}

    def rewritten(self, rng):
        """The same sender record, written differently."""
        kind = self.kind
        # "R" is RUE only as second word.
        if kind in SHORT and chance(rng, 0.7) and not (kind.startswith("rue") and " " in self.number):
            kind = rng.choice(SHORT[kind])
        street = self.street
        if chance(rng, 0.4):
            street = street.replace("Sainte-", "Ste ").replace("Saint-", "St. ")
        row = self.plain()
        row["adresse"] = rng.choice((" ", ", ", "  ")).join((self.number, kind)) + " " + street
        for name in ("nom", "prenoms", "adresse"):
            row[name] = respelled(rng, row[name])
        return row


def respelled(rng, text):
    """Other case, accents, hyphens and spaces; the same letters."""
    turn = rng.randrange(6)
    if turn == 0:
        return text.upper()
    if turn == 1:
        return text.lower()
    if turn == 2:
        return unicodedata.normalize("NFD", text)
    if turn == 3:
        bare = unicodedata.normalize("NFD", text)
        return "".join(c for c in bare if not unicodedata.combining(c)).replace("Œ", "OE").replace("ß", "ss")
    if turn == 4:
        return text.replace("-", " ").replace("'", "\u2019")
    return "\u00a0 " + text.replace(" ", "\u00a0") + " "


class EdfFeed:
    """Rows as dicts of texts, or raw bytes where the record itself is broken."""

    def __init__(self, rng, today, rows, bad, prefix):
        self.rng, self.today, self.bad, self.prefix = rng, today, bad, prefix
        self.people = [Person(rng) for _ in range(max(3, rows // 3))]
        self.rows = []  # what was written: dicts
        self.records = []  # in file order: dict, or bytes
        while len(self.records) < rows:
            self.add()

    def reference(self):
        return "%s-%08x-%d" % (self.prefix, self.rng.getrandbits(32), len(self.records))

    def bill(self, person=None):
        """A row that nothing condemns, for a sender with a convention."""
        rng = self.rng
        person = person or rng.choice(self.people)
        event, ground = rng.choice((("LETTRE_1", "ART2"), ("LETTRE_1", "ART2"), ("LETTRE_1", "CONVENTION"),
                                    ("LETTRE_2", "CONVENTION"), ("REDUCTION", "ART6"), ("COUPURE", "ART6")))
        day = self.today - rng.randint(25, 300) * DAY
        start = day.replace(day=1) - rng.choice((120, 90, 60)) * DAY
        fluid = rng.choice(FLUIDS)
        row = dict.fromkeys(COLUMNS, "")
        row.update(person.rewritten(rng) if chance(rng, 0.4) else person.plain())
        row.update(reference=self.reference(), evenement=event, fondement=ground, date_evenement=day, fluide=fluid,
                   opposition="NON", montant_du=self.amount(), periode_debut=start, periode_fin=start + 59 * DAY)
        if event == "LETTRE_1" and (ground == "ART2" or chance(rng, 0.3)):
            row["fin_opposition"] = day + rng.randint(8, 20) * DAY
        if fluid == "ELECTRICITE" and chance(rng, 0.8):
            row["option_tarifaire"] = rng.choice(("BASE", "HPHC", "TEMPO", "Été ; hiver"))
        row["person"] = person
        return row

    def amount(self):
        cents = self.rng.randint(1, 300000)
        return self.rng.choice(("%d,%02d", "%d.%02d")) % divmod(cents, 100)

    def cancelling(self):
        """Answers a bill of the file: with or without its period, before, on or after its day."""
        rng = self.rng
        past = rng.choice(self.rows[-40:]) if self.rows else self.bill()
        row = dict.fromkeys(COLUMNS, "")
        person = past["person"]
        row.update(person.rewritten(rng) if chance(rng, 0.5) else person.plain())
        earlier = past["date_evenement"]
        earlier = earlier if isinstance(earlier, datetime.date) else self.today - 40 * DAY
        row.update(reference=self.reference(), evenement=rng.choice(("RETABLISSEMENT", "REGLEMENT", "ECHEANCIER")),
                   date_evenement=min(self.today, earlier + rng.choice((-1, 0, 1, 1, 9, 30)) * DAY),
                   fluide=past["fluide"] if chance(rng, 0.9) else rng.choice(FLUIDS), opposition="NON", person=person)
        if chance(rng, 0.3):
            row["montant_du"] = self.amount()
        if chance(rng, 0.5):
            row["periode_debut"], row["periode_fin"] = past["periode_debut"], past["periode_fin"]
            if chance(rng, 0.15) and isinstance(row["periode_fin"], datetime.date):
                row["periode_fin"] += DAY
        return row

    def again(self):
        """A reference that came before: the same content written otherwise, or another content."""
        rng = self.rng
        row = dict(rng.choice(self.rows)) if self.rows else self.bill()
        turn = rng.randrange(-3, 9)
        if turn < 3:
            for name in ("nom", "prenoms", "adresse", "commune"):
                form = rng.choice(("NFC", "NFD"))
                row[name] = rng.choice(("", " ", "\u00a0")) + unicodedata.normalize(form, row[name]) + rng.choice(
                    ("", "  "))
            amount = row["montant_du"]
            if amount[-3:-2] in (",", "."):
                row["montant_du"] = amount.replace(",", ".") if "," in amount else amount.replace(".", ",")
                if amount.endswith("0"):
                    row["montant_du"] = row["montant_du"][:-1]
        elif turn == 3:
            row["nom"] = row["nom"].swapcase()  # another text, though the same record
        elif turn == 4:
            row["montant_du"] = self.amount()
        elif turn == 5:
            row["date_evenement"] = self.today + 3 * DAY
        elif turn == 6:
            row["opposition"] = "OUI"
        elif turn == 7:
            row["commune"] = "PARIS"
        else:
            row["fluide"] = "GAZ" if row["fluide"] == "EAU" else "EAU"
        return row

    def add(self):
        rng = self.rng
        roll = rng.random()
        if roll < 0.12:
            row = self.cancelling()
        elif roll < 0.12 + 0.25 * self.bad:
            row = self.again()
        else:
            recent = self.rows[-1]["person"] if self.rows and chance(rng, 0.2) else None
            row = self.bill(recent)
        if chance(rng, 0.7 * self.bad):
            row = rng.choice(EDF_SPOILERS)(self, rng, row)
        elif chance(rng, self.bad):
            rng.choice(EDF_EDGES)(self, rng, row)
        if isinstance(row, dict):
            self.rows.append(row)
        self.records.append(row)

    def encode(self, columns, eol, quote_all=False, encoding="utf-8"):
        out = [write_cells(self.rng, columns, quote_all).encode(encoding) + eol]
        for record in self.records:
            if chance(self.rng, 0.02):
                out.append(self.rng.choice(BLANK_LINES).encode(encoding) + eol)
            if isinstance(record, bytes):
                out.append(record + eol)
                continue
            texts = [written(self.rng, record[name]) for name in columns]
            line = write_cells(self.rng, texts, quote_all)
            raw = line.encode(encoding, "replace")
            for name, harm in record.get("harm", ()):
                raw = harm(raw, name)
            out.append(raw + eol)
        return b"".join(out)


def written(rng, value):
    if isinstance(value, datetime.date):
        return value.strftime(rng.choice(("%Y-%m-%d", "%Y-%m-%d", "%d/%m/%Y")))
    return value


def write_cells(rng, cells, quote_all):
    out = []
    for cell in cells:
        if quote_all or any(c in cell for c in ';"\n\r') or chance(rng, 0.03):
            cell = '"' + cell.replace('"', '""') + '"'
        out.append(cell)
    return ";".join(out)


def setter(name, *values):
    def spoil(feed, rng, row):
        value = rng.choice(values)
        row[name] = value(feed, rng, row) if callable(value) else value
        return row
    return spoil


def blank(feed, rng, row):
    row[rng.choice(COLUMNS)] = rng.choice(("", " ", "\u00a0", " \u00a0 "))
    return row


def too_long(feed, rng, row):
    name, most = rng.choice((("nom", 100), ("prenoms", 100), ("adresse", 200), ("commune", 100),
                             ("option_tarifaire", 20)))
    length = most + rng.choice((0, 1, 1, 5))
    text = (rng.choice(("É", "x", "Ǹ")) * length)[:length]
    row[name] = rng.choice((" ", "")) + unicodedata.normalize(rng.choice(("NFC", "NFD")), text) + " "
    return row


def with_nir(feed, rng, row):
    name = rng.choice(("nom", "prenoms", "adresse", "commune", "reference", "option_tarifaire"))
    if name == "reference":
        row[name] = rng.choice(("206127511100564", "C-206127511100564", "206127511100564_1"))
    elif name == "option_tarifaire":
        row[name] = "206127511100564"
    else:
        row[name] = (row[name] + " " + nir(rng))[-90:]
    return row


def without_nir(feed, rng, row):
    row[rng.choice(("nom", "prenoms", "adresse"))] += " " + almost_nir(rng)
    return row


def period_end(days):
    def spoil(feed, rng, row):
        if isinstance(row["periode_debut"], datetime.date):
            row["periode_fin"] = row["periode_debut"] + days * DAY
        return row
    return spoil


def half_period(feed, rng, row):
    row[rng.choice(("periode_debut", "periode_fin"))] = ""
    return row


def objection(feed, rng, row):
    row["opposition"] = "OUI"
    if chance(rng, 0.5):  # refused for something else, and recorded all the same
        return rng.choice((blank, too_long, with_nir, bad_date, bad_amount, outside, wrong_bytes, nul))(feed, rng, row)
    return row


def opposed(feed, rng, row):
    """A later row of somebody who objected."""
    past = [each["person"] for each in feed.rows if each["opposition"] == "OUI"]
    if past:
        row["person"] = rng.choice(past[-20:])
        row.update(row["person"].rewritten(rng))
    return row


def bad_date(feed, rng, row):
    row[rng.choice(("date_evenement", "periode_debut", "periode_fin", "fin_opposition"))] = rng.choice(
        ("2026-02-29", "31/04/2026", "2026-13-01", "2026-1-3", "3/1/2026", "03-01-2026", "2026/01/03", "hier",
         "20260103", "2026-01-03T00:00", "29/02/2025", "00/01/2026"))
    return row


def bad_amount(feed, rng, row):
    row["montant_du"] = rng.choice(("0", "0,00", "0.0", "12,345", "-3", "+4", "12345678", "1 200", "12,", ",50", "1e3",
                                    "12.3.4", "١٢", "9999999,99", "1", "007,5"))
    return row


def outside(feed, rng, row):
    row["code_postal"] = rng.choice(("94200", "92000", "97100", "20000", "75000", "75021", "75115", "75117", "7501",
                                     "750011", "75O11", "F-75011", "75116", "75020", "75001"))
    return row


def wrong_code(feed, rng, row):
    name = rng.choice(("fondement", "evenement", "fluide", "opposition"))
    row[name] = rng.choice({"fondement": ("ART3", "art2", "ART 2", "CONVENTIONS"),
                            "evenement": ("LETTRE_3", "coupure", "Lettre_1", "IMPAYE"),
                            "fluide": ("FIOUL", "gaz", "ÉLECTRICITÉ"), "opposition": ("oui", "N", "O", "YES")}[name])
    return row


def bad_reference(feed, rng, row):
    row["reference"] = rng.choice((row["nom"] + " " + row["prenoms"], "ref 12", "x" * 65, "a;b", "é1", "A/B", "x" * 64,
                                   " " + row["reference"] + "\u00a0", "", "réf", "-_-"))
    return row


def other_ground(feed, rng, row):
    row["fondement"] = rng.choice(("ART2", "ART6", "CONVENTION"))
    return row


def unexpected(feed, rng, row):
    turn = rng.randrange(3)
    if turn == 0:
        row["option_tarifaire"], row["fluide"] = "BASE", rng.choice(("GAZ", "EAU", "CHALEUR"))
    elif turn == 1 and isinstance(row["date_evenement"], datetime.date):
        row["fin_opposition"] = row["date_evenement"] + rng.choice((7, 8)) * DAY
    else:
        row["fondement"] = "ART2"
    return row


def nul(feed, rng, row):
    row[rng.choice(("commune", "adresse", "montant_du"))] += "\0"
    return row


def wrong_bytes(feed, rng, row):
    """Bytes that are not UTF-8 in one cell."""
    name = rng.choice(("nom", "adresse", "commune"))
    row[name] += "\ue123"
    bytes_ = rng.choice((b"\xe9", b"\xc0\xaf", b"\xed\xa0\x80", b"\xff", b"\xf5\x80\x80\x80"))
    row["harm"] = [(name, lambda raw, _: raw.replace("\ue123".encode(), bytes_))]
    return row


def wrong_count(feed, rng, row):
    texts = [written(rng, row[name]) for name in COLUMNS]
    texts = texts[:-1] if chance(rng, 0.5) else texts + [""]
    return write_cells(rng, texts, False).encode()


def broken_quotes(feed, rng, row):
    texts = [written(rng, row[name]).replace('"', "").replace("\n", " ").replace(";", " ") for name in COLUMNS]
    texts[7] = rng.choice(('Le "Grand', '"Le" Grand', '"Le"Grand"'))
    return ";".join(texts).encode()


EDF_SPOILERS = (
    blank, blank, too_long, with_nir, with_nir, objection, objection, opposed, opposed, bad_date, bad_amount, outside,
    wrong_code, bad_reference, other_ground, unexpected, half_period, period_end(-1), wrong_count, broken_quotes,
    wrong_bytes, nul, setter("date_evenement", lambda feed, rng, row: feed.today + rng.choice((1, 2, 400)) * DAY),
    setter("date_evenement", lambda feed, rng, row: feed.today - rng.choice((401, 402, 800)) * DAY),
    setter("periode_fin", lambda feed, rng, row: feed.today + rng.choice((1, 2)) * DAY),
)


def edge_cut(feed, rng, row):
    row.update(evenement=rng.choice(("REDUCTION", "COUPURE")), fondement="ART6", fin_opposition="",
               date_evenement=feed.today - rng.choice((5, 6, 7)) * DAY)


def edge_window(feed, rng, row):
    end = feed.today + rng.choice((-2, -1, 0, 1)) * DAY
    row.update(evenement="LETTRE_1", fondement=rng.choice(("ART2", "CONVENTION")), fin_opposition=end,
               date_evenement=end - rng.choice((7, 8, 9)) * DAY)


def edge_age(feed, rng, row):
    row["date_evenement"] = feed.today - rng.choice((399, 400, 401)) * DAY
    if row["fin_opposition"]:
        row["fin_opposition"] = row["date_evenement"] + 8 * DAY


def edge_today(feed, rng, row):
    row["date_evenement"] = feed.today + rng.choice((-1, 0, 1)) * DAY
    row["periode_fin"] = feed.today + rng.choice((-1, 0, 1)) * DAY
    row["fin_opposition"] = ""
    row["evenement"], row["fondement"] = "LETTRE_2", "CONVENTION"


def one_day_period(feed, rng, row):
    row["periode_fin"] = row["periode_debut"]


def long_address(feed, rng, row):
    row["adresse"] = rng.choice(('12 rue "des Lilas"; bât. B', "3, cour\ndes Noues ; esc. 2", "8 rue\r\nNeuve"))


def small_amount(feed, rng, row):
    row["montant_du"] = rng.choice(("1", "0,01", "0.1", "9999999.99", "0000001", "5,5"))


def no_nir(feed, rng, row):
    without_nir(feed, rng, row)


EDF_EDGES = (edge_cut, edge_window, edge_age, edge_today, one_day_period, long_address, small_amount, no_nir)


def edf(seed, rows, now, bad=0.6, prefix="EDF", encoding="utf-8"):
    """(bytes of the file, the rows written as dicts)."""
    rng = random.Random("edf/%s" % seed)
    feed = EdfFeed(rng, now.astimezone(PARIS).date(), rows, bad, prefix)
    columns = list(COLUMNS)
    if chance(rng, 0.7):
        rng.shuffle(columns)
    eol = rng.choice((b"\n", b"\r\n"))
    data = feed.encode(columns, eol, quote_all=chance(rng, 0.2), encoding=encoding)
    if encoding == "utf-8" and chance(rng, 0.5):
        data = b"\xef\xbb\xbf" + data
    if chance(rng, 0.3):
        data = data[:-len(eol)]
    return data, feed.rows


def distinct_bills(seed, rows, now, cuts=0.1, prefix="EDF"):
    """Rows of as many different people, all acceptable from any supplier whatever their order: letters under ART2,
    which alone raise no alert, and a share of cuts, each of which raises one. (bytes, dicts)."""
    rng = random.Random("bills/%s" % seed)
    feed = EdfFeed(rng, now.astimezone(PARIS).date(), 0, 0, prefix)
    for i in range(rows):
        row = feed.bill(Person(rng))
        row["prenoms"] = "%s %s" % (row["prenoms"].strip(), "".join(chr(ord("A") + int(c)) for c in str(i)))
        row.update(evenement="LETTRE_1", fondement="ART2", fin_opposition=row["date_evenement"] + 9 * DAY)
        if chance(rng, cuts):
            row.update(evenement=rng.choice(("COUPURE", "REDUCTION")), fondement="ART6", fin_opposition="")
        feed.rows.append(row)
        feed.records.append(row)
    return feed.encode(list(COLUMNS), b"\n"), feed.rows


def letters(seed, rows, now, prefix="EDF"):
    """A file of which every row is accepted and none raises an alert."""
    return distinct_bills(seed, rows, now, cuts=0, prefix=prefix)[0]


# --- distress reports ---------------------------------------------------------------------------------------------

SIGNS = ("ENERGY_CUT", "RENT_ARREARS", "ISOLATION", "AUTONOMY_LOSS", "HOUSING_UNFIT", "UNDERNOURISHMENT",
         "REPEATED_CALLOUTS", "ROUGH_SLEEPING_PREGNANT", "VIOLENCE")
SEEN = ("Logement froid, courrier non ouvert.", "Chute sans gravité, troisième intervention.",
        "Réfrigérateur vide ; éclairage à la bougie.", "Porte fracturée non réparée.")
SAID = ("« On m'a coupé le courant. »", "« Mon fils ne vient plus. »", "", "« Je ne sais plus à qui m'adresser. »")


class BsppFeed:
    def __init__(self, rng, now, rows, bad, prefix):
        self.rng, self.now, self.prefix = rng, now, prefix
        self.today = now.astimezone(PARIS).date()
        self.reports, self.records = [], []
        while len(self.records) < rows:
            roll = rng.random()
            record = self.again() if self.reports and roll < 0.2 * bad else self.report()
            if chance(rng, 0.8 * bad):
                record = rng.choice(BSPP_SPOILERS)(self, rng, record)
            if isinstance(record, dict):
                self.reports.append(record)
                record = self.encode(record)
            self.records.append(record)

    def encode(self, report):
        names = list(report)
        if chance(self.rng, 0.2):
            self.rng.shuffle(names)
        return json.dumps({name: report[name] for name in names},
                          ensure_ascii=chance(self.rng, 0.2)).encode("utf-8", "surrogateescape")

    def instant(self, moment):
        zone = self.rng.choice((PARIS, datetime.timezone.utc, datetime.timezone(datetime.timedelta(hours=5.5))))
        text = moment.astimezone(zone).isoformat(timespec="seconds")
        return text.replace("+00:00", "Z")

    def report(self):
        rng, who = self.rng, Person(self.rng)
        kind = rng.choice(("DOMICILE", "DOMICILE", "DOMICILE", "RUE", "GARE", "BOIS", "HOTEL", "AUTRE"))
        place = {"kind": kind}
        if kind in ("DOMICILE", "HOTEL"):
            place.update(adresse=who.plain()["adresse"], code_postal=who.postal_code, commune="Paris")
        else:
            place["repere"] = rng.choice(("sous le pont de la Chapelle", "hall 3, côté taxis", "square Villemin"))
        person = {}
        if chance(rng, 0.8):
            person = {"nom": who.surname, "prenoms": who.first_names,
                      "naissance": "%d-%02d-%02d" % (rng.randint(1930, 2007), rng.randint(1, 12), rng.randint(1, 28))}
            if chance(rng, 0.3):
                person.update(telephone="01 99 00 %02d %02d" % (rng.randint(0, 99), rng.randint(0, 99)), alias="Dédé")
        report = {
            "reference": "%s-%08x-%d" % (self.prefix, rng.getrandbits(32), len(self.records)),
            "intervention_at": self.instant(self.now - datetime.timedelta(minutes=rng.randint(10, 400000))),
            "place": place, "person": person, "signs": rng.sample(SIGNS, rng.randint(1, 4)),
            "facts": rng.choice(SEEN), "danger": rng.choice(("NONE", "CONCERN", "SERIOUS")),
            "informed": rng.choice(("YES", "NO", "IMPOSSIBLE")),
            "agreement": rng.choice(("GIVEN",) * 6 + ("REFUSED", "NOT_ASKED", "UNABLE")),
        }
        if chance(rng, 0.6):
            report["household"] = {"adults": rng.randint(0, 3), "minors": rng.randint(0, 4)}
        if chance(rng, 0.6):
            report["reported_words"] = rng.choice(SAID)
        if chance(rng, 0.4):
            report["prior_interventions"] = {"count": rng.randint(0, 9), "since": "2025-11-22"}
        if chance(rng, 0.15):
            report.update(ground=rng.choice(("ART_226_14_1", "INFO_PREOCCUPANTE")), ground_facts="Coups entendus.")
        if chance(rng, 0.5):
            report["requested_action"] = "Évaluation sociale à domicile"
        if chance(rng, 0.2):
            report["exercise"] = chance(rng, 0.2)
        return report

    def again(self):
        rng = self.rng
        report = json.loads(json.dumps(rng.choice(self.reports)))
        turn = rng.randrange(6)
        if turn < 3:  # the same values, written otherwise
            if isinstance(report.get("signs"), list) and report["signs"]:
                report["signs"] = report["signs"][::-1] + report["signs"][:1]
            report["facts"] = " " + unicodedata.normalize("NFD", str(report.get("facts", "x"))) + "\u00a0"
            if report.get("exercise") is False:
                del report["exercise"]
            try:
                moment = datetime.datetime.fromisoformat(report["intervention_at"].replace("Z", "+00:00"))
                if moment.tzinfo:
                    report["intervention_at"] = self.instant(moment)
            except (ValueError, KeyError, AttributeError):
                pass
        elif turn == 3:
            report["facts"] = "Autre chose."
        elif turn == 4:
            report["exercise"] = True
        else:
            report["danger"] = "IMMEDIATE"
        return report


def put(path, *values):
    def spoil(feed, rng, report):
        holder, *rest = path.split(".")
        value = rng.choice(values)
        value = value(feed, rng) if callable(value) else value
        if rest:
            report.setdefault(holder, {})
            if isinstance(report[holder], dict):
                report[holder][rest[0]] = value
        else:
            report[holder] = value
        return report
    return spoil


def drop(feed, rng, report):
    name = rng.choice(("reference", "intervention_at", "place", "signs", "facts", "danger", "informed", "agreement",
                       "person"))
    report.pop(name, None)
    return report


def drop_place(feed, rng, report):
    if isinstance(report.get("place"), dict):
        report["place"].pop(rng.choice(("kind", "adresse", "code_postal", "repere", "commune")), None)
    return report


def long_text(feed, rng, report):
    path, most = rng.choice((("facts", 1000), ("reported_words", 1000), ("requested_action", 300),
                             ("ground_facts", 1000), ("place.etage", 200), ("place.repere", 200), ("person.nom", 100),
                             ("person.alias", 100), ("person.telephone", 100)))
    letter = rng.choice(("x", "é", "e\u0301"))
    return put(path, letter * (most + rng.choice((0, 1))))(feed, rng, report)


def nir_text(feed, rng, report):
    path = rng.choice(("facts", "reported_words", "requested_action", "ground_facts", "place.acces", "place.adresse",
                       "person.nom", "person.alias", "person.telephone", "person.prenoms"))
    return put(path, "n° " + nir(rng))(feed, rng, report)


def raw(make):
    def spoil(feed, rng, report):
        return make(feed, rng, report, feed.encode(report))
    return spoil


def repeated_member(feed, rng, report, line):
    return line[:-1] + b', "danger": "NONE"}' if chance(rng, 0.5) else line.replace(
        b'"place": {', b'"place": {"kind": "RUE", ', 1)


def sized(extra):
    return lambda feed, rng, report, line: b"{" + b" " * (65536 + extra - len(line)) + line[1:]


def ages(feed, rng, report):
    """18 years on the Paris day of the intervention, or a day less."""
    day = feed.today - rng.randint(2, 300) * DAY
    if day.month == 2 and day.day > 27:
        day -= 3 * DAY
    at = datetime.datetime(day.year, day.month, day.day, 0, 30, tzinfo=PARIS)  # the day before in UTC
    born = datetime.date(day.year - 18, day.month, day.day) + rng.choice((0, 1)) * DAY
    report.update(intervention_at=at.astimezone(datetime.timezone.utc).isoformat().replace("+00:00", "Z"),
                  agreement="GIVEN", person={"naissance": str(born)})
    return report


def moments(feed, rng, report):
    if chance(rng, 0.5):
        at = feed.now + datetime.timedelta(minutes=rng.choice((0, 2, 60, 1500)))
    else:
        day = feed.today - rng.choice((399, 400, 401)) * DAY
        at = datetime.datetime(day.year, day.month, day.day, 0, 30, tzinfo=PARIS)
    report["intervention_at"] = feed.instant(at)
    return report


BSPP_SPOILERS = (
    drop, drop, drop_place, drop_place, long_text, long_text, nir_text, nir_text, ages, ages, moments, moments,
    put("danger", "IMMEDIATE"), put("danger", "IMMEDIATE", "serious", "HIGH", ""), put("informed", "MAYBE", None, True),
    put("agreement", "YES", "UNABLE", "REFUSED", 1), put("ground", "ART2", "ART_226_14_1"),
    put("place.kind", "MAISON", "domicile", "RUE"), put("place.code_postal", "94200", "75021", "7501", "75116", "20000"),
    put("signs", [], ["ISOLATION"] * 25, ["S%d" % i for i in range(21)], ["S1"], "ISOLATION", ["ISOLATION", 3]),
    put("intervention_at", "2026-11-01T10:00:00", "2026-11-01", "2026-02-30T10:00:00Z", "hier", "2026-11-01T25:00:00Z"),
    put("person.naissance", "1980-02-30", "03/01/1980", "1980", ""), put("prior_interventions.since", "01/01/2026"),
    put("household.minors", -1, 1.5, "2", True, 0), put("household.pregnant", True, "oui", False, 2, -1),
    put("person.surnom", "x"), put("motif", "x"), put("facts", "a\0b", 7, None, "  \u00a0", ["x"]),
    put("exercise", "true", True, False), put("reference", "é", "a b", "x" * 65, "", " ", "206127511100564", 12),
    put("place.etage", "4e gauche, 0140203040506070"), put("facts", "Voisine à prévenir: 9206127511100564 0"),
    raw(repeated_member), raw(sized(0)), raw(sized(1)),
    raw(lambda feed, rng, report, line: line[:-2]), raw(lambda feed, rng, report, line: b"[" + line + b"]"),
    raw(lambda feed, rng, report, line: rng.choice((b"null", b"12", b"{}", b"{", b"{'a': 1}", b"\"x\""))),
    raw(lambda feed, rng, report, line: line.replace(b'"facts": "', b'"facts": "\xe9', 1)),
)


def bspp(seed, rows, now, bad=0.6, prefix="BSPP"):
    """(bytes of the file, the reports written as dicts)."""
    rng = random.Random("bspp/%s" % seed)
    feed = BsppFeed(rng, now, rows, bad, prefix)
    eol = rng.choice((b"\n", b"\r\n"))
    out = []
    for record in feed.records:
        if chance(rng, 0.04):
            out.append(rng.choice(BLANK_LINES).encode() + eol)
        out.append(record + eol)
    data = b"".join(out)
    return (b"\xef\xbb\xbf" if chance(rng, 0.3) else b"") + data, feed.reports


def distinct_reports(seed, rows, now, prefix="BSPP"):
    """Reports at home of as many different adults who agreed: all acceptable, each tells a desk. (bytes, dicts)."""
    rng = random.Random("reports/%s" % seed)
    feed = BsppFeed(rng, now, 0, 0, prefix)
    for i in range(rows):
        report, who = feed.report(), Person(rng)
        report.update(
            reference="%s-%d" % (prefix, i), intervention_at=feed.instant(now - datetime.timedelta(minutes=10 + i)),
            place={"kind": "DOMICILE", "adresse": who.plain()["adresse"], "code_postal": who.postal_code},
            person={"nom": who.surname, "prenoms": "%s %d" % (who.first_names, i), "naissance": "1950-02-01"},
            danger=rng.choice(("NONE", "CONCERN")), agreement="GIVEN", exercise=False)
        for name in ("ground", "ground_facts"):
            report.pop(name, None)
        feed.reports.append(report)
    return b"".join(feed.encode(report) + b"\n" for report in feed.reports), feed.reports


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("type", choices=("edf", "bspp"))
    parser.add_argument("--seed", default="1")
    parser.add_argument("--rows", type=int, default=1000)
    parser.add_argument("--now", default=DEFAULT_NOW, help="the suite's instant, RFC 3339")
    parser.add_argument("--bad", type=float, default=0.6, help="0: only good rows; 1: as many bad ones as possible")
    parser.add_argument("-o", "--output")
    arguments = parser.parse_args()
    make = edf if arguments.type == "edf" else bspp
    now = datetime.datetime.fromisoformat(arguments.now.replace("Z", "+00:00"))
    data, _ = make(arguments.seed, arguments.rows, now, arguments.bad, arguments.type.upper())
    if arguments.output:
        with open(arguments.output, "wb") as file:
            file.write(data)
    else:
        sys.stdout.buffer.write(data)


if __name__ == "__main__":
    main()
