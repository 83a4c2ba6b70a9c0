#!/usr/bin/env python3
"""Round trips of approvals over the sockets of a real gateway.

    cargo build --release && python3 benches/approvals/run.py target/release/tollgate

Starts a gateway in a folder of its own (beside the program, so that the ledger
is on a disk; --home says another), asks as `tollgate exec` does and answers over
the approvers' socket. Prints medians and 90th percentiles in microseconds.
Nothing is run by it: only grants are asked for.
"""

import argparse
import json
import multiprocessing
import os
import socket
import subprocess
import tempfile
import time


class Wire:
    """Lines of JSON over a socket."""

    def __init__(self, path):
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.connect(path)
        self.rest = b""

    def send(self, line):
        self.socket.sendall(json.dumps(line).encode() + b"\n")

    def next(self):
        while b"\n" not in self.rest:
            got = self.socket.recv(1 << 16)
            if not got:
                raise SystemExit("the gateway has closed the connection")
            self.rest += got
        line, self.rest = self.rest.split(b"\n", 1)
        return json.loads(line)

    def until(self, name, value):
        while True:
            line = self.next()
            if line.get(name) == value:
                return line
            if line.get("status") == "denied" or line.get("type") == "error":
                raise SystemExit(f"expected {value}: {line}")


def percentile(times, part):
    return sorted(times)[int(len(times) * part)] * 1e6


def show(what, times):
    print(f"{what:34} {percentile(times, 0.5):8.0f} {percentile(times, 0.9):8.0f}")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("program")
    parser.add_argument("--rounds", type=int, default=50)
    parser.add_argument("--home")
    parser.add_argument("--pace", type=float, default=1.1, help="seconds between questions")
    options = parser.parse_args()
    program = os.path.abspath(options.program)
    beside = options.home or os.path.dirname(program)
    with tempfile.TemporaryDirectory(dir=beside) as home:
        os.chmod(home, 0o700)
        with open(f"{home}/tollgate.toml", "w") as config:
            config.write('[server]\nbind = "127.0.0.1:0"\n')
        os.chmod(f"{home}/tollgate.toml", 0o600)
        environment = {"TOLLGATE_HOME": home, "HOME": home, "PATH": os.environ["PATH"]}
        gateway = subprocess.Popen(
            [program, "serve"], env=environment, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
        )
        try:
            while b"listening" not in gateway.stdout.readline():
                pass
            measure(home, options, gateway.pid)
        finally:
            gateway.terminate()
            gateway.wait()


def measure(home, options, pid):
    """The asker is a process of its own: nobody answers what they ask themselves."""
    ours, theirs = multiprocessing.Pipe()
    asker = multiprocessing.Process(target=ask, args=(home, options, theirs), daemon=True)
    asker.start()
    folder = os.path.dirname(json.load(open(f"{home}/exec-approvals.json"))["socket"]["path"])
    approver = Wire(os.path.join(home, folder, "exec-approvers.sock"))
    approver.send({"token": open(f"{home}/operator.token").read().strip()})
    approver.until("type", "hello")
    print(f"gateway {pid}; microseconds{'':14} median     90 %")
    show("allowed by tier", received(ours))
    pending, granted, whole = [], [], []
    for _ in range(options.rounds):
        asked, put, id = received(ours)
        approver.until("id", id)
        # Until everybody has gone to sleep again.
        time.sleep(options.pace)
        said = time.perf_counter()
        approver.send({"id": id, "decision": "allow-once", "confirm": id})
        done = received(ours)
        pending.append(put - asked)
        granted.append(done - said)
        whole.append(put - asked + done - said)
    show("question to pending", pending)
    show("answer to grant", granted)
    show("both", whole)


def received(pipe):
    if not pipe.poll(20):
        raise SystemExit("nothing happens")
    return pipe.recv()


def ask(home, options, pipe):
    """Asks what its tier allows, then what a person has to."""
    rules = json.load(open(f"{home}/exec-approvals.json"))
    wire = Wire(os.path.join(home, rules["socket"]["path"]))

    def put(number, argv):
        request = {"argv": argv, "cwd": "/tmp", "nonce": f"{number:032x}"}
        wire.send({"token": rules["socket"]["token"], "id": str(number), "request": request})

    allowed = []
    for number in range(options.rounds * 4):
        began = time.perf_counter()
        put(number, ["/bin/ls", "-la"])
        wire.until("status", "allowed")
        if number >= options.rounds:
            allowed.append(time.perf_counter() - began)
    pipe.send(allowed)
    for number in range(options.rounds):
        began = time.perf_counter()
        put(10_000 + number, ["rm", "-rf", f"./build-{number}"])
        waits = wire.until("status", "pending")
        pipe.send((began, time.perf_counter(), waits["approvalId"]))
        answer = wire.until("status", "allowed")
        done = time.perf_counter()
        assert answer["grant"], answer
        pipe.send(done)


main()
