#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Checkpoints, receipts and proofs of growth against a second implementation, which shares nothing with the first:
RFC 6962 and C2SP's notes as they stand there, Ed25519 of python3-cryptography. It checks what rsm-dump makes, cosigns as an
outside witness, and forges; rsm-dump has to take the first and refuse the rest."""
import base64
import hashlib
import os
import struct
import subprocess

import msgpack
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from harness import BIN, Cluster, check, main

ZONE = "@ 60 IN SOA ns1 admin 1 60 60 600 60\n@ 60 IN NS ns1\nns1 60 IN A 192.0.2.1\n"
ED25519, COSIGNATURE = 1, 4
DASH = "\u2014 "


def b64(data):
    return base64.b64encode(data).decode()


def unb64(text):
    data = base64.b64decode(text, validate=True)
    check(b64(data) == text, f"{text}: not the one spelling")
    return data


# ---- C2SP signed-note, tlog-checkpoint, tlog-cosignature ----

class Signer:
    """Anybody with a key: of a log (type 1), or a witness (type 4)."""

    def __init__(self, name, kind=ED25519, secret=None):
        self.name, self.kind, self.secret = name, kind, secret or Ed25519PrivateKey.generate()
        self.public = self.secret.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
        self.id = hashlib.sha256(name.encode() + b"\n" + bytes([kind]) + self.public).digest()[:4]

    def verifier(self):
        return f"{self.name}+{self.id.hex()}+{b64(bytes([self.kind]) + self.public)}"

    def line(self, text, seconds=1700000000):
        if self.kind == ED25519:
            said = self.secret.sign(text.encode())
        else:
            said = struct.pack(">Q", seconds) + self.secret.sign(f"cosignature/v1\ntime {seconds}\n{text}".encode())
        return f"{DASH}{self.name} {b64(self.id + said)}\n"

    def note(self, text):
        return text + "\n" + self.line(text)


def open_note(note, verifier):
    """The text of a note that this verifier has signed."""
    name, ident, key = verifier.split("+", 2)
    key = unb64(key)
    check(key[0] == ED25519 and hashlib.sha256(name.encode() + b"\n" + key).digest()[:4].hex() == ident, f"{verifier}: another id")
    cut = note.rindex("\n\n") + 1
    text, lines = note[:cut], note[cut + 1:].splitlines()
    for line in lines:
        check(line.startswith(DASH), line)
        who, said = line[len(DASH):].split(" ")
        said = unb64(said)
        if who == name and said[:4].hex() == ident:
            Ed25519PublicKey.from_public_bytes(key[1:]).verify(said[4:], text.encode())
            return text
    raise InvalidSignature(f"{name} has not signed it")


def checkpoint_text(origin, size, root):
    return f"{origin}\n{size}\n{b64(root)}\n"


def take_checkpoint(text):
    origin, size, root = text.split("\n")[:3]
    check(text == checkpoint_text(origin, int(size), unb64(root)), text)
    return origin, int(size), unb64(root)


# ---- RFC 6962 2.1, and the proofs of 2.1.1 and 2.1.2 checked by recursion, as they are defined ----

def leaf_hash(leaf):
    return hashlib.sha256(b"\0" + leaf).digest()


def node(left, right):
    return hashlib.sha256(b"\1" + left + right).digest()


def split(size):
    return 1 << (size - 1).bit_length() - 1


def tree(hashes):
    return hashes[0] if len(hashes) == 1 else node(tree(hashes[:split(len(hashes))]), tree(hashes[split(len(hashes)):]))


def root_of_path(index, size, leaf, path):
    """The root that the path leads to; the path is from the leaf up, so its end belongs to the top."""
    if size == 1:
        check(path == [], "a path that is too long")
        return leaf
    cut = split(size)
    if index < cut:
        return node(root_of_path(index, cut, leaf, path[:-1]), path[-1])
    return node(path[-1], root_of_path(index - cut, size - cut, leaf, path[:-1]))


def consistency(first, hashes, whole=True):
    """PROOF and SUBPROOF of 2.1.2."""
    size = len(hashes)
    if first == size:
        return [] if whole else [tree(hashes)]
    cut = split(size)
    if first <= cut:
        return consistency(first, hashes[:cut], whole) + [tree(hashes[cut:])]
    return consistency(first - cut, hashes[cut:], False) + [tree(hashes[:cut])]


def take_leaf(leaf):
    """Slot, log time, entry, verdicts."""
    check(leaf.startswith(b"rsm leaf v1\0"), "no leaf")
    slot, ms = struct.unpack_from(">QQ", leaf, 12)
    at, parts = 28, []
    for _ in range(2):
        size = struct.unpack_from(">Q", leaf, at)[0]
        parts.append(leaf[at + 8:at + 8 + size])
        at += 8 + size
    check(len(leaf) == at + 32, "bytes behind the leaf")
    return slot, ms, parts[0], parts[1]


class Receipt:
    """A tlog-proof, or a proof of growth, in parts."""

    def __init__(self, text):
        head, self.note = text.split("\n\n", 1)
        lines = head.split("\n")
        self.leaf = None
        if lines[0] == "c2sp.org/tlog-proof@v1":
            self.leaf = unb64(lines[1].removeprefix("extra "))
            lines = lines[2:]
        self.word, number = lines[0].split(" ")
        self.number, self.path = int(number), [unb64(line) for line in lines[1:]]

    def text(self, **changed):
        of = dict(self.__dict__, **changed)
        head = f"c2sp.org/tlog-proof@v1\nextra {b64(of['leaf'])}\n" if of["leaf"] is not None else ""
        return head + f"{of['word']} {of['number']}\n" + "".join(b64(h) + "\n" for h in of["path"]) + "\n" + of["note"]


class Bed:
    """A log of a few slots, as files; and rsm-dump on proofs that are made up here."""

    def __init__(self, cluster, name="auditor@example"):
        self.cluster, self.path = cluster, os.path.join(cluster.work, "proof")
        self.key = os.path.join(cluster.work, name + ".key")
        cluster.ctl("keygen", name, "--plain", "--out", self.key)
        self.verifier = self.dump("verifier-key", "--key", self.key).stdout.strip()

    def dump(self, *arguments, status=0):
        return self.cluster.run(f"{BIN}/rsm-dump", *arguments, status=status)

    def of(self, *arguments):
        return self.dump("--dir", self.cluster.data(1), *arguments).stdout

    def prove(self, slot, *more):
        return self.of("prove", str(slot), *(more or ("--key", self.key)))

    def write(self, text, suffix=""):
        with open(self.path + suffix, "w", encoding="utf-8", newline="") as file:
            file.write(text)
        return self.path + suffix

    def checks(self, text, *verifiers, old=None, status=0, more=()):
        options = [word for verifier in verifiers or (self.verifier,) for word in ("--verifier", verifier)]
        if old is not None:
            options += ["--old", self.write(old, ".old")]
        done = self.dump("check-proof", self.write(text), *options, *more, status=status)
        return done.stdout + done.stderr


def fill(cluster):
    cluster.ctl("zone", "create", "a.example", "-", text=ZONE)
    for i in range(1, 9):
        cluster.ctl("record", "set", "a.example", f"w{i}", "60", "A", f"192.0.2.{i}")
    cluster.ctl("zone", "create", "a.example", "-", text=ZONE, status=4)  # a refusal is in the log as well
    cluster.stop_equal()


def second_implementation():
    """What rsm-dump makes holds by itself; a witness that knows nothing of us cosigns, and its signature counts."""
    with Cluster() as cluster:
        fill(cluster)
        bed = Bed(cluster)
        note = bed.of("checkpoint", "--key", bed.key)
        origin, size, root = take_checkpoint(open_note(note, bed.verifier))
        receipts = [Receipt(bed.prove(slot)) for slot in range(1, size + 1)]
        hashes = [leaf_hash(r.leaf) for r in receipts]
        check(tree(hashes) == root, "the root is another")
        for i, r in enumerate(receipts):
            check((r.number, take_leaf(r.leaf)[0]) == (i, i + 1) and open_note(r.note, bed.verifier) == checkpoint_text(origin, size, root), f"{r.number}")
            check(root_of_path(i, size, hashes[i], r.path) == root, f"slot {i + 1}: the path leads elsewhere")
        for first in range(1, size + 1):
            check(Receipt(bed.of("consistency", str(first), "--key", bed.key)).path == consistency(first, hashes), f"growth from {first}")
        witness, unknown = Signer("witness.example/w1", COSIGNATURE), Signer("witness.example/w2", COSIGNATURE)
        text = checkpoint_text(origin, size, root)
        cosigned = bed.write(note + unknown.line(text, 5) + witness.line(text, 1700000123), ".checkpoint")
        proof = bed.prove(3, "--checkpoint", cosigned)
        for verifiers in ((witness.verifier(),), (bed.verifier,), (bed.verifier, witness.verifier()), (witness.verifier(), Signer("nobody").verifier())):
            said = bed.checks(proof, *verifiers)
            check((witness.verifier() not in verifiers) or "witnessed by witness.example/w1 at 2023-11-14T22:15:23.000Z" in said, said)
        check("signed by none of the keys" in bed.checks(proof, Signer("witness.example/w1", COSIGNATURE).verifier(), status=1), "another key of that name")
        # One bad signature of a key that is trusted spoils the note, whoever else signed it.
        other = witness.line(text.replace(origin, "another"), 1700000123)
        check("the signature of witness.example/w1 is not good" in
              bed.checks(Receipt(proof).text(note=note + other), bed.verifier, witness.verifier(), status=1), "another text was cosigned")
        late = witness.line(text, 1700000123).rstrip("\n").split(" ")
        data = bytearray(unb64(late[2]))
        data[11] += 1  # the time, which is signed as well
        check("is not good" in bed.checks(Receipt(proof).text(note=note + f"{DASH}{late[1]} {b64(bytes(data))}\n"), witness.verifier(), status=1), "another time")


def forged_receipts():
    """A table of what is no receipt, signed by the log itself wherever a signature would help."""
    with Cluster() as cluster:
        fill(cluster)
        bed = Bed(cluster)
        log = Signer("auditor@example", secret=None)
        origin, size, root = take_checkpoint(open_note(bed.of("checkpoint", "--key", bed.key), bed.verifier))
        receipts = [Receipt(bed.prove(slot)) for slot in range(1, size + 1)]
        hashes = [leaf_hash(r.leaf) for r in receipts]

        def signed(size_said=size, root_said=root, origin_said=origin):
            return log.note(checkpoint_text(origin_said, size_said, root_said))
        r = receipts[4]
        check("5 " in bed.checks(r.text(note=signed()), log.verifier()), "the signer of the table is taken")
        verdict = r.leaf.replace(b"\1", b"\2", 1)
        flipped = r.leaf[:-33] + bytes([r.leaf[-33] ^ 1]) + r.leaf[-32:]
        slot, ms, entry, _ = take_leaf(r.leaf)
        other = receipts[5].leaf
        table = [
            ("another leaf", {"leaf": other}), ("its verdict is another", {"leaf": flipped}), ("a byte of it is another", {"leaf": verdict}),
            ("no leaf", {"leaf": b"rsm leaf v1\0"}), ("the leaf of a log of another kind", {"leaf": b"x" + r.leaf[1:]}),
            ("bytes behind the leaf", {"leaf": r.leaf + b"\0"}),
            ("the neighbour's place", {"number": 5}), ("a place behind the end", {"number": size}), ("a place far behind", {"number": 2**63}),
            ("a path that is too short", {"path": r.path[:-1]}), ("no path", {"path": []}), ("a path that is too long", {"path": r.path + [root]}),
            ("its beginning is missing", {"path": r.path[1:]}), ("two nodes swapped", {"path": [r.path[1], r.path[0]] + r.path[2:]}),
            ("a node twice", {"path": [r.path[0]] + r.path}), ("the path of another leaf", {"path": receipts[5].path}),
            # The size says which shape a path has, and nothing else: sizes of the same shape are the signer's word alone.
            ("a larger tree", {"note": signed(17)}), ("a smaller tree", {"note": signed(8)}), ("a tree of nothing", {"note": signed(0)}),
            ("a tree of one", {"note": signed(1)}), ("a tree of 2^64 - 1", {"note": signed(2**64 - 1)}),
            ("another root", {"note": signed(root_said=hashes[0])}), ("the root of a shorter log", {"note": signed(root_said=tree(hashes[:-1]))}),
            ("another cluster's log", {"note": signed(origin_said="rsm/" + "0" * 32)}), ("another kind of log", {"note": signed(origin_said="example.com/log")}),
            ("an origin in capitals", {"note": signed(origin_said=origin.upper().replace("RSM/", "rsm/"))}),
            ("a checkpoint that nobody signed", {"note": checkpoint_text(origin, size, root)}),
            ("of another key under that name", {"note": Signer("auditor@example").note(checkpoint_text(origin, size, root))}),
            ("a root that is no hash", {"note": log.note(f"{origin}\n{size}\n{b64(root[:31])}\n")}),
            ("a size with a zero in front", {"note": log.note(f"{origin}\n0{size}\n{b64(root)}\n")}),
            ("lines behind the root", {"note": log.note(checkpoint_text(origin, size, root) + "more\n")}),
            ("growth, not a place", {"word": "old", "leaf": None})]
        for what, changed in table:
            said = bed.checks(r.text(**dict({"note": signed()}, **changed)), log.verifier(), status=None)
            check("finding: " in said or "--old FILE" in said, f"{what}: {said}")
        # A tree of one's own around a leaf that says another slot than its place: all hashes are right.
        for leaf, number in ((r.leaf, 0), (other, 1)):
            text = checkpoint_text(origin, 2, node(*sorted([leaf_hash(leaf), hashes[9]], key=lambda h, n=number, own=leaf_hash(leaf): (h == own) == (n == 1))))
            said = bed.checks(r.text(leaf=leaf, number=number, path=[hashes[9]], note=log.note(text)), log.verifier(), status=1)
            check("the leaf is not in the log" in said, said)
        # An entry that its author did not sign, in a tree of one's own.
        bad = bytearray(r.leaf)
        bad[r.leaf.index(entry) + len(entry) - 3] ^= 1
        chain = hashes[:4] + [leaf_hash(bytes(bad))]
        said = bed.checks(r.text(leaf=bytes(bad), path=[tree(chain[:4])], note=log.note(checkpoint_text(origin, 5, tree(chain)))), log.verifier(), status=1)
        check("finding: " in said, f"{slot} {ms}: {said}")


def forged_growth():
    with Cluster() as cluster:
        fill(cluster)
        bed = Bed(cluster)
        log, first = Signer("auditor@example"), 6
        origin, size, root = take_checkpoint(open_note(bed.of("checkpoint", "--key", bed.key), bed.verifier))
        hashes = [leaf_hash(Receipt(bed.prove(slot)).leaf) for slot in range(1, size + 1)]

        def signed(count, root_said=None, origin_said=origin, by=log):
            return by.note(checkpoint_text(origin_said, count, root_said or tree(hashes[:count])))
        grown = Receipt(bed.of("consistency", str(first), "--key", bed.key))
        good = grown.text(note=signed(size))
        check(f"of {size} slots begins with the log of {first} slots" in bed.checks(good, log.verifier(), old=signed(first)), "the good one")
        rewritten = tree([hashes[0]] * first)
        table = [
            ("a rewritten beginning", good, signed(first, rewritten)), ("an older log of another size", good, signed(first + 1)),
            ("of size 0", grown.text(note=signed(size), number=0), signed(0, hashlib.sha256(b"").digest())),
            ("an older log that is larger", grown.text(note=signed(first), number=size), signed(size)),
            ("a log that went back, with nothing to show", grown.text(note=signed(first), number=size, path=[]), signed(size)),
            ("the same size, another root", grown.text(note=signed(size, rewritten), number=size, path=[]), signed(size)),
            ("another number than the older one", grown.text(note=signed(size), number=first - 1), signed(first)),
            ("a path that is too short", grown.text(note=signed(size), path=grown.path[:-1]), signed(first)),
            ("a path that is too long", grown.text(note=signed(size), path=grown.path + [root]), signed(first)),
            ("two nodes swapped", grown.text(note=signed(size), path=[grown.path[1], grown.path[0]] + grown.path[2:]), signed(first)),
            ("another log's older checkpoint", good, signed(first, origin_said="rsm/" + "0" * 32)),
            ("an older checkpoint of another key", good, signed(first, by=Signer("auditor@example"))),
            ("an older checkpoint without a signature", good, checkpoint_text(origin, first, tree(hashes[:first]))),
            ("a new root that is another", grown.text(note=signed(size, rewritten)), signed(first))]
        for what, proof, old in table:
            said = bed.checks(proof, log.verifier(), old=old, status=1)
            check("finding: " in said, f"{what}: {said}")
        check("begins with the log of" in bed.checks(grown.text(note=signed(size), number=size, path=[]), log.verifier(), old=signed(size)), "no growth is no harm")


def every_byte():
    """A receipt, each of whose bytes was another: never taken, unless what it says in the end is the same."""
    with Cluster() as cluster:
        fill(cluster)
        bed = Bed(cluster)
        receipt = bed.prove(3).encode()
        for at in range(0, len(receipt), 5):
            changed = bytearray(receipt)
            changed[at] ^= 1 << at % 7
            with open(bed.path, "wb") as file:
                file.write(changed)
            done = bed.dump("check-proof", bed.path, "--verifier", bed.verifier, status=None)
            check(done.returncode == 1, f"byte {at} of {len(receipt)}: {done.returncode} {done.stdout}{done.stderr}")


def change_of(leaf):
    """(digest, author, counter, kind of verdict) of a slot with one command: from the verdict, and the digest from the envelope as well."""
    _, _, entry, verdicts = take_leaf(leaf)
    count, kind, _, _, counter = struct.unpack_from(">IBQIQ", verdicts)
    digest, size = verdicts[25:57], struct.unpack_from(">I", verdicts, 57)[0]
    unpacker = msgpack.Unpacker()
    unpacker.feed(entry[entry.index(b"\x97\x01\x01\xc4\x10"):])
    _, form, _, author, key, _, payload = unpacker.unpack()
    check((count, form) == (1, 1) and verdicts[61:61 + size].decode() == author, f"{count} {form} {author}")
    check(hashlib.blake2b(b"rsm digest v1\0" + payload + key, digest_size=32).digest() == digest, "the digest is not of that command")
    return digest.hex(), author, counter, {1: "applied", 2: "refused"}[kind]


def what_it_is_of():
    """A good proof of something else than the caller said is refused with a status of its own, and what it is of is said."""
    with Cluster() as cluster:
        fill(cluster)
        bed = Bed(cluster)
        origin, size, _ = take_checkpoint(open_note(bed.of("checkpoint", "--key", bed.key), bed.verifier))
        found = {}
        for slot in range(2, size + 1):
            receipt = bed.prove(slot)
            leaf = Receipt(receipt).leaf
            if b"\x97\x01\x01\xc4\x10" in take_leaf(leaf)[2]:
                found[slot] = receipt, *change_of(leaf)
        applied, refused = ([slot for slot, of in found.items() if of[4] == kind] for kind in ("applied", "refused"))
        check(len(applied) > 8 and len(refused) == 1, f"{found.keys()}")
        for slot in (applied[2], refused[0]):
            receipt, digest, author, counter, verdict = found[slot]
            for change in (digest, f"{author}/{counter}"):
                said = bed.checks(receipt, more=("--log", origin, "--slot", str(slot), "--change", change, "--verdict", verdict))
                check(f"log: {origin}, of {size} slots" in said and f"change: {digest} {verdict}" in said, said)
            said = bed.checks(receipt, more=("--json", "--log", origin[4:]))
            check(f'"log":"{origin}"' in said.replace(": ", ":") and digest in said, said)
        receipt, digest, author, counter, _ = found[applied[2]]
        other = found[applied[3]]
        table = [
            (("--log", "0" * 32), f"it is of the log {origin}, not of {'0' * 32}"), (("--log", "rsm/" + "f" * 32), "not of rsm/ffff"),
            (("--slot", str(applied[3])), f"it is of slot {applied[2]}, not of slot {applied[3]}"), (("--slot", str(2**63)), "not of slot"),
            (("--change", other[1]), f"slot {applied[2]} has no verdict of the change {other[1]}"),
            (("--change", f"{author}/{counter + 1}"), "has no verdict of the change"), (("--change", f"nobody/{counter}"), "has no verdict of the change"),
            (("--change", digest, "--verdict", "refused"), f"says of the change {digest}: applied, not refused"),
            (("--change", digest, "--verdict", "live"), "applied, not live"),
            (("--log", origin, "--slot", str(applied[2]), "--change", digest, "--verdict", "staged"), "applied, not staged")]
        for more, words in table:
            said = bed.checks(receipt, more=more, status=4)
            check("not what was expected: " in said and words in said and "change: " not in said, f"{more}: {said}")
        # A bad proof is a bad proof, whatever was expected of it; and growth is of no slot.
        said = bed.checks(Receipt(receipt).text(leaf=Receipt(other[0]).leaf), more=("--slot", "999"), status=1)
        check("the leaf is not in the log" in said, said)
        grown = bed.of("consistency", "4", "--key", bed.key)
        old = bed.of("checkpoint", "--at", "4", "--key", bed.key)
        for more in (("--slot", "4"), ("--change", digest)):
            check("is of no slot and no change" in bed.checks(grown, old=old, more=more, status=4), f"{more}")
        check("not of " in bed.checks(grown, old=old, more=("--log", "0" * 32), status=4), "the log of a proof of growth")
        bed.checks(grown, old=old, more=("--log", origin))
        for more in (("--log", "x"), ("--log", origin + "0"), ("--log", origin.upper()), ("--slot", "0"), ("--slot", "-1"), ("--slot", "one"), ("--change", digest[:-1]),
                     ("--change", "alice"), ("--change", "/3"), ("--verdict", "applied"), ("--change", digest, "--verdict", "good")):
            bed.checks(receipt, more=more, status=2)
        bed.dump("--dir", cluster.data(1), "verify", "--slot", "3", status=2)


def what_was_seen_before():
    """Whoever keeps the last checkpoint is shown no log that went back, no other history, and no older checkpoint for a newer one."""
    with Cluster() as cluster:
        fill(cluster)
        bed, other = Bed(cluster), Signer("auditor@example")
        origin, size, root = take_checkpoint(open_note(bed.of("checkpoint", "--key", bed.key), bed.verifier))
        kept = os.path.join(cluster.work, "state", "log.checkpoint")
        os.mkdir(os.path.dirname(kept), 0o700)
        state = ("--checkpoint-state", kept)

        def at(count):
            return bed.of("checkpoint", "--at", str(count), "--key", bed.key)

        def receipt_of(slot, count):
            return bed.prove(slot, "--at", str(count), "--key", bed.key)

        def growth(first, count, suffix=".growth"):
            return bed.write(bed.of("consistency", str(first), "--at", str(count), "--key", bed.key), suffix)

        def held():
            with open(kept, encoding="utf-8") as file:
                return file.read()
        said = bed.checks(receipt_of(3, 5), more=state)
        check("the log of 5 slots, the first that is seen of it" in said and held() == at(5), said)
        check(os.stat(kept).st_mode & 0o777 == 0o600 and os.listdir(os.path.dirname(kept)) == ["log.checkpoint"], "private, and alone")
        said = bed.checks(receipt_of(4, 5), more=state)
        check("kept" in said and "kept: " not in said and held() == at(5), f"the same once more: {said}")
        # A newer one has to be shown to begin with it.
        newer = receipt_of(3, 8)
        said = bed.checks(newer, more=state, status=1)
        check(f"a newer checkpoint, 8 slots where 5 were seen before" in said and "rsm-dump consistency 5 of the log of 8" in said and held() == at(5), said)
        for wrong in (growth(4, 8), growth(5, 7), bed.write("x", ".growth"), bed.write(newer, ".growth"), cluster.work + "/none"):
            said = bed.checks(newer, more=(*state, "--growth", wrong), status=1)
            check(held() == at(5), said)
        said = bed.checks(newer, more=(*state, "--growth", growth(5, 8)))
        check("the log of 8 slots, which begins with the 5 seen before" in said and held() == at(8), said)
        # An older one is taken only as the beginning of what was seen, and does not take its place.
        older = receipt_of(2, 6)
        said = bed.checks(older, more=state, status=1)
        check("an older one: a log does not shrink, 6 slots where 8 were seen before" in said, said)
        bed.checks(older, more=(*state, "--growth", growth(6, 8)))
        check(held() == at(8), "the newer one stays")
        # A proof of growth is both: the kept one is its older checkpoint.
        grown = bed.of("consistency", "8", "--at", "9", "--key", bed.key)
        said = bed.checks(grown, more=state)
        check("the log of 9 slots begins with the log of 8 slots" in said and held() == at(9), said)
        said = bed.checks(bed.of("consistency", "4", "--at", "10", "--key", bed.key), old=at(4), more=state, status=1)
        check("a newer checkpoint" in said and held() == at(9), f"growth from elsewhere: {said}")
        # Another history: the signer's own word against the signer's own word.
        hashes = [leaf_hash(Receipt(bed.prove(slot)).leaf) for slot in range(1, size + 1)]
        with open(bed.key, encoding="utf-8") as file:
            check("auditor@example" in file.read(), "the key of the forks")
        forged = hashes[:8] + [hashlib.sha256(b"rewritten").digest()]
        fork = checkpoint_text(origin, 9, tree(forged))
        log = Signer("auditor@example")
        path = [tree(forged[:8])]
        lie = Receipt(bed.prove(9)).text(leaf=Receipt(bed.prove(9)).leaf, note=log.note(checkpoint_text(origin, 9, root)), path=path)
        check("finding: " in bed.checks(lie, log.verifier(), more=state, status=1) and held() == at(9), "a lie is no proof in the first place")
        with open(kept, "w", encoding="utf-8") as file:
            file.write(log.note(fork))
        said = bed.checks(receipt_of(3, 9), bed.verifier, log.verifier(), more=state, status=1)
        check("a fork: the log of 9 slots that was seen before has another root" in said, said)
        said = bed.checks(receipt_of(3, 10), bed.verifier, log.verifier(), more=(*state, "--growth", growth(9, 10)), status=1)
        check("does not show that the log of 10 slots begins with the one of 9" in said, said)
        # Files that are not what they have to be.
        for text, verifiers, words in (
                (log.note(checkpoint_text("rsm/" + "1" * 32, 4, root)), (bed.verifier, log.verifier()), "another log's file"),
                (other.note(checkpoint_text(origin, 4, root)), (bed.verifier,), "kept checkpoint: signed by none of the keys"),
                (at(5)[:-20], (bed.verifier,), "no checkpoint: it is damaged"), ("", (bed.verifier,), "no checkpoint: it is damaged"),
                (at(5).replace("5\n", "4\n", 1), (bed.verifier,), "is not good"), ("x" * 70000, (bed.verifier,), "larger than")):
            with open(kept, "w", encoding="utf-8") as file:
                file.write(text)
            said = bed.checks(receipt_of(3, 9), *verifiers, more=state, status=1)
            check(words in said and held() == text, f"{words}: {said}")
        with open(kept, "w", encoding="utf-8") as file:
            file.write(at(9))
        os.chmod(kept, 0o666)
        check("others can write it" in bed.checks(receipt_of(3, 9), more=state, status=1), "a file of everybody's")
        os.chmod(kept, 0o600)
        check("no file" in bed.checks(receipt_of(3, 9), more=("--checkpoint-state", os.path.dirname(kept)), status=1), "a folder")
        check("No such file" in bed.checks(receipt_of(3, 9), more=("--checkpoint-state", cluster.work + "/none/x"), status=1), "no folder")
        bed.checks(receipt_of(3, 9), more=("--growth", "x"), status=2)
        makers(bed, cluster, kept, at, log, origin, forged)


def makers(bed, cluster, kept, at, log, origin, forged):
    """Who makes checkpoints and proofs from a log has it before them: what was seen has to be its beginning."""
    def held():
        with open(kept, encoding="utf-8") as file:
            return file.read()

    def make(*arguments, status=0):
        done = bed.dump("--dir", cluster.data(1), *arguments, "--checkpoint-state", kept, status=status)
        return done.stderr + done.stdout
    os.remove(kept)
    check("the first that is seen" in make("checkpoint", "--at", "4", "--key", bed.key) and held() == at(4), "first")
    check("begins with the 4 seen before" in make("prove", "3", "--at", "6", "--key", bed.key) and held() == at(6), "prove")
    check("begins with the 6 seen before" in make("consistency", "3", "--at", "8", "--key", bed.key) and held() == at(8), "consistency")
    check("kept: " not in make("checkpoint", "--at", "5", "--key", bed.key) and held() == at(8), "an older one, of the same log")
    make("checkpoint", "--at", "5", status=2)
    # Many at once: whoever has an older one does not put it in the place of a newer one. What a killed run left is no obstacle.
    os.remove(kept)
    with open(kept + ".tmp", "w", encoding="utf-8") as file:
        file.write("half a checkp")
    runs = [cluster.start(f"{BIN}/rsm-dump", "--dir", cluster.data(1), "checkpoint", "--at", str(1 + i % 8), "--key", bed.key, "--checkpoint-state", kept,
                          stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) for i in range(24)]
    check([run.wait() for run in runs] == [0] * 24 and held() == at(8) and os.listdir(os.path.dirname(kept)) == ["log.checkpoint"], f"many at once: {held()}")
    for count, words in ((9, "a fork"), (400, "it went back, or the replica is behind")):
        text = log.note(checkpoint_text(origin, count, tree(forged)))
        with open(kept, "w", encoding="utf-8") as file:
            file.write(text)
        for command in (("checkpoint", "--key", bed.key), ("prove", "3", "--key", bed.key), ("consistency", "3", "--key", bed.key)):
            said = make(*command, status=1)
            check(words in said and "tlog-proof" not in said and DASH not in said and held() == text, f"{command}: {said}")
    with open(kept, "w", encoding="utf-8") as file:
        file.write(log.note(checkpoint_text("rsm/" + "1" * 32, 4, tree(forged))))
    check("another log's file" in make("checkpoint", "--key", bed.key, status=1), "another log")


main([second_implementation, forged_receipts, forged_growth, every_byte, what_it_is_of, what_was_seen_before])
