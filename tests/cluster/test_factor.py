#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Second factors through the real tools: another key, a FIDO2 assertion made in software, a token, a code."""
import base64
import glob
import hashlib
import hmac
import json
import os
import shutil
import struct
import subprocess
import time

from harness import BIN, ROOT, Cluster, check, main

ZONE = "@ 60 IN SOA ns1 admin 1 60 60 600 60\n@ 60 IN NS ns1\nns1 60 IN A 192.0.2.1\nwww 60 IN A 192.0.2.1\n"
SECRET = b"12345678901234567890"

# An authenticator in software. Its counter is in a file; what it did last is kept for who wants to send it again.
AUTHENTICATOR = """\
#!/usr/bin/python3
import hashlib, os, sys
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, utils
folder = os.path.dirname(os.path.abspath(__file__))
method, over, rp = sys.argv[1:4]
if os.path.exists(folder + "/replay"):
    print(open(folder + "/last").read(), end="")
    sys.exit()
counter = int(open(folder + "/counter").read()) + 1
open(folder + "/counter", "w").write(str(counter))
key = serialization.load_pem_private_key(open(folder + "/key.pem", "rb").read(), None)
data = hashlib.sha256(rp.encode()).digest() + bytes([5]) + counter.to_bytes(4, "big")
r, s = utils.decode_dss_signature(key.sign(data + bytes.fromhex(over), ec.ECDSA(hashes.SHA256())))
line = data.hex() + " " + r.to_bytes(32, "big").hex() + s.to_bytes(32, "big").hex() + "\\n"
open(folder + "/last", "w").write(line)
print(line, end="")
"""


def person(cluster, name):
    path = os.path.join(cluster.work, name + ".key")
    public = cluster.ctl("keygen", name, "--plain", "--out", path).stdout.strip()
    cluster.ctl("principal", "set", name, "--kind", "person", "--person", name, "--role", "approver", "--public-key", public)
    return path


def begin(cluster):
    cluster.ctl("zone", "create", "a.example", "-", text=ZONE)
    return person(cluster, "alice@company.com"), person(cluster, "bob@company.com")


def request(cluster, last):
    path = os.path.join(cluster.work, "fix.yaml")
    with open(path, "w", encoding="ascii") as file:
        file.write(f"zone: a.example\nreason: r\nnames: [www]\nrecords: www 60 IN A 192.0.2.{last}\n")
    return cluster.ctl("override", "request", "--config", path).stdout.strip()


def refused(cluster, rule, *arguments, key):
    done = cluster.ctl("override", "approve", *arguments, key=key, status=4)
    check(f"refused by {rule}:" in done.stderr, f"not {rule}: {done.stderr}")


def second_key(cluster, name):
    path = os.path.join(cluster.work, "second-" + name)
    public = cluster.ctl("keygen", name, "--plain", "--out", path).stdout.strip()
    cluster.ctl("factor", "enroll", name, "stick", "key-eddsa", public)
    return path


def keys_and_assertions():
    try:
        from cryptography.hazmat.primitives import serialization
        from cryptography.hazmat.primitives.asymmetric import ec
    except ImportError:
        return "python3-cryptography is not there"
    with Cluster() as cluster:
        alice, bob = begin(cluster)
        stick = second_key(cluster, "alice@company.com")
        folder = os.path.join(cluster.work, "authenticator")
        os.mkdir(folder)
        key = ec.generate_private_key(ec.SECP256R1())
        for name, text in (("sign", AUTHENTICATOR), ("counter", "0"), ("key.pem", key.private_bytes(
                serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()).decode())):
            with open(os.path.join(folder, name), "w", encoding="ascii") as file:
                file.write(text)
        program = os.path.join(folder, "sign")
        os.chmod(program, 0o700)
        point = key.public_key().public_bytes(serialization.Encoding.X962, serialization.PublicFormat.UncompressedPoint)
        cluster.ctl("factor", "enroll", "bob@company.com", "token", "fido2-es256", point.hex())
        digest = request(cluster, 5)
        refused(cluster, "factor-missing", digest, key=alice)
        cluster.ctl("override", "approve", digest, "--factor", "nothing", "--factor-key", stick, key=alice, status=3)
        wrong = os.path.join(cluster.work, "wrong")
        cluster.ctl("keygen", "alice@company.com", "--plain", "--out", wrong)
        refused(cluster, "factor-signature", digest, "--factor", "stick", "--factor-key", wrong, key=alice)
        cluster.ctl("override", "approve", digest, "--factor", "stick", "--factor-key", stick, key=alice)
        # As documents name it: without a folder it is looked for in PATH.
        path = f"PATH={folder}:{os.environ['PATH']}"
        cluster.run("env", path, f"{BIN}/resilience-ctl", "override", "approve", digest, "--factor", "token", "--factor-program", "sign", key=bob)
        cluster.ctl("override", "apply", digest, "--approver", "alice@company.com", "--approver", "bob@company.com")
        check("192.0.2.5" in cluster.ctl("record", "get", "a.example", "www", "A").stdout, "in effect")
        # The same assertion again, for another change: nothing in it is right any more.
        digest = request(cluster, 6)
        with open(os.path.join(folder, "replay"), "w", encoding="ascii"):
            pass
        done = cluster.ctl("override", "approve", digest, "--factor", "token", "--factor-program", program, key=bob, status=4)
        check("factor-signature" in done.stderr and "factor-replayed" in done.stderr, done.stderr)
        cluster.ctl("factor", "revoke", "alice@company.com", "stick")
        refused(cluster, "factor-unknown", digest, "--factor", "stick", "--factor-key", stick, key=alice)
        check({f["id"]: f["revoked_slot"] > 0 for f in cluster.json("factor", "list")["factors"]} == {"stick": True, "token": False}, "both are listed")
        cluster.settle()
        cluster.stop()
        cluster.verify_equal()  # rsm-dump verifies each of these signatures again, without anybody's help
    return None


def replicas_that_do_not_look():
    """They log an approval with a factor that nobody gave; whoever verifies the log finds it, offline, without the device."""
    blind = os.path.join(BIN, "release", "blind.so")
    if not os.path.exists(blind):
        return "release/blind.so is not built"
    with Cluster() as cluster:
        alice, _ = begin(cluster)
        second_key(cluster, "alice@company.com")
        wrong = os.path.join(cluster.work, "wrong")
        cluster.ctl("keygen", "alice@company.com", "--plain", "--out", wrong)
        digest = request(cluster, 5)
        factor = ("override", "approve", digest, "--factor", "stick", "--factor-key", wrong)
        refused(cluster, "factor-signature", *factor[2:], key=alice)
        cluster.stop()
        os.environ["LD_PRELOAD"] = blind
        try:
            cluster.ctl("dev", "up", "--dir", cluster.dir)
        finally:
            del os.environ["LD_PRELOAD"]
        cluster.ctl(*factor, key=alice)
        cluster.settle()
        cluster.stop()
        slot = [s["slot"] for s in cluster.log(1) if any(c["kind"] == "change.approve" and v["verdict"] == "applied" for c, v in zip(s.get("commands", []), s["verdicts"]))]
        check(len(slot) == 1, f"it was logged as approved: {slot}")
        for replica in (1, 2, 3):
            done = cluster.run(f"{BIN}/rsm-dump", "--dir", cluster.data(replica), "verify", status=1)
            check(f"slot {slot[0]}" in done.stdout + done.stderr, done.stdout + done.stderr)
    return None


def who_is_waited_for():
    """With second factors demanded the same lines do: they say to each approver the whole line, with the factor's name."""
    with Cluster() as cluster:
        alice, bob = begin(cluster)
        stick = second_key(cluster, "alice@company.com")
        path = os.path.join(cluster.work, "fix.yaml")
        with open(path, "w", encoding="ascii") as file:
            file.write("zone: a.example\nreason: r\nnames: [www]\nrecords: www 60 IN A 192.0.2.5\n")
        environment = dict(os.environ, NO_COLOR="1", RSM_ENDPOINTS=cluster.endpoints, RSM_KEY=cluster.key)
        environment.pop("RSM_CONFIG", None)
        apply = cluster.start(f"{BIN}/resilience-ctl", "override", "apply", "--config", path, "--approver", "alice@company.com", "--approver", "bob@company.com",
                              env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        lines = [apply.stderr.readline()]
        while "bob@company.com" not in lines[-1]:
            lines.append(apply.stderr.readline())
            check(lines[-1] != "", "".join(lines))
        words = next(line for line in lines if line.startswith("  alice@company.com: ")).split()[1:]
        check(words[:3] == ["resilience-ctl", "override", "approve"] and words[-4:] == ["--factor", "stick", "--factor-key", "FILE"], f"{words}")
        check("has no second factor" in lines[-1], lines[-1])
        cluster.ctl(*words[1:-1], stick, key=alice)
        other = second_key(cluster, "bob@company.com")
        cluster.ctl("override", "approve", words[3], "--factor", "stick", "--factor-key", other, key=bob)
        out, err = apply.communicate(timeout=60)
        check(apply.returncode == 0 and "in effect in slot" in out, out + err)


def code(step):
    digest = hmac.new(SECRET, struct.pack(">Q", step), hashlib.sha1).digest()
    at = digest[-1] & 15
    return f"{(struct.unpack('>I', digest[at:at + 4])[0] & 0x7fffffff) % 1000000:06d}"


def codes():
    """What is in the log is a replica's word: neither the code nor the secret."""
    with Cluster() as cluster:
        alice, _ = begin(cluster)
        cluster.ctl("factor", "enroll", "alice@company.com", "app", "totp")
        secret = base64.b32encode(SECRET).decode()
        for replica in (1, 2, 3):
            path = f"{cluster.dir}/replica-{replica}/totp"
            with open(os.open(path, os.O_CREAT | os.O_WRONLY, 0o600), "w", encoding="ascii") as file:
                file.write(f"alice@company.com app {secret}\n")
        cluster.restart_with("totp_file = totp\n")
        first, second = request(cluster, 5), request(cluster, 6)
        step = int(time.time()) // 30
        wrong = f"{(int(code(step)) + 1) % 1000000:06d}"
        if wrong not in (code(step - 1), code(step + 1), code(step + 2)):
            done = cluster.ctl("override", "approve", first, "--factor", "app", "--code", wrong, key=alice, status=None)
            check(done.returncode != 0 and "not the code of now" in done.stderr, done.stderr)
        step = int(time.time()) // 30
        now = code(step)
        cluster.ctl("override", "approve", first, "--factor", "app", "--code", now, key=alice)
        refused(cluster, "factor-replayed", second, "--factor", "app", "--code", now, key=alice)
        cluster.ctl("policy", "set", "second_factor=2")
        refused(cluster, "factor-missing", second, "--factor", "app", "--code", code(step + 1), key=alice)
        cluster.settle()
        cluster.stop()
        text = "\n".join(json.dumps(line) for line in cluster.log(1))
        check(now not in text and secret not in text and SECRET.hex() not in text, "the log has the secret, or the code")
        cluster.verify_equal()


def a_token():
    """A key on a PKCS#11 token, by the program that comes with the package; the token is SoftHSM."""
    modules = glob.glob("/usr/lib/softhsm/libsofthsm2.so") + glob.glob("/usr/lib/*/softhsm/libsofthsm2.so")
    if not modules or not shutil.which("pkcs11-tool") or not shutil.which("xxd"):
        return "softhsm2, opensc or xxd is not there"
    with Cluster() as cluster:
        alice, _ = begin(cluster)
        os.mkdir(os.path.join(cluster.work, "tokens"))
        conf = os.path.join(cluster.work, "softhsm2.conf")
        with open(conf, "w", encoding="ascii") as file:
            file.write(f"directories.tokendir = {cluster.work}/tokens\n")
        os.environ.update(SOFTHSM2_CONF=conf, RSM_PKCS11_MODULE=modules[0], RSM_PKCS11_PIN="1234", RSM_PKCS11_LABEL="rsm")

        def tool(*arguments):
            return subprocess.run(["pkcs11-tool", "--module", modules[0], *arguments], stdin=subprocess.DEVNULL,
                                  capture_output=True, check=True, timeout=60).stdout

        subprocess.run(["softhsm2-util", "--init-token", "--free", "--label", "t", "--so-pin", "5678", "--pin", "1234"],
                       stdin=subprocess.DEVNULL, capture_output=True, check=True, timeout=60)
        tool("--login", "--pin", "1234", "--keypairgen", "--key-type", "EC:prime256v1", "--label", "rsm", "--id", "01")
        tool("--read-object", "--type", "pubkey", "--label", "rsm", "--output-file", os.path.join(cluster.work, "pub"))
        with open(os.path.join(cluster.work, "pub"), "rb") as file:
            point = file.read()[-64:]
        cluster.ctl("factor", "enroll", "alice@company.com", "token", "key-es256", point.hex())
        digest = request(cluster, 5)
        cluster.ctl("override", "approve", digest, "--factor", "token", "--factor-program", f"{ROOT}/packaging/factor-pkcs11", key=alice)
        approvals = cluster.json("outcome", digest)["change"]["approvals"]
        check([(a["principal"], a["factor"]) for a in approvals] == [("alice@company.com", "token")], f"{approvals}")
    return None


if __name__ == "__main__":
    main([keys_and_assertions, replicas_that_do_not_look, who_is_waited_for, codes, a_token])
