"""Pure values and rules: no os, io, time, sockets, third party."""
