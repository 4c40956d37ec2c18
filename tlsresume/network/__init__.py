"""The only code with sockets and a clock: resolve, dial, pump a transport's connection."""
