#!/usr/bin/env bash
# The suite's story in one screen: scripts/demo.sh [--keep]
# Builds what is not up to date, starts a suite in a folder of its own at a fixed instant, imports two feeds of invented
# people, follows one of them until a human has her case, shows what stops when she says no, and keeps a paper of hers.
# Exit 0 only when everything happened as told. --keep leaves the suite running and says how to use it.
set -euo pipefail
cd "$(dirname "$0")/.."
# shellcheck source=scripts/lib/packages.sh
source scripts/lib/packages.sh

keep=
case "${1:-}" in
  "") ;;
  --keep) keep=1 ;;
  *) echo "usage: scripts/demo.sh [--keep]" >&2; exit 2 ;;
esac

ensure_packages python3
preset=${RELAIS_PRESET:-release}
scripts/build.sh "$preset" relais relais-consent relais-routing relais-alerting relais-vault

base=$(mktemp -d "${TMPDIR:-/tmp}/relais-demo-XXXXXX")
dir=$base/suite
finish() {
  local status=$?
  if [ -n "$keep" ] && [ $status = 0 ]; then
    return
  fi
  [ ! -d "$dir" ] || scripts/down.sh "$dir" || true
  rm -rf "$base"
}
trap finish EXIT
fail() { echo "demo: $*" >&2; exit 1; }

# get KEY.KEY…: a value of the JSON on standard input; "#" counts a list.
get() {
  python3 -c 'import json, sys
value = json.load(sys.stdin)
for key in sys.argv[1].split("."):
    value = len(value) if key == "#" else value[int(key)] if isinstance(value, list) else value[key]
print(value)' "$1"
}
# wait_for WHAT COMMAND…: until it succeeds, at most 30 s.
wait_for() {
  local what=$1 until=$((SECONDS + 30))
  shift
  until "$@"; do
    [ $SECONDS -lt $until ] || fail "waited 30 s for $what"
    sleep 0.2
  done
}
edf() { relais --as edf/billing "$@"; }
bspp() { relais --as bspp/dispatch "$@"; }
city() { relais --as ville-paris/dsol --agent as-1207 "$@"; }
emmaus() { relais --as emmaus/maraude --agent m-12 "$@"; }
caf() { relais --as caf/droits --agent cd-7 "$@"; }
waiting() { "$1" --json inbox list "$2" --page-size 1000 | get messages.#; }
some_wait() { [ "$(waiting "$1" "$2")" -gt 0 ]; }
none_wait() { [ "$(waiting "$1" "$2")" = 0 ]; }
# import TYPE FILE: the summary as JSON; refused rows are expected in these files.
import() {
  local code=0
  "$1" --json signal import --type "$2" "$base/$3" --results "$base/$3.results" >"$base/$3.json" \
    2>"$base/$3.errors" || code=$?
  [ $code = 0 ] || [ $code = 3 ] || fail "the import of $3 ended with $code: $(cat "$base/$3.errors")"
}
told() {
  python3 -c 'import json, sys
s = json.load(open(sys.argv[1]))
reasons = sorted(s["refusedByReason"].items(), key=lambda each: -each[1])[:4]
print("%d rows: %d accepted, %d duplicate, %d refused (%s, …)" % (s["rows"], s["accepted"], s["duplicates"],
      s["refused"], ", ".join("%s %d" % each for each in reasons)))' "$base/$1.json"
}

clock=2026-11-10T10:00:00+01:00
desk=dsol-75118
scripts/up.sh "$dir" --test-clock $clock >/dev/null
# shellcheck source=/dev/null
source "$dir/env"
echo "Relais: four services under $dir, at $clock"
echo

python3 tests/e2e/feedgen.py edf --seed demo --rows 3000 --bad 0.3 --now $clock -o "$base/edf.csv"
python3 tests/e2e/feedgen.py bspp --seed demo --rows 2000 --bad 0.3 --now $clock -o "$base/bspp.ndjson"
import edf edf edf.csv
echo "EDF, factures impayées (unpaid bills)     $(told edf.csv)"
import bspp bspp bspp.ndjson
echo "BSPP, fiches de détresse (distress)       $(told bspp.ndjson)"
echo "  Rows that may not be transmitted never left the sender's machine; the files of results name nobody."
echo

# A cut, on the ground of the law.
wait_for "a message at $desk" some_wait city $desk
city --json inbox pull $desk --max 1000 >"$base/pulled.json"
python3 - "$base/pulled.json" "$base/her.json" <<'PYTHON'
import json
import sys
for message in json.load(open(sys.argv[1]))["messages"]:
    if "unpaidBill" in message["content"] and message["ground"] == "GROUND_ART6":
        json.dump(message, open(sys.argv[2], "w"))
        sys.exit(0)
sys.exit("demo: no cut among the messages")
PYTHON
her() { get "$1" <"$base/her.json"; }
message=$(her messageId)
handle=$(her person.handle)
name="$(her content.unpaidBill.firstNames) $(her content.unpaidBill.surname)"
echo "Guichet (desk) $desk: $(waiting city $desk) messages wait. One of them, on the ground of the law (ART6):"
echo "  $name, $(her content.unpaidBill.address), $(her content.unpaidBill.postalCode):" \
  "$(her content.unpaidBill.event), $(her content.unpaidBill.fluid)"
echo "  why here: $(her whyYou)"
city inbox ack "$message" >/dev/null
city inbox take "$message" >/dev/null
echo "  as-1207, a social worker, took it: escalation stops. EDF sees that it was delivered, and nothing more."
echo

agreement=$(city --json consent record "$handle" --purpose ENERGY_AID --purpose REFERENT_COORDINATION --category IDENTITY \
  --category CONTACT --category ADDRESS --category ENERGY_DEBT --recipient emmaus --method signed-paper \
  --notice accord-partage/3 --receipt "$base/receipt.json" | get consentId)
relais audit verify "$base/receipt.json" >/dev/null || fail "the receipt does not verify"
echo "Accord (agreement): she agrees that Emmaüs learns of it; her receipt verifies offline."
check() {
  "$1" check "$2" --recipient emmaus --purpose ENERGY_AID --category IDENTITY --category ENERGY_DEBT >/dev/null
}
check city "$handle" || fail "what she agreed to is not permitted"

referent=$(city --json referent propose "$handle" --referent emmaus/maraudeur --who m-12 --desk emmaus-maraude |
  get referent.referentId)
city referent decide "$handle" "$referent" --agreed >/dev/null
wait_for "the proposal at emmaus-maraude" some_wait emmaus emmaus-maraude
theirs=$(emmaus --json inbox pull emmaus-maraude --ack | get messages.0.person.handle)
[ "$theirs" != "$handle" ] || fail "two institutions have the same handle"
emmaus referent accept "$theirs" "$referent" >/dev/null
echo "Référent pivot: the city proposes m-12 of Emmaüs, she agrees, he accepts. Each knows her by a handle of its own."
proposal=$(emmaus --json inbox list emmaus-maraude | get messages.0.messageId)
emmaus inbox take "$proposal" >/dev/null

# The next day's file: her gas is cut too. The probe is of a period of which there is no bill: it settles nothing.
python3 - "$base/her.json" "$base/next" <<'PYTHON'
import json
import sys
bill = json.load(open(sys.argv[1]))["content"]["unpaidBill"]
names = ("reference;fondement;evenement;date_evenement;fluide;opposition;fin_opposition;nom;prenoms;adresse;commune;"
         "code_postal;option_tarifaire;montant_du;periode_debut;periode_fin")
row = '%s;ART6;COUPURE;2026-11-01;%s;NON;;"%s";"%s";"%s";Paris;%s;;87,20;2026-08-01;2026-09-29'
settled = 'PROBE;;REGLEMENT;2026-11-02;CHALEUR;NON;;"%s";"%s";"%s";Paris;%s;;;2026-10-30;2026-10-31'
who = (bill["surname"], bill["firstNames"], bill["address"].replace('"', '""'), bill["postalCode"])
rows = [row % (("NEXT-%d" % number, fluid) + who) for number, fluid in enumerate(("GAZ", "EAU", "CHALEUR"))]
for number, text in enumerate(rows + [settled % who]):
    with open("%s-%d.csv" % (sys.argv[2], number), "w") as file:
        file.write(names + "\n" + text + "\n")
PYTHON
outcome() { tail -n 1 "$base/$1.results" | cut -d ';' -f "3,4" | tr ';' ' '; }
import edf edf next-0.csv
wait_for "a message for her référent" some_wait emmaus emmaus-maraude
echo "EDF's next file, another cut: $(outcome next-0.csv)and waits for her référent, as she agreed."
echo

city consent withdraw "$handle" --consent "$agreement" >/dev/null
code=0
check city "$handle" 2>/dev/null || code=$?
[ $code = 6 ] || fail "after the withdrawal the check ended with $code"
[ "$(emmaus --json inbox pull emmaus-maraude | get messages.#)" = 0 ] || fail "a message was delivered after all"
wait_for "the message to be pulled back" none_wait emmaus emmaus-maraude
echo "Retrait (withdrawal), at any desk: every check of it now refuses; the message was pulled back, never delivered."
import edf edf next-1.csv
echo "  Another cut: $(outcome next-1.csv)on the ground of the law alone, to the desk of her arrondissement."

city consent object --supplier edf --nom "$(her content.unpaidBill.surname)" \
  --prenoms "$(her content.unpaidBill.firstNames)" --adresse "$(her content.unpaidBill.address)" \
  --code-postal "$(her content.unpaidBill.postalCode)" >/dev/null
# A row that settles nothing is refused anyway: the reason says when her objection has reached alerting.
opposed() {
  import edf edf next-3.csv
  [ "$(outcome next-3.csv)" = "REFUSED OPPOSED" ]
}
wait_for "her objection to hold" opposed
import edf edf next-2.csv
[ "$(outcome next-2.csv)" = "REFUSED OPPOSED" ] || fail "a row was $(outcome next-2.csv) after her objection"
echo "Opposition (objection), told to the city: EDF's next row is $(outcome next-2.csv). Only she can lift it."
echo

# Her papers: the city acts for her, the CAF reads one as long as she agrees.
agree() { # ACT RECIPIENT
  city --json consent record "$handle" --purpose RIGHTS_OPENING --category DOCUMENTS --recipient "$2" --act "$1" \
    --method signed-paper --notice accord-partage/3 | get consentId
}
hosting=$(agree host ville-paris)
sharing=$(agree share-document caf)
city document link-host "$handle" --consent "$hosting" --purpose RIGHTS_OPENING >/dev/null
{ printf '%%PDF-1.7\n'; head -c 700000 /dev/zero | tr '\0' 'p'; } >"$base/notice.pdf"
paper=$(city --json document put "$handle" "$base/notice.pdf" --type tax-notice --title "Avis d'imposition 2026" \
  --receipt "$base/deposit.json" | get document.documentId)
relais audit verify "$base/deposit.json" >/dev/null || fail "the deposit receipt does not verify"
echo "Coffre-fort (vault): the city acts for her there, on her agreement. Her tax notice is deposited, the receipt verifies."
city document share "$handle" --document "$paper" --with caf --purpose RIGHTS_OPENING --consent "$sharing" \
  --until 2027-02-01T00:00:00+01:00 >/dev/null
shared() { [ "$(caf --json document shares | get shares.#)" = 1 ]; }
wait_for "the share at the CAF" shared
at_caf=$(caf --json document shares | get shares.0.person.handle)
caf document get "$at_caf" "$paper" "$base/read.pdf" >/dev/null
cmp -s "$base/notice.pdf" "$base/read.pdf" || fail "the CAF read something else"
city consent withdraw "$handle" --consent "$sharing" >/dev/null
closed() { ! caf document get "$at_caf" "$paper" "$base/again.pdf" >/dev/null 2>&1; }
wait_for "the share to end" closed
[ ! -e "$base/again.pdf" ] || fail "the CAF read after her withdrawal"
city --json document export "$handle" "$base/papers.tar" >/dev/null
relais document check-export "$base/papers.tar" >/dev/null || fail "the export does not verify"
echo "  She shared it with the CAF, which read it; she withdrew: the CAF reads no more. Her export verifies offline;" \
  "in her journal: $(city --json document journal "$handle" --limit 0 | get entries.#) lines."
echo

for service in consent routing alerting vault; do
  relais --json audit verify --service $service >"$base/log.json" || fail "the log of $service does not verify"
  echo "Log of $service: $(get leaves <"$base/log.json") leaves, root recomputed, checkpoint signed: verified."
done

if [ -n "$keep" ]; then
  echo
  echo "It runs on: source $dir/env; relais --as ville-paris/dsol inbox list $desk; relais --help"
  echo "To end it:  scripts/down.sh $dir && rm -r $base"
fi
