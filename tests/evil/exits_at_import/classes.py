"""Ends the process, with success, as soon as it is imported."""

import os

os._exit(0)
