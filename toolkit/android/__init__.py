"""The Android app with one or several bundles in its assets, as a Gradle project."""

from hemotk.android.app import ASSETS, SOURCES, AndroidApp, AppOptions, app_folder, app_sources, make_app

__all__ = ["ASSETS", "SOURCES", "AndroidApp", "AppOptions", "app_folder", "app_sources", "make_app"]
