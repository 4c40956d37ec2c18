"""`tlsresume watch`: ticket keys over time, whole: sampling, history, findings, pages, command."""
