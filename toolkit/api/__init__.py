"""The Python interface: what `import hemotk` offers, and what the commands call.

Paths may be strings. Functions that take long show a bar; `progress=False` leaves it out, and a function of the form of
`hemotk.progress.Tell` is called instead. Wrong use and bad input end in a `HemotkError`.
"""
