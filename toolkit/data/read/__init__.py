"""Reading one picture file into the bytes that a network sees."""
