/* SPDX-License-Identifier: GPL-3.0-or-later */
/* table.c - every command once: dispatch, --help and completion all come from here. */
#include <string.h>

#include "tools/resilience-ctl/ctl.h"

const struct ctl_command ctl_commands[] = {
    {"dev", "up", "", 0, 0, OPT_DEV, "start a local cluster in the background",
     "resilience-ctl dev up --dir /tmp/rsm --replicas 3", ctl_dev_up},
    {"dev", "down", "", 0, 0, OPT_DEV, "stop it; the files stay",
     "resilience-ctl dev down --dir /tmp/rsm", ctl_dev_down},
    {"dev", "status", "", 0, 0, OPT_DEV, "which replicas of it run",
     "resilience-ctl dev status --dir /tmp/rsm", ctl_dev_status},
    {"dev", "kill", "", 0, 0, OPT_DEV, "kill -9 one replica of it",
     "resilience-ctl dev kill --dir /tmp/rsm --replica 2", ctl_dev_kill},
    {"dev", "start", "", 0, 0, OPT_DEV, "start one replica of it again",
     "resilience-ctl dev start --dir /tmp/rsm --replica 2", ctl_dev_start},
    {"dev", "add", "", 0, 0, OPT_DEV, "start one replica more, which is no member yet",
     "resilience-ctl dev add --dir /tmp/rsm", ctl_dev_add},
    {"dev", "wipe", "", 0, 0, OPT_DEV, "kill one replica, delete its data, start it: a lost disk",
     "resilience-ctl dev wipe --dir /tmp/rsm --replica 2", ctl_dev_wipe},
    {"keygen", NULL, "PRINCIPAL", 1, 1, OPT_KEYGEN,
     "make a key; encrypted with a passphrase unless --plain (for automata)",
     "resilience-ctl keygen alice@company.com --out alice.key", ctl_keygen},
    {"cluster", "init", "", 0, 0, OPT_CLUSTER,
     "make the files of a cluster on several machines (--member ID,AZ,PEER,CLIENT for each)",
     "resilience-ctl cluster init --dir new --name prod --admin alice@company.com --person alice "
     "--member 1,us-east-1a,10.0.0.1:4101,10.0.0.1:4001 ...",
     ctl_cluster_init},
    {"zone", "create", "ZONE [FILE]", 1, 2, OPT_CHANGE | OPT_IMPORT,
     "make a zone, with the content of a master file", "resilience-ctl zone create example.org f",
     ctl_zone_create},
    {"zone", "delete", "ZONE", 1, 1, OPT_CHANGE, "delete a zone and all that is in it",
     "resilience-ctl zone delete example.org --yes", ctl_zone_delete},
    {"zone", "set", "ZONE NAME=VALUE...", 2, -1, OPT_CHANGE,
     "how a zone is served: publish_ms=MS|policy, within which its changes are told to secondaries "
     "together; catalog=on|off, the catalog of all zones (RFC 9432); listed=on|off, whether the "
     "catalog has this one; zonemd=on|off, a digest of all its records (RFC 8976)",
     "resilience-ctl zone set catalog.example catalog=on", ctl_zone_set},
    {"zone", "list", "", 0, 0, OPT_READ, "all zones", "resilience-ctl zone list", ctl_zone_list},
    {"zone", "import", "ZONE [FILE]", 1, 2, OPT_CHANGE | OPT_IMPORT | OPT_TRANSFER | OPT_FORMAT,
     "bring a zone to what a file or another server says, as one change set; deletes only with "
     "--replace",
     "resilience-ctl zone import example.org --from-axfr 192.0.2.53 --tsig xfr.key",
     ctl_zone_import},
    {"zone", "compare", "ZONE", 1, 1, OPT_READ | OPT_SERVER,
     "what a server serves (+) and the cluster has (-), record by record; 0: the same",
     "resilience-ctl zone compare example.org --with 192.0.2.53:53 --tsig xfr.key",
     ctl_zone_compare},
    {"zone", "export", "ZONE", 1, 1, OPT_READ | OPT_FORMAT, "a master file of a zone",
     "resilience-ctl zone export example.org --at 1200 > example.org.zone", ctl_zone_export},
    {"zone", "diff", "ZONE FROM [TO]", 2, 3, 0,
     "what changed in a zone between two slots or times; TO: now",
     "resilience-ctl zone diff example.org 1200 2026-11-23T15:00:00Z", ctl_zone_diff},
    {"zone", "blame", "ZONE [OWNER [TYPE]]", 1, 3, OPT_READ,
     "who wrote each record set last, when and why; with TYPE all who ever did, or deleted it",
     "resilience-ctl zone blame example.org www A", ctl_zone_blame},
    {"zone", "restore", "ZONE SLOT|TIME", 2, 2, OPT_CHANGE,
     "write what a zone had then again, as one new change set",
     "resilience-ctl zone restore example.org 1200 --reason \"back to before the move\"",
     ctl_zone_restore},
    {"zone", "restore-all", "SLOT|TIME", 1, 1, OPT_CHANGE,
     "the same of all zones that there were then, one after the other; later ones stay",
     "resilience-ctl zone restore-all 1200 --yes --reason \"back to before the incident\"",
     ctl_zone_restore_all},
    {"zone", "label", "ZONE NAME=VALUE...", 2, -1, OPT_CHANGE,
     "set labels of a zone, which policies select by; NAME= takes one away, others stay",
     "resilience-ctl zone label example.org tier=critical team=", ctl_zone_label},
    {"service", "set", "SERVICE [NAME...]", 1, -1, OPT_CHANGE | OPT_SERVICE,
     "say what names are for: who answers for them, how much hangs on them, what they need",
     "resilience-ctl service set shop www.shop.example --below api.shop.example --owner team-shop "
     "--tier critical --needs db.cloud.example --needs service:payments",
     ctl_service_set},
    {"service", "delete", "SERVICE", 1, 1, OPT_CHANGE, "delete a service that no other one needs",
     "resilience-ctl service delete shop --yes", ctl_service_delete},
    {"service", "list", "", 0, 0, OPT_READ, "all services", "resilience-ctl service list",
     ctl_service_list},
    {"service", "show", "SERVICE", 1, 1, OPT_READ, "one service",
     "resilience-ctl service show shop", ctl_service_show},
    {"record", "set", "ZONE OWNER TTL TYPE RDATA...", 5, -1, OPT_CHANGE,
     "make a record set what is said; each RDATA is one record",
     "resilience-ctl record set example.org www 300 A 192.0.2.1 192.0.2.2", ctl_record_set},
    {"record", "delete", "ZONE OWNER TYPE", 3, 3, OPT_CHANGE, "delete a record set",
     "resilience-ctl record delete example.org old TXT --yes", ctl_record_delete},
    {"record", "get", "ZONE OWNER TYPE", 3, 3, OPT_READ, "one record set",
     "resilience-ctl record get example.org www A", ctl_record_get},
    {"record", "list", "ZONE [OWNER]", 1, 2, OPT_READ, "record sets of a zone, or of one name",
     "resilience-ctl record list example.org", ctl_record_list},
    {"record", "absent", "ZONE OWNER/TYPE...", 2, -1, OPT_CHANGE,
     "report record sets that the source did not have, before they may be deleted",
     "resilience-ctl record absent cloud.example www.cloud.example./A", ctl_record_absent},
    {"record", "present", "ZONE OWNER/TYPE...", 2, -1, OPT_CHANGE,
     "the source has them again: what was counted of their absence is void",
     "resilience-ctl record present cloud.example www.cloud.example./A", ctl_record_present},
    {"record", "takeover", "ZONE FROM TO OWNER/TYPE...", 4, -1, OPT_CHANGE,
     "record sets that FROM owns are TO's from now on: a principal, or plan:NAME",
     "resilience-ctl record takeover cloud.example alice@company.com plan:db db.cloud.example./A",
     ctl_record_takeover},
    {"record", "history", "ZONE OWNER TYPE", 3, 3, OPT_AT,
     "all versions of a record set, newest first",
     "resilience-ctl record history example.org www A", ctl_record_history},
    {"plan", "diff", "FILE", 1, 1, 0,
     "what a plan file (YAML) would change, and with --key what resolvers would get",
     "resilience-ctl plan diff plan.yaml", ctl_plan_diff},
    {"plan", "check", "FILE", 1, 1, 0,
     "judge it without submitting: stages, risk, class, what resolvers would get, its digest",
     "resilience-ctl plan check plan.yaml", ctl_plan_check},
    {"plan", "apply", "FILE", 1, 1, OPT_CHANGE | OPT_DIGEST,
     "show it, then apply it as one change set; with --digest only what was reviewed",
     "resilience-ctl plan apply plan.yaml --digest 5d0c... --yes", ctl_plan_apply},
    {"plan", "publish", "PLAN GENERATION ZONE FILE", 4, 4, OPT_CHANGE | OPT_PLAN,
     "a planner signs the wanted content of what is in FILE, as the generation behind --parent",
     "resilience-ctl plan publish db 12 cloud.example g12.zone --parent 11", ctl_plan_publish},
    {"plan", "execute", "PLAN GENERATION [OWNER/TYPE...]", 2, -1, OPT_CHANGE | OPT_PLAN,
     "an enactor brings a plan's content to the zone, under a lease and its token",
     "resilience-ctl plan execute db 12 db.cloud.example./A --lease db --token 120",
     ctl_plan_execute},
    {"plan", "collect", "PLAN BELOW", 2, 2, OPT_CHANGE,
     "drop the content of generations below BELOW; refused for what is live",
     "resilience-ctl plan collect db 9", ctl_plan_collect},
    {"plan", "list", "", 0, 0, OPT_READ, "all plans", "resilience-ctl plan list", ctl_plan_list},
    {"plan", "show", "PLAN", 1, 1, OPT_READ, "the generations of a plan",
     "resilience-ctl plan show db", ctl_plan_show},
    {"lease", "acquire", "RESOURCE", 1, 1, OPT_CHANGE | OPT_LEASE,
     "take a lease; prints its fencing token", "resilience-ctl lease acquire db --ttl 30s",
     ctl_lease_acquire},
    {"lease", "renew", "RESOURCE", 1, 1, OPT_CHANGE | OPT_LEASE, "keep a lease",
     "resilience-ctl lease renew db --token 120 --ttl 30s", ctl_lease_renew},
    {"lease", "release", "RESOURCE", 1, 1, OPT_CHANGE | OPT_LEASE, "give a lease back",
     "resilience-ctl lease release db --token 120", ctl_lease_release},
    {"lease", "list", "", 0, 0, OPT_READ, "all leases", "resilience-ctl lease list",
     ctl_lease_list},
    {"principal", "set", "NAME", 1, 1, OPT_CHANGE | OPT_PRINCIPAL,
     "make or change a principal; an automaton needs a budget of commands and changes",
     "resilience-ctl principal set planner-1 --kind automaton --role planner-db --public-key HEX "
     "--budget commands=20/600 --budget changes=100/2000",
     ctl_principal_set},
    {"principal", "delete", "NAME", 1, 1, OPT_CHANGE, "delete a principal",
     "resilience-ctl principal delete planner-1 --yes", ctl_principal_delete},
    {"principal", "key-add", "NAME", 1, 1, OPT_CHANGE | OPT_PRINCIPAL,
     "one more key of a principal, --public-key HEX",
     "resilience-ctl principal key-add alice@company.com --public-key HEX", ctl_principal_key_add},
    {"principal", "key-revoke", "NAME", 1, 1, OPT_CHANGE | OPT_PRINCIPAL,
     "a key is nobody's from this slot on, whatever is in flight; it never comes back",
     "resilience-ctl principal key-revoke alice@company.com --public-key HEX --yes",
     ctl_principal_key_revoke},
    {"principal", "list", "", 0, 0, OPT_READ, "all principals", "resilience-ctl principal list",
     ctl_principal_list},
    {"role", "set", "NAME GRANT...", 2, -1, OPT_CHANGE,
     "make or change a role; a GRANT is VERB[,ZONE[,PATTERN[,TYPE...]]][,class=standard|critical]: "
     "changes of a higher class are not granted by it",
     "resilience-ctl role set web "
     "'rrset.change,example.org,web-*.example.org,A,AAAA,class=standard'",
     ctl_role_set},
    {"role", "delete", "NAME", 1, 1, OPT_CHANGE, "delete a role",
     "resilience-ctl role delete web --yes", ctl_role_delete},
    {"role", "list", "", 0, 0, OPT_READ, "all roles", "resilience-ctl role list", ctl_role_list},
    {"policy", "get", "", 0, 0, OPT_READ, "the policy in force", "resilience-ctl policy get",
     ctl_policy_get},
    {"policy", "show", "", 0, 0, OPT_AT, "the policy in force as the file that makes it",
     "resilience-ctl policy show > policy.yaml", ctl_policy_show},
    {"policy", "check", "FILE", 1, 1, 0,
     "read a policy file and ask the rules whether they take it",
     "resilience-ctl policy check policy.yaml", ctl_policy_check},
    {"policy", "test", "FILE", 1, 1, 0,
     "run the file's own cases with the real state machine, here",
     "resilience-ctl policy test policy.yaml", ctl_policy_test},
    {"policy", "diff", "FILE", 1, 1, 0, "what the file would change of the policy in force",
     "resilience-ctl policy diff policy.yaml", ctl_policy_diff},
    {"policy", "apply", "FILE", 1, 1, OPT_CHANGE,
     "make the file the whole policy, when it decides its own cases as it says",
     "resilience-ctl policy apply policy.yaml --reason \"limits for automata\"", ctl_policy_apply},
    {"policy", "what-if", "FILE", 1, 1, OPT_SINCE,
     "replay the log here and list what the file would have decided otherwise",
     "resilience-ctl policy what-if policy.yaml --since 12000", ctl_policy_whatif},
    {"policy", "set", "KEY=VALUE...", 1, -1, OPT_CHANGE,
     "set numbers of the policy; protected=ZONE/OWNER/TYPE/FLOOR,... sets the protected sets, "
     "classes=CLASS/ZONE/SUFFIX/TYPE,... which changes need more agreement",
     "resilience-ctl policy set ttl_min=30 protected=cloud.example/db/A/1", ctl_policy_set},
    {"automation", "freeze", "[SUBJECT]", 0, 1, OPT_CHANGE | OPT_FREEZE,
     "stop automata (--scope global|zone Z|az AZ|author A|kind K, --until, --everybody)",
     "resilience-ctl automation freeze --reason \"DNS race condition detected\"\n"
     "         resilience-ctl automation freeze --scope az us-east-1a --until 30m --reason "
     "\"incident "
     "7\"\n"
     "         resilience-ctl automation freeze --until 2026-12-24T18:00:00Z --reason holidays\n"
     "         resilience-ctl automation freeze --scope zone example.org --everybody --reason move",
     ctl_automation_freeze},
    {"automation", "resume", "", 0, 0, OPT_CHANGE | OPT_RESUME,
     "lift a freeze: at once, or zone by zone and slowly (--gradual, --az)",
     "resilience-ctl automation resume --gradual --az us-east-1a\n"
     "         resilience-ctl automation resume --gradual\n"
     "         resilience-ctl automation resume --id zone:example.org",
     ctl_automation_resume},
    {"automation", "frozen", "", 0, 0, OPT_READ,
     "record sets that are frozen because two authors undid each other",
     "resilience-ctl automation frozen", ctl_automation_frozen},
    {"automation", "list", "", 0, 0, OPT_READ, "freezes", "resilience-ctl automation list",
     ctl_automation_list},
    {"member", "list", "", 0, 0, OPT_AT, "the replicas, voters and learners, and how far each is",
     "resilience-ctl member list", ctl_member_list},
    {"member", "add", "ENDPOINT", 1, 1, OPT_CHANGE | OPT_MEMBER | OPT_WAIT,
     "a new replica, whose process answers clients at ENDPOINT, begins to learn",
     "resilience-ctl member add 10.0.0.4:4001 --reason \"a fourth\"", ctl_member_add},
    {"member", "promote", "REPLICA", 1, 1, OPT_CHANGE | OPT_WAIT,
     "a learner votes from now on; waits until it has caught up",
     "resilience-ctl member promote 4 --wait 30m", ctl_member_promote},
    {"member", "remove", "REPLICA", 1, 1, OPT_CHANGE | OPT_WAIT,
     "a replica leaves, its data with it; the last voter cannot",
     "resilience-ctl member remove 2 --yes", ctl_member_remove},
    {"member", "update", "REPLICA", 1, 1, OPT_CHANGE | OPT_MEMBER | OPT_WAIT,
     "another zone or other addresses of a replica",
     "resilience-ctl member update 2 --peer-address 10.0.1.2:4101", ctl_member_update},
    {"member", "replace", "REPLICA [ENDPOINT]", 1, 2, OPT_CHANGE | OPT_MEMBER | OPT_WAIT,
     "a replica whose disk is lost: remove, add as the new process says, wait, promote",
     "resilience-ctl member replace 2 --yes --reason \"disk of 2 died\"", ctl_member_replace},
    {"status", NULL, "", 0, 0, OPT_VERBOSE,
     "how every endpoint is, and how long each zone's secondaries still answer without them",
     "resilience-ctl status --verbose", ctl_status},
    {"scrub", NULL, "", 0, 0, 0, "every endpoint reads and checks all that is on its disk, now",
     "resilience-ctl scrub --endpoints 10.0.0.2:4001", ctl_scrub},
    {"stages", NULL, "", 0, 0, 0,
     "where the time of commits goes, at every endpoint since its start",
     "resilience-ctl stages --endpoints 10.0.0.1:4001,10.0.0.2:4001", ctl_stages},
    {"log", "tail", "", 0, 0, OPT_LOG, "the newest slots of the log, with their verdicts",
     "resilience-ctl log tail --limit 20 --follow", ctl_log_tail},
    {"watch", NULL, "", 0, 0, OPT_LOG, "one line for each new slot, until interrupted",
     "resilience-ctl watch --from 1200", ctl_watch},
    {"change", "list", "", 0, 0, OPT_READ, "changes that wait for votes or approvals",
     "resilience-ctl change list", ctl_change_list},
    {"change", "approve", "DIGEST", 1, 1, OPT_CHANGE | OPT_FACTOR,
     "approve a change that waits for people: exactly the one with that digest",
     "resilience-ctl change approve 6cd52c01...47be9 --reason \"agreed in the call\"",
     ctl_override_approve},
    {"change", "cancel", "DIGEST", 1, 1, OPT_CHANGE, "take back a change that waits",
     "resilience-ctl change cancel 6cd52c01...47be9 --reason \"wrong address\"", ctl_change_cancel},
    {"override", "begin", "[FREEZE]", 0, 1, OPT_CHANGE,
     "open the procedure of six steps under a freeze, \"automation\" unless said",
     "resilience-ctl override begin --reason \"incident 7\"", ctl_override_begin},
    {"override", "assess", "[FREEZE]", 0, 1, OPT_CHANGE,
     "replicas, divergence, freezes, zones, changes that wait; with FREEZE its hash is step 2",
     "resilience-ctl override assess automation > report.txt", ctl_override_assess},
    {"override", "step", "FREEZE STEP HEX", 3, 3, OPT_CHANGE,
     "plan or execute with the emergency's digest; assess or validate with the SHA-256 of a report",
     "resilience-ctl override step automation plan 6cd52c01...47be9", ctl_override_step},
    {"override", "skip", "FREEZE STEP", 2, 2, OPT_CHANGE, "skip assess, plan or execute, aloud",
     "resilience-ctl override skip automation plan --reason \"nothing to change\"",
     ctl_override_skip},
    {"override", "guide", "[FREEZE]", 0, 1, 0,
     "where the six steps stand, and the next line to use", "resilience-ctl override guide",
     ctl_override_guide},
    {"override", "shell", "FILE KEYFILE", 2, 2, OPT_CHANGE,
     "a shell whose terminal is recorded, encrypted; the log has each chunk's hash, or it ends",
     "resilience-ctl override shell incident-7.rec recording.key --reason \"incident 7\"",
     ctl_override_shell},
    {"recovery", "approve", "STATEMENT", 1, 1, 0,
     "sign, without the cluster, that one replica goes on alone (a statement of rsmd recover)",
     "resilience-ctl recovery approve statement --key alice.key > alice.approval",
     ctl_recovery_approve},
    {"override", "recording", "FILE [KEYFILE]", 1, 2, 0,
     "hold a recording against the log; with the key, write it as an asciicast",
     "resilience-ctl override recording incident-7.rec recording.key > incident-7.cast",
     ctl_override_recording},
    {"override", "request", "", 0, 0, OPT_CHANGE | OPT_CONFIG,
     "ask for an emergency: what --config (YAML) changes, and the rules that it bypasses",
     "resilience-ctl override request --config emergency-fix.yaml --reason \"incident 7\"",
     ctl_override_request},
    {"override", "approve", "DIGEST", 1, 1, OPT_CHANGE | OPT_FACTOR,
     "show it, then approve exactly it, with a second factor: two persons, neither its author",
     "resilience-ctl override approve 6cd52c01 --factor token --reason \"agreed in the call\"",
     ctl_override_approve},
    {"override", "apply", "[DIGEST]", 0, 1, OPT_CHANGE | OPT_CONFIG | OPT_APPROVER | OPT_WAIT,
     "ask for it unless that was done, wait for the approvals, then carry it out, once",
     "resilience-ctl override apply --config emergency-fix.yaml --approver alice@company.com "
     "--approver bob@company.com",
     ctl_override_apply},
    {"override", "status", "[DIGEST]", 0, 1, OPT_READ,
     "emergencies that wait, with what they need next; or all of one",
     "resilience-ctl override status 6cd52c01", ctl_override_status},
    {"override", "cancel", "DIGEST", 1, 1, OPT_CHANGE, "take back one that waits",
     "resilience-ctl override cancel 6cd52c01 --reason \"not needed\"", ctl_override_cancel},
    {"factor", "enroll", "PRINCIPAL ID METHOD [PUBLIC_HEX]", 3, 4, OPT_CHANGE | OPT_RP,
     "a person's second factor: fido2-es256, fido2-eddsa, key-es256, key-eddsa or totp",
     "resilience-ctl factor enroll alice@company.com token fido2-es256 04c1... --rp rsm",
     ctl_factor_enroll},
    {"factor", "revoke", "PRINCIPAL ID", 2, 2, OPT_CHANGE,
     "a second factor counts for nothing from this slot on, nor do approvals with it",
     "resilience-ctl factor revoke alice@company.com token", ctl_factor_revoke},
    {"factor", "list", "", 0, 0, OPT_READ, "second factors", "resilience-ctl factor list",
     ctl_factor_list},
    {"outcome", NULL, "AUTHOR COUNTER | DIGEST", 1, 2, OPT_AT,
     "the verdict of a command, and in which state the change is",
     "resilience-ctl outcome alice@company.com 17", ctl_outcome},
    {"undo", NULL, "SLOT", 1, 1, OPT_CHANGE,
     "take back what one slot changed in a zone, and nothing else; refused where it was written "
     "again since",
     "resilience-ctl undo 1207 --reason \"wrong address\"", ctl_undo},
    {"explain", NULL, "SLOT | AUTHOR COUNTER | DIGEST", 1, 2, OPT_AT,
     "what each stage said of a command: pass, fail or skipped, and why",
     "resilience-ctl explain alice@company.com 17", ctl_explain},
    {"graph", NULL, "ZONE|NAME|service:NAME", 1, 1, OPT_GRAPH | OPT_AT,
     "what depends on what: edges of a zone, or all that lead to a name or a service and from it",
     "resilience-ctl graph www.example.org --format svg > www.svg", ctl_graph},
    {"rules", NULL, "", 0, 0, 0, "all rules, by the stage that they stand in",
     "resilience-ctl rules", ctl_rules},
    {"submit", NULL, "FILE", 1, 1, 0, "submit an envelope that was signed before",
     "resilience-ctl submit change.envelope", ctl_submit_file},
    {"completion", NULL, "bash|zsh|fish", 1, 1, 0, "a completion script for a shell",
     "resilience-ctl completion bash > /etc/bash_completion.d/resilience-ctl", ctl_completion},
};

const unsigned ctl_command_count = sizeof ctl_commands / sizeof ctl_commands[0];

const struct ctl_command *ctl_find(const char *noun, const char *verb, bool *noun_known_out)
{
    for (unsigned i = 0; i < ctl_command_count; i++) {
        const struct ctl_command *c = &ctl_commands[i];
        if (strcmp(c->noun, noun) != 0)
            continue;
        *noun_known_out = true;
        if (c->verb == NULL || (verb != NULL && strcmp(c->verb, verb) == 0))
            return c;
    }
    return NULL;
}

static void print_usage(const struct ctl_command *c, FILE *out)
{
    fprintf(out, "resilience-ctl %s%s%s%s%s", c->noun, c->verb != NULL ? " " : "",
            c->verb != NULL ? c->verb : "", *c->arguments != '\0' ? " " : "", c->arguments);
}

static const struct {
    unsigned option;
    const char *text;
} option_texts[] = {
    {OPT_CHANGE,
     "  --reason TEXT          goes into the log beside the change\n"
     "  --envelope-out FILE    keep the signed envelope (submit FILE sends it again)\n"
     "  --no-submit            only sign it\n"
     "  --class CLASS          critical or emergency: waits for votes, also where the policy "
     "asks\n"
     "                         for less\n"
     "  --wait TIME            when it waits for votes: until they have decided\n"
     "  --override RULE        may be repeated: an emergency that these rules shall not "
     "refuse\n"},
    {OPT_READ | OPT_AT,
     "  --at SLOT|TIME         the state as it was; TIME as 2026-11-23T15:00:00Z\n"},
    {OPT_READ, "  --stale                do not ask a majority; says how old the answer may be\n"},
    {OPT_DEV, "  --dir DIR              its folder; else $RSM_DEV_DIR, else ./rsm-dev\n"
              "  --replicas N           1 to 9, 3 unless said (dev up)\n"
              "  --base-port N          ports from N on; free ones unless said (dev up)\n"
              "  --replica N            which one (dev kill, start, wipe)\n"},
    {OPT_CLUSTER,
     "  --dir DIR --name NAME --admin PRINCIPAL --person NAME --member ... [--plain]\n"},
    {OPT_KEYGEN, "  --out FILE             is made new, mode 0600\n"
                 "  --plain                no passphrase: for automata and replicas\n"},
    {OPT_IMPORT, "  --replace              also delete what the file does not have\n"
                 "  --label NAME=VALUE     of a new zone; may be repeated\n"},
    {OPT_TRANSFER, "  --from-axfr IP[:PORT]  from a server; begins above its serial\n"},
    {OPT_SERVER, "  --with IP[:PORT]       the server to compare with\n"},
    {OPT_TRANSFER | OPT_SERVER,
     "  --tsig FILE            a key: hmac-sha256:NAME:SECRET, or as tsig-keygen has it\n"},
    {OPT_FORMAT, "  --format master|octodns\n"},
    {OPT_SINCE, "  --since SLOT           commands of older slots are not listed; 1 unless said\n"},
    {OPT_LOG, "  --from SLOT --limit N --author NAME --follow\n"},
    {OPT_LEASE, "  --ttl TIME             such as 30s\n  --token N\n"},
    {OPT_PLAN, "  --parent GENERATION    the one it was made from\n"
               "  --incomplete           the source was not seen whole: nothing may be deleted\n"
               "  --lease RESOURCE --token N\n"},
    {OPT_PRINCIPAL, "  --kind person|automaton|replica|gateway --person NAME --role ROLE ...\n"
                    "  --public-key HEX ...\n"
                    "  --budget commands|changes|records|bytes=BURST/PER_HOUR ...\n"},
    {OPT_RESUME, "  --id ID --gradual --az AZ\n"},
    {OPT_FREEZE, "  --id ID --scope SCOPE --until 30m|2026-12-24T18:00:00Z --everybody\n"},
    {OPT_MEMBER, "  --zone TEXT --peer-address IP:PORT --client-address IP:PORT|unix:PATH\n"
                 "                         instead of what the new process says of itself\n"},
    {OPT_WAIT, "  --wait TIME            for the effect, 10m unless said; 0s: do not wait\n"},
    {OPT_GRAPH, "  --format text|dot|svg  text unless said; svg needs graphviz\n"
                "  --limit N              edges, 1000 unless said, 10000 at most\n"},
    {OPT_DIGEST,
     "  --digest HEX           only what `plan check` or `plan diff` showed under it\n"},
    {OPT_CONFIG,
     "  --config FILE          zone, names, records, reason, bypass (docs/override.md)\n"},
    {OPT_FACTOR, "  --factor ID            the second factor that is used\n"
                 "  --factor-key FILE      of key-eddsa: the other key\n"
                 "  --factor-program FILE  of the others that sign: is asked for the signature "
                 "(docs/override.md)\n"
                 "  --code DIGITS          of totp: what the app shows\n"},
    {OPT_RP, "  --rp ID                FIDO2's relying party, \"rsm\" unless said\n"},
    {OPT_APPROVER,
     "  --approver PRINCIPAL   may be repeated: has to be among those who approved\n"},
    {OPT_SERVICE, "  --owner TEXT --tier TEXT\n"
                  "  --below NAME --needs NAME|service:S   may be repeated\n"},
    {OPT_VERBOSE, "  --verbose              counters and heads as well\n"},
};

static void print_options(unsigned options, FILE *out)
{
    for (size_t i = 0; i < sizeof option_texts / sizeof option_texts[0]; i++)
        if (options & option_texts[i].option)
            fputs(option_texts[i].text, out);
    fputs("  --endpoints A,B --key FILE --output table|json|jsonl --timeout TIME --yes\n", out);
}

void ctl_help(const struct ctl_command *command, FILE *out)
{
    if (command == NULL) {
        ctl_help_all(out);
        return;
    }
    print_usage(command, out);
    fprintf(out, "\n  %s\n\n", command->summary);
    print_options(command->options, out);
    fprintf(out, "\nExample: %s\n", command->example);
}

void ctl_help_all(FILE *out)
{
    fputs("resilience-ctl - the operator's tool of a DNS control plane\n\n", out);
    for (unsigned i = 0; i < ctl_command_count; i++) {
        const struct ctl_command *c = &ctl_commands[i];
        char left[64];
        snprintf(left, sizeof left, "%s%s%s %s", c->noun, c->verb != NULL ? " " : "",
                 c->verb != NULL ? c->verb : "", c->arguments);
        fprintf(out, "  %-44s %s\n", left, c->summary);
    }
    fputs(
        "\n"
        "Options of all: --endpoints A,B (RSM_ENDPOINTS)  --key FILE (RSM_KEY)\n"
        "  --output table|json|jsonl (RSM_OUTPUT)  --timeout TIME (RSM_TIMEOUT)  --yes  --help\n"
        "A flag wins over the variable, the variable over $RSM_CONFIG or ~/.config/rsm/ctl.conf.\n"
        "\n"
        "Exit status: 0 done, 1 failed, 2 wrong usage, 3 not found, 4 refused by a rule,\n"
        "5 no leader or no majority, 6 cannot connect, 7 not allowed, 8 staged: it waits for "
        "votes\n"
        "or approvals, 124 timed out: the outcome is unknown, and the command that asks for it is\n"
        "printed.\n"
        "\n"
        "Example: resilience-ctl record set example.org www 300 A 192.0.2.1 --reason \"new "
        "host\"\n",
        out);
}

/* -------------------------------------------------------------------------------------------- */
/* Completion: nouns, then verbs. */

static bool is_first_of_noun(unsigned index)
{
    for (unsigned i = 0; i < index; i++)
        if (strcmp(ctl_commands[i].noun, ctl_commands[index].noun) == 0)
            return false;
    return true;
}

static void print_nouns(void)
{
    for (unsigned i = 0; i < ctl_command_count; i++)
        if (is_first_of_noun(i))
            printf("%s ", ctl_commands[i].noun);
}

static void print_verbs(const char *noun)
{
    for (unsigned i = 0; i < ctl_command_count; i++)
        if (strcmp(ctl_commands[i].noun, noun) == 0 && ctl_commands[i].verb != NULL)
            printf("%s ", ctl_commands[i].verb);
}

static void complete_bash(void)
{
    puts("_resilience_ctl() {");
    puts("  local cur=${COMP_WORDS[COMP_CWORD]} words=");
    puts("  if [ \"$COMP_CWORD\" -eq 1 ]; then");
    fputs("    words='", stdout);
    print_nouns();
    puts("'\n  elif [ \"$COMP_CWORD\" -eq 2 ]; then\n    case ${COMP_WORDS[1]} in");
    for (unsigned i = 0; i < ctl_command_count; i++) {
        if (!is_first_of_noun(i) || ctl_commands[i].verb == NULL)
            continue;
        printf("    %s) words='", ctl_commands[i].noun);
        print_verbs(ctl_commands[i].noun);
        puts("';;");
    }
    puts("    esac\n  fi");
    puts("  COMPREPLY=($(compgen -W \"$words\" -- \"$cur\"))");
    puts("  [ -n \"$words\" ] || COMPREPLY=($(compgen -f -- \"$cur\"))\n}");
    puts("complete -F _resilience_ctl resilience-ctl");
}

static void complete_zsh(void)
{
    puts("#compdef resilience-ctl\n_resilience_ctl() {\n  local -a found");
    fputs("  if (( CURRENT == 2 )); then found=(", stdout);
    print_nouns();
    puts(")\n  elif (( CURRENT == 3 )); then case $words[2] in");
    for (unsigned i = 0; i < ctl_command_count; i++) {
        if (!is_first_of_noun(i) || ctl_commands[i].verb == NULL)
            continue;
        printf("    %s) found=(", ctl_commands[i].noun);
        print_verbs(ctl_commands[i].noun);
        puts(");;");
    }
    puts("  esac; else _files; return; fi\n  compadd -a found\n}\n_resilience_ctl \"$@\"");
}

static void complete_fish(void)
{
    puts("complete -c resilience-ctl -f");
    for (unsigned i = 0; i < ctl_command_count; i++) {
        const struct ctl_command *c = &ctl_commands[i];
        if (is_first_of_noun(i))
            printf("complete -c resilience-ctl -n __fish_use_subcommand -a %s\n", c->noun);
        if (c->verb != NULL)
            printf("complete -c resilience-ctl -n '__fish_seen_subcommand_from %s' -a %s -d '%s'\n",
                   c->noun, c->verb, c->summary);
    }
}

int ctl_completion(struct ctl *ctl, int count, char **arguments)
{
    (void)ctl;
    (void)count;
    if (strcmp(arguments[0], "bash") == 0)
        complete_bash();
    else if (strcmp(arguments[0], "zsh") == 0)
        complete_zsh();
    else if (strcmp(arguments[0], "fish") == 0)
        complete_fish();
    else
        return ctl_fail(RSM_USAGE, "completion is for bash, zsh or fish");
    return 0;
}
