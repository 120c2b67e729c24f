"""Keeping the layers that int8 costs most in float32."""
