"""Real servers on loopback, for the tests, the demo and the benchmarks: git over HTTP, and scripted HTTP answers."""
