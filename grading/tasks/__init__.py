"""The two tasks of the homework, outside of the sandbox: their data, their labels and the secret rules of controls."""
