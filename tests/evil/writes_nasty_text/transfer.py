"""The same in a training."""

import sys

NASTY = "\x1b[2J\x1b]0;owned\x07 \x00 \ud800 \udcfc \u202e \u2066 \u200b \ufffe ]]> & <script> "
Nasty = type("\x1b[2J\u202e", (ValueError,), {})


def build_case(case, alexnet, num_classes=2):
    sys.stderr.buffer.write(NASTY.encode("utf-8", "surrogatepass") * 100)
    raise Nasty(NASTY * 2**15)
