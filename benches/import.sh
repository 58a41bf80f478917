#!/usr/bin/env bash
# Times the import of N accounts and N recoveries (default 1,000,000) with attribution and posting, beside the bare load
# of the same rows in the same run: sqlite3 .import, and psql \copy when CONSIGN_TEST_POSTGRES names a server.
#   benches/import.sh [N]       needs: cargo, sqlite3, GNU time; psql for PostgreSQL
set -euo pipefail
cd "$(dirname "$0")/.."
n=${1:-1000000}
cargo build --release --quiet
consign=$PWD/target/release/consign
dir=$(mktemp -d /tmp/consign-bench.XXXXXX); trap 'rm -rf "$dir"' EXIT
cd "$dir"

cat > parties.toml <<'T'
[[lender]]
code = "BEN"
name = "Bench"
currency = "CNY"
timezone = "Asia/Shanghai"
[[lender.assignee]]
code = "A01"
name = "One"
kind = "agency"
[[lender.assignee]]
code = "A02"
name = "Two"
kind = "agency"
T
for a in A01 A02; do cat > contract-$a.toml <<T
code = "K-$a"
agency = "$a"
effective_from = 2026-01-01
term_days = 180
[[fee]]
name = "all"
rate = "20%"
T
done
cat > strategy.toml <<'T'
name = "bench"
method = "equal"
strata = ["bucket"]
seed = 1
T
awk -v n="$n" 'BEGIN{srand(7); print "account_no,debtor_ref,product,region,principal,interest,fees,balance,days_past_due,charged_off,opened_on,last_paid_on,score";
  for(i=0;i<n;i++){p=100000+int(rand()*5000000);t=int(p/40);f=int(p/90);printf "AC%09d,D%09d,%s,%d0000,%.2f,%.2f,%.2f,%.2f,%d,%s,2024-%02d-15,2025-%02d-10,%d\n",i,i,(i%3?"card":"loan"),11+i%30,p/100,t/100,f/100,(p+t+f)/100,1+int(rand()*400),(i%5?"false":"true"),1+i%12,1+i%12,300+i%500}}' > portfolio.csv
awk -v n="$n" 'BEGIN{srand(9); print "reference,account_no,received_on,amount,kind,reverses,channel,agency,principal,interest,fees,costs,note";
  for(i=0;i<n;i++){a=1000+int(rand()*90000);acc=int(rand()*n); if(i%50==49) printf "RV%09d,AC%09d,2026-03-%02d,%.2f,reversal,PY%09d,,,,,,,\n",i,last,28,lastamount/200,i-1; else {printf "PY%09d,AC%09d,2026-03-%02d,%.2f,payment,,%s,%s,%.2f,%.2f,,,\n",i,acc,1+i%27,a/100,(i%7?"lender":"agency"),(i%7?"":"A01"),int(a*0.8)/100,(a-int(a*0.8))/100; last=acc; lastamount=a}}}' > recoveries.csv

# label, command…: wall seconds and peak memory of the whole process
measure() { local label=$1; shift; /usr/bin/time -f '%e %M' -o t "$@" > out 2> err || { cat out err; exit 1; }; read -r s m < t; printf '%-34s %8.1f s %8d MB\n' "$label" "$s" $((m / 1024)) >&2; echo "$s"; }
ratio() { awk -v a="$1" -v b="$2" 'BEGIN{printf "  ratio %.2f\n", a/b}'; }

book() { # URL, name
  local url=$1 name=$2
  "$consign" --database "$url" setup parties.toml >/dev/null
  for a in A01 A02; do "$consign" --database "$url" contract publish contract-$a.toml --lender BEN >/dev/null; done
  a=$(measure "$name: import portfolio" "$consign" --database "$url" import portfolio portfolio.csv --lender BEN --as-of 2026-02-28)
  measure "$name: allocate and place" "$consign" --database "$url" allocate strategy.toml --lender BEN --on 2026-03-01 --commit >/dev/null
  r=$(measure "$name: import recoveries" "$consign" --database "$url" import recoveries recoveries.csv --lender BEN)
  measure "$name: close the month" "$consign" --database "$url" close --lender BEN --month 2026-03 >/dev/null
  measure "$name: verify" "$consign" --database "$url" verify >/dev/null
}

accounts='account_no TEXT PRIMARY KEY, debtor_ref TEXT, product TEXT, region TEXT, principal NUMERIC, interest NUMERIC, fees NUMERIC, balance NUMERIC, days_past_due INTEGER, charged_off TEXT, opened_on TEXT, last_paid_on TEXT, score TEXT'
payments='reference TEXT PRIMARY KEY, account_no TEXT, received_on TEXT, amount NUMERIC, kind TEXT, reverses TEXT, channel TEXT, agency TEXT, principal TEXT, interest TEXT, fees TEXT, costs TEXT, note TEXT'
echo "$n accounts, $n recoveries, $(nproc) cores"
book sqlite:bench.db SQLite; sa=$a; sr=$r
sqlite3 bare.db "PRAGMA journal_mode=WAL; CREATE TABLE a ($accounts); CREATE TABLE r ($payments); CREATE INDEX ra ON r (account_no);" >/dev/null
ba=$(measure 'SQLite: bare .import of accounts' sqlite3 bare.db '.mode csv' '.import --skip 1 portfolio.csv a')
br=$(measure 'SQLite: bare .import of recoveries' sqlite3 bare.db '.mode csv' '.import --skip 1 recoveries.csv r')
echo "SQLite portfolio $(ratio "$sa" "$ba"); recoveries $(ratio "$sr" "$br")"
if [ -n "${CONSIGN_TEST_POSTGRES:-}" ]; then
  psql -q "$CONSIGN_TEST_POSTGRES" -c 'DROP SCHEMA IF EXISTS bench CASCADE' -c 'CREATE SCHEMA bench'
  book "$CONSIGN_TEST_POSTGRES?options=-csearch_path%3Dbench" PostgreSQL; sa=$a; sr=$r
  psql -q "$CONSIGN_TEST_POSTGRES" -c "CREATE TABLE bench.a ($accounts)" -c "CREATE TABLE bench.r ($payments)" -c 'CREATE INDEX ra ON bench.r (account_no)'
  ba=$(measure 'PostgreSQL: bare \copy of accounts' psql -q "$CONSIGN_TEST_POSTGRES" -c "\\copy bench.a FROM portfolio.csv CSV HEADER")
  br=$(measure 'PostgreSQL: bare \copy of recoveries' psql -q "$CONSIGN_TEST_POSTGRES" -c "\\copy bench.r FROM recoveries.csv CSV HEADER")
  echo "PostgreSQL portfolio $(ratio "$sa" "$ba"); recoveries $(ratio "$sr" "$br")"
  psql -q "$CONSIGN_TEST_POSTGRES" -c 'DROP SCHEMA bench CASCADE'
fi
