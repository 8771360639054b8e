"""Faces and CamVid, decoded once to uint8 arrays on disk."""
