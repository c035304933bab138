"""A minimal zygote: the floor of an isolated, killable run of a Python callable.

A single-threaded server, warmed with the job modules, forks one child per request. Requests come in over a
unix socketpair as `ref due\n` lines; exits go back as `ref pid status\n` lines. The scheduler half sleeps to the due
instant on a heap and writes all requests that are due in one send. Pre-armed, it sends them early: the children
are forked before the instant, park until it, and only wake up at it. PARTS zygotes share the work.
"""

import gc
import os
import select
import signal
import socket
import sys
import time


def park(due):
    while (left := due - time.time()) > 0:
        time.sleep(left)


def server(sock, resolve):
    """Fork per request, reap through a wake-up fd, answer `ref pid status`."""
    r, w = os.pipe()
    os.set_blocking(w, False)
    os.set_blocking(r, False)
    signal.set_wakeup_fd(w)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    gc.collect()
    gc.freeze()
    gc.disable()
    live, buf = {}, b""
    poll = select.poll()
    poll.register(sock, select.POLLIN)
    poll.register(r, select.POLLIN)
    while True:
        for fd, _ in poll.poll():
            if fd == r:
                try:
                    os.read(r, 4096)
                except BlockingIOError:
                    pass
                out = b""
                while live:
                    pid, status = os.waitpid(-1, os.WNOHANG)
                    if not pid:
                        break
                    out += b"%s %d %d\n" % (live.pop(pid), pid, status)
                if out:
                    sock.sendall(out)
            else:
                data = sock.recv(65536)
                if not data:
                    return
                *refs, buf = (buf + data).split(b"\n")
                for line in refs:
                    ref, _, due = line.partition(b" ")
                    pid = os.fork()
                    if pid == 0:
                        try:
                            fn = resolve(ref.decode())
                            if due:
                                park(float(due))
                            fn()
                            os._exit(0)
                        except BaseException:
                            os._exit(1)
                    live[pid] = ref


def start(resolve, warm=()):
    """Returns (pid, socket) of a zygote forked from this process."""
    ours, theirs = socket.socketpair()
    pid = os.fork()
    if pid == 0:
        ours.close()
        for ref in warm:
            resolve(ref)
        server(theirs, resolve)
        os._exit(0)
    theirs.close()
    return pid, ours


def serve_schedule(jobs, resolve, ready, parts=1, prearm=0.0):
    """jobs: [id, (sec, minute, hour, day, month), ref] at one instant each, within a year; runs them, then idles.

    prearm: seconds per job of a batch by which its children are forked before the instant (0: at the instant).
    """
    import calendar
    import collections

    year = time.gmtime().tm_year
    socks = [start(resolve, [ref for *_, ref in jobs])[1] for _ in range(parts)]
    batches = collections.defaultdict(list)
    for _, (sec, m, h, day, mon), ref in jobs:
        due = calendar.timegm((year, int(mon), int(day), int(h), int(m), int(sec)))
        if due < time.time() - 60:
            due = calendar.timegm((year + 1, int(mon), int(day), int(h), int(m), int(sec)))
        batches[due].append(ref)
    heap = sorted(
        (due - prearm * len(refs) - (0.05 if prearm else 0), due, refs) for due, refs in batches.items()
    )
    ready()
    while True:
        timeout = heap[0][0] - time.time() if heap else 3600
        if timeout <= 0:
            _, due, refs = heap.pop(0)
            for k, sock in enumerate(socks):
                tail = f" {due}\n" if prearm else "\n"
                sock.sendall("".join(ref + tail for ref in refs[k::parts]).encode())
            continue
        for sock in select.select(socks, [], [], timeout)[0]:
            if not sock.recv(65536):
                sys.exit("zygote died")
