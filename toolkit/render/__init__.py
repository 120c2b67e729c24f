"""Turning figures into text, tables, HTML and SVG."""
