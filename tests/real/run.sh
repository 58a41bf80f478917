#!/usr/bin/env bash
# Plays two sets of real records by commands alone, each from an empty database, and prints counts, totals and times:
#   tests/real/run.sh target/release/consign /path/to/data [postgres://…]
# SQLite files in a folder of its own unless an address is given, whose database must be empty.
set -euo pipefail
program=$(realpath "$1"); data=$(realpath "$2"); address=${3:-}
here=$(cd "$(dirname "$0")" && pwd)
work=$(mktemp -d); trap 'rm -rf "$work"' EXIT
cd "$work"
export DATABASE_URL=${address:-sqlite:$work/book.db}
# Personal data on a server is encrypted with a key that is told; this one is good for these made-up telephone numbers.
[ -z "$address" ] || export CONSIGN_KEY=${CONSIGN_KEY:-for this run alone}

# say WHAT COMMAND…: runs a command, prints the seconds it took and the first line of its answer.
say() {
  local what=$1 began ended answer; shift
  began=$(date +%s%N); answer=$("$program" "$@") || { echo "$answer"; echo "FAILED: $*" >&2; exit 1; }; ended=$(date +%s%N)
  printf '%7.2f s  %-34s %s\n' "$(((ended - began) / 10000000))e-2" "$what" "$(grep -v '^warning' <<<"$answer" | head -1)"
}
# tell WHAT COMMAND…: the same, with all lines of its answer; exit code 3 (done in part) is let through.
tell() {
  local what=$1 code=0 began ended answer; shift
  began=$(date +%s%N); answer=$("$program" "$@") || code=$?; ended=$(date +%s%N)
  [ $code = 0 ] || [ $code = 3 ] || { echo "$answer"; echo "FAILED: $*" >&2; exit 1; }
  printf '%7.2f s  %-34s %s\n' "$(((ended - began) / 10000000))e-2" "$what" "$(grep -v '^warning' <<<"$answer" | head -1)"
  grep -v '^warning' <<<"$answer" | tail -n +2 | cut -c1-170 | sed 's/^ */             /'
}
# month FILE YYYY-MM: the rows of a month, with the header.
month() { awk -F, -v month="$2" 'NR == 1 || index($3, month) == 1' "$1" >"$2.csv"; }
# close LENDER MONTH: and a line for each statement, whose lines are kept for the check.
close() {
  say "close $2" close --lender "$1" --month "$2"
  "$program" close --lender "$1" --month "$2" --json | python3 -c '
import json, sys
for s in json.load(sys.stdin)["statements"]:
    print("           %s %-5s commission %12s  true-up %10s  charges %8s  factor %9s  min/max %9s  total %12s" % (s["statement_no"], s["agency"],
          s["commission"], s["true_up"], s["charges"], s["performance"], s["minimum"] if s["minimum"] != "0.00" else s["maximum"], s["total"]))' |
    tee closed
  for agency in $(awk '{ print $2 }' closed); do
    mkdir -p "$1"
    "$program" statement --lender "$1" --agency "$agency" --month "$2" --format csv -o "$1/$agency-$2.csv" >/dev/null
  done
}
# held LENDER DAY: held.csv, what somebody has in hand that day.
held() {
  "$program" placements --lender "$1" --on "$2" -o on-day.csv >/dev/null
  awk -F, 'NR == 1 || $7 == ""' on-day.csv >held.csv
}
# accounts: the account numbers on standard input under their header.
accounts() { echo account_no; sort; }
# optimal FILE: another solver finds nothing better than what the table assigns; where SciPy and the example are there.
optimal() {
  if python3 -c 'import scipy' 2>/dev/null && [ -x "$here/../../target/release/examples/programme" ]; then
    python3 "$here/../programmes/compare.py" --table "$1" | sed 's/^/             /'
  else echo "             $1 is not compared with another solver: see tests/programmes/README.md"; fi
}
# replay RUN ASSIGNMENT: the run again from what it knew, to the same bytes.
replay() {
  say "replay of $1" allocate --replay "$1" --export again.csv
  cmp again.csv "$2"
  echo "             the assignment has the same bytes"
}
# finish LENDER CURRENCY AGENCIES TAILS RECOVERIES…
finish() {
  local lender=$1 currency=$2 agencies=$3 tails=$4; shift 4
  say "verify" verify --lender "$lender"
  "$program" placements --lender "$lender" -o placements.csv >/dev/null
  "$program" ledger trial-balance --lender "$lender" -o trial.csv >/dev/null
  awk -F, 'NR > 1 { printf "           %-28s %18s\n", $1, $4 }' trial.csv
  # shellcheck disable=SC2086
  python3 "$here/check.py" --placements placements.csv --agencies "$agencies" --tail $tails --bank "$(awk -F, '$1 == "Assets:Bank" { print $4 }' trial.csv)" \
    --recoveries "$@" --statements "$lender"/*.csv | sed 's/^/           /'
  if command -v hledger >/dev/null; then
    "$program" ledger export --lender "$lender" --format hledger -o book.journal >/dev/null
    hledger -f book.journal check --strict balanced assertions
    hledger -f book.journal bal --flat -O csv --no-total | tail -n +2 | tr -d '"' | sed "s/ $currency//" | LC_ALL=C sort >theirs
    awk -F, 'NR > 1 && $4 + 0 != 0 { print $1 "," $4 }' trial.csv | LC_ALL=C sort >ours
    cmp ours theirs
    echo "           hledger accepts the export and has the same balances"
  fi
  if command -v bean-check >/dev/null; then
    "$program" ledger export --lender "$lender" --format beancount -o book.beancount >/dev/null
    bean-check book.beancount
    echo "           bean-check accepts the export"
  fi
}

loans=$data/lendingclub/recoveries_2013.csv
echo "== LendingClub: 2,480 charged-off loans, recoveries of 2013; the first placement"
say "setup" setup "$here/us-parties.toml"
for i in 1 2 3 4 5; do say "contract of US$i" contract publish "$here/us-$i.toml" --lender LC; done
say "portfolio of 2013-01-31" import portfolio "$data/lendingclub/portfolio_2013-01-31.csv" --lender LC --as-of 2013-01-31 \
  --all-or-nothing --expect-rows 2480 --expect-total 16475657.03
say "allocate, equal shares" allocate "$here/equal.toml" --lender LC --on 2013-02-01 --commit --export LC-1.csv
for m in 02 03 04 05 06; do
  month "$loans" "2013-$m"
  say "recoveries of 2013-$m" import recoveries "2013-$m.csv" --lender LC
  close LC "2013-$m"
done
month "$loans" 2013-07
say "recoveries of 2013-07" import recoveries 2013-07.csv --lender LC

echo
echo "== The same loans come back: July and the first days of August 2013"
# Complaints and contacts are in no column of the source: these few are made up, on accounts found by rule.
held LC 2013-07-09
nth() { awk -F, -v who="$1" -v n="$2" '$2 == who && ++k == n { print $1 }' held.csv; }
complain() { say "complaint $1" complaint add --lender LC --reference "$1" --agency "$2" --account "$3" --received-on "$4" --severity "$5" --text "$6"; }
complain C-1 US3 "$(nth US3 1)" 2013-07-09 high "called at work"
complain C-2 US3 "$(nth US3 2)" 2013-07-10 medium "told a neighbour"
complain C-3 US1 "$(nth US1 1)" 2013-07-11 low "letters to an old address"
complain C-4 US3 "$(nth US3 3)" 2013-07-30 high "threatened with arrest"
decide() { say "decision on $1" complaint decide --lender LC --reference "$1" --upheld "$2" --on "$3" --text "$4"; }
decide C-1 yes 2013-07-18 "recording heard"
decide C-2 yes 2013-07-19 "admitted"
decide C-3 no 2013-07-19 "the debtor had not moved"
{ echo reference,account_no,at,channel,number,outcome
  for hour in 09 11 14 16; do echo "K-$hour,$(nth US1 5),2013-07-12 $hour:05,call,555-0100,effective"; done
  echo "K-23,$(nth US1 6),2013-07-12 23:10,call,555-0101,unanswered"; } >contacts.csv
say "contacts of US1" import contacts contacts.csv --lender LC --agency US1
# A return: US2 works no accounts of Texas any more. A compliance recall: US4 lost its licence for Massachusetts.
of_region() { awk -F, -v region="$2" 'NR == FNR { if ($4 == region) there[$1]; next } $2 == who && $1 in there { print $1 }' who="$1" \
  "$data/lendingclub/portfolio_2013-01-31.csv" held.csv | accounts; }
held LC 2013-07-20
of_region US2 TX >texas.csv; of_region US4 MA >massachusetts.csv
say "US2 returns Texas" placement return --lender LC --agency US2 --accounts texas.csv --reason "no office there any more" --on 2013-07-20
say "accepted" placement decide-return --lender LC --accounts texas.csv --outcome accepted --on 2013-07-24
say "compliance recall from US4" recall --lender LC --accounts massachusetts.csv --reason compliance --on 2013-07-23
# A retention: what paid US5 in June or July stays beyond the term.
held LC 2013-07-22
awk -F, 'NR == FNR { if ($3 >= "2013-06-01") paid[$2]; next } $2 == "US5" && $1 in paid { print $1 }' \
  <(cat 2013-06.csv 2013-07.csv) held.csv | accounts >paying.csv
say "US5 asks to keep who pays" placement retain --lender LC --agency US5 --accounts paying.csv --until 2013-12-31 --reason "pays by instalments" --on 2013-07-22
say "approved" placement decide-retention --lender LC --accounts paying.csv --outcome approved --on 2013-07-26
# Two phases: all of US3; of US1 and US2 what has brought nothing.
held LC 2013-07-25
awk -F, 'NR == FNR { if ($3 <= "2013-07-25") paid[$2]; next } ($2 == "US1" || $2 == "US2") && !($1 in paid) { print $1 }' "$loans" held.csv | accounts >silent.csv
tell "recall of all that US3 has" recall --lender LC --agency US3 --reason strategy --on 2013-07-25
tell "recall of the silent, US1 and US2" recall --lender LC --accounts silent.csv --reason strategy --on 2013-07-25
awk -F, 'NR == FNR { silent[$1]; next } $2 == "US1" && $1 in silent && $9 >= 20000 { print $1 }' silent.csv held.csv | accounts >withdrawn.csv
awk -F, 'NR == FNR { silent[$1]; next } $2 == "US1" && $1 in silent && $9 >= 15000 && $9 < 20000 { print $1 }' silent.csv held.csv | accounts >upheld.csv
{ cat upheld.csv; tail -n +2 withdrawn.csv; } >objected.csv
say "US1 objects to the large ones" placement object --lender LC --agency US1 --accounts objected.csv --reason "settlement offered" --on 2013-07-29
close LC 2013-07
say "withdrawn for the largest" placement decide-recall --lender LC --accounts withdrawn.csv --outcome withdrawn --on 2013-08-02
say "upheld for the others" placement decide-recall --lender LC --accounts upheld.csv --outcome upheld --on 2013-08-02
tell "what was final on 2013-08-04" expire --lender LC --on 2013-08-05
awk -F, '$4 == "NV" { print $1 }' "$data/lendingclub/portfolio_2013-01-31.csv" | accounts >nevada.csv
tell "hardship in Nevada" hold open --lender LC --accounts nevada.csv --type hardship --until 2013-10-31 --reason "flood" --on 2013-08-05

echo
echo "== The second placement of the loans: 2013-08-05"
say "setup, US6 is new" setup "$here/us-parties-second.toml"
for i in 1 2 3 4 5; do say "contract of US$i" contract publish "$here/us-$i-second.toml" --lender LC; done
say "contract of US6" contract publish "$here/us-6.toml" --lender LC
tell "scorecard" scorecard --lender LC --on 2013-08-05 --strategy "$here/us-second.toml"
sed 's/"optimise"/"equal"/; s/"second placement"/"equal shares"/; s/^exploration.*//' "$here/us-second.toml" >us-equal.toml
tell "what if: equal or optimise" what-if us-equal.toml "$here/us-second.toml" --lender LC --on 2013-08-05
tell "simulated" allocate "$here/us-second.toml" --lender LC --on 2013-08-05 --export LC-2.csv --strata strata.csv
optimal strata.csv
say "committed" allocate --commit-run LC#2
for m in 08 09 10 11 12; do
  month "$loans" "2013-$m"
  say "recoveries of 2013-$m" import recoveries "2013-$m.csv" --lender LC
  close LC "2013-$m"
done
sed 's/^horizon_days.*/horizon_days = 120/' "$here/us-second.toml" >us-trial.toml
tell "scorecard at the year's end" scorecard --lender LC --on 2013-12-31 --strategy us-trial.toml
tell "trial on what chance dealt" trial --lender LC --on 2013-12-31 --strategy us-trial.toml
tell "violations" violations --lender LC --from 2013-07-01 --to 2013-12-31 -o violations.csv
replay LC#1 LC-1.csv
replay LC#2 LC-2.csv
finish LC USD US1,US2,US3,US4,US5,US6 LC-US5-2013:1=30 "$loans"

cards=$data/taiwan_cards
echo
echo "== Taiwanese credit cards: 2,228 overdue accounts, the first placement, May to July 2005"
say "setup" setup "$here/tw-parties.toml"
for one in 1 2 team; do say "contract tw-$one" contract publish "$here/tw-$one.toml" --lender TWC; done
say "portfolio of 2005-04-30" import portfolio "$cards/portfolio_2005-04-30.csv" --lender TWC --as-of 2005-04-30 --expect-rows 2228 --expect-total 111324561
say "allocate, equal shares" allocate "$here/equal.toml" --lender TWC --on 2005-05-01 --commit --export TWC-1.csv
for m in 05 06 07; do
  say "recoveries of 2005-$m" import recoveries "$cards/recoveries_2005-$m.csv" --lender TWC
  [ $m != 06 ] || say "portfolio of 2005-06-30" import portfolio "$cards/portfolio_2005-06-30.csv" --lender TWC --as-of 2005-06-30
  [ $m = 07 ] || close TWC "2005-$m"
done
held TWC 2005-07-25
tell "recall of all that TEAM has" recall --lender TWC --agency TEAM --reason strategy --on 2005-07-25
awk -F, 'NR == FNR { paid[$2]; next } $2 == "TW1" && !($1 in paid) { print $1 }' <(cat "$cards"/recoveries_2005-0[67].csv) held.csv | accounts >silent.csv
tell "recall of the silent, TW1" recall --lender TWC --accounts silent.csv --reason strategy --on 2005-07-26
close TWC 2005-07
tell "what was final on 2005-08-02" expire --lender TWC --on 2005-08-03

echo
echo "== The second placement of the cards: 2005-08-03, and a third: 2005-09-01"
for one in 1 2; do say "contract tw-$one" contract publish "$here/tw-$one-second.toml" --lender TWC; done
tell "scorecard" scorecard --lender TWC --on 2005-08-03 --strategy "$here/tw-second.toml"
sed 's/"optimise"/"equal"/; s/"second placement"/"equal shares"/; s/^exploration.*//' "$here/tw-second.toml" >tw-equal.toml
tell "what if: equal or optimise" what-if tw-equal.toml "$here/tw-second.toml" --lender TWC --on 2005-08-03
tell "simulated" allocate "$here/tw-second.toml" --lender TWC --on 2005-08-03 --export TWC-2.csv --strata strata.csv
optimal strata.csv
say "committed" allocate --commit-run TWC#2
say "recoveries of 2005-08" import recoveries "$cards/recoveries_2005-08.csv" --lender TWC
held TWC 2005-08-29
awk -F, 'NR == FNR { paid[$2]; next } $2 != "TEAM" && $4 == 2 && !($1 in paid) { print $1 }' "$cards/recoveries_2005-08.csv" held.csv | accounts >silent.csv
say "recall of the silent, level 2" recall --lender TWC --accounts silent.csv --reason strategy --on 2005-08-29 --final
close TWC 2005-08
tell "the two agencies again, simulated" allocate "$here/tw-second.toml" --lender TWC --on 2005-09-01
tell "with the lender's own collectors" allocate "$here/tw-third.toml" --lender TWC --on 2005-09-01 --commit --export TWC-4.csv
say "recoveries of 2005-09" import recoveries "$cards/recoveries_2005-09.csv" --lender TWC
close TWC 2005-09
sed 's/^horizon_days.*/horizon_days = 55/' "$here/tw-second.toml" >tw-trial.toml
tell "trial on what chance dealt" trial --lender TWC --on 2005-10-01 --strategy tw-trial.toml
replay TWC#1 TWC-1.csv
replay TWC#2 TWC-2.csv
replay TWC#4 TWC-4.csv
finish TWC TWD TW1,TW2 "TWC-TW2-2005:1=5 TWC-TW2-2005:2=5" "$cards"/recoveries_2005-0?.csv

echo
echo "== The same loans under the source's own column names"
sed 's/"LC"/"RAW"/' "$here/us-parties.toml" >raw.toml
say "setup" setup raw.toml
say "raw file by the map" import portfolio "$data/lendingclub/raw_charged_off.csv" --lender RAW --as-of 2013-01-31 --map "$here/raw-map.toml"
code=0; "$program" import portfolio "$data/lendingclub/raw_charged_off.csv" --lender RAW --as-of 2013-02-28 --map "$here/noisy-map.toml" --rejects rejects.csv >said || code=$?
[ $code = 3 ] || { echo "exit code $code where 3 was expected" >&2; exit 1; }
grep -v '^warning' said | head -3; echo "  rejects file: $(($(wc -l <rejects.csv) - 1)) lines"
say "verify" verify
