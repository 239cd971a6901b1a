"""The least that a function in Python is."""

import runtime

runtime.run(lambda event: {"hello": "world"})
