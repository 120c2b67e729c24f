"""Saying in facts and in words what a run, bundle or other artefact is."""
