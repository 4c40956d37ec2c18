"""`tlsresume capture`: what really happened to sessions, from captured packets.

    inputs, pcap, pcapng, merge   files and streams into packets in the order of time
    links, dissect                a packet into TCP segments and UDP datagrams
    tcp, tls_flow, quic_flow      those into connections, put together from both directions
    seen                          what one connection showed; a line of jsonl and csv
    tally, key_names, limits      connections counted by server, client and program, bounded
    sample                        the newest connections of a server, for the checks of tickets
    checks, catalogue             findings on those counts and samples, and their texts
    report, demands, render_*     the report, what is demanded of it, its formats
    command, command_run          the command line (of the layer `cli`)

No socket and no sniffing: packets come from files and from the standard input.
"""
