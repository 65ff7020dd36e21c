#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Stands in for qemu-system-x86_64 on the PATH of a test: boots the same machine with one more
first process (wrong_init.c), waits in QEMU's debugger stub until that one knows where the kernel's
symbols are, patches the kernel's memory as WRONG_ORDERS says, and lets go.

Orders, one a line (see wrong_kernels.list):
    return SYMBOL VALUE            the function does nothing and returns the value
    data SYMBOL BYTES VALUE        a variable of 1, 2, 4 or 8 bytes
    code SYMBOL FIND -> PUT        bytes in hexadecimal; ?? matches any, and is kept in PUT;
                                   FIND must be there exactly once
    skip SYMBOL CALLEE             the function's calls of the other are not made
    dump SYMBOL FILE               the function's bytes, for whoever writes a patch
    argument TEXT                  added to the kernel's command line
    freeze PATH, answer ...        passed on to wrong_init
What was done goes to WRONG_LOG, a line "patched N" when everything was."""
import os
import re
import socket
import struct
import subprocess
import sys
import time

QEMU = os.environ["WRONG_QEMU"]
INIT = os.environ["WRONG_INIT"]
ORDERS = os.environ["WRONG_ORDERS"]
SCRATCH = os.environ["WRONG_SCRATCH"]
SYMBOL = struct.Struct("<64sQQQ")  # struct symbol of wrong_init.c
CHUNK_BYTES = 1024


class Stub:
    """GDB's remote protocol, as far as it is needed."""

    def __init__(self, path):
        self.socket = socket.socket(socket.AF_UNIX)
        for _ in range(600):
            try:
                self.socket.connect(path)
                return
            except OSError:
                time.sleep(0.05)
        raise OSError("QEMU opened no debugger port")

    def byte(self):
        got = self.socket.recv(1)
        if not got:
            raise OSError("QEMU is gone")
        return got

    def reply(self):
        while self.byte() != b"$":
            pass
        text = b""
        while (byte := self.byte()) != b"#":
            text += byte
        self.byte(), self.byte()
        self.socket.sendall(b"+")
        return text.decode()

    def ask(self, text):
        self.socket.sendall(b"$%s#%02x" % (text.encode(), sum(text.encode()) & 255))
        return self.reply()

    def must(self, text):
        if (answer := self.ask(text)) != "OK":
            raise ValueError(f"{text[:40]}: {answer}")

    def read(self, address, size):
        whole = b""
        while len(whole) < size:
            part = min(CHUNK_BYTES, size - len(whole))
            whole += bytes.fromhex(self.ask(f"m{address + len(whole):x},{part:x}"))
        return whole

    def write(self, address, data):
        self.must(f"M{address:x},{len(data):x}:{data.hex()}")


def pattern(words):
    return re.compile(b"".join(b"." if w == "??" else re.escape(bytes.fromhex(w)) for w in words),
                      re.DOTALL)


def patch_code(stub, start, code, text):
    find, put = (half.split() for half in text.split("->"))
    if len(find) != len(put):
        raise ValueError(f"{text}: the two sides differ in length")
    hits = [m.start() for m in pattern(find).finditer(code)]
    if len(hits) != 1:
        raise ValueError(f"{text}: found {len(hits)} times")
    old = code[hits[0]:hits[0] + len(put)]
    new = bytes(o if w == "??" else int(w, 16) for o, w in zip(old, put))
    stub.write(start + hits[0], new)


def skip_calls(stub, start, code, callee):
    calls = [i for i in range(len(code) - 4) if code[i] == 0xE8 and
             start + i + 5 + struct.unpack_from("<i", code, i + 1)[0] == callee]
    if not calls:
        raise ValueError("no such call")
    for call in calls:
        stub.write(start + call, b"\x0f\x1f\x44\x00\x00")


def named(order):
    """The symbols that an order speaks of."""
    words = order.split()
    return words[1:3] if words[0] == "skip" else words[1:2]


def obey(stub, order, symbols):
    word, name, rest = (order.split(None, 2) + [""])[:3]
    for symbol in named(order):
        if symbols[symbol][2] != 1:
            raise ValueError(f"{symbol}: {symbols[symbol][2]} symbols of this name")
    start, end, _ = symbols[name]
    if word == "return":  # endbr64; mov eax or rax, VALUE; ret - over the tracer's five bytes
        value = int(rest, 0)
        # As short as can be: what the kernel patches itself (static keys) must stay as it was.
        load = (b"\xb8" + struct.pack("<I", value) if 0 <= value < 1 << 32 else
                b"\x48\xb8" + struct.pack("<q", value))
        stub.write(start, b"\xf3\x0f\x1e\xfa" + load + b"\xc3")
    elif word == "data":
        size, value = rest.split()
        stub.write(start, int(value, 0).to_bytes(int(size), "little"))
    elif word == "code":
        patch_code(stub, start, stub.read(start, end - start), rest)
    elif word == "skip":
        skip_calls(stub, start, stub.read(start, end - start), symbols[rest][0])
    elif word == "dump":
        with open(rest, "wb") as file:
            file.write(struct.pack("<Q", start) + stub.read(start, end - start))


def all_named(orders):
    return list(dict.fromkeys(name for order in orders for name in named(order)))


def elf_symbol(name):
    table = subprocess.run(["nm", INIT], check=True, capture_output=True, text=True).stdout
    return int(re.search(rf"^(\w+) \w {name}$", table, re.MULTILINE)[1], 16)


def debug(path, orders):
    stub = Stub(path)
    place = elf_symbol("wrong_ready")
    stub.must(f"Z1,{place:x},1")
    stub.ask("c")  # answers when the breakpoint is reached
    table = stub.read(elf_symbol("wrong_symbols"), SYMBOL.size * len(all_named(orders)))
    symbols = {n.rstrip(b"\0").decode(): rest for n, *rest in SYMBOL.iter_unpack(table)}
    try:
        for order in orders:
            obey(stub, order, symbols)
    except ValueError:
        stub.socket.sendall(b"$k#6b")  # no healthy kernel is to be taken for a wrong one
        raise
    stub.must(f"z1,{place:x},1")
    stub.must("D")


def member(name, data, mode):
    """One member of a cpio archive ("newc")."""
    fields = (0, mode, 0, 0, 1, 0, len(data), 0, 0, 0, 0, len(name) + 1, 0)
    head = b"070701" + b"".join(b"%08x" % f for f in fields) + name.encode() + b"\0"
    return head + b"\0" * (-len(head) % 4) + data + b"\0" * (-len(data) % 4)


def add_to_initramfs(path, text):
    with open(INIT, "rb") as file:
        program = file.read()
    extra = (member("wrong", b"", 0o40755) + member("wrong/init", program, 0o100755) +
             member("wrong/orders", text.encode(), 0o100644) + member("TRAILER!!!", b"", 0))
    with open(path, "r+b") as file:  # the kernel unpacks one archive after the other
        file.seek(0, os.SEEK_END)
        file.write(b"\0" * (-file.tell() % 512) + extra)


def main():
    with open(ORDERS, encoding="ascii") as file:
        orders = [line.strip() for line in file if line.strip()]
    inside = [o for o in orders if o.split()[0] in ("freeze", "answer")]
    words = [o.split(None, 1)[1] for o in orders if o.split()[0] == "argument"]
    patches = [o for o in orders if o.split()[0] not in ("argument", "freeze", "answer")]
    symbols = [f"symbol {name}" for name in all_named(patches)]
    arguments = sys.argv[1:]
    if "-incoming" in arguments:  # a clone: what was patched comes with its memory
        os.execv(QEMU, [QEMU] + arguments)
    add_to_initramfs(arguments[arguments.index("-initrd") + 1],
                     "".join(line + "\n" for line in symbols + inside))
    arguments[arguments.index("-append") + 1] += " ".join(["", *words, "rdinit=/wrong/init"])
    port = f"{SCRATCH}/debugger"
    if os.path.exists(port):
        os.unlink(port)
    if os.fork() != 0:
        # This process is the one that the harness watches and ends.
        os.execv(QEMU, [QEMU] + arguments + ["-S", "-gdb", f"unix:{port},server=on,wait=off"])
    log = os.open(f"{SCRATCH}/log", os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o644)
    for descriptor in (0, 1, 2):
        os.dup2(log, descriptor)
    debug(port, patches)
    os.write(1, b"patched %d\n" % len(patches))


main()
