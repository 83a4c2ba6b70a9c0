#!/usr/bin/env python3
"""The same prose through this scanner and those that are installed, in one run.

    just bench-scan            # or: crates/scan/benches/compare.py [FILE]

Processor time, user and system, of one thread each: ripgrep with a hundred of
the literals that the rules begin with, Kingfisher and detect-secrets as whole
processes with all their rules and nothing validated, this scanner without its
start. What is not installed is left out and said so.
"""
import os
import re
import resource
import shutil
import subprocess
import sys
import tempfile
import tomllib

HERE = os.path.dirname(os.path.abspath(__file__))
BENCH = ["cargo", "bench", "--quiet", "-p", "tollgate-scan", "--bench", "speed"]


def literals(count):
    """The first literals of the rules for forms: what a prefilter looks for."""
    with open(os.path.join(HERE, "../rules/formats.toml"), "rb") as file:
        rules = tomllib.load(file)["rule"]
    words = dict.fromkeys(word for rule in rules for word in rule["literals"])
    return [word for word in words if len(word) >= 4][:count]


def spent(command):
    """Processor seconds of a command; its output is dropped."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    done = subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    if done.returncode > 2 and done.returncode not in (200, 205):
        raise SystemExit(f"{command[0]} ended with {done.returncode}: {done.stderr.decode()[-500:]}")
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def row(name, size, seconds):
    print(f"{name:44} {seconds:8.3f} s {size / seconds / 1e6:9.1f} MB/s")


def others(path, part, folder):
    size = os.path.getsize(path)
    words = os.path.join(folder, "literals")
    with open(words, "w", encoding="utf-8") as file:
        file.write("\n".join(literals(100)) + "\n")
    yield "rg", "ripgrep -F, 100 literals", size, lambda program: [
        program, "--threads=1", "--count", "--fixed-strings", "--ignore-case", f"--file={words}", path]
    yield "rg", "ripgrep -F, 100 literals, as they are written", size, lambda program: [
        program, "--threads=1", "--count", "--fixed-strings", f"--file={words}", path]
    yield "kingfisher", "Kingfisher", size, lambda program: [
        program, "scan", "--no-validate", "--jobs=1", "--no-update-check", "--format=json", path]
    yield "detect-secrets", "detect-secrets, on the first MiB", os.path.getsize(part), lambda program: [
        program, "scan", "--no-verify", "--all-files", part]


def main():
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.abspath(sys.argv[1]) if len(sys.argv) > 1 else os.path.join(folder, "prose.txt")
        if len(sys.argv) == 1:
            subprocess.run(BENCH, env=dict(os.environ, SCAN_WRITE=path), check=True)
        part = os.path.join(folder, "part.txt")
        with open(path, "rb") as source, open(part, "wb") as target:
            target.write(source.read(1 << 20))
        ours = subprocess.run(BENCH + ["--", "outbound prose"], env=dict(os.environ, SCAN_PROSE=path),
                              check=True, capture_output=True, text=True).stdout
        for name, speed in re.findall(r"^(outbound.*?)\s{2,}.*?([\d.]+) MB/s$", ours, re.MULTILINE):
            size = os.path.getsize(path)
            row(f"this scanner, {name}", size, size / float(speed) / 1e6)
        for program, name, size, command in others(path, part, folder):
            found = shutil.which(program)
            if found is None:
                print(f"{name:44} `{program}` is not installed")
                continue
            # Twice: the first run may fill a cache of its own.
            spent(command(found))
            row(name, size, spent(command(found)))


if __name__ == "__main__":
    main()
