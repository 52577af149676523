"""A chemistry worker with functions that misbehave on request."""

import os
import sys
import time

from core.chemistry import worker


def sleep(seconds):
    time.sleep(seconds)
    return seconds


def eat(megabytes):
    return len(bytearray(megabytes << 20))


def modules():
    return sorted(sys.modules)


def chatter(text):
    sys.stdout.write(text)  # as a library might
    sys.stdout.flush()
    os.write(1, text.encode())
    return text


if __name__ == "__main__":
    odd = {function.__name__: function for function in (sleep, eat, modules, chatter)}
    worker.serve({**worker.FUNCTIONS, **odd})
