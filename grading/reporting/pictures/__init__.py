"""Figures for the pages that people read, made from plain results and from the evidence beside a journal."""
