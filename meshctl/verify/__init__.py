"""Real processes on loopback, backends and load: what the demo and the tests prove their claims with.

Imports nothing: `python -m meshctl.verify.backend` passes through here and must start fast.
"""
