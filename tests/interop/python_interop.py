#!/usr/bin/env python3
"""Python's json and msgpack and our codecs read what the other writes.

usage: python_interop.py TRANSCODE
"""
import datetime
import json
import math
import random
import struct
import subprocess
import sys

import msgpack

VALUES = 3000
REFUSED = 2**32 - 1


def transcode(program, source, target, messages):
    """What the program makes of each message: bytes, or the text of a refusal."""
    frames = b"".join(struct.pack(">I", len(message)) + message for message in messages)
    run = subprocess.run([program, source, target], input=frames, stdout=subprocess.PIPE, check=True, timeout=60)
    results, at = [], 0
    while at < len(run.stdout):
        (size,) = struct.unpack_from(">I", run.stdout, at)
        at += 4
        refused = size == REFUSED
        if refused:
            (size,) = struct.unpack_from(">I", run.stdout, at)
            at += 4
        content = run.stdout[at : at + size]
        results.append(content.decode() if refused else content)
        at += size
    assert len(results) == len(messages), (len(results), len(messages))
    return results


def same(a, b):
    """Equal in type and sign, too; 1 is not 1.0 is not True."""
    if type(a) is not type(b):
        return False
    if isinstance(a, float):
        return a == b and math.copysign(1, a) == math.copysign(1, b)
    if isinstance(a, list):
        return len(a) == len(b) and all(map(same, a, b))
    if isinstance(a, dict):
        return list(a) == list(b) and all(same(a[name], b[name]) for name in a)
    return a == b


# ---- values ----


def any_text(rng):
    alphabets = ("abc", "\"\\/\b\f\n\r\t\x00\x1f\x7f", "äß€\u2028\ufeff", "\U0001f338\U0010ffff\ue000\ud7ff")
    return "".join(rng.choice(rng.choice(alphabets)) for _ in range(rng.choice((0, 1, 5, 31, 32, 255, 256, 300))))


def any_integer(rng):
    bits = rng.randrange(64)
    edge = rng.choice((0, -1, 1, 2**bits - 1, -(2**bits), rng.getrandbits(bits + 1), -rng.getrandbits(bits + 1)))
    return max(-(2**63), min(2**63 - 1, edge))


def any_float(rng):
    pattern = struct.unpack(">d", struct.pack(">Q", rng.getrandbits(64)))[0]
    if not math.isfinite(pattern):
        pattern = 0.5
    single = struct.unpack(">f", struct.pack(">f", rng.uniform(-1e9, 1e9)))[0]
    return rng.choice((pattern, single, round(rng.uniform(-100, 100), rng.randrange(6)), 5.0, -0.0, 5e-324, 1.7e308))


def any_value(rng, depth=0):
    kind = rng.randrange(5 if depth > 3 else 7)
    if kind == 0:
        return rng.choice((None, True, False))
    if kind == 1:
        return any_integer(rng)
    if kind in (2, 3):
        return any_float(rng)
    if kind == 4:
        return any_text(rng)
    if kind == 5:
        return [any_value(rng, depth + 1) for _ in range(rng.choice((0, 1, 3, 15, 16, 20)))]
    # U+0000 stands in no name, in any of our codecs.
    return {any_text(rng).replace("\0", ""): any_value(rng, depth + 1) for _ in range(rng.choice((0, 1, 3, 16)))}


# ---- how Python writes ----


def python_json(value, rng):
    text = json.dumps(
        value,
        ensure_ascii=rng.choice((True, False)),
        indent=rng.choice((None, 2)),
        separators=rng.choice((None, (",", ":"))),
    )
    return text.encode()


def python_msgpack(value, _rng):
    return msgpack.packb(value, use_bin_type=True)


def read_json(content):
    return json.loads(content.decode())


def read_msgpack(content):
    return msgpack.unpackb(content, raw=False)


# ---- the tests ----


def check_values(program):
    rng = random.Random(4711)
    values = [any_value(rng) for _ in range(VALUES)]
    writers = {"json": python_json, "msgpack": python_msgpack}
    readers = {"json": read_json, "msgpack": read_msgpack}
    for source, write in writers.items():
        messages = [write(value, rng) for value in values]
        for target, read in readers.items():
            for value, result in zip(values, transcode(program, source, target, messages)):
                assert isinstance(result, bytes), (source, target, value, result)
                assert same(read(result), value), (source, target, value, result)
                if target == "msgpack":
                    assert len(result) <= len(python_msgpack(value, rng)), ("not the shortest", value, result)


def check_single_floats(program):
    """What another implementation writes as float32, and what it reads of ours."""
    rng = random.Random(4712)
    values = [struct.unpack(">f", struct.pack(">f", rng.uniform(-1e30, 1e30)))[0] for _ in range(VALUES)]
    messages = [msgpack.packb(value, use_single_float=True) for value in values]
    for value, message, result in zip(values, messages, transcode(program, "msgpack", "msgpack", messages)):
        assert result == message and same(read_msgpack(result), value), (value, message, result)


def check_binary(program):
    values = [b"", b"\xff\x00", bytes(range(256)), [b"a", "a"]]
    messages = [msgpack.packb(value, use_bin_type=True) for value in values]
    assert transcode(program, "msgpack", "msgpack", messages) == messages
    for refusal in transcode(program, "msgpack", "json", messages):
        assert refusal == "JSON has no binary values", refusal


def check_refusals(program):
    """What Python writes and msp_value does not hold."""
    now = datetime.datetime(2024, 2, 29, tzinfo=datetime.timezone.utc)
    cases = [
        ("json", b"NaN", "invalid token"),
        ("json", json.dumps(float("inf")).encode(), "invalid token"),
        ("json", json.dumps(2**63).encode(), "integer out of range"),
        ("json", json.dumps("x").encode("utf-16"), "UTF-16"),
        ("json", '{"a": 1, "a": 2}'.encode(), "the same member name twice"),
        ("msgpack", msgpack.packb(float("nan")), "NaN"),
        ("msgpack", msgpack.packb(float("-inf")), "infinity"),
        ("msgpack", msgpack.packb(2**63), "integer out of range"),
        ("msgpack", msgpack.packb(2**64 - 1), "integer out of range"),
        ("msgpack", msgpack.packb(now, datetime=True), "timestamps are not supported"),
        ("msgpack", msgpack.packb(msgpack.ExtType(5, b"abc")), "extension types are not supported"),
        ("msgpack", msgpack.packb({1: 2}), "a member name is no string"),
        ("msgpack", msgpack.packb({b"a": 2}, use_bin_type=True), "a member name is no string"),
        ("msgpack", msgpack.packb(b"\xff", use_bin_type=False), "a string is not UTF-8"),
        ("msgpack", msgpack.packb("x") + msgpack.packb("y"), "nothing may follow"),
    ]
    for source, message, reason in cases:
        (result,) = transcode(program, source, "msgpack", [message])
        assert isinstance(result, str) and reason in result, (source, message, result)


def main():
    program = sys.argv[1]
    for check in (check_values, check_single_floats, check_binary, check_refusals):
        check(program)
        print(check.__name__, "ok")


if __name__ == "__main__":
    main()
