"""Showing a bench report: terminal, HTML, Markdown, JUnit, CSV."""
