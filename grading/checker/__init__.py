"""The tests of the tests: correct modules in many styles, which they must accept, and wrong ones."""
