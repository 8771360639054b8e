"""How long things take: `python -m benchmarks NAME`. Anything of `grading` may be measured; nothing imports this."""
