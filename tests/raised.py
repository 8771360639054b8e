"""What an exception in a student's code usually means."""

import re

from grading.protocol.questions import StudentRaised
from grading.protocol.submission import MODULES

NO_MASK = "a tensor compared with None gives one bool, no mask: ignore_index may be None"
OF_A_TENSOR = (
    r"sum|any|all|to|long|int|float|double|bool|numpy|reshape|view|flatten|ravel|nonzero|shape|size|dtype|logical_\w+"
)
NOTHING = "something is None: a default such as ignore_index=None, or what a function without `return` gives"
LAZY = "a lazy layer has no parameters before its first pass: do not read or set them while the network is built"
# (classes, what the message holds, hint); the first that fits. An empty pattern fits every message.
USUAL = (
    ("NotImplementedError", "", "write it: its docstring says what is asked"),
    (
        "ModuleNotFoundError",
        r"No module named '(?!torch|numpy|PIL)[\w.]+\.(\w+)'",
        "there must be a file {0}.py beside the other modules",
    ),
    (
        "ModuleNotFoundError",
        r"No module named '([\w.]+)'",
        "{0} is not installed where this is graded: do without it, with torch, torchvision, NumPy and Pillow",
    ),
    (
        "ImportError",
        r"cannot import name|circular import|relative import",
        "what is imported must exist, and no two modules may import each other at their top",
    ),
    ("ImportError", "", "the message says what to do"),
    ("SyntaxError", "", "Python cannot read this file: look at the line, and at the one before it"),
    ("AttributeError", r"there is no (\w+) in", "define {0}, spelt like this, at the top level of the module"),
    (
        "OwnWeights",
        r"what is given: (\w+)",
        "use `{0}`, which is given: no other network is trained",
    ),
    ("URLError", "", "nothing can be downloaded here: build the network with what the function is given"),
    ("TypeError", r"mode the network gave None", "forward must end with `return`, in every branch"),
    (
        "TypeError",
        r"in train mode the network gave a (\w+)",
        "in train mode too the network gives the scores alone, one Tensor and not a {0}: switch auxiliary heads off "
        "(`aux_logits = False`)",
    ),
    ("TypeError", r"mode the network gave a (\w+)", "return a Tensor, as the signature says, not a {0}"),
    (
        "TypeError",
        r"tuple indices must be integers or slices, not str",
        "`encoder.channels` holds five numbers, those of x1 to x5 in this order",
    ),
    ("TypeError", r"returned None", "it must end with `return`, in every branch"),
    ("TypeError", r"\ban? (\w+) in place of an? (\w+)", "return a {1}, as the signature says, not a {0}"),
    ("TypeError", r"answered with", "the dtype or kind of what is returned is not the one that the docstring names"),
    ("TypeError", r"must be Tensor, not bool|got \((?:Tensor, )?bool\b", NO_MASK),
    ("AttributeError", rf"'bool' object has no attribute '(?:{OF_A_TENSOR})'", NO_MASK),
    ("TypeError", "NoneType", NOTHING),
    ("AttributeError", "'NoneType' object", NOTHING),
    (
        "RuntimeError",
        r"bincount only supports 1-d",
        "bincount takes one axis, and nothing below 0: flatten; `tensor != None` is no mask: as an index it adds an "
        "axis",
    ),
    ("TypeError", r"(?:positional|keyword) argument", "keep the signature of the stub, and call others by theirs"),
    ("TypeError", r"0-d tensor", "any number of axes is allowed, none too: do not loop over the first one"),
    ("ValueError", r"unpack", "any number of axes is allowed: do not unpack a fixed number of sides"),
    (
        "AttributeError",
        r"no attribute '(?:in|out)_features'",
        "the last nn.Linear is the head: other layers may follow it",
    ),
    (
        "Exception",
        r"Tensor Image\. Got <class 'PIL|Tensor Image$|(?:support|implemented for) PIL|'Image' object has no",
        "an error inside the transform that was returned: a PIL picture where a tensor is needed: ToTensor comes first",
    ),
    (
        "TypeError",
        r"should be PIL Image or ndarray\. Got <class 'torch",
        "an error inside the transform that was returned: a tensor where a PIL picture is needed: convert once",
    ),
    (
        "TypeError",
        r"numpy\.ndarray",
        "an error inside the transform that was returned: a NumPy array where a PIL picture or a tensor is needed",
    ),
    (
        "TypeError",
        r"should be a float tensor",
        "values are whole numbers where floats in [0, 1] are needed: ToDtype(torch.float32, scale=True) comes first",
    ),
    (
        "TypeError",
        r"Only torch\.uint8 image tensors",
        "values are floats where whole numbers are needed: this step comes before ToTensor",
    ),
    (
        "ValueError",
        r"shapes differ",
        "all results have one shape: what changes the size, such as expand=True, comes before Resize or the crop",
    ),
    (
        "AttributeError",
        r"'PyramidEncoder' object has no attribute '(\w+)'",
        "an encoder need have no {0}: use `encoder(images)` and `encoder.channels` alone",
    ),
    (
        "AttributeError",
        r"object has no attribute",
        "it is of another kind than you think: are arguments in their order?",
    ),
    ("ValueError", r"no convolutional classifier", "choose a CNN by its torchvision name, such as 'vgg16'"),
    ("ValueError", r"at least 75 x 75", "choose a classifier that takes images of 64 x 64"),
    (
        "ValueError",
        r"more than 1 value per channel",
        "batch normalisation in train mode needs two images or more: run a trial pass of your own in eval mode",
    ),
    ("ValueError", r"uninitialized parameter", LAZY),
    ("RuntimeError", r"uninitialized parameter", LAZY),
    ("ValueError", r"more than one parameter group", "each parameter belongs into the optimizer once"),
    ("ValueError", r"larger than|exceed", "a picture may be 64 px small and of any aspect: resize before you crop"),
    ("KeyError", "", "that key is not in the dict: not every label has a rule, and encoders answer with a dict"),
    ("ZeroDivisionError", "", "nothing to divide by: an input in which no pixel counts is allowed"),
    ("StatisticsError", "", "nothing to average: an input in which no pixel counts is allowed"),
    (
        "IndexError",
        r"0-dim|tuple index|Dimension out of range|Dimension specified",
        "any number of axes is allowed, none too: [...] indexes all, and reshape(-1) gives one",
    ),
    (
        "IndexError",
        r"shape of the mask|too many indices|indexing tensors could not be broadcast",
        "uint8 indexes as a mask, not by number: index with labels.long()",
    ),
    (
        "IndexError",
        r"index -?\d+ is out of bounds",
        "an index out of range: look at the smallest and the largest that can occur, in a table of labels 0 and 255",
    ),
    ("IndexError", "", "an index out of range: look at the smallest and the largest that can occur, negative ones too"),
    ("RuntimeError", r"view size is not compatible", "a tensor may be a view of other memory: reshape, do not view"),
    (
        "RuntimeError",
        r"numel\(\) == 0|aminmax|size 0|input of size 0|empty",
        "an input without pixels that count is allowed",
    ),
    ("ValueError", r"size 0|empty", "an input without pixels that count is allowed"),
    (
        "RuntimeError",
        r"invalid for input of size",
        "other sizes than it was written for occur too: bincount, say, needs minlength",
    ),
    (
        "RuntimeError",
        r"channels|running_mean should contain",
        "channel counts do not fit: read them from `encoder.channels`, or from the layer that is replaced, not from a "
        "known network",
    ),
    (
        "RuntimeError",
        r"must match the size.*dimension 1\b",
        "dimension 1 differs, in a network the channels: bring one map to those of the other, say by a 1x1 convolution",
    ),
    (
        "RuntimeError",
        r"Kernel size can't be greater",
        "a map may have 2 x 2 cells, as x5 of an image of 64 x 64 has: pad a convolution by half its kernel",
    ),
    (
        "RuntimeError",
        r"shapes cannot be multiplied \(\d+x\d+ and (4096|9216|25088|2048|1024|512)x",
        "the networks of the tests are thin, {0} is a width of the large one: read in_features from the layer that is "
        "replaced",
    ),
    (
        "RuntimeError",
        r"shapes cannot be multiplied",
        "a layer before this Linear is missing, or its in_features are not those of what comes in",
    ),
    (
        "RuntimeError",
        r"must match the size|match except in dimension|[Ss]izes of tensors",
        "two maps differ in size: upsample one to the other's height and width",
    ),
    (
        "RuntimeError",
        r"dtype|scalar type|but got: double|float != double",
        "do not convert: stay in the dtype that comes in",
    ),
    ("RuntimeError", r"does not require grad", "no gradient can flow: something is detached, frozen or under no_grad"),
    ("RuntimeError", r"leaf [Vv]ariable|in-?place", "do not change in place what a gradient is computed from"),
    (
        "NameError",
        r"name '(?:Float32|Float64|Int64|Integer)' is not defined",
        "keep `from __future__ import annotations` as the first line of code: types of tensors are not there at run "
        "time",
    ),
    (
        "NameError",
        "",
        "a name is used before it is set: a spelling, a missing import, or a branch that does not set it",
    ),
    ("AssertionError", "", "your own assertion does not hold: look at what it compares"),
    ("UnboundLocalError", "", "a name is used before it is set: in some branch it is not"),
    ("RecursionError", "", "it calls itself without end"),
    ("SystemExit", "", "student code must not end the program: return, or raise ValueError"),
)
OWN_CHECK = "your own check refuses an input that the docstring allows"
OTHERWISE = "an error that was not asked for: the last line above that is yours says where"


def usual_meaning(error: StudentRaised) -> str:
    """A hint from the classes and the message of an exception, and where it was raised."""
    if hint := _sibling_import(error):
        return hint
    for kind, pattern, hint in USUAL:
        found = re.search(pattern, error.message)
        if kind in error.kinds and found:
            return hint.format(*found.groups())
    return OWN_CHECK if raised_by_hand(error) else OTHERWISE


def raised_by_hand(error: StudentRaised) -> bool:
    """Whether the student's own code raised it, by `raise` or `assert`."""
    return bool(error.frames) and re.search(r": (raise|assert)\b", error.frames[-1]) is not None


def _sibling_import(error: StudentRaised) -> str:
    """How to import another module of the package, where the dot is missing."""
    found = re.search(r"No module named '(\w+)'", error.message)
    if "ModuleNotFoundError" not in error.kinds or not found or found[1] not in MODULES:
        return ""
    name, line = found[1], error.frames[-1] if error.frames else ""
    if names := re.search(rf": from {name} import (\w[\w, ]*)$", line):
        return f"write `from .{name} import {names[1]}`, with a dot: the modules are one package"
    if alias := re.search(rf": import {name}( as \w+)?$", line):
        return f"write `from . import {name}{alias[1] or ''}`: the modules are one package"
    return f"write `from .{name} import ...`, with a dot: the modules are one package"
