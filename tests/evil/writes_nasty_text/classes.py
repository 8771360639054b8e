"""Two megabytes of what a terminal obeys and no file takes, in messages, names of classes, and on standard error."""

import sys

NASTY = "\x1b[2J\x1b]0;owned\x07 \x00 \ud800 \udcfc \u202e \u2066 \u200b \ufffe ]]> & <script> "
Nasty = type("\x1b[2J\u202e", (ValueError,), {})


def reduce_classes(labels, mapping, *, ignore_index=255):
    sys.stderr.buffer.write(NASTY.encode("utf-8", "surrogatepass") * 100)
    raise Nasty(NASTY * 2**15)
