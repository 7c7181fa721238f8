"""An independent judge of the feeds institutions send.

Written from the description of the formats alone (docs/formats.md, "Feeds") and sharing no code with the services:
where the two disagree, one of them misread it. `judge_edf` and `judge_bspp` give the outcome of every row of a file;
`Sender` holds what a sender's past rows leave behind.
"""

import dataclasses
import datetime
import json
import re
import unicodedata
import zoneinfo
from typing import Optional

PARIS = zoneinfo.ZoneInfo("Europe/Paris")

EDF_COLUMNS = (
    "reference", "fondement", "evenement", "date_evenement", "fluide", "opposition", "fin_opposition", "nom",
    "prenoms", "adresse", "commune", "code_postal", "option_tarifaire", "montant_du", "periode_debut", "periode_fin",
)
GROUNDS = ("ART2", "ART6", "CONVENTION")
BILL_EVENTS = ("LETTRE_1", "LETTRE_2", "REDUCTION", "COUPURE")
CANCELLING = ("RETABLISSEMENT", "REGLEMENT", "ECHEANCIER")
FLUIDS = ("ELECTRICITE", "GAZ", "CHALEUR", "EAU")
SIGNS = (
    "ENERGY_CUT", "RENT_ARREARS", "OVER_INDEBTEDNESS", "JOB_LOSS", "BEREAVEMENT", "SEPARATION", "SERIOUS_ILLNESS",
    "HOUSING_UNFIT", "ISOLATION", "AUTONOMY_LOSS", "UNDERNOURISHMENT", "REPEATED_CALLOUTS", "LEAVING_HOSPITAL",
    "LEAVING_PRISON", "LEAVING_CHILD_WELFARE", "ROUGH_SLEEPING_CHILDREN", "ROUGH_SLEEPING_PREGNANT", "VIOLENCE",
)
PLACE_KINDS = ("DOMICILE", "RUE", "GARE", "BOIS", "HOTEL", "AUTRE")
DANGERS = ("NONE", "CONCERN", "SERIOUS", "IMMEDIATE")
INFORMED = ("YES", "NO", "IMPOSSIBLE")
AGREEMENTS = ("GIVEN", "REFUSED", "NOT_ASKED", "UNABLE")
REPORT_GROUNDS = ("ART_226_14_1", "INFO_PREOCCUPANTE")

REFERENCE = re.compile(r"[A-Za-z0-9_-]{1,64}\Z")
AMOUNT = re.compile(r"[0-9]{1,7}([.,][0-9]{1,2})?\Z")
DAY = datetime.timedelta(days=1)


@dataclasses.dataclass(frozen=True)
class Outcome:
    line: int
    reference: Optional[str]  # as it may be written; None where the record cannot be read: then not said
    outcome: str
    reason: str = ""
    retry_after: str = ""
    field: str = ""  # the first one that the reason is about


class FileRefused(Exception):
    """The file itself is refused; nothing of it is sent."""


@dataclasses.dataclass
class Sender:
    """What an institution's past rows and objections leave behind."""

    convention: bool
    accepted: dict = dataclasses.field(default_factory=dict)  # reference → content
    objections: set = dataclasses.field(default_factory=set)  # record keys
    dossiers: dict = dataclasses.field(default_factory=dict)  # record key → {(fluid, start, end): [open, earliest]}
    rows: list = dataclasses.field(default_factory=list)  # accepted rows, in order: (reference, record key, fields)


class Condemned(Exception):
    def __init__(self, reason, field="", retry_after=""):
        super().__init__(reason)
        self.reason = reason
        self.field = field
        self.retry_after = retry_after


# --- text ---------------------------------------------------------------------------------------------------------

def clean(text):
    return unicodedata.normalize("NFC", text.strip(" \u00a0"))


def parse_day(text, iso_only=False):
    match = re.fullmatch(r"([0-9]{4})-([0-9]{2})-([0-9]{2})", text)
    if match:
        year, month, day = match.groups()
    else:
        match = None if iso_only else re.fullmatch(r"([0-9]{2})/([0-9]{2})/([0-9]{4})", text)
        if not match:
            return None
        day, month, year = match.groups()
    try:
        return datetime.date(int(year), int(month), int(day))
    except ValueError:
        return None


def holds_nir(text):
    """15 characters of a NIR with a valid key, not inside a longer run of digits."""
    gap = "[ \u00a0.-]?"
    shape = gap.join(["[0-9]"] * 5 + ["(?:[0-9]" + gap + "[0-9]|2" + gap + "[ABab])"] + ["[0-9]"] * 8)
    for start in range(len(text)):
        if start > 0 and text[start - 1] in "0123456789":
            continue
        match = re.compile(shape).match(text, start)
        if not match or (match.end() < len(text) and text[match.end()] in "0123456789"):
            continue
        bare = re.sub("[ \u00a0.-]", "", match.group()).upper()
        number = bare[:13].replace("2A", "19").replace("2B", "18")
        if int(bare[13:]) == 97 - int(number) % 97:
            return True
    return False


def normalise(text):
    text = unicodedata.normalize("NFKD", text)
    text = "".join(c for c in text if not unicodedata.category(c).startswith("M"))
    for old, new in (("œ", "OE"), ("Œ", "OE"), ("æ", "AE"), ("Æ", "AE"), ("ß", "SS"), ("ẞ", "SS")):
        text = text.replace(old, new)
    return re.sub("[^A-Z0-9]+", " ", text.upper()).strip()


STREET_WORDS = {
    "AV": "AVENUE", "AVE": "AVENUE", "BD": "BOULEVARD", "BLD": "BOULEVARD", "BVD": "BOULEVARD", "PL": "PLACE",
    "FG": "FAUBOURG", "FBG": "FAUBOURG", "IMP": "IMPASSE", "PASS": "PASSAGE", "SQ": "SQUARE", "ALL": "ALLEE",
    "ST": "SAINT", "STE": "SAINTE",
}


def record_key(surname, first_names, address, postal_code):
    words = normalise(address).split(" ")
    for i, word in enumerate(words):
        words[i] = "RUE" if word == "R" and i == 1 else STREET_WORDS.get(word, word)
    return (normalise(surname), normalise(first_names), " ".join(words), normalise(postal_code))


def bad_postal_code(code):
    if not re.fullmatch("[0-9]{5}", code):
        return True
    return code.startswith("75") and not ("75001" <= code <= "75020" or code == "75116")


def writable_reference(text):
    return text if REFERENCE.match(text) and not holds_nir(text) else ""


# --- delimited files ----------------------------------------------------------------------------------------------

LONGEST_RECORD = 1024 * 1024


def blank_line(encoding):
    """Of nothing but spaces, no-break spaces or tabs, to its end."""
    return re.compile(b"(?:[ \t]|" + re.escape("\u00a0".encode(encoding)) + b")*(?:\r?\n|\r?\\Z)")


def read_delimited(data, encoding):
    """(line, cells) per record; cells is None where the quoting is broken or the record too long: reading then goes on
    at the line after the one on which it started. Blank lines are counted only."""
    line, at = 1, 0
    blank = blank_line(encoding)
    while at < len(data):
        start_line, start = line, at
        cells, broken, cell = [], False, bytearray()
        match = blank.match(data, at)
        if match:
            at = match.end()
            line += 1
            continue
        state = "start"
        while True:
            byte = data[at:at + 1]
            at += 1
            end = byte in (b"", b"\n") or (byte == b"\r" and data[at:at + 1] == b"\n")
            if state == "quoted" and byte != b"":
                line += byte == b"\n"
                if byte != b'"':
                    cell += byte
                elif data[at:at + 1] == b'"':
                    cell += byte
                    at += 1
                else:
                    state = "closed"
                continue
            if state == "quoted":
                broken = True
            if end or byte == b";":
                cells.append(bytes(cell))
                cell, state = bytearray(), "start"
                if end:
                    at += byte == b"\r"
                    line += 1
                    break
            elif byte == b'"' and state == "start":
                state = "quoted"
            elif byte == b'"' or state == "closed":
                broken = True
                state = "bare"
            else:
                cell += byte
                state = "bare"
        if broken or len(data[start:at].removesuffix(b"\n").removesuffix(b"\r")) > LONGEST_RECORD:
            cells = None
            at = data.find(b"\n", start) + 1 or len(data)
            line = start_line + 1
        yield start_line, cells


def decode_cell(cell, encoding):
    try:
        return cell.decode(encoding)
    except UnicodeDecodeError:
        return None


def judge_edf(data, sender, today, encoding="utf-8"):
    """Outcomes of every row, in order. FileRefused when the header is not what it must be."""
    if data[:2] in (b"\xff\xfe", b"\xfe\xff"):
        raise FileRefused("UTF-16")
    if data[:3] == b"\xef\xbb\xbf":
        data = data[3:]
    records = read_delimited(data, encoding)
    _, names = next(records, (0, None))
    if names is None:
        raise FileRefused("no header")
    header = [decode_cell(name, encoding) for name in names]
    if sorted(str(name) for name in header) != sorted(EDF_COLUMNS):
        raise FileRefused("columns")
    outcomes = []
    for line, cells in records:
        reference = ""
        row = None
        if cells is not None and len(cells) == len(header):
            row = {name: decode_cell(cell, encoding) for name, cell in zip(header, cells)}
            row = {name: None if text is None else clean(text) for name, text in row.items()}
            row["nul"] = [name for name in EDF_COLUMNS if b"\0" in cells[header.index(name)]]
            reference = writable_reference(row["reference"] or "")
        try:
            duplicate = judge_bill(row, sender, today)
            outcomes.append(Outcome(line, reference, "DUPLICATE" if duplicate else "ACCEPTED"))
        except Condemned as why:
            outcomes.append(Outcome(line, reference, "REFUSED", why.reason, why.retry_after, why.field))
        finally:
            if row is not None and row["opposition"] == "OUI":
                key = [row[name] for name in ("nom", "prenoms", "adresse", "code_postal")]
                if all(key):
                    sender.objections.add(record_key(*key))
    return outcomes


def bill_form(row):
    """The row as values, or Condemned by its form."""
    if row is None:
        raise Condemned("MALFORMED")
    if row["reference"] != "" and not (row["reference"] and REFERENCE.match(row["reference"])):
        raise Condemned("MALFORMED", "reference")
    if row["nul"]:
        raise Condemned("MALFORMED", row["nul"][0])
    for name in EDF_COLUMNS:
        if row[name] is None:
            raise Condemned("BAD_ENCODING", name)
    cancelling = row["evenement"] in CANCELLING
    required = ["reference", "evenement", "date_evenement", "fluide", "opposition", "nom", "prenoms", "adresse",
                "commune", "code_postal"]
    if not cancelling:
        required += ["fondement", "montant_du", "periode_debut", "periode_fin"]
    elif row["periode_debut"] or row["periode_fin"]:
        required += ["periode_debut", "periode_fin"]
    if row["evenement"] == "LETTRE_1" and row["fondement"] == "ART2":
        required.append("fin_opposition")
    for name in EDF_COLUMNS:
        if name in required and row[name] == "":
            raise Condemned("MISSING_FIELD", name)
    for name, most in (("nom", 100), ("prenoms", 100), ("adresse", 200), ("commune", 100), ("option_tarifaire", 20)):
        if len(row[name]) > most:
            raise Condemned("TOO_LONG", name)
    for name in ("reference", "nom", "prenoms", "adresse", "commune", "option_tarifaire"):
        if holds_nir(row[name]):
            raise Condemned("NIR_DETECTED", name)
    for name, codes in (("fondement", GROUNDS), ("evenement", BILL_EVENTS + CANCELLING), ("fluide", FLUIDS),
                        ("opposition", ("OUI", "NON"))):
        if row[name] != "" and row[name] not in codes:
            raise Condemned("UNKNOWN_CODE", name)
    days = {}
    for name in ("date_evenement", "fin_opposition", "periode_debut", "periode_fin"):
        days[name] = parse_day(row[name]) if row[name] else None
        if row[name] and days[name] is None:
            raise Condemned("BAD_DATE", name)
    if days["fin_opposition"] and days["fin_opposition"] < days["date_evenement"] + 8 * DAY:
        raise Condemned("BAD_DATE", "fin_opposition")
    if days["periode_debut"] and days["periode_fin"] < days["periode_debut"]:
        raise Condemned("BAD_DATE", "periode_fin")
    cents = None
    if row["montant_du"]:
        if not AMOUNT.match(row["montant_du"]):
            raise Condemned("BAD_AMOUNT", "montant_du")
        euros, _, rest = row["montant_du"].replace(".", ",").partition(",")
        cents = int(euros) * 100 + int((rest + "00")[:2])
        if cents == 0:
            raise Condemned("BAD_AMOUNT", "montant_du")
    if bad_postal_code(row["code_postal"]):
        raise Condemned("BAD_POSTAL_CODE", "code_postal")
    if cancelling and row["fondement"]:
        raise Condemned("UNEXPECTED_FIELD", "fondement")
    if row["fin_opposition"] and row["evenement"] != "LETTRE_1":
        raise Condemned("UNEXPECTED_FIELD", "fin_opposition")
    if row["option_tarifaire"] and row["fluide"] != "ELECTRICITE":
        raise Condemned("UNEXPECTED_FIELD", "option_tarifaire")
    if not row["code_postal"].startswith("75"):
        raise Condemned("OUT_OF_TERRITORY", "code_postal")
    return {**row, **days, "montant_du": cents}


def judge_bill(row, sender, today):
    """True for a duplicate, False for an accepted row; raises Condemned."""
    values = bill_form(row)
    if values["opposition"] == "OUI":
        raise Condemned("OPPOSED", "opposition")
    if values["reference"] in sender.accepted:
        if sender.accepted[values["reference"]] == values:
            return True
        raise Condemned("REFERENCE_REUSED", "reference")
    key = record_key(values["nom"], values["prenoms"], values["adresse"], values["code_postal"])
    if key in sender.objections:
        raise Condemned("OPPOSED")
    day, event = values["date_evenement"], values["evenement"]
    latest = max(day, values["periode_fin"] or day)
    if latest > today:
        raise Condemned("FUTURE_DATE", "date_evenement" if day > today else "periode_fin", str(latest))
    if day < today - 400 * DAY:
        raise Condemned("TOO_OLD", "date_evenement")
    if values["fin_opposition"] and today <= values["fin_opposition"]:
        raise Condemned("WINDOW_OPEN", "fin_opposition", str(values["fin_opposition"] + DAY))
    if event in ("REDUCTION", "COUPURE") and today < day + 6 * DAY:
        raise Condemned("TOO_EARLY", "date_evenement", str(day + 6 * DAY))
    apply_bill(values, key, sender)
    sender.accepted[values["reference"]] = values
    sender.rows.append((values["reference"], key, values))
    return False


def apply_bill(values, key, sender):
    """The ground, and what the row does to the dossiers."""
    event, ground, fluid = values["evenement"], values["fondement"], values["fluide"]
    dossiers = sender.dossiers.setdefault(key, {})
    period = (fluid, values["periode_debut"], values["periode_fin"])
    if event in CANCELLING:
        if values["periode_debut"]:
            closed = [name for name in dossiers if name == period and dossiers[name][0]]
        else:
            closed = [name for name, (is_open, earliest) in dossiers.items()
                      if name[0] == fluid and is_open and earliest < values["date_evenement"]]
        if not closed:
            raise Condemned("NO_GROUND", "evenement")
        for name in closed:
            dossiers[name][0] = False
        return
    allowed = {"LETTRE_1": ("ART2", "CONVENTION"), "LETTRE_2": ("CONVENTION",)}.get(event, ("ART6",))
    if ground not in allowed or (ground == "CONVENTION" and not sender.convention):
        raise Condemned("NO_GROUND", "fondement")
    earliest = dossiers[period][1] if period in dossiers else values["date_evenement"]
    dossiers[period] = [True, min(earliest, values["date_evenement"])]


# --- distress reports ---------------------------------------------------------------------------------------------

TEXT, COUNT, FLAG, COUNT_OR_FLAG = "text", "count", "flag", "count or flag"
REPORT_SHAPE = {
    "reference": TEXT, "intervention_at": TEXT,
    "place": {"kind": TEXT, "adresse": TEXT, "code_postal": TEXT, "commune": TEXT, "repere": TEXT, "etage": TEXT,
              "acces": TEXT},
    "person": {"nom": TEXT, "prenoms": TEXT, "alias": TEXT, "naissance": TEXT, "telephone": TEXT, "sexe": TEXT},
    "household": {"adults": COUNT, "minors": COUNT, "pregnant": COUNT_OR_FLAG},
    "signs": [TEXT], "facts": TEXT, "reported_words": TEXT,
    "prior_interventions": {"count": COUNT, "since": TEXT},
    "danger": TEXT, "informed": TEXT, "agreement": TEXT, "ground": TEXT, "ground_facts": TEXT,
    "requested_action": TEXT, "exercise": FLAG,
}


TEXTS = tuple(path for name, shape in REPORT_SHAPE.items() for path in (
    [name] if shape == TEXT else ["%s.%s" % (name, inner) for inner, kind in shape.items() if kind == TEXT]
    if isinstance(shape, dict) else []))


class Members(list):
    """The members of an object as they stand: in order, repeated ones too."""


def no_constant(name):
    raise ValueError(name)


def fault(members, shape=None, path=""):
    """The path of the first member, as they stand, that is unknown (that of its object), repeated or of a wrong type;
    None: there is none."""
    shape = REPORT_SHAPE if shape is None else shape
    seen = set()
    for name, value in members:
        inner = path + "." + name if path else name
        if name not in shape:
            return path
        if name in seen or not isinstance(shape[name], dict) and not typed(value, shape[name]):
            return inner
        seen.add(name)
        if isinstance(shape[name], dict):
            wrong = fault(value, shape[name], inner) if isinstance(value, Members) else inner
            if wrong is not None:
                return wrong
    return None


def typed(value, kind):
    count = isinstance(value, int) and not isinstance(value, bool) and value >= 0
    if isinstance(kind, list):
        return isinstance(value, list) and not isinstance(value, Members) and all(typed(each, kind[0]) for each in value)
    if kind == TEXT:
        return isinstance(value, str) and "\0" not in value
    return count and kind in (COUNT, COUNT_OR_FLAG) or isinstance(value, bool) and kind in (FLAG, COUNT_OR_FLAG)


def plain(value):
    if isinstance(value, Members):
        return {name: plain(each) for name, each in value}
    return [plain(each) for each in value] if isinstance(value, list) else value


def text_at(report, path):
    holder, _, name = path.rpartition(".")
    return (report.get(holder) or {} if holder else report).get(name, "")


def cleaned(value):
    if isinstance(value, str):
        return clean(value)
    if isinstance(value, dict):
        return {name: cleaned(each) for name, each in value.items()}
    if isinstance(value, list):
        return [cleaned(each) for each in value]
    return value


def judge_bspp(data, sender, now):
    if data[:3] == b"\xef\xbb\xbf":
        data = data[3:]
    lines = data.split(b"\n")
    outcomes = []
    blank = blank_line("utf-8")
    for number, raw in enumerate(lines, 1):
        raw = raw[:-1] if raw.endswith(b"\r") else raw
        if blank.match(raw):
            continue
        report, reference = None, ""
        if len(raw) <= 64 * 1024:
            try:
                report = json.loads(raw.decode("utf-8", "surrogateescape"), object_pairs_hook=Members,
                                    parse_constant=no_constant)
            except (ValueError, RecursionError):
                report = None
        if not isinstance(report, Members) or [name for name, _ in report].count("reference") > 1:
            reference = None
        elif isinstance(dict(report).get("reference"), str):
            reference = writable_reference(clean(dict(report)["reference"]))
        try:
            duplicate = judge_report(report, sender, now)
            outcomes.append(Outcome(number, reference, "DUPLICATE" if duplicate else "ACCEPTED"))
        except Condemned as why:
            outcomes.append(Outcome(number, reference, "REFUSED", why.reason, why.retry_after, why.field))
    return outcomes


def missing(report):
    """In the order of the members' table."""
    place = report.get("place")
    yield "reference", report.get("reference")
    yield "intervention_at", report.get("intervention_at")
    yield "place", place is not None
    place = place or {}
    yield "place.kind", place.get("kind")
    yield "place.adresse", place.get("adresse") or place.get("kind") != "DOMICILE" and place.get("repere")
    yield "place.code_postal", place.get("code_postal") or place.get("kind") != "DOMICILE"
    for name in ("signs", "facts", "danger", "informed", "agreement"):
        yield name, report.get(name)
    yield "ground_facts", report.get("ground_facts") or not report.get("ground")


def report_form(members, now):
    if not isinstance(members, Members):
        raise Condemned("MALFORMED")
    wrong = fault(members)
    if wrong is not None:
        raise Condemned("MALFORMED", wrong)
    report = plain(members)
    # Where `signs` is one of several, it is named last.
    undecoded = [path for path in TEXTS if any("\ud800" <= c <= "\udfff" for c in text_at(report, path))]
    undecoded += ["signs"] * any("\ud800" <= c <= "\udfff" for sign in report.get("signs", []) for c in sign)
    report = cleaned(report)
    if report.get("reference") and not REFERENCE.match(report["reference"]):
        raise Condemned("MALFORMED", "reference")
    if undecoded:
        raise Condemned("BAD_ENCODING", undecoded[0])
    for path, there in missing(report):
        if not there:
            raise Condemned("MISSING_FIELD", path)
    place, person = report["place"], report.get("person", {})
    limits = [("place." + name, 200) for name in REPORT_SHAPE["place"]]
    limits += [("person." + name, 100) for name in REPORT_SHAPE["person"]]
    limits += [("facts", 1000), ("reported_words", 1000), ("ground_facts", 1000), ("requested_action", 300)]
    for path, most in limits:
        if len(text_at(report, path)) > most:
            raise Condemned("TOO_LONG", path)
    if len(set(report["signs"])) > 20:
        raise Condemned("TOO_LONG", "signs")
    for path in TEXTS:
        if holds_nir(text_at(report, path)):
            raise Condemned("NIR_DETECTED", path)
    if any(holds_nir(sign) for sign in report["signs"]):
        raise Condemned("NIR_DETECTED", "signs")
    codes = [("place.kind", [place["kind"]], PLACE_KINDS), ("signs", report["signs"], SIGNS),
             ("danger", [report["danger"]], DANGERS), ("informed", [report["informed"]], INFORMED),
             ("agreement", [report["agreement"]], AGREEMENTS),
             ("ground", [report["ground"]] if report.get("ground") else [], REPORT_GROUNDS)]
    for path, given, allowed in codes:
        if any(code not in allowed for code in given):
            raise Condemned("UNKNOWN_CODE", path)
    at = parse_instant(report["intervention_at"])
    if at is None:
        raise Condemned("BAD_DATE", "intervention_at")
    born = parse_day(person.get("naissance", ""), iso_only=True)
    for path in ("person.naissance", "prior_interventions.since"):
        if text_at(report, path) and parse_day(text_at(report, path), iso_only=True) is None:
            raise Condemned("BAD_DATE", path)
    if place.get("code_postal"):
        if bad_postal_code(place["code_postal"]):
            raise Condemned("BAD_POSTAL_CODE", "place.code_postal")
        if not place["code_postal"].startswith("75"):
            raise Condemned("OUT_OF_TERRITORY", "place.code_postal")
    if report["danger"] == "IMMEDIATE":
        raise Condemned("IMMEDIATE_DANGER", "danger")
    content = {**filled(report, REPORT_SHAPE), "intervention_at": at, "signs": sorted(set(report["signs"]))}
    return content, at, born


def filled(value, shape):
    """With what is absent at its default: no text, nobody counted, not so."""
    if isinstance(shape, dict):
        value = value or {}
        return {name: filled(value.get(name), each) for name, each in shape.items()}
    if shape == COUNT_OR_FLAG:
        return int(value or 0)
    return value or {TEXT: "", COUNT: 0, FLAG: False}.get(shape if isinstance(shape, str) else "", value)


def parse_instant(text):
    match = re.fullmatch(r"(\d{4}-\d{2}-\d{2})T(\d{2}:\d{2}:\d{2})(\.\d+)?(Z|[+-]\d{2}:\d{2})", text)
    if not match:
        return None
    try:
        instant = datetime.datetime.fromisoformat(
            match[1] + "T" + match[2] + ("+00:00" if match[4] == "Z" else match[4]))
    except ValueError:
        return None
    return instant.astimezone(datetime.timezone.utc) + datetime.timedelta(seconds=float(match[3] or 0))


def is_minor(born, day):
    return (born.year + 18, born.month, born.day) > (day.year, day.month, day.day)


def judge_report(report, sender, now):
    content, at, born = report_form(report, now)
    reference = content["reference"]
    if reference in sender.accepted:
        if sender.accepted[reference] == content:
            return True
        raise Condemned("REFERENCE_REUSED", "reference")
    day = at.astimezone(PARIS).date()
    today = now.astimezone(PARIS).date()
    if at > now + datetime.timedelta(minutes=5):
        raise Condemned("FUTURE_DATE", "intervention_at", str(day))
    if day < today - 400 * DAY:
        raise Condemned("TOO_OLD", "intervention_at")
    minor = born is not None and is_minor(born, day)
    agreed = content["agreement"] == "GIVEN" and not minor
    unable = content["agreement"] == "UNABLE" and content["danger"] == "SERIOUS"
    if not (content.get("ground") or agreed or unable):
        raise Condemned("NO_GROUND", "agreement")
    sender.accepted[reference] = content
    sender.rows.append((reference, None, content))
    return False
