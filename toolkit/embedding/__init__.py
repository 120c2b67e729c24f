"""For an app of one's own: how a bundle is fed, code that does it, and a check of what the app makes of it."""
