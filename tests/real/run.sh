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

# say WHAT COMMAND…: runs a command, prints the seconds it took and the first line of its answer.
say() {
  local what=$1 began ended answer; shift
  began=$(date +%s%N); answer=$("$program" "$@") || { echo "$answer"; echo "FAILED: $*" >&2; exit 1; }; ended=$(date +%s%N)
  printf '%7.2f s  %-34s %s\n' "$(((ended - began) / 10000000))e-2" "$what" "$(grep -v '^warning' <<<"$answer" | head -1)"
}
# month FILE YYYY-MM: the rows of a month, with the header.
month() { awk -F, -v month="$2" 'NR == 1 || index($3, month) == 1' "$1" >"$2.csv"; }
# close LENDER MONTH: and a line for each statement.
close() {
  say "close $2" close --lender "$1" --month "$2"
  "$program" close --lender "$1" --month "$2" --json | python3 -c '
import json, sys
for s in json.load(sys.stdin)["statements"]:
    print("           %s %-5s commission %12s  true-up %10s  charges %8s  min/max %9s  total %12s" % (s["statement_no"], s["agency"],
          s["commission"], s["true_up"], s["charges"], s["minimum"] if s["minimum"] != "0.00" else s["maximum"], s["total"]))'
}
finish() {
  say "verify" verify --lender "$1"
  "$program" ledger trial-balance --lender "$1" -o trial.csv >/dev/null
  awk -F, 'NR > 1 { printf "           %-28s %18s\n", $1, $4 }' trial.csv
}

echo "== LendingClub: 2,480 charged-off loans, recoveries of 2013"
say "setup" setup "$here/us-parties.toml"
for i in 1 2 3 4 5; do say "contract of US$i" contract publish "$here/us-$i.toml" --lender LC; done
say "portfolio of 2013-01-31" import portfolio "$data/lendingclub/portfolio_2013-01-31.csv" --lender LC --as-of 2013-01-31 \
  --all-or-nothing --expect-rows 2480 --expect-total 16475657.03
say "allocate, equal shares" allocate "$here/equal.toml" --lender LC --on 2013-02-01 --commit
for m in 02 03 04 05 06 07 08 09 10 11 12; do
  month "$data/lendingclub/recoveries_2013.csv" "2013-$m"
  say "recoveries of 2013-$m" import recoveries "2013-$m.csv" --lender LC
  close LC "2013-$m"
done
finish LC

echo
echo "== Taiwanese credit cards: 2,228 overdue accounts, May to September 2005"
say "setup" setup "$here/tw-parties.toml"
for one in 1 2 team; do say "contract tw-$one" contract publish "$here/tw-$one.toml" --lender TWC; done
say "portfolio of 2005-04-30" import portfolio "$data/taiwan_cards/portfolio_2005-04-30.csv" --lender TWC --as-of 2005-04-30 --expect-rows 2228 --expect-total 111324561
say "allocate, equal shares" allocate "$here/equal.toml" --lender TWC --on 2005-05-01 --commit
for m in 05 06 07 08 09; do
  say "recoveries of 2005-$m" import recoveries "$data/taiwan_cards/recoveries_2005-$m.csv" --lender TWC
  [ $m != 06 ] || say "portfolio of 2005-06-30" import portfolio "$data/taiwan_cards/portfolio_2005-06-30.csv" --lender TWC --as-of 2005-06-30
  close TWC "2005-$m"
done
finish TWC

echo
echo "== The same loans under the source's own column names"
sed 's/"LC"/"RAW"/' "$here/us-parties.toml" >raw.toml
say "setup" setup raw.toml
say "raw file by the map" import portfolio "$data/lendingclub/raw_charged_off.csv" --lender RAW --as-of 2013-01-31 --map "$here/raw-map.toml"
code=0; "$program" import portfolio "$data/lendingclub/raw_charged_off.csv" --lender RAW --as-of 2013-02-28 --map "$here/noisy-map.toml" --rejects rejects.csv >said || code=$?
[ $code = 3 ] || { echo "exit code $code where 3 was expected" >&2; exit 1; }
grep -v '^warning' said | head -3; echo "  rejects file: $(($(wc -l <rejects.csv) - 1)) lines"
say "verify" verify
