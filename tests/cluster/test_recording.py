#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""A recorded shell: what it shows, its hashes in the log, and what happens when the recorder cannot go on."""
import json
import os
import shutil
import signal
import subprocess

from harness import BIN, Cluster, await_end, check, main


def begin(cluster):
    key = os.path.join(cluster.work, "recording.key")
    with open(os.open(key, os.O_CREAT | os.O_WRONLY, 0o600), "w", encoding="ascii") as file:
        file.write(os.urandom(32).hex() + "\n")
    environment = dict(os.environ, RSM_ENDPOINTS=cluster.endpoints, RSM_KEY=cluster.key, SHELL="/bin/sh", PS1="$ ", NO_COLOR="1",
                       PATH=BIN + os.pathsep + os.environ["PATH"])
    environment.pop("RSM_CONFIG", None)
    # The recorder has a key of its own (--key), the person another one (RSM_KEY): neither takes the other's counters.
    recorder = os.path.join(cluster.work, "recorder.key")
    public = cluster.ctl("keygen", "recorder", "--plain", "--out", recorder).stdout.strip()
    cluster.ctl("role", "set", "recorder", "override.record")
    cluster.ctl("principal", "set", "recorder", "--kind", "person", "--person", "admin's recorder", "--role", "recorder", "--public-key", public)
    return key, environment


def shell(cluster, key, environment, name):
    return cluster.start(f"{BIN}/resilience-ctl", "override", "shell", os.path.join(cluster.work, name), key, "--key", os.path.join(cluster.work, "recorder.key"), "--reason", "incident 7",
                         env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, errors="replace")


def recording(cluster, name, *more, status=0):
    return cluster.ctl("override", "recording", os.path.join(cluster.work, name), *more, status=status)


def what_was_shown():
    with Cluster() as cluster:
        key, environment = begin(cluster)
        session = shell(cluster, key, environment, "a.rec")
        # The person works meanwhile, in the same log.
        out, err = session.communicate("echo so''me words\nprintf '\\303'; sleep 0.2; printf '\\251t\\303\\251 \\377\\n'; head -c 20000 /dev/urandom | tr -d '\\003\\004\\021\\023\\032\\034'; echo\nresilience-ctl policy set ttl_min=30 && echo do''ne\nexit 3\n", timeout=120)
        check(session.returncode == 3 and "some words" in out and "done" in out, f"{session.returncode}: {out}{err}")
        check("by recorder since slot" in recording(cluster, "a.rec").stdout and "each as the log has it; the recording ended" in recording(cluster, "a.rec").stdout, "it is as it was")
        cast = recording(cluster, "a.rec", key).stdout.rstrip("\n").split("\n")
        check(json.loads(cast[0])["version"] == 2, cast[0])
        events = [json.loads(line) for line in cast[1:]]
        shown = "".join(event[2] for event in events)
        check("\u00e9t\u00e9 \ufffd" in shown, f"letters come whole: {shown!r}")
        check("some words" in "".join(event[2] for event in events) and all(event[1] == "o" for event in events), f"{events}")
        check([event[0] for event in events] == sorted(event[0] for event in events), "times do not fall")
        path = os.path.join(cluster.work, "a.rec")
        with open(path, "rb") as file:
            whole = file.read()
        check(b"some words" not in whole and os.stat(path).st_mode & 0o77 == 0, "it is encrypted, and private")
        for bad in (whole[:-1], whole[:100], whole[:-20] + bytes([whole[-20] ^ 1]) + whole[-19:], whole[:30] + bytes([whole[30] ^ 1]) + whole[31:], b""):
            with open(path, "wb") as file:
                file.write(bad)
            recording(cluster, "a.rec", status=None if bad else 1)
            check(recording(cluster, "a.rec", status=None).returncode != 0, "an edited recording passes")
        with open(path, "wb") as file:
            file.write(whole)
        other = os.path.join(cluster.work, "other.key")
        with open(os.open(other, os.O_CREAT | os.O_WRONLY, 0o600), "w", encoding="ascii") as file:
            file.write(os.urandom(32).hex() + "\n")
        done = recording(cluster, "a.rec", other, status=1)
        check("some words" not in done.stdout and "key" in done.stderr, f"another key: {done.stdout[:200]}{done.stderr}")
        os.chmod(key, 0o644)
        check("mode 600" in recording(cluster, "a.rec", key, status=None).stderr, "an open key is refused")


def asciinema_plays_it():
    """What comes out is what Debian's player takes; the terminal that it plays on shows the words."""
    if not shutil.which("asciinema") or not shutil.which("script"):
        return "asciinema or script is not there"
    with Cluster() as cluster:
        key, environment = begin(cluster)
        session = shell(cluster, key, environment, "p.rec")
        _, err = session.communicate("echo to be pla''yed\nexit\n", timeout=120)
        check(session.returncode == 0, err)
        cast = os.path.join(cluster.work, "p.cast")
        with open(cast, "w", encoding="utf-8") as file:
            file.write(recording(cluster, "p.rec", key).stdout)
        environment = dict(os.environ, TERM="xterm", LC_ALL="C.UTF-8", HOME=cluster.work)
        for line in (f"asciinema cat {cast}", f"asciinema play --speed 1000 --idle-time-limit 0.01 {cast}"):
            done = subprocess.run(["script", "-qec", line, "/dev/null"], env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True, errors="replace", timeout=120, check=False)
            check(done.returncode == 0 and "to be played" in done.stdout, f"{line}: {done.stdout[-500:]}{done.stderr[-500:]}")
    return None


def read_until(session, words, seen=""):
    """What the terminal shows, up to these words; a session that ends first is an error."""
    while words not in seen:
        text = os.read(session.stdout.fileno(), 4096).decode(errors="replace")
        check(text != "", f"it ended before {words!r}: {seen[-2000:]}")
        seen += text
    return seen


def guided():
    """The shell says where the six steps stand and the next line, whoever takes the step; status shows the shell."""
    with Cluster() as cluster:
        key, environment = begin(cluster)
        session = shell(cluster, key, environment, "g.rec")
        seen = read_until(session, "# next: resilience-ctl automation freeze")
        def step(command, words):
            nonlocal seen
            session.stdin.write(command + "\n")
            session.stdin.flush()
            seen = read_until(session, words)
        step("resilience-ctl automation freeze --reason 'incident 7'", "# next: resilience-ctl override begin automation --reason TEXT")
        step("resilience-ctl override begin --reason 'incident 7'", "# next: resilience-ctl override assess automation > report")
        check("2 assess    <-- next" in seen and "1 freeze    done" in seen, seen)
        cluster.settle()
        shown = [r for r in cluster.status(1)["recordings"]]
        check(len(shown) == 1 and shown[0]["author"] == "recorder" and shown[0]["state"] == "open" and shown[0]["chunks"] > 0, f"{shown}")
        check("SHELL OPEN, recorded, by recorder since" in cluster.ctl("status").stdout, cluster.ctl("status").stdout)
        # Somebody else takes the step: the shell hears of it with the next that it shows.
        cluster.ctl("override", "assess", "automation")
        step("echo looking", "or, aloud: resilience-ctl override skip automation plan --reason TEXT")
        step("resilience-ctl override skip automation plan --reason 'nothing to change'", "# next: resilience-ctl override apply DIGEST")
        step("resilience-ctl override skip automation execute --reason 'nothing to change'", "override step automation validate $(sha256sum")
        step("resilience-ctl override step automation validate $(echo well | sha256sum | cut -c1-64)", "# next: resilience-ctl automation resume --id automation")
        check("3 plan      skipped" in seen and "6 resume    <-- next" in seen, seen)
        said = cluster.ctl("override", "guide").stdout
        check("next: resilience-ctl automation resume --id automation --gradual" in said, said)
        step("resilience-ctl automation resume --id automation", "# no override is open")
        session.stdin.write("exit\n")
        session.stdin.close()
        check(session.wait(timeout=60) == 0, "its end")
        check("the recording ended" in recording(cluster, "g.rec").stdout, "the guide is a part of the recording")
        check("no override is open" in recording(cluster, "g.rec", key).stdout, "what was shown is what was recorded")
        cluster.settle()
        check(cluster.status(1)["recordings"] == [], "an ended shell")


def guided_by_any_replica():
    """Who has taken a step is told the next one by each replica; without a majority by one, which says so."""
    with Cluster() as cluster:
        leader = cluster.status(1)["leader"]
        followers = [i for i in (1, 2, 3) if i != leader]
        steps = {("freeze", "--reason", "incident 7"): "next: resilience-ctl override begin automation", ("resume",): "next: resilience-ctl automation freeze"}
        for number in range(20):
            for step, words in steps.items():
                cluster.ctl("automation", *step, endpoints=cluster.endpoint(leader))
                said = cluster.ctl("override", "guide", endpoints=cluster.endpoint(followers[number % 2]))
                check(words in said.stdout and said.stderr == "", f"after {step}: {said.stdout}{said.stderr}")
        cluster.ctl("automation", "freeze", "--reason", "incident 8", endpoints=cluster.endpoint(leader))
        for i in followers:
            cluster.ctl("dev", "kill", "--dir", cluster.dir, "--replica", str(i))
        said = cluster.ctl("override", "guide")
        check("next: resilience-ctl override begin automation" in said.stdout, said.stdout)
        check("NO_QUORUM" in said.stderr and "may be out of date" in said.stderr, said.stderr)


def strict():
    with Cluster() as cluster:
        key, environment = begin(cluster)
        # The recorder is killed: the shell ends with it, and the log has a recording that never ended.
        session = shell(cluster, key, environment, "k.rec")
        session.stdin.write("echo pid $$\n")
        session.stdin.flush()
        text = ""
        while "pid " not in text.replace("pid $$", ""):
            text += os.read(session.stdout.fileno(), 4096).decode()
        pid = int(text.replace("pid $$", "").split("pid ")[1].split()[0])
        session.send_signal(signal.SIGKILL)
        session.wait(timeout=60)
        await_end(pid)
        said = recording(cluster, "k.rec", status=1)
        check("never ended" in said.stdout, f"the log says so: {said.stdout}{said.stderr}")
        # It may have been killed between writing a piece and logging it: that is said, and no forgery. Any other change is one.
        with open(os.path.join(cluster.work, "k.rec"), "rb") as file:
            content = file.read()
        for name, changed in (("part.rec", content + b"\0\0\0"), ("more.rec", content + content[-36:-32] + content[-32:])):
            with open(os.path.join(cluster.work, name), "wb") as file:
                file.write(changed)
            said = recording(cluster, name, status=1)
            check("never ended, and what stands behind them here is not in the log" in said.stdout, f"{name}: {said.stdout}{said.stderr}")
        with open(os.path.join(cluster.work, "edited.rec"), "wb") as file:
            file.write(content[:60] + bytes([content[60] ^ 1]) + content[61:])
        check(recording(cluster, "edited.rec", status=None).stdout == "", "an edited one")
        cluster.settle()
        check([r["state"] for r in cluster.status(1)["recordings"]] == ["open"], "and status goes on to show it")
        # Its file takes no more: the session ends, and the log has a recording that failed.
        limited = cluster.start("sh", "-c", f"ulimit -f 8; exec {BIN}/resilience-ctl override shell {cluster.work}/f.rec {key} --key {cluster.work}/recorder.key --reason full",
                                env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, errors="replace")
        _, err = limited.communicate("head -c 100000 /dev/urandom | od\nsleep 600\n", timeout=120)
        check(limited.returncode > 0 and "not recorded any more" in err, f"{limited.returncode}: {err}")
        cluster.settle()
        check(sorted(r["state"] for r in cluster.status(1)["recordings"]) == ["failed", "open"], f"{cluster.status(1)['recordings']}")
        check("NOT RECORDED" in cluster.ctl("status").stdout, cluster.ctl("status").stdout)
        # The log does not take the hashes: without a majority nobody goes on.
        session = shell(cluster, key, dict(environment, RSM_TIMEOUT="1s"), "m.rec")
        session.stdin.write("echo begun\n")
        session.stdin.flush()
        text = ""
        while "begun" not in text:
            text += os.read(session.stdout.fileno(), 4096).decode()
        for replica in ("2", "3"):
            cluster.ctl("dev", "kill", "--dir", cluster.dir, "--replica", replica)
        session.stdin.write("sleep 1; echo x; sleep 1; echo y; sleep 600\n")
        session.stdin.flush()
        check(session.wait(timeout=120) != 0, "the session went on unrecorded")
        check("not recorded any more" in session.stderr.read(), "it is said why")


if __name__ == "__main__":
    main([what_was_shown, asciinema_plays_it, guided, guided_by_any_replica, strict])
