"""The benchmark of socket-warp against the tunnels that a user would pick instead. Entry: ``Benchmarks/run``."""
