"""`tlsresume exporter`: probes on demand for Prometheus, by its `/probe?target=&module=`."""
