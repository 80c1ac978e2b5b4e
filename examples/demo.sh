#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# examples/demo.sh - three replicas on this machine: changes, a killed leader, and the outage of
# October 2025 replayed. Exits non-zero if anything that it shows is not so.
set -u
here=$(cd "$(dirname "$0")" && pwd)
bin=${RSM_BIN:-$here/../build}
ctl=$bin/resilience-ctl
dump=$bin/rsm-dump
work=$(mktemp -d "${TMPDIR:-/tmp}/rsm-demo.XXXXXX")
dir=$work/cluster
probe_pid=
dns_probe_pid=
knot_pid=
enactor_pid=
failed=

if [ -t 1 ] && [ -z "${NO_COLOR:-}" ]; then
    bold=$'\e[1m' dim=$'\e[2m' red=$'\e[31m' plain=$'\e[0m'
else
    bold='' dim='' red='' plain=''
fi

clean_up() {
    [ -z "$enactor_pid" ] || kill -KILL "$enactor_pid" 2>/dev/null
    for pid in $probe_pid $dns_probe_pid $knot_pid; do kill "$pid" 2>/dev/null; done
    wait 2>/dev/null
    "$ctl" dev down --dir "$dir" >/dev/null 2>&1
    rm -rf "$work"
}
trap clean_up EXIT
trap 'exit 130' INT TERM

say() { printf '\n%s%s%s\n' "$bold" "$*" "$plain"; }
note() { printf '%s   %s%s\n' "$dim" "$*" "$plain"; }
wrong() {
    printf '%sNOT SO: %s%s\n' "$red" "$*" "$plain"
    failed="$failed   $*"$'\n'
}

# run EXPECTED-STATUS COMMAND...: shows it, runs it, shows what came.
run() {
    local expected=$1 status out
    shift
    printf '%s $ %s%s\n' "$dim" "${*/#$ctl/resilience-ctl}" "$plain"
    out=$("$@" 2>&1)
    status=$?
    [ -z "$out" ] || printf '%s\n' "$out" | sed 's/^/   /'
    last=$out
    [ "$status" -eq "$expected" ] || wrong "exit status $status where $expected was expected"
}
# must TEXT: the last output says so.
must() { case $last in *"$1"*) ;; *) wrong "no \"$1\" in the answer" ;; esac; }
# token: the fencing token in the last output.
token() { sed -n 's/.*"token":\([0-9]*\).*/\1/p' <<<"$last"; }
endpoint() { cut -d, -f"$1" "$dir/endpoints"; }
leader() { "$ctl" status --output jsonl 2>/dev/null | sed -n 's/.*"leader":\([1-9]\).*/\1/p' | head -n 1; }
# A port that nobody has for TCP or UDP on any of the addresses, nor gets as the near end of a connection.
free_port() {
    python3 - "$@" <<'EOF'
import random
import socket
import sys
kinds = (socket.SOCK_STREAM, socket.SOCK_DGRAM)
with open("/proc/sys/net/ipv4/ip_local_port_range") as file:
    first_given = int(file.read().split()[0])
while True:
    port, held = random.randrange(10000, max(10001, first_given)), []
    try:
        for address, kind in [(address, kind) for address in sys.argv[1:] for kind in kinds]:
            held.append(socket.socket(socket.AF_INET, kind))
            held[-1].bind((address, port))
            port = held[-1].getsockname()[1]
        print(port)
        break
    except OSError:
        continue  # somebody has it elsewhere: another one
    finally:
        for each in held:
            each.close()
EOF
}
# secondary_up SECRET REPLICA_PORT: starts Knot DNS and waits until it listens at $dns_port; fails if it ends instead.
secondary_up() {
    dns_port=$(free_port 127.0.0.1)
    sed -e "s|@DIR@|$work/knot|; s|@ZONE@|cloud.example|; s|@SECRET@|$1|; s|@REPLICA_PORT@|$2|; s|@@PORT@|@$dns_port|
            s|@REPLICA_1@|127.0.0.11|; s|@REPLICA_2@|127.0.0.12|; s|@REPLICA_3@|127.0.0.13|" "$here/dns/knot.conf" >"$work/knot/knot.conf"
    knotd -c "$work/knot/knot.conf" >"$work/knot/out" 2>&1 &
    knot_pid=$!
    until (exec 3<>"/dev/tcp/127.0.0.1/$dns_port") 2>/dev/null; do
        kill -0 $knot_pid 2>/dev/null || return
        sleep 0.1
    done
    kill -0 $knot_pid # else somebody else listens there
}
address() { "$ctl" record get cloud.example "$1" "$2" 2>/dev/null | awk '{print $5}' | tr '\n' ' '; }

# ------------------------------------------------------------------------------------------------
say "Three replicas, keys and configurations, in one command"
run 0 "$ctl" dev up --dir "$dir" --replicas 3
RSM_ENDPOINTS=$(cat "$dir/endpoints") && export RSM_ENDPOINTS RSM_KEY="$dir/admin.key"
run 0 "$ctl" status

# One standard secondary, where there is one to be had: it asks the replicas as it would in the world.
PATH=$PATH:/usr/sbin
dns_port=
if command -v knotd >/dev/null && command -v python3 >/dev/null; then
    say "A secondary: Knot DNS, with all three replicas as its primaries"
    primaries="127.0.0.11 127.0.0.12 127.0.0.13"
    # shellcheck disable=SC2086
    replica_port=$(free_port $primaries)
    secret=$(head -c 32 /dev/urandom | base64)
    mkdir -p "$work/knot/db"
    tries=1
    until secondary_up "$secret" "$replica_port"; do # the port was free a moment ago, but not kept
        [ $tries -lt 3 ] || { wrong "the secondary does not start: $(cat "$work/knot/out" "$work/knot/knot.log" 2>/dev/null)"; break; }
        tries=$((tries + 1))
    done
    run 0 "$ctl" dev down --dir "$dir"
    i=0
    for primary in $primaries; do
        i=$((i + 1))
        (umask 077 && printf '%s\n' "$secret" >"$dir/replica-$i/xfr.key")
        sed -e "s/@REPLICA@/$primary/; s/@REPLICA_PORT@/$replica_port/; s/@PORT@/$dns_port/" "$here/dns/rsmd.conf" >>"$dir/replica-$i/rsmd.conf"
    done
    run 0 "$ctl" dev up --dir "$dir"
else
    note "with the Debian packages knot and python3 a secondary would be asked as well"
fi

say "A zone from a master file, and changes through two different replicas"
run 0 "$ctl" zone import cloud.example "$here/cloud.example.zone" --reason "first import"
run 0 "$ctl" --endpoints "$(endpoint 1)" record set cloud.example www2 300 A 192.0.2.81 --reason "through replica 1"
run 0 "$ctl" --endpoints "$(endpoint 3)" record set cloud.example www2 300 A 192.0.2.82 --reason "through replica 3"
run 0 "$ctl" record history cloud.example www2 A

say "Kill the leader in the middle, and carry on"
old=$(leader)
note "replica $old leads; kill -9"
run 0 "$ctl" dev kill --dir "$dir" --replica "$old"
run 0 "$ctl" record set cloud.example www2 300 A 192.0.2.83 --reason "with one replica dead"
note "replica $(leader) leads now"
run 0 "$ctl" dev start --dir "$dir" --replica "$old"

# ------------------------------------------------------------------------------------------------
say "The October 2025 outage. Step 0: a planner, two enactors, and plan 1 live on four endpoints"
key() {
    "$ctl" keygen "$1" --plain --out "$work/$1.key"
}
for who in planner enactor-a enactor-b; do
    public=$(key "$who") || wrong "no key for $who"
    case $who in planner) role=db-planner ;; *) role=db-enactor ;; esac
    [ "$who" != planner ] || run 0 "$ctl" role set db-planner 'plan.publish,cloud.example'
    [ "$who" != enactor-a ] || run 0 "$ctl" role set db-enactor 'plan.execute,cloud.example' 'plan.collect,cloud.example' 'lease.*,cloud.example'
    run 0 "$ctl" principal set "$who" --kind automaton --role "$role" --public-key "$public" --budget commands=100/1000 --budget changes=100/1000
done
run 0 "$ctl" policy set protected=cloud.example/db/A/1,cloud.example/db-v6/AAAA/1,cloud.example/db-fips/A/1,cloud.example/account.db/A/1

planner() { "$ctl" --key "$work/planner.key" "$@"; }
# plan N: the wanted content of generation N.
plan() {
    {
        printf 'db 60 IN A 203.0.113.%d\n' "$1" $((100 + $1))
        printf 'db-v6 60 IN AAAA 2001:db8:1::%d\n' "$1"
        printf 'db-fips 60 IN A 203.0.113.%d\n' $((50 + $1))
        printf 'account.db 60 IN A 203.0.113.%d\n' $((150 + $1))
    } >"$work/g$1.zone"
}
publish() {
    plan "$1"
    run 0 "$ctl" --key "$work/planner.key" plan publish db "$1" cloud.example "$work/g$1.zone" --parent $(($1 - 1))
}
E1=db.cloud.example./A E2=db-v6.cloud.example./AAAA E3=db-fips.cloud.example./A E4=account.db.cloud.example./A
publish 1
note "who imported the zone owns its record sets; a person hands the endpoints over to the plan"
run 0 "$ctl" record takeover cloud.example admin@dev plan:db $E1 $E2 $E3 $E4 --reason "the planner keeps these"
run 0 "$ctl" --key "$work/enactor-b.key" lease acquire cloud.example/db --ttl 2s
tb=$(token)
run 0 "$ctl" --key "$work/enactor-b.key" plan execute db 1 --lease cloud.example/db --token "$tb"
run 0 "$ctl" --key "$work/enactor-b.key" lease release cloud.example/db --token "$tb"

# A probe that never stops: the endpoints must never be empty.
(
    RSM_ENDPOINTS=$(endpoint 2)
    trap 'exit 0' TERM
    while :; do
        for set in "db A" "db-v6 AAAA" "db-fips A" "account.db A"; do
            # shellcheck disable=SC2086
            "$ctl" record get cloud.example $set --stale >"$work/answer" 2>/dev/null
            case $? in
            0) [ -s "$work/answer" ] && printf 'full\n' || printf 'EMPTY %s\n' "$set" ;;
            3) printf 'EMPTY %s\n' "$set" ;;
            esac >>"$work/probe"
        done
    done
) &
probe_pid=$!
# Nor may the secondary ever say so: asked every 10 ms, from when it has plan 1.
if [ -n "$dns_port" ]; then
    asks="db.cloud.example/A db-v6.cloud.example/AAAA db-fips.cloud.example/A account.db.cloud.example/A"
    waited=0
    # shellcheck disable=SC2086
    until timeout 60 "$here/dns/probe.py" 127.0.0.1 "$dns_port" --answers 8 $asks 2>/dev/null | grep -q "answered 8, empty 0"; do
        waited=$((waited + 1))
        [ $waited -lt 300 ] || { wrong "the secondary has not got plan 1"; break; }
    done
    # shellcheck disable=SC2086
    "$here/dns/probe.py" 127.0.0.1 "$dns_port" $asks >"$work/dns-probe" 2>"$work/dns-empty" &
    dns_probe_pid=$!
fi

say "Step 1: plan 2; enactor A takes a lease and applies endpoint 1"
publish 2
run 0 "$ctl" --key "$work/enactor-a.key" lease acquire cloud.example/db --ttl 2s
ta=$(token)
note "enactor A holds token $ta"
run 0 "$ctl" --key "$work/enactor-a.key" plan execute db 2 $E1 --lease cloud.example/db --token "$ta"

say "Step 2: A is stopped before endpoint 2 (SIGSTOP); what it was about to write to endpoint 3 is signed already"
run 0 "$ctl" --key "$work/enactor-a.key" plan execute db 2 $E3 --lease cloud.example/db --token "$ta" --envelope-out "$work/a.envelope" --no-submit
mkfifo "$work/wake"
cat >"$work/enactor-a.sh" <<EOF
read -r _ <"$work/wake"
"$ctl" submit "$work/a.envelope" >"$work/a.out" 2>&1
echo \$? >"$work/a.status"
EOF
bash "$work/enactor-a.sh" &
enactor_pid=$!
kill -STOP "$enactor_pid"
note "replica 3 is paused as well, so that it will lag behind"
paused=3
[ "$(leader)" != 3 ] || paused=1 # not the leader, and not replica 2, which the probe asks
paused_pid=$(cat "$dir/replica-$paused/pid")
kill -STOP "$paused_pid"
# A paused process accepts connections and says nothing: clients would go on after three seconds.
all_endpoints=$RSM_ENDPOINTS
RSM_ENDPOINTS=$(tr , '\n' <<<"$all_endpoints" | sed "${paused}d" | paste -sd,)

say "Step 3: the planner goes on: plans 3 to 12, each naming its parent"
for g in 3 4 5 6 7 8 9 10 11 12; do
    plan $g
    planner plan publish db $g cloud.example "$work/g$g.zone" --parent $((g - 1)) >/dev/null || wrong "plan $g was not published"
done
run 0 "$ctl" plan show db

say "Step 4: enactor B takes the lease when A's has run out, and walks all four endpoints with plan 12"
waited=0
until "$ctl" --key "$work/enactor-b.key" lease acquire cloud.example/db --ttl 60s >"$work/lease" 2>"$work/lease.err"; do
    [ $waited -eq 0 ] && sed 's/^/   /' "$work/lease.err" && note "A's lease is still running by log time; B asks again"
    waited=$((waited + 1))
    [ $waited -lt 300 ] || { wrong "B never got the lease"; break; }
    sleep 0.1 # an enactor does not ask all the time either
done
last=$(cat "$work/lease")
printf '   %s\n' "$last"
tb=$(token)
[ -n "$tb" ] && [ "$tb" -gt "$ta" ] || wrong "B's token $tb is not above A's $ta"
run 0 "$ctl" --key "$work/enactor-b.key" plan execute db 12 $E1 --lease cloud.example/db --token "$tb"
run 0 "$ctl" --key "$work/enactor-b.key" plan execute db 12 $E2 $E3 $E4 --lease cloud.example/db --token "$tb"

say "Step 5: B's clean-up. Collection is by reachability: what is live cannot go"
run 4 "$ctl" --key "$work/enactor-b.key" plan collect db 13
must plan-pinned
run 0 "$ctl" --key "$work/enactor-b.key" plan collect db 9

say "Step 6: A wakes up (SIGCONT) and writes plan 2 to endpoint 3"
kill -CONT "$enactor_pid"
echo go >"$work/wake"
wait "$enactor_pid"
enactor_pid=
note "6a: the very bytes that it had signed before it was stopped"
sed 's/^/   /' "$work/a.out"
[ "$(cat "$work/a.status")" = 4 ] || wrong "A's old write was not refused (status $(cat "$work/a.status"))"
last=$(cat "$work/a.out")
must stale-plan
must lease-token
note "6b: A refreshes its clocks and signs the same old plan again"
run 4 "$ctl" --key "$work/enactor-a.key" plan execute db 2 $E3 --lease cloud.example/db --token "$ta"
must stale-plan
note "6d: A tries through replica $paused, which wakes up this moment and has none of it"
kill -CONT "$paused_pid"
RSM_ENDPOINTS=$all_endpoints
run 4 "$ctl" --endpoints "$(endpoint $paused)" --key "$work/enactor-a.key" plan execute db 2 $E3 --lease cloud.example/db --token "$ta"
must stale-plan
case $(address db-fips A) in "203.0.113.62 ") ;; *) wrong "endpoint 3 is $(address db-fips A)" ;; esac
note "endpoint 3 still has plan 12's address: $(address db-fips A)"

say "Step 7: the clean-up reaches plan 2: nothing active refers to it"
run 0 "$ctl" plan show db
note "and even a direct deletion of an endpoint meets its floor:"
run 4 "$ctl" record delete cloud.example db-fips A --yes
must endpoint-empty

say "Step 8: the planner publishes plan 13, and it applies"
publish 13
run 0 "$ctl" --key "$work/enactor-b.key" plan execute db 13 --lease cloud.example/db --token "$tb"
case $(address db A) in "203.0.113.13 203.0.113.113 ") ;; *) wrong "endpoint 1 is $(address db A)" ;; esac

kill "$probe_pid" && wait "$probe_pid" 2>/dev/null
probe_pid=
say "The endpoints were asked $(wc -l <"$work/probe") times all the while: $(grep -c EMPTY "$work/probe") times empty"
grep -q full "$work/probe" || wrong "the probe saw nothing"
! grep -q EMPTY "$work/probe" || wrong "an endpoint was empty"
if [ -n "$dns_port" ]; then
    kill "$dns_probe_pid" && wait "$dns_probe_pid" 2>/dev/null
    dns_probe_pid=
    say "The secondary was asked every 10 ms: $(cat "$work/dns-probe")"
    grep -q "answered [1-9][0-9]*, empty 0" "$work/dns-probe" || wrong "the secondary never answered, or said that an endpoint is empty: $(sort "$work/dns-empty" | uniq -c)"
    run 0 "$ctl" status
    must "cloud.example."
fi

say "Who did what, and what was refused"
run 0 "$ctl" log tail --limit 9

say "Stop, and verify all three logs: chain, signatures, every verdict derived again"
run 0 "$ctl" dev down --dir "$dir"

if [ -n "$dns_port" ]; then
    # shellcheck disable=SC2086
    last=$(timeout 60 "$here/dns/probe.py" 127.0.0.1 "$dns_port" --answers 20 $asks 2>&1)
    note "the secondary, now alone: $last"
    must "empty 0"
fi

for i in 1 2 3; do
    run 0 "$dump" --dir "$dir/replica-$i/data" verify
done

if [ -n "$failed" ]; then
    say "${red}Not so:${plain}"
    printf '%s' "$failed"
    exit 1
fi
say "All of it held."
