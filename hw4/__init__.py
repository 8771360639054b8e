"""Your implementation: fill in the functions of each module until `pytest` passes.

Types of tensors name the dtype and the shape: `Float32[Tensor, "images 3 height width"]` is a float32 tensor of four
axes, the second of length 3. `Integer` is any dtype of whole numbers, and `"*shape"` is any number of axes. Axes with
the same name in a signature have the same length; a space before a name means nothing. Only readers and type checkers
use these types: nothing checks them when the program runs, and their library, jaxtyping, need not be installed. Keep
`from __future__ import annotations` as the first line of code in each file that has it.
"""
