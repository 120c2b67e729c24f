"""Network families: shapes in plain numbers, builders in tf_keras."""
