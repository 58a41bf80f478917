#!/usr/bin/env bash
# Simulates and commits an allocation of N accounts (default 1,000,000) to 50 assignees in 504 strata by the optimum, with
# a tenth as many placements behind it that are judged, beside the time the same database takes merely to insert the
# rows that come of it: sqlite3 .import, and psql \copy when CONSIGN_TEST_POSTGRES names a server.
#   benches/allocate.sh [N]       needs: cargo, sqlite3, python3, GNU time; psql for PostgreSQL
set -euo pipefail
cd "$(dirname "$0")/.."
n=${1:-1000000}
cargo build --release --quiet
consign=$PWD/target/release/consign
dir=$(mktemp -d /tmp/consign-bench.XXXXXX); trap 'rm -rf "$dir"' EXIT
cd "$dir"

{ printf '[[lender]]\ncode = "BEN"\nname = "Bench"\ncurrency = "CNY"\ntimezone = "Asia/Shanghai"\n'
  for i in $(seq -w 1 50); do printf '[[lender.assignee]]\ncode = "A%s"\nname = "Agency %s"\nkind = "agency"\ncapacity = %d\n' "$i" "$i" $((n / 40)); done; } > parties.toml
for i in $(seq -w 1 50); do printf 'code = "K-A%s"\nagency = "A%s"\neffective_from = 2025-01-01\nterm_days = 120\n[[fee]]\nname = "early"\nwhen = { days_past_due = { to = 90 } }\nrate = "%d%%"\n[[fee]]\nname = "late"\nrate = "%d%%"\n' "$i" "$i" $((10 + 10#$i % 7)) $((20 + 10#$i % 9)) > "contract-$i.toml"; done
cat > history.toml <<'T'
name = "history"
method = "equal"
strata = ["bucket"]
seed = 1
T
cat > strategy.toml <<'T'
name = "bench"
method = "optimise"
strata = ["bucket", "balance_band", "product", "region"]
balance_bands = ["1000", "5000", "20000"]
exploration = "10%"
seed = 2
T
awk -v n="$n" 'BEGIN{srand(7); split("card,loan,auto",product,","); h=int(n/10);
  print "account_no,debtor_ref,product,region,balance,days_past_due" > "old.csv"; print "account_no,debtor_ref,product,region,balance,days_past_due" > "new.csv";
  print "reference,account_no,received_on,amount" > "paid.csv";
  for(i=0;i<n+h;i++){b=exp(log(300)+rand()*5.2); row=sprintf("AC%09d,D%09d,%s,%d0000,%.2f,%d",i,i,product[1+i%3],11+int(rand()*6),b,1+int(rand()*210));
    if(i<h){print row > "old.csv"; if(rand()<0.2) printf "P%09d,AC%09d,2026-0%d-1%d,%.2f\n",i,i,1+i%3,i%10,b*rand() > "paid.csv"} else print row > "new.csv"}}'

# label, command…: wall seconds and peak memory of the whole process
measure() { local label=$1; shift; /usr/bin/time -f '%e %M' -o t "$@" > out 2> err || { cat out err; exit 1; }; read -r s m < t; printf '%-44s %8.1f s %8d MB\n' "$label" "$s" $((m / 1024)) >&2; echo "$s"; }
cat > stages.py <<'T'
import json
o = json.load(open("out"))
print("   ", ", ".join("%s %.1f s" % (stage, took / 1000) for stage, took in o["milliseconds"].items()))
own = sum(took for stage, took in o["milliseconds"].items() if stage in ("deciding", "hashing", "adding up")) / 1000
bound = o["outcome"]["objective"] == o["outcome"]["bound"]
print("    the engine itself %.2f s, %.2f of the 3 s it may take; placed %d, unplaced %d, bound reached: %s" % (own, own / 3, o["placed"], o["unplaced"], bound))
T
stages() { python3 stages.py >&2; }

book() { # URL, name
  local url=$1 name=$2
  run() { "$consign" --database "$url" "$@" > /dev/null; }
  run setup parties.toml
  for i in $(seq -w 1 50); do run contract publish "contract-$i.toml" --lender BEN; done
  run import portfolio old.csv --lender BEN --as-of 2025-12-31
  run allocate history.toml --lender BEN --on 2026-01-01 --commit
  run import recoveries paid.csv --lender BEN
  run import portfolio new.csv --lender BEN --as-of 2026-05-31
  run expire --lender BEN --on 2026-06-01
  simulated=$(measure "$name: simulate" "$consign" --database "$url" --json allocate strategy.toml --lender BEN --on 2026-06-01); stages
  committed=$(measure "$name: commit the simulated run" "$consign" --database "$url" --json allocate --commit-run BEN#2); stages
}

echo "$n accounts, $((n / 10)) judged placements, 50 assignees, 504 strata, $(nproc) cores"
book sqlite:bench.db SQLite
cat > bare.sql <<'T'
PRAGMA journal_mode=WAL;
CREATE TABLE allocation_row (lender TEXT NOT NULL, run_no INTEGER NOT NULL, account_no TEXT NOT NULL, seq INTEGER NOT NULL, assignee TEXT, level INTEGER NOT NULL, stratum TEXT NOT NULL, balance INTEGER NOT NULL, reason TEXT NOT NULL, PRIMARY KEY (lender, run_no, account_no)) STRICT, WITHOUT ROWID;
CREATE TABLE placement (lender TEXT NOT NULL, placement_no INTEGER NOT NULL, seq INTEGER NOT NULL, account_no TEXT NOT NULL, assignee TEXT NOT NULL, batch TEXT NOT NULL, level INTEGER NOT NULL, placed_on TEXT NOT NULL, expires_on TEXT NOT NULL, tail_days INTEGER NOT NULL, balance INTEGER NOT NULL, days_past_due INTEGER NOT NULL, bucket TEXT NOT NULL, product TEXT, region TEXT, charged_off INTEGER NOT NULL, legal INTEGER NOT NULL, contract TEXT NOT NULL, contract_version INTEGER NOT NULL, PRIMARY KEY (lender, placement_no)) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX placement_one_active ON placement (lender, account_no);
CREATE INDEX placement_account ON placement (lender, account_no, placed_on);
CREATE INDEX placement_assignee ON placement (lender, assignee, account_no);
T
columns='lender, placement_no, seq, account_no, assignee, batch, level, placed_on, expires_on, tail_days, balance, days_past_due, bucket, product, region, charged_off, legal, contract, contract_version'
sqlite3 -csv bench.db "SELECT * FROM allocation_row WHERE run_no = 2" > rows.csv
sqlite3 -csv bench.db "SELECT $columns FROM placement WHERE placed_on = '2026-06-01'" > placements.csv
sqlite3 bare.db < bare.sql > /dev/null
b=$(measure 'SQLite: merely inserting the rows' sqlite3 bare.db '.mode csv' '.import rows.csv allocation_row' '.import placements.csv placement')
awk -v a="$simulated" -v c="$committed" -v b="$b" 'BEGIN{printf "SQLite: simulate and commit %.1f s, %.1f times the insert\n", a + c, (a + c) / b}'
if [ -n "${CONSIGN_TEST_POSTGRES:-}" ]; then
  psql -q "$CONSIGN_TEST_POSTGRES" -c 'DROP SCHEMA IF EXISTS bench CASCADE' -c 'CREATE SCHEMA bench'
  book "$CONSIGN_TEST_POSTGRES?options=-csearch_path%3Dbench" PostgreSQL
  psql -q "$CONSIGN_TEST_POSTGRES" -c 'CREATE TABLE bench.r (LIKE bench.allocation_row INCLUDING INDEXES)' -c 'CREATE TABLE bench.p (LIKE bench.placement INCLUDING INDEXES)'
  b=$(measure 'PostgreSQL: merely inserting the rows' psql -q "$CONSIGN_TEST_POSTGRES" -c '\copy bench.r FROM rows.csv CSV' -c "\\copy bench.p ($columns) FROM placements.csv CSV")
  awk -v a="$simulated" -v c="$committed" -v b="$b" 'BEGIN{printf "PostgreSQL: simulate and commit %.1f s, %.1f times the insert\n", a + c, (a + c) / b}'
  psql -q "$CONSIGN_TEST_POSTGRES" -c 'DROP SCHEMA bench CASCADE'
fi
