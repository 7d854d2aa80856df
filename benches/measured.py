"""What a program takes: for the scripts beside it."""

import os, subprocess, time


def measured(command):
    """Runs a command that must succeed; returns seconds, seconds of processor time, and peak MiB."""
    started = time.time()
    child = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(child.pid, 0)
    assert status == 0, f"{command} failed"
    return time.time() - started, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024
