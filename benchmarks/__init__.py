"""The bench: does a quantized model still match its float parent, in accuracy and in time?"""
